/** Runs the command line as a process of its own, as people do. */
import { fileURLToPath } from "node:url";

/** Permissions of the documented command. */
export const FLAGS = [
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--allow-sys",
  "--unstable-worker-options",
  "--no-prompt",
];

/** The program and its first words, before those of sluice. */
export type Program = readonly [path: string, ...words: string[]];

/** Sluice from the sources, with some more permissions than the documented command. */
export function fromSource(...flags: readonly string[]): Program {
  const cli = fileURLToPath(new URL("../cli.ts", import.meta.url));
  return [Deno.execPath(), "run", ...FLAGS, ...flags, cli];
}

/** Starts `sluice ARGS…`; what it prints is kept. */
export function start(
  args: readonly string[],
  env: Record<string, string> = {},
  [path, ...words]: Program = fromSource(),
): Running {
  const child = new Deno.Command(path, {
    args: [...words, ...args],
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  return { child, pid: child.pid, output: child.output() };
}

/** A process that runs. */
export interface Running {
  readonly child: Deno.ChildProcess;
  readonly pid: number;
  readonly output: Promise<Deno.CommandOutput>;
}

/** Runs `sluice ARGS…` to its end. */
export async function run(
  args: readonly string[],
  env: Record<string, string> = {},
  program?: Program,
): Promise<Outcome> {
  return outcome(await start(args, env, program).output);
}

/** How a process ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a process ended, as text. */
export function outcome({ code, stdout, stderr }: Deno.CommandOutput): Outcome {
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Runs it, and throws what it printed if it ends with another code than expected. */
export async function expectCode(
  code: number,
  args: readonly string[],
  env: Record<string, string> = {},
  program?: Program,
): Promise<Outcome> {
  const ended = await run(args, env, program);
  if (ended.code !== code) {
    throw new Error(
      `\`sluice ${
        args.join(" ")
      }\` ended with ${ended.code}, not ${code}:\n${ended.stdout}\n${ended.stderr}`,
    );
  }
  return ended;
}
