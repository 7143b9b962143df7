/**
 * `sluice completions`.
 * @module
 */
import { type Context, EXIT } from "../command.ts";
import { TREE } from "../commands.ts";
import { completionShells } from "../completions/shells.ts";
import { valueOf } from "../job_options.ts";
import { type Call, CallError } from "../parse.ts";

/** Prints the script of a shell, or the jobs that such a script offers. */
export async function run({ words, flags }: Call, { output }: Context): Promise<number> {
  if (flags.has("jobs")) {
    const { listJobs } = await import("../completions/_jobs.ts");
    const jobs = await listJobs(valueOf(flags, "ledger"));
    output.report(jobs, jobs.map(({ job, what }) => `${job}\t${what}`).join("\n"));
    return EXIT.done;
  }
  const shell = words.get("shell")?.[0];
  const load = shell === undefined ? undefined : completionShells.get(shell);
  if (load === undefined) {
    throw new CallError(
      `Cannot run "completions" without SHELL: name one of ${
        [...completionShells.keys()].join(", ")
      }`,
      "completions",
    );
  }
  const script = (await load())(TREE);
  output.report({ shell, script }, script.trimEnd());
  return EXIT.done;
}
