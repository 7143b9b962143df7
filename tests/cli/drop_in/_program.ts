/** Programs in whose place sluice is called, as processes with the permissions that they are documented to need. */
import { ok } from "node:assert/strict";
import { TEST_TOKEN } from "../../boss/_boss_server.ts";
import type { Ran } from "../_sluice.ts";

const root = new URL("../../../", import.meta.url).pathname;
const { tasks } = JSON.parse(await Deno.readTextFile(`${root}deno.json`));

/** Where packages are kept: a home of its own has none, and nothing is to be fetched. */
const { denoDir } = JSON.parse(new TextDecoder().decode(
  (await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output()).stdout,
));

/** How a program is run. */
export interface ProgramOptions {
  /** Its working folder and home. */
  readonly folder: string;
  /** What is typed; where it ends, the input is over. @default Nothing */
  readonly typed?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A program that runs: what it said so far, and what is typed into it. */
export class Program {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #texts = { stdout: "", stderr: "" };
  readonly #reading: Promise<unknown>;
  #isOpen = true;

  /** Starts it. */
  constructor(words: readonly string[], { folder, env = {} }: ProgramOptions) {
    const flags = tasks["sluice:net"].split(" ").slice(1, -1);
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [...flags, "--no-prompt", `${root}cli.ts`, ...words],
      cwd: folder,
      env: {
        HOME: folder,
        DENO_DIR: denoDir,
        SLUICE_HOME: `${folder}/home`,
        INTERN_TOKEN: "",
        NO_COLOR: "1",
        AWS_ENDPOINT_URL: "",
        ...env,
      },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#reading = Promise.all((["stdout", "stderr"] as const).map(async (name) => {
      for await (const text of this.#child[name].pipeThrough(new TextDecoderStream())) {
        this.#texts[name] += text;
      }
    }));
  }

  /** What it said on stdout so far. */
  get said(): string {
    return this.#texts.stdout;
  }

  /** Types some text. */
  async type(text: string): Promise<void> {
    // Whoever has ended reads nothing any more.
    await this.#input.write(new TextEncoder().encode(text)).catch(() => {});
  }

  /** The input is over. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#input.close().catch(() => {});
  }

  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Waits until it has said something. */
  async until(pattern: RegExp): Promise<void> {
    for (let i = 0; i < 1500; i++) {
      if (pattern.test(this.said)) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    this.#child.kill("SIGKILL");
    throw new Error(`It never said ${pattern}: ${this.said}${this.#texts.stderr}`);
  }

  /** Waits for its end. No token is in what it said. */
  async end(): Promise<Ran> {
    const { code } = await this.#child.status;
    await this.close();
    await this.#reading;
    const { stdout, stderr } = this.#texts;
    ok(!`${stdout}${stderr}`.includes(TEST_TOKEN), "a token was printed");
    return { code, stdout, stderr };
  }
}

/** Runs a program to its end. */
export async function runProgram(
  words: readonly string[],
  options: ProgramOptions,
): Promise<Ran> {
  const program = new Program(words, options);
  await program.type(options.typed ?? "");
  await program.close();
  return await program.end();
}
