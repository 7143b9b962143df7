/**
 * Reads words as Python's argparse does: long flags by any prefix that is theirs alone, `--flag=value`, `-p4`, `-p 4`
 * and `-fm`, the last of two values, words from files. People have scripts that count on all of it.
 * @module
 */
import { messageOf, UsageError } from "../../core/errors.ts";

/** One flag. */
export interface Option {
  /** Without dashes, as it is spelled: `job-id`, `processes_nb`. */
  readonly long: string;
  /** One letter. */
  readonly short?: string;
  /** Whether it stands alone, or takes text or an integer. */
  readonly kind: "flag" | "text" | "integer";
  /** May be given more than once; its values then stand in lines. @default The last one counts */
  readonly many?: boolean;
  /** What is said of it in the help. */
  readonly help: string;
}

/** What a program takes. */
export interface Grammar {
  /** Its name in messages. */
  readonly program: string;
  readonly description: string;
  /** Last words of the help. */
  readonly epilog?: string;
  /** In the order of the help. */
  readonly options: readonly Option[];
  /** Flags that the program in whose place it stands does not have: no prefix of them is one. */
  readonly ownOptions?: readonly Option[];
  /** The one word that is no flag. */
  readonly positional: { readonly name: string; readonly help: string; readonly optional: boolean };
  /** Whether `@FILE` stands for the lines of a file. @default false */
  readonly readsFiles?: boolean;
}

/** What was said. */
export class Arguments {
  /** Takes values by the long name of the flag, and the word that is none. */
  constructor(
    readonly values: ReadonlyMap<string, string | number | true>,
    readonly positional: string | undefined,
  ) {}

  /** Whether a flag was given. */
  has(long: string): boolean {
    return this.values.has(long);
  }

  /** The text of a flag. */
  text(long: string): string | undefined {
    const value = this.values.get(long);
    return value === undefined ? undefined : String(value);
  }

  /** The number of a flag, or what holds without it. */
  integer(long: string, otherwise: number): number {
    return Number(this.values.get(long) ?? otherwise);
  }
}

/** A command line that cannot be understood, in argparse's own words. */
export class ArgumentsError extends UsageError {}

const HELP: Option = {
  long: "help",
  short: "h",
  kind: "flag",
  help: "show this help message and exit",
};

/** One of the spellings of a flag, with what is behind it in the same word. */
interface Meant {
  readonly option: Option;
  readonly spelling: string;
  readonly attached?: string;
}

/** A word by what it is: a flag that is known, one that is not, the end of flags, or none. */
type Word =
  | { readonly kind: "option"; readonly meant: Meant }
  | { readonly kind: "unknown"; readonly text: string }
  | { readonly kind: "end" }
  | { readonly kind: "plain"; readonly text: string };

/** All flags of a program, as the help lists them. */
export function optionsOf({ options }: Grammar): readonly Option[] {
  return [HELP, ...options];
}

/** A flag in all its spellings, the long one first. */
export function spellingsOf({ long, short }: Option): string[] {
  // argparse itself has its own flag the other way round.
  if (long === "help") return ["-h", "--help"];
  return short === undefined ? [`--${long}`] : [`--${long}`, `-${short}`];
}

/**
 * Understands words.
 * @returns What was said; `help` where that was asked for first.
 * @throws {ArgumentsError} If they do not make sense.
 */
export function parseArguments(words: readonly string[], grammar: Grammar): Arguments | "help" {
  return new Parser(grammar).parse(words);
}

class Parser {
  readonly #grammar: Grammar;
  /** By every spelling. */
  readonly #spelled = new Map<string, Option>();
  readonly #values = new Map<string, string | number | true>();

  constructor(grammar: Grammar) {
    this.#grammar = grammar;
    for (const option of [...optionsOf(grammar), ...grammar.ownOptions ?? []]) {
      for (const spelling of spellingsOf(option)) this.#spelled.set(spelling, option);
    }
  }

