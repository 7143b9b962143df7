/** A whole command, timed. */
import { watchMemory } from "./_memory.ts";

/** What a command took. */
export interface Measured {
  /** From its start to its end. */
  readonly seconds: number;
  /** Largest resident memory of the process and its children, in bytes. */
  readonly peak: number;
  /** What it printed. */
  readonly stdout: string;
}

/** Runs a command to its end. @throws {Error} If it fails, with what it said. */
export async function measure(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Measured> {
  const begun = performance.now();
  const child = new Deno.Command(command, {
    args: [...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1", ...env },
  }).spawn();
  const output = child.output();
  let seconds = 0;
  output.then(() => seconds = (performance.now() - begun) / 1000);
  const peak = await watchMemory(child.pid, output);
  const { code, stdout, stderr } = await output;
  if (code !== 0) {
    throw new Error(
      `${command} ${args.join(" ")} ended with ${code}\n${new TextDecoder().decode(stderr)}`,
    );
  }
  return { seconds, peak, stdout: new TextDecoder().decode(stdout) };
}

/** The one in the middle. */
export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
}
