/**
 * What all programs share in whose place sluice is called: their grammar, and how they end.
 * @module
 */
import { messageOf, SluiceError } from "../../core/errors.ts";
import { EXIT, InterruptedError } from "../command.ts";
import { write } from "../output.ts";
import { type Arguments, ArgumentsError, type Grammar, parseArguments } from "./args.ts";
import { helpOf, usageOf } from "./usage.ts";

/** Ends a program with one line and exit code 1; `usage`: its usage comes before that. */
export class ProgramError extends SluiceError {
  override readonly name = "ProgramError";

  /** Takes the line as it is printed. */
  constructor(message: string, readonly showsUsage = false) {
    super(message);
  }
}

/** Prints a line. */
export function print(text: string): void {
  write(Deno.stdout, `${text}\n`);
}

/**
 * Understands words, and works.
 * @returns The exit code: of words that make no sense 2, of what fails 1.
 */
export async function runProgram(
  words: readonly string[],
  grammar: Grammar,
  work: (given: Arguments) => Promise<number>,
): Promise<number> {
  const { program } = grammar;
  try {
    const given = parseArguments(words, grammar);
    if (given !== "help") return await work(given);
    print(helpOf(grammar));
    return EXIT.done;
  } catch (error) {
    if (error instanceof ArgumentsError) {
      write(Deno.stderr, `${usageOf(grammar)}\n${program}: error: ${error.message}\n`);
      return EXIT.usage;
    }
    if (error instanceof ProgramError) {
      print(error.showsUsage ? `${usageOf(grammar)}\n${error.message}` : error.message);
      return EXIT.failed;
    }
    const stack = error instanceof Error && !(error instanceof SluiceError) ? error.stack : "";
    write(Deno.stderr, `${program}: ${stack || messageOf(error)}\n`);
    return error instanceof InterruptedError ? EXIT.interrupted : EXIT.failed;
  }
}
