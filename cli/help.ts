/**
 * The help of every command, made from the command tree.
 * @module
 */
import type { Argument, Command, Flag } from "./command.ts";
import type { CommandTree } from "./parse.ts";

/** How help looks. */
export interface HelpOptions {
  /** Columns. @default 80 */
  readonly columns?: number;
  /** Makes a heading of a word. @default As it is */
  readonly bold?: (text: string) => string;
}

/** What sluice is for. */
export const ABOUT =
  "sluice turns stacks of images into volumes, and proves that nothing is missing.";

/** The help of sluice as a whole. */
export function treeHelp(tree: CommandTree, { columns = 80, bold = plain }: HelpOptions): string {
  return [
    ABOUT,
    "",
    bold("Usage"),
    "  sluice COMMAND …",
    "",
    bold("Commands"),
    ...table(tree.commands.map(({ name, summary }) => [name, summary]), columns),
    "",
    ...(tree.programs.length === 0 ? [] : [
      bold("In place of other programs, with their own flags"),
      ...table(tree.programs.map(({ name, summary }) => [name, summary]), columns),
      "",
    ]),
    bold("Example"),
    `  ${tree.commands[0].examples[0].line}`,
    "",
    'See "sluice help COMMAND" for its flags and examples.',
  ].join("\n");
}

/** The help of one command. */
export function commandHelp(
  command: Command,
  tree: CommandTree,
  { columns = 80, bold = plain }: HelpOptions,
): string {
  const { summary, details = [], flags, examples } = command;
  const words = wordsOf(command);
  const groups = groupFlags([...flags, ...tree.everywhere]);
  return [
    ...wrap(`${summary}.`, columns),
    "",
    bold("Usage"),
    ...usagesOf(command).map((usage) =>
      `  sluice ${usage.join(" ")}${flags.length > 0 ? " [FLAGS]" : ""}`
    ),
    ...details.flatMap((text) => ["", ...wrap(text, columns)]),
    ...(words.length === 0 ? [] : [
      "",
      bold("Arguments"),
      ...table(words.map((word) => [word.name.toUpperCase(), explain(word)]), columns),
    ]),
    ...[...groups].flatMap(([title, flags]) => [
      "",
      bold(title),
      ...table(flags.map((flag) => [spell(flag), explain(flag)]), columns),
    ]),
    "",
    bold(examples.length > 1 ? "Examples" : "Example"),
    ...examples.flatMap(({ line, what }) => [`  # ${what}`, `  ${line}`]),
  ].join("\n");
}

/** Every way to write a command, without its flags. */
export function usagesOf({ name, arguments: words, boss }: Command): string[][] {
  return [words, ...(boss === undefined ? [] : [boss.arguments])].map((words) => [
    name,
    ...words.map(usageOf),
  ]);
}

/** The arguments of a command in all of its forms. */
export function wordsOf({ arguments: words, boss }: Command): readonly Argument[] {
  return [...words, ...boss?.arguments ?? []];
}

/** Flags by the heading they stand under. */
export function groupFlags(flags: readonly Flag[]): Map<string, Flag[]> {
  return Map.groupBy(flags, ({ group = "Flags" }) => group);
}

/** An argument in a line of usage. */
export function usageOf({ name, many, optional }: Argument): string {
  const word = `${name === "job" ? "JOB|TARGET" : name.toUpperCase()}${many ? "…" : ""}`;
  return optional === true ? `[${word}]` : word;
}

/** A flag as it is typed, with its value. */
export function spell(
  { name, short, value }: Flag,
  { bold = plain, italic = plain }: {
    readonly bold?: (text: string) => string;
    readonly italic?: (text: string) => string;
  } = {},
): string {
  const dash = short === undefined ? "" : `${bold(`-${short}`)}, `;
  return `${dash}${bold(`--${name}`)}${value === undefined ? "" : ` ${italic(value)}`}`;
}

/** What a flag or an argument means, which values it has, and what holds without it. */
export function explain(
  { help, choices, default: without }: Pick<Flag, "help" | "choices" | "default">,
): string {
  return [
    help,
    ...(choices === undefined ? [] : [`one of ${choices.join(", ")}`]),
    ...(without === undefined ? [] : [`default: ${without}`]),
  ].join("; ");
}

/** Two columns; what is too long on the left gets a line of its own. */
function table(rows: readonly (readonly [string, string])[], columns: number): string[] {
  const fits = rows.map(([left]) => left.length).filter((length) => length <= 24);
  const indent = Math.max(0, ...fits) + 4;
  return rows.flatMap(([left, right]) => {
    const lines = wrap(right, Math.max(30, columns - indent)).map((line) =>
      `${" ".repeat(indent)}${line}`
    );
    return left.length + 4 > indent
      ? [`  ${left}`, ...lines]
      : [`  ${left.padEnd(indent - 2)}${lines[0].slice(indent)}`, ...lines.slice(1)];
  });
}

/** Lines of whole words; a word that is longer than a line gets one of its own. */
export function wrap(text: string, columns: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1)!;
    if (line === "") lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= columns) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function plain(text: string): string {
  return text;
}
