/**
 * From the command line to an exit code.
 * @module
 */
import { messageOf, SluiceError, UsageError } from "../core/errors.ts";
import { EXIT, InterruptedError } from "./command.ts";
import { TREE } from "./commands.ts";
import { findDropIn } from "./drop_in/programs.ts";
import { Output } from "./output.ts";
import { CallError, parseCall } from "./parse.ts";

/**
 * Runs sluice.
 * @param words The command line without the program.
 * @returns The exit code: 0 done; 1 failed, or tasks left dead; 2 usage; 3 done, with named losses; 130 interrupted.
 */
export async function main(words: readonly string[]): Promise<number> {
  const program = findDropIn(words[0]);
  if (program !== undefined) return await (await program.load()).run(words.slice(1));
  let call: Awaited<ReturnType<typeof parseCall>> | undefined;
  let output = new Output({ json: words.includes("--json"), verbose: words.includes("--verbose") });
  try {
    call = await parseCall(words, TREE);
    const has = (name: string) => call!.flags.has(name);
    output = new Output({ json: has("json"), quiet: has("quiet"), verbose: has("verbose") });
    return await dispatch(call, output);
  } catch (error) {
    return fail(error, call?.command?.name, output);
  }
}

async function dispatch(
  call: Awaited<ReturnType<typeof parseCall>>,
  output: Output,
): Promise<number> {
  if (call.flags.has("version")) {
    const { versionReport, versionText } = await import("./version.ts");
    const report = await versionReport();
    output.report(report, () => versionText(report));
    return EXIT.done;
  }
  if (call.command === undefined || call.flags.has("help")) {
    const { printHelp } = await import("./commands/help.ts");
    const group = call.command === undefined ? call.group : undefined;
    if (!call.flags.has("help")) throw nothingToRun(group);
    printHelp(call.command, output, group);
    return EXIT.done;
  }
  const { setBuckets } = await import("./buckets.ts");
  await setBuckets(call.flags);
  const { run } = await call.command.run();
  return await run(call, { output });
}

function nothingToRun(group: string | undefined): CallError {
  const names = TREE.commands.map(({ name }) => name).filter((name) =>
    name.startsWith(`${group} `)
  );
  return new CallError(
    group === undefined
      ? "Cannot run sluice without a command, such as `sluice ingest`"
      : `Cannot run "${group}" alone: write ${
        names.map((name) => `"sluice ${name}"`).join(" or ")
      }`,
    group,
  );
}

/** One line for what a person can mend; the stack with --verbose alone. */
function fail(error: unknown, command: string | undefined, output: Output): number {
  const [first, ...rest] = messageOf(error).split("\n");
  const isKnown = error instanceof SluiceError;
  output.warn([`sluice: ${first}`, ...rest].join("\n"));
  if (error instanceof UsageError) {
    const name = error instanceof CallError ? error.command : command;
    if (!first.includes("did you mean")) {
      output.warn(`See "sluice ${name === undefined ? "" : `${name} `}--help"`);
    }
  } else if (!isKnown && !output.verbose) output.warn("Run it with --verbose to see where");
  if (output.verbose && error instanceof Error) output.warn(stackOf(error));
  if (output.json) {
    const name = error instanceof Error ? error.name : "Error";
    output.report({ error: { name, message: messageOf(error) } }, "");
  }
  if (error instanceof InterruptedError) return EXIT.interrupted;
  return error instanceof UsageError ? EXIT.usage : EXIT.failed;
}

/** The stack of an error and of what caused it. */
function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\nCaused by: ${stackOf(error.cause)}` : "";
  return `${error.stack ?? error.message}${cause}`;
}
