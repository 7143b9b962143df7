/** Runs other programs. */

/**
 * Runs a program to its end; `deno` is the one that runs this.
 * @returns What it printed.
 * @throws {Error} If it ends with another code than 0: with what it said.
 */
export async function run(
  [command, ...args]: readonly string[],
  { cwd }: { readonly cwd?: string } = {},
): Promise<string> {
  const { success, code, stdout, stderr } = await new Deno.Command(
    command === "deno" ? Deno.execPath() : command,
    { args, ...(cwd === undefined ? {} : { cwd }), env: { NO_COLOR: "1" }, stdin: "null" },
  ).output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  throw new Error(
    `Cannot run "${[command, ...args].join(" ")}": it ended with ${code}: ${
      decoder.decode(stderr).trim()
    }`,
  );
}
