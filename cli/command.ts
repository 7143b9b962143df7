/**
 * What a command is: plain data, from which the parser, the help, completions and manual pages are made.
 * @module
 */
import { SluiceError } from "../core/errors.ts";
import type { Call } from "./parse.ts";
import type { Output } from "./output.ts";

/** One flag of a command. */
export interface Flag {
  /** Without dashes, such as `voxel-size`. */
  readonly name: string;
  /** One letter. */
  readonly short?: string;
  /** What its value is called in the help; absent: the flag is given or not, and has no value. */
  readonly value?: string;
  /** May be given more than once; its values then stand in lines. */
  readonly many?: boolean;
  /** Whether its value must not be repeated in messages. */
  readonly secret?: boolean;
  /** The only values there are. */
  readonly choices?: readonly string[];
  /** Values that a shell offers beside others there may be; one that ends with a colon or a slash is the beginning of one. */
  readonly offers?: readonly string[];
  /** What holds without it, in words. */
  readonly default?: string;
  readonly help: string;
  /** What a shell completes its value with, or what follows the colon of one that it offers. */
  readonly completes?: "file" | "folder";
  /** Heading it stands under in the help. @default "Flags" */
  readonly group?: string;
  /** Of a command with a second form: the one that it belongs to. @default Both */
  readonly form?: "ledger" | "boss";
}

/** One word, or several, after the name of a command. */
export interface Argument {
  readonly name: string;
  readonly help: string;
  /** Takes as many words as the others leave. */
  readonly many?: boolean;
  /** May be absent; `config`: where a job file is given. */
  readonly optional?: boolean | "config";
  /** A flag that takes its place: where it is given, no word is this argument. */
  readonly replacedBy?: string;
  /** The only words there are. */
  readonly choices?: readonly string[];
  /**
   * What a shell completes it with; `job`: the numbers of jobs and folders; `job-or-config`: files that end with .json,
   * too; `command`: the names of commands.
   */
  readonly completes?: "file" | "folder" | "job" | "job-or-config" | "command";
}

/** What a command is given to run with. */
export interface Context {
  readonly output: Output;
}

/** The module that carries a command out. */
export interface CommandModule {
  /** @returns The exit code. */
  run(call: Call, context: Context): Promise<number> | number;
}

/**
 * What a command is where it is about a job of a Boss, and not about one of a ledger: where its first word ends with
 * `.json`, or where a flag of {@linkcode BOSS_SIGNS} is given.
 */
export interface BossForm {
  readonly arguments: readonly Argument[];
  /** As in {@linkcode Command}. */
  readonly run: () => Promise<CommandModule>;
}

/** Flags that say that a job is one of a Boss. */
export const BOSS_SIGNS: readonly string[] = ["boss", "job-id"];

/** One command. */
export interface Command {
  /** One word, or several with a space between them, such as `ledger init`. */
  readonly name: string;
  /** One line, a verb first, no full stop. */
  readonly summary: string;
  /** Paragraphs below the summary. */
  readonly details?: readonly string[];
  readonly arguments: readonly Argument[];
  readonly flags: readonly Flag[];
  readonly examples: readonly { readonly line: string; readonly what: string }[];
  /** Loads what carries it out, and nothing that another command uses. */
  readonly run: () => Promise<CommandModule>;
  /** Its second form. */
  readonly boss?: BossForm;
}

/** What the process says when it ends. */
export const EXIT = { done: 0, failed: 1, usage: 2, losses: 3, interrupted: 130 } as const;

/** What was asked was given up because of a signal: exit code 130. */
export class InterruptedError extends SluiceError {
  override readonly name = "InterruptedError";
}
