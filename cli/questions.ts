/**
 * Questions to the person at the terminal.
 * @module
 */
import { Prompts } from "./drop_in/prompts.ts";
import { type Output, write } from "./output.ts";
import type { Call } from "./parse.ts";

/** Whether somebody is there who can be asked, and wants to be. */
export function mayAsk(flags: Call["flags"], output: Output): boolean {
  return !flags.has("yes") && !flags.has("force") && !output.json &&
    Deno.stdin.isTerminal() && Deno.stderr.isTerminal();
}

/** Asks on stderr: stdout is for results. */
export class Questions extends Prompts {
  constructor() {
    super({ say: (text) => write(Deno.stderr, text) });
  }
}
