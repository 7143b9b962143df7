/**
 * `sluice help`.
 * @module
 */
import { type Command, type Context, EXIT } from "../command.ts";
import { TREE } from "../commands.ts";
import { findDropIn } from "../drop_in/programs.ts";
import { commandHelp, treeHelp } from "../help.ts";
import type { Output } from "../output.ts";
import { type Call, parseCall } from "../parse.ts";

/** Prints the help of a command, or of all. */
export async function run({ words }: Call, { output }: Context): Promise<number> {
  const program = findDropIn(words.get("command")?.[0]);
  if (program !== undefined) {
    const text = (await program.load()).help();
    output.report({ name: program.name, summary: program.summary, text }, text);
    return EXIT.done;
  }
  const call = await parseCall([...words.get("command") ?? [], "--help"], TREE);
  printHelp(call.command, output, call.command === undefined ? call.group : undefined);
  return EXIT.done;
}

/** Prints the help of a command, of all whose names begin with a word, or of sluice as a whole. */
export function printHelp(
  command: Command | undefined,
  output: Output,
  group?: string,
): void {
  const options = { columns: helpColumns(), bold: (text: string) => output.bold(text) };
  const tree = group === undefined ? TREE : {
    ...TREE,
    programs: [],
    commands: TREE.commands.filter(({ name }) => name.startsWith(`${group} `)),
  };
  output.report(
    command ?? tree,
    () => command === undefined ? treeHelp(tree, options) : commandHelp(command, TREE, options),
  );
}

/** As wide as the terminal, within reason; 80 where there is none. */
function helpColumns(): number {
  if (!Deno.stdout.isTerminal()) return 80;
  try {
    return Math.max(60, Math.min(100, Deno.consoleSize().columns || 80));
  } catch {
    return 80;
  }
}
