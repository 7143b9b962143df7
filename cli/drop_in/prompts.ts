/**
 * Questions that are answered with y or n, from a terminal or a pipe.
 * @module
 */
import { abortable } from "../../core/abort.ts";
import { SluiceError } from "../../core/errors.ts";
import { write } from "../output.ts";

/** Where answers come from, and questions go. */
export interface PromptsOptions {
  /** @default Stdin */
  readonly input?: { read(into: Uint8Array): Promise<number | null> };
  /** @default Stdout */
  readonly say?: (text: string) => void;
}

/** Asks, and takes no other answer than y or n in any letter case. */
export class Prompts {
  readonly #input: { read(into: Uint8Array): Promise<number | null> };
  readonly #say: (text: string) => void;
  readonly #decoder = new TextDecoder();
  #text = "";
  /** One that was given up goes on, and what it reads is for the next question. */
  #reading?: Promise<boolean>;

  /** Reads nothing yet. */
  constructor(
    { input = Deno.stdin, say = (text) => write(Deno.stdout, text) }: PromptsOptions = {},
  ) {
    [this.#input, this.#say] = [input, say];
  }

  /**
   * Asks until it is answered.
   * @param question As it is written, with what ends it.
   * @throws {SluiceError} If nobody answers, as the input is over. @throws The reason of `signal`.
   */
  async ask(question: string, signal: AbortSignal): Promise<boolean> {
    while (true) {
      this.#say(question);
      const answer = (await this.#line(question, signal)).toLowerCase();
      if (answer === "y" || answer === "n") return answer === "y";
      this.#say("Enter 'y' or 'n' for 'yes' or 'no'\n");
    }
  }

  async #line(question: string, signal: AbortSignal): Promise<string> {
    while (true) {
      const end = this.#text.indexOf("\n");
      if (end >= 0) {
        const line = this.#text.slice(0, end).replace(/\r$/, "");
        this.#text = this.#text.slice(end + 1);
        return line;
      }
      this.#reading ??= this.#read();
      const isOver = !await abortable(this.#reading, signal);
      this.#reading = undefined;
      if (!isOver) continue;
      if (this.#text !== "") {
        // A last line may have no end.
        const last = this.#text;
        this.#text = "";
        return last;
      }
      throw new SluiceError(
        `Cannot ask ${
          JSON.stringify(question.trim())
        }: the input is over; answer y or n there, or give --force`,
      );
    }
  }

  /** Reads on. @returns Whether there was more. */
  async #read(): Promise<boolean> {
    const bytes = new Uint8Array(1024);
    const count = await this.#input.read(bytes);
    if (count === null) return false;
    this.#text += this.#decoder.decode(bytes.subarray(0, count), { stream: true });
    return true;
  }
}
