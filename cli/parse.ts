/**
 * From words to a call of a command.
 *
 * `node:util` parseArgs does the splitting: an empty script takes 20 to 31 ms to start, with parseArgs 32 ms, with the
 * smallest framework 64 ms. Nothing is loaded here that a call without mistakes does not use.
 * @module
 */
import { parseArgs } from "node:util";
import { UsageError } from "../core/errors.ts";
import { BOSS_SIGNS, type Command, type Flag } from "./command.ts";
import type { DropIn } from "./drop_in/programs.ts";

/** A command, with what was said after its name. */
export interface Call {
  readonly command: Command;
  /** Words by the name of the argument; absent ones have no entry. */
  readonly words: ReadonlyMap<string, readonly string[]>;
  /** Values by the name of the flag; `true` for those that have none. */
  readonly flags: ReadonlyMap<string, string | true>;
}

/** A command line that cannot be understood: what is wrong, and whose help says more. */
export class CallError extends UsageError {
  constructor(message: string, readonly command?: string) {
    super(message);
  }
}

/** The commands, and the flags that every one of them has. */
export interface CommandTree {
  readonly commands: readonly Command[];
  readonly everywhere: readonly Flag[];
  /** Programs in whose place sluice can be called; what is behind their names is theirs alone. */
  readonly programs: readonly DropIn[];
}

/**
 * Understands a command line.
 * @returns The call; or, where no command is named, the flags alone, with the first word of commands of several.
 * @throws {CallError} If a command or flag is unknown, or a value is absent, not one of the choices, or too much.
 */
export async function parseCall(
  words: readonly string[],
  tree: CommandTree,
): Promise<
  Call | {
    readonly command?: undefined;
    readonly group?: string;
    readonly flags: Call["flags"];
  }
> {
  // Flags that may stand before the name of the command have no value, so the first other word is the name.
  const at = words.findIndex((word) => !word.startsWith("-"));
  if (at < 0) return { flags: (await readFlags(words, tree.everywhere, tree, undefined)).flags };
  const command = findCommand(words.slice(at), tree);
  if (command === undefined) {
    const group = tree.commands.some(({ name }) => name.startsWith(`${words[at]} `));
    const rest = words.toSpliced(at, 1);
    if (group && rest.every((word) => word.startsWith("-"))) {
      const { flags } = await readFlags(rest, tree.everywhere, tree, undefined);
      return { group: words[at], flags };
    }
    throw await unknownCommand(words[at], group ? words[at + 1] : undefined, tree);
  }
  const { flags, rest } = await readFlags(
    words.toSpliced(at, command.name.split(" ").length),
    [...command.flags, ...tree.everywhere],
    tree,
    command,
  );
  if (flags.has("help")) return { command, flags, words: new Map() };
  const form = chooseForm(command, rest, flags);
  const placed = placeWords(form, rest, flags);
  for (const { name, choices } of form.arguments) {
    for (const word of placed.get(name) ?? []) {
      if (choices === undefined || choices.includes(word)) continue;
      throw await wrongChoice(`"${word}" as ${label(name)}`, word, choices, command);
    }
  }
  return { command: form, flags, words: placed };
}

/** The form of a command that is meant; it has no flag of the other one. */
function chooseForm(
  command: Command,
  words: readonly string[],
  flags: ReadonlyMap<string, string | true>,
): Command {
  const { boss, flags: all, name } = command;
  if (boss === undefined) return command;
  const isBoss = BOSS_SIGNS.some((sign) => flags.has(sign)) || /\.json$/i.test(words[0] ?? "");
  const other = isBoss ? "ledger" : "boss";
  const stray = all.find((flag) => flag.form === other && flags.has(flag.name));
  if (stray === undefined) return isBoss ? { ...command, ...boss } : command;
  throw new CallError(
    isBoss
      ? `Cannot use --${stray.name} with a job of a Boss: it is for jobs of a ledger; leave it out`
      : `Cannot use --${stray.name} with a job of a ledger: it is for jobs of a Boss; name a configuration of the Boss, whose name ends with .json, or give ${
        signsOf(command).map((sign) => `--${sign}`).join(" or ")
      }`,
    name,
  );
}

function signsOf({ flags }: Command): readonly string[] {
  return BOSS_SIGNS.filter((sign) => flags.some(({ name }) => name === sign));
}

/** The command whose name the first words are; of `ledger` and `ledger init` the longer. */
function findCommand(words: readonly string[], { commands }: CommandTree): Command | undefined {
  return commands.filter(({ name }) =>
    name.split(" ").every((part, position) => words[position] === part)
  ).sort((a, b) => b.name.length - a.name.length)[0];
}

async function unknownCommand(
  first: string,
  second: string | undefined,
  { commands, programs }: CommandTree,
): Promise<CallError> {
  const [{ didYouMean }, { COMMAND_NAMES }] = await loadHelpers();
  const before = second === undefined ? "" : `${first} `;
  const words = [...commands, ...programs].filter(({ name }) => name.startsWith(before))
    .map(({ name }) => name.slice(before.length).split(" ")[0]);
  const hint = didYouMean(second ?? first, new Set(words), {
    otherNames: COMMAND_NAMES,
    write: (word) => `"sluice ${before}${word}"`,
  });
  return new CallError(
    `Cannot run "${before}${second ?? first}": there is no such command${hint}`,
  );
}

