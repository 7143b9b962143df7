/**
 * Where words go: results to stdout, everything else to stderr.
 * @module
 */

/** What is said, and how. */
export interface OutputOptions {
  /** Results as one JSON document; nothing else on stdout, and no progress. @default false */
  readonly json?: boolean;
  /** Errors and results alone. @default false */
  readonly quiet?: boolean;
  /** Stack traces. @default false */
  readonly verbose?: boolean;
}

/** The output of one run. */
export class Output {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;

  constructor({ json = false, quiet = false, verbose = false }: OutputOptions = {}) {
    [this.json, this.quiet, this.verbose] = [json, quiet, verbose];
  }

  /** The result of a command: once a run. */
  report(document: unknown, text: string | (() => string)): void {
    const said = this.json
      ? JSON.stringify(document, null, 2)
      : typeof text === "string"
      ? text
      : text();
    if (said !== "") write(Deno.stdout, `${said}\n`);
  }

  /** Something good to know. */
  note(text: string): void {
    if (!this.quiet && !this.json) write(Deno.stderr, `${text}\n`);
  }

  /** Something that must be seen. */
  warn(text: string): void {
    write(Deno.stderr, `${text}\n`);
  }

  /** Text that stands out on a terminal; plain where stdout is none, or NO_COLOR is set. */
  bold(text: string): string {
    return !this.json && !Deno.noColor && Deno.stdout.isTerminal() ? `\x1b[1m${text}\x1b[0m` : text;
  }
}

/** Columns of the terminal that stderr is, or 0 where it is none: some programs give a terminal of 0 columns. */
export function terminalColumns(): number {
  if (!Deno.stderr.isTerminal()) return 0;
  try {
    return Deno.consoleSize().columns;
  } catch {
    return 0;
  }
}

/** Writes all of it, now. Whoever closes the pipe early, as `head` does, has seen enough. */
export function write(to: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let done = 0; done < bytes.length;) done += to.writeSync(bytes.subarray(done));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
