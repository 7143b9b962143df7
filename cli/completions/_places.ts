/**
 * The command tree as completion sees it: what may come next, wherever the cursor is.
 * @module
 */
import type { Argument, Command, Flag } from "../command.ts";
import type { CommandTree } from "../parse.ts";

/** A name of a command, or the beginning of one; empty before the first word. */
export interface Place {
  readonly path: string;
  /** Words that lead on. */
  readonly next: readonly { readonly word: string; readonly summary: string }[];
  /** Flags that may stand there. */
  readonly flags: readonly Flag[];
  /** The command of this very name, or the program. */
  readonly command?: Pick<Command, "arguments" | "boss">;
}

/** What a program takes in whose place sluice is called: its flags are its own, and not completed. */
const PROGRAM: Pick<Command, "arguments"> = {
  arguments: [{ name: "file", help: "a file", many: true, completes: "file" }],
};

/** Every place of a tree, the empty one first. */
export function placesOf({ commands, everywhere, programs }: CommandTree): Place[] {
  const paths = new Set([""]);
  for (const { name } of commands) {
    const words = name.split(" ");
    words.forEach((_, at) => paths.add(words.slice(0, at + 1).join(" ")));
  }
  const places = [...paths].map((path): Place => {
    const start = path === "" ? "" : `${path} `;
    const below = commands.filter(({ name }) => name.startsWith(start));
    const words = Map.groupBy(below, ({ name }) => name.slice(start.length).split(" ")[0]);
    const command = commands.find(({ name }) => name === path);
    return {
      path,
      next: [...words].map(([word, [first, ...others]]) => ({
        word,
        summary: others.length === 0 ? first.summary : lastWords([first, ...others], start + word),
      })),
      flags: [...command?.flags ?? [], ...everywhere],
      ...(command === undefined ? {} : { command }),
    };
  });
  const [{ next, ...start }, ...rest] = places;
  return [
    {
      ...start,
      next: [...next, ...programs.map(({ name: word, summary }) => ({ word, summary }))],
    },
    ...rest,
    ...programs.map(({ name }) => ({ path: name, next: [], flags: [], command: PROGRAM })),
  ];
}

/** What a word of several commands is for: their last words. */
function lastWords(commands: readonly Command[], path: string): string {
  const itself = commands.find(({ name }) => name === path);
  return itself?.summary ?? commands.map(({ name }) => name.slice(path.length + 1)).join(", ");
}

/** What may stand somewhere. */
export interface Values {
  /** Words, in the order of the help. */
  readonly words: readonly string[];
  readonly completes?: Argument["completes"];
}

/** What the value of a flag may be. */
export function valuesOf({ choices, offers, completes }: Flag): Values {
  return { words: choices ?? offers ?? [], ...(completes === undefined ? {} : { completes }) };
}

/** What a word after the name of a command may be. */
export interface Slot extends Values {
  /** Words before it. */
  readonly position: number;
  /** Stands for all that follow, too. */
  readonly many: boolean;
  readonly help: string;
}

/** The words of a command: from the argument that takes many on, a word may be any of the arguments that are left. */
export function slotsOf({ arguments: words, boss }: Pick<Command, "arguments" | "boss">): Slot[] {
  const all = words.length > 0 ? words : boss?.arguments ?? [];
  const many = all.findIndex((argument) => argument.many);
  const single = many < 0 ? all : all.slice(0, many);
  const slots = single.map((argument, position) => slotOf([argument], position, false));
  return many < 0 ? slots : [...slots, slotOf(all.slice(many), many, true)];
}

function slotOf(either: readonly Argument[], position: number, many: boolean): Slot {
  const kinds = either.map(({ completes }) => completes).filter((kind) => kind !== undefined);
  const completes = kinds.includes("file") ? "file" : kinds[0];
  return {
    position,
    many,
    words: either.flatMap(({ choices = [] }) => choices),
    help: either.map(({ name }) => name).join(" or "),
    ...(completes === undefined ? {} : { completes }),
  };
}

/** A flag as it is typed: `--json`, `-q`. */
export function spellingsOf({ name, short }: Flag): string[] {
  return [`--${name}`, ...(short === undefined ? [] : [`-${short}`])];
}

/** Whether any command takes the number of a job. */
export function takesJobs({ commands }: CommandTree): boolean {
  return commands.some((command) => slotsOf(command).some(({ completes }) => isJob(completes)));
}

/** Whether the numbers of jobs are offered, with whatever else. */
export function isJob(completes: Values["completes"]): boolean {
  return completes === "job" || completes === "job-or-config";
}
