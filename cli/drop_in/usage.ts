/**
 * The help of a program, laid out as argparse lays it out.
 * @module
 */
import { wrap } from "../help.ts";
import { type Grammar, type Option, optionsOf, spellingsOf } from "./args.ts";

/** Columns of a terminal of 80, as argparse uses them. */
const WIDTH = 78;
/** Where the words on a flag begin at the latest. */
const COLUMN = 24;

/** What is printed where a command line makes no sense. */
export function usageOf(grammar: Grammar): string {
  const { program, positional } = grammar;
  const flags = optionsOf(grammar).map((option) => `[${spellingsOf(option)[0]}${valueOf(option)}]`);
  const word = positional.optional ? `[${positional.name}]` : positional.name;
  const line = ["usage:", program, ...flags, word].join(" ");
  if (line.length <= WIDTH) return line;
  const indent = " ".repeat(`usage: ${program} `.length);
  return [
    ...fill([`usage: ${program}`, ...flags], indent),
    `${indent}${word}`,
  ].join("\n");
}

/** What `--help` prints. */
export function helpOf(grammar: Grammar): string {
  const { description, epilog, positional, ownOptions = [] } = grammar;
  const describe = (option: Option) =>
    entry(spellingsOf(option).map((one) => `${one}${valueOf(option)}`).join(", "), option.help);
  return [
    usageOf(grammar),
    "",
    ...wrap(description, WIDTH),
    "",
    "positional arguments:",
    ...entry(positional.name, positional.help),
    "",
    "options:",
    ...optionsOf(grammar).flatMap(describe),
    ...(ownOptions.length === 0
      ? []
      : ["", "options of sluice alone:", ...ownOptions.flatMap(describe)]),
    ...(epilog === undefined ? [] : ["", ...wrap(epilog, WIDTH)]),
  ].join("\n");
}

/** What stands for the value of a flag. */
function valueOf({ long, kind }: Option): string {
  return kind === "flag" ? "" : ` ${long.toUpperCase().replaceAll("-", "_")}`;
}

function entry(name: string, help: string): string[] {
  const lines = wrap(help, WIDTH - COLUMN).map((line) => `${" ".repeat(COLUMN)}${line}`);
  const left = `  ${name}`;
  return left.length + 2 > COLUMN
    ? [left, ...lines]
    : [`${left.padEnd(COLUMN)}${lines[0].slice(COLUMN)}`, ...lines.slice(1)];
}

/** Lines of whole parts, those after the first set in. */
function fill(parts: readonly string[], indent: string): string[] {
  const lines = [parts[0]];
  for (const part of parts.slice(1)) {
    const line = `${lines.at(-1)} ${part}`;
    if (line.length > WIDTH) lines.push(`${indent}${part}`);
    else lines[lines.length - 1] = line;
  }
  return lines;
}