async function readFlags(
  words: readonly string[],
  known: readonly Flag[],
  tree: CommandTree,
  command: Command | undefined,
): Promise<{ flags: Map<string, string | true>; rest: string[] }> {
  const { tokens } = parseArgs({
    args: [...words],
    strict: false,
    tokens: true,
    allowPositionals: true,
    options: Object.fromEntries(
      known.map(({ name, short, value }) => [
        name,
        {
          type: value === undefined ? "boolean" as const : "string" as const,
          ...(short === undefined ? {} : { short }),
        },
      ]),
    ),
  });
  const flags = new Map<string, string | true>();
  const rest: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") rest.push(token.value);
    if (token.kind !== "option") continue;
    // A short flag that is unknown comes with a name of one letter, which may be that of a long one.
    const flag = known.find(({ name, short }) =>
      token.rawName.startsWith("--") ? name === token.name : short === token.rawName.slice(1)
    );
    if (flag === undefined) throw await unknownFlag(token.rawName, known, tree, command);
    const value = valueOf(flag, token, command);
    if (flag.many && flags.has(flag.name)) {
      flags.set(flag.name, `${flags.get(flag.name)}\n${value}`);
      continue;
    }
    if (flags.has(flag.name) && flags.get(flag.name) !== value) {
      const both = flag.secret ? "" : `: "${flags.get(flag.name)}" and "${value}"`;
      throw new CallError(
        `Cannot use --${flag.name} twice${both}; keep one`,
        command?.name,
      );
    }
    if (flag.choices !== undefined && !flag.choices.includes(String(value))) {
      throw await wrongChoice(`--${flag.name} ${value}`, String(value), flag.choices, command);
    }
    flags.set(flag.name, value);
  }
  return { flags, rest };
}

function valueOf(
  flag: Flag,
  { value, inlineValue }: { readonly value?: string; readonly inlineValue?: boolean },
  command: Command | undefined,
): string | true {
  if (flag.value === undefined) {
    if (value === undefined) return true;
    throw new CallError(
      `Cannot use --${flag.name}=${value}: the flag has no value; write --${flag.name}`,
      command?.name,
    );
  }
  // `--window -100:200` is a value, `--chunk --json` is a value forgotten.
  if (value === undefined || (!inlineValue && /^-(?![\d.])/.test(value)) || value === "") {
    throw new CallError(
      `Cannot use --${flag.name} without a value: write --${flag.name} ${flag.value}`,
      command?.name,
    );
  }
  return value;
}

async function unknownFlag(
  raw: string,
  known: readonly Flag[],
  tree: CommandTree,
  command: Command | undefined,
): Promise<CallError> {
  const name = raw.replace(/^-+/, "");
  const isLong = raw.startsWith("--");
  const owners = tree.commands.filter(({ flags }) =>
    isLong && flags.some((flag) => flag.name === name)
  );
  const [{ didYouMean }, { FLAG_NAMES }] = await loadHelpers();
  const names = known.map((flag) => flag.name);
  const hint = owners.length > 0
    ? `; it is a flag of ${owners.map((owner) => `"${owner.name}"`).join(", ")}`
    : didYouMean(name, isLong ? names : names.filter((known) => known === name), {
      otherNames: FLAG_NAMES,
      write: (near) => `--${near}`,
    });
  return new CallError(
    `Cannot use ${raw}${
      command === undefined ? "" : ` with "${command.name}"`
    }: there is no such flag${hint}`,
    command?.name,
  );
}

async function wrongChoice(
  use: string,
  word: string,
  choices: readonly string[],
  command: Command | undefined,
): Promise<CallError> {
  const [{ didYouMean }] = await loadHelpers();
  return new CallError(
    `Cannot use ${use}: it is one of ${choices.join(", ")}${didYouMean(word, choices)}`,
    command?.name,
  );
}

/** What only a mistake needs. */
function loadHelpers() {
  return Promise.all([import("../core/nearest.ts"), import("./_other_names.ts")]);
}

/** Gives the words to the arguments: from the front up to the one that takes many, the others from the back. */
function placeWords(
  command: Command,
  words: readonly string[],
  flags: ReadonlyMap<string, string | true>,
): Map<string, readonly string[]> {
  const placed = new Map<string, readonly string[]>();
  const wanted = command.arguments.filter(({ replacedBy }) =>
    replacedBy === undefined || !flags.has(replacedBy)
  );
  const many = wanted.findIndex((argument) => argument.many);
  const back = many < 0 ? [] : wanted.slice(many + 1);
  let [first, end] = [0, words.length];
  for (const { name } of back.toReversed()) {
    if (end > first) placed.set(name, [words[--end]]);
  }
  for (const { name } of many < 0 ? wanted : wanted.slice(0, many)) {
    if (first < end) placed.set(name, [words[first++]]);
  }
  if (many >= 0 && first < end) placed.set(wanted[many].name, words.slice(first, end));
  else if (first < end) {
    throw new CallError(
      `Cannot use "${words[first]}" with "${command.name}": it takes ${describe(command)}`,
      command.name,
    );
  }
  const missing = wanted.find(({ name, optional }) =>
    !placed.has(name) && optional !== true && !(optional === "config" && flags.has("config"))
  );
  if (missing === undefined) return placed;
  throw new CallError(
    `Cannot run "${command.name}" without ${label(missing.name)}: ${missing.help}`,
    command.name,
  );
}

function describe({ arguments: wanted }: Command): string {
  return wanted.length === 0 ? "no arguments" : wanted.map(({ name }) => label(name)).join(" and ");
}

function label(name: string): string {
  return name.toUpperCase();
}
