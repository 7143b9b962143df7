/** Runs the executable as on a node of a cluster: alone, with an empty environment. */
import { join } from "node:path";
import { type Outcome, outcome } from "./_process.ts";

/** Where a program finds others, and nothing else. */
export const BARE: Readonly<Record<string, string>> = { PATH: "/bin:/usr/bin" };

/** Every program of others that the executable starts; the later runs take `id` and `ls` alone. */
export const NEEDED = [
  "date",
  "gzip",
  "id",
  "ln",
  "ls",
  "mkdir",
  "mv",
  "readlink",
  "rm",
  "sleep",
  "tail",
  "tar",
  "uname",
] as const;

/** How it is run. */
export interface AloneOptions {
  readonly cwd?: string;
  /** All of its environment. @default {@linkcode BARE} */
  readonly env?: Readonly<Record<string, string>>;
  /** A command that runs the command that follows it, such as `unshare -n`. */
  readonly through?: readonly string[];
  readonly stdin?: Deno.CommandOptions["stdin"];
}

/** Starts `words` with an environment that holds `env` and nothing else. */
export function startAlone(
  words: readonly string[],
  { cwd, env = BARE, through = [], stdin = "null" }: AloneOptions = {},
): Deno.ChildProcess {
  const [command, ...args] = [...through, ...words];
  return new Deno.Command(command, {
    args,
    cwd,
    env: { ...env },
    clearEnv: true,
    stdin,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Runs `words` to their end. */
export async function runAlone(
  words: readonly string[],
  options: AloneOptions = {},
): Promise<Outcome> {
  return outcome(await startAlone(words, options).output());
}

/** Makes a folder that holds the programs the executable needs, and nothing else: a value for PATH. */
export async function bareFolder(folder: string): Promise<string> {
  await Deno.mkdir(folder);
  for (const name of NEEDED) {
    const { stdout } = await runAlone(["/bin/sh", "-c", `command -v ${name}`]);
    await Deno.symlink(stdout.trim(), join(folder, name));
  }
  return folder;
}

/** What runs a command with no network, or with mounts of its own; undefined where this machine forbids it. */
export async function unshare(what: "net" | "mount"): Promise<readonly string[] | undefined> {
  const words = ["unshare", ...(Deno.uid() === 0 ? [] : ["--map-root-user"]), `--${what}`];
  try {
    const { success } = await new Deno.Command(words[0], {
      args: [...words.slice(1), "true"],
      stdout: "null",
      stderr: "null",
    }).output();
    return success ? words : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Waits until a condition holds. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what: string,
  milliseconds = 20_000,
): Promise<void> {
  for (const end = Date.now() + milliseconds; Date.now() < end;) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`Waited in vain until ${what}`);
}

/** Names in a folder; none where there is no folder. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