  parse(given: readonly string[]): Arguments | "help" {
    const { positional, readsFiles = false } = this.#grammar;
    const words = this.#classify(readsFiles ? given.flatMap(readFile) : given);
    const unknown: string[] = [];
    let word: string | undefined;
    for (let at = 0; at < words.length; at++) {
      const one = words[at];
      if (one.kind === "end") continue;
      if (one.kind === "unknown") unknown.push(one.text);
      else if (one.kind === "plain") {
        if (word === undefined) word = one.text;
        else unknown.push(one.text);
      } else {
        const taken = this.#take(one.meant, words[at + 1]);
        if (taken === "help") return "help";
        at += taken;
      }
    }
    if (word === undefined && !positional.optional) {
      throw new ArgumentsError(`the following arguments are required: ${positional.name}`);
    }
    if (unknown.length > 0) {
      throw new ArgumentsError(`unrecognized arguments: ${unknown.map(withoutValue).join(" ")}`);
    }
    return new Arguments(this.#values, word);
  }

  #classify(words: readonly string[]): Word[] {
    const end = words.indexOf("--");
    const flags = end < 0 ? words : words.slice(0, end);
    const rest = end < 0 ? [] : words.slice(end + 1);
    return [
      ...flags.map((word) => this.#classifyOne(word)),
      ...(end < 0 ? [] : [{ kind: "end" } as const]),
      ...rest.map((text) => ({ kind: "plain", text }) as const),
    ];
  }

  #classifyOne(text: string): Word {
    if (!text.startsWith("-") || text === "-") return { kind: "plain", text };
    const found = this.#find(text);
    if (found.length > 1) {
      const spellings = found.map(({ spelling }) => spelling).join(", ");
      throw new ArgumentsError(
        `ambiguous option: ${withoutValue(text)} could match ${spellings}`,
      );
    }
    if (found.length === 1) return { kind: "option", meant: found[0] };
    const isPlain = /^-\d+$|^-\d*\.\d+$/.test(text) || text.includes(" ");
    return { kind: isPlain ? "plain" : "unknown", text };
  }

  /** What a word may mean: as it is, up to its first `=`, or as the beginning of a flag. */
  #find(text: string): Meant[] {
    const whole = this.#spelled.get(text);
    if (whole !== undefined) return [{ option: whole, spelling: text }];
    const [spelling, attached] = splitValue(text);
    const option = attached === undefined ? undefined : this.#spelled.get(spelling);
    if (option !== undefined) return [{ option, spelling, attached }];
    if (text.startsWith("--")) {
      const own = new Set(this.#grammar.ownOptions);
      return [...this.#spelled].filter(([one, option]) =>
        one.startsWith(spelling) && !own.has(option)
      ).map(([spelling, option]) => ({ option, spelling, attached }));
    }
    const letter = this.#spelled.get(text.slice(0, 2));
    return letter === undefined
      ? []
      : [{ option: letter, spelling: text.slice(0, 2), attached: text.slice(2) }];
  }

  /** Takes a flag and its value. @returns How many words after its own are used up. */
  #take({ option, spelling, attached }: Meant, next: Word | undefined): number | "help" {
    if (option.kind !== "flag") {
      const value = attached ?? (next?.kind === "plain" ? next.text : undefined);
      if (value === undefined) throw wrong(option, "expected one argument");
      const before = option.many ? this.#values.get(option.long) : undefined;
      const said = option.kind === "integer" ? integerOf(value, option) : value;
      this.#values.set(option.long, before === undefined ? said : `${before}\n${said}`);
      return attached === undefined ? 1 : 0;
    }
    if (option === HELP) return "help";
    if (attached === undefined) {
      this.#values.set(option.long, true);
      return 0;
    }
    // Letters may stand together: -fm is -f -m, and -fp4 is -f -p 4.
    const letter = attached === "" ? undefined : `-${attached[0]}`;
    const another = spelling.startsWith("--") || letter === undefined
      ? undefined
      : this.#spelled.get(letter);
    if (another === undefined) throw wrong(option, `ignored explicit argument ${repr(attached)}`);
    this.#values.set(option.long, true);
    const rest = attached.slice(1);
    const more = rest === "" ? {} : { attached: rest };
    return this.#take({ option: another, spelling: letter!, ...more }, next);
  }
}

function readFile(word: string): string[] {
  if (!word.startsWith("@")) return [word];
  let text: string;
  try {
    text = Deno.readTextFileSync(word.slice(1));
  } catch (error) {
    throw new ArgumentsError(messageOf(error));
  }
  const lines = text.split(/\r\n|\r|\n/);
  // What ends the last line begins no other.
  if (lines.at(-1) === "") lines.pop();
  return lines.flatMap(readFile);
}

function splitValue(text: string): [before: string, value?: string] {
  const at = text.indexOf("=");
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** A word that is not understood: its value, and what looks like a token, may be a secret. */
function withoutValue(text: string): string {
  const [before, value] = text.startsWith("-") ? splitValue(text) : [text];
  return `${before.replace(/[0-9a-f]{40}/gi, "…")}${value === undefined ? "" : "=…"}`;
}

/** As Python reads an integer. */
function integerOf(text: string, option: Option): number {
  const plain = text.trim();
  const value = Number(plain.replaceAll("_", ""));
  if (/^[+-]?\d+(_\d+)*$/.test(plain) && Number.isSafeInteger(value)) return value;
  throw wrong(option, `invalid int value: ${repr(text)}`);
}

function wrong(option: Option, what: string): ArgumentsError {
  return new ArgumentsError(`argument ${spellingsOf(option).join("/")}: ${what}`);
}

/** Text as Python shows it, between single quotes. */
function repr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const inside = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"');
  return `${quote}${quote === "'" ? inside.replaceAll("'", "\\'") : inside}${quote}`;
}
