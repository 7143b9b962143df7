/**
 * The log that scripts of the Boss look into: its lines, and its name where none is given.
 * @module
 */
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { messageOf, SluiceError } from "../../core/errors.ts";
import { write } from "../output.ts";

/** Levels by their names, as Python has them. */
const LEVELS: Readonly<Record<string, number>> = {
  CRITICAL: 50,
  FATAL: 50,
  ERROR: 40,
  WARNING: 30,
  WARN: 30,
  INFO: 20,
  DEBUG: 10,
  NOTSET: 0,
};

/** How a log is kept. */
export interface LogOptions {
  /** Where it lies. @default `~/.boss-ingest/ingest_log<date>-<time>_pid<process>.log` */
  readonly path?: string;
  /** The least that is logged, in any letter case. @default "warning" */
  readonly level?: string;
  /** Gets every line that is logged, too. @default Stdout */
  readonly echo?: (text: string) => void;
  /** The time. @default That of the machine */
  readonly now?: () => Date;
}

/** A log file that everything is added to, and that is shown as it grows. */
export class LogFile implements Disposable {
  /** Where it lies. */
  readonly path: string;
  readonly #file: Deno.FsFile;
  readonly #least: number;
  readonly #echo: (text: string) => void;
  readonly #now: () => Date;
  #isBroken = false;

  private constructor(path: string, file: Deno.FsFile, least: number, options: LogOptions) {
    [this.path, this.#file, this.#least] = [path, file, least];
    this.#echo = options.echo ?? ((text) => write(Deno.stdout, `${text}\n`));
    this.#now = options.now ?? (() => new Date());
  }

  /**
   * Opens the log; what is in it stays.
   * @throws {SluiceError} If there is no such level, or the file cannot be written.
   */
  static async open(options: LogOptions = {}): Promise<LogFile> {
    const { level = "warning", now = () => new Date() } = options;
    const least = LEVELS[level.toUpperCase()];
    if (least === undefined) {
      throw new SluiceError(
        `Cannot log at level "${level}": it is none; give critical, error, warning, info or debug`,
      );
    }
    const path = options.path || defaultPath(now());
    try {
      // A path that is given lies in a folder that is there.
      if (!options.path) await Deno.mkdir(dirname(path), { recursive: true });
      const file = await Deno.open(path, { append: true, create: true });
      return new LogFile(path, file, least, options);
    } catch (error) {
      throw new SluiceError(
        `Cannot open "${path}" as a log file: ${messageOf(error)}; give another with --log-file`,
        { cause: error },
      );
    }
  }

  /** What is always logged, whatever the level. */
  info(text: string): void {
    this.#put("INFO", text);
  }

  /** What is logged at level info or below. */
  detail(text: string): void {
    if (this.#least <= LEVELS.INFO) this.#put("INFO", text);
  }

  /** What may be wrong. */
  warning(text: string): void {
    if (this.#least <= LEVELS.WARNING) this.#put("WARNING", text);
  }

  /** What is wrong. */
  error(text: string): void {
    if (this.#least <= LEVELS.ERROR) this.#put("ERROR", text);
  }

  /** What ends the program: whoever ends it shows it. */
  keep(text: string): void {
    if (this.#least <= LEVELS.ERROR) this.#write("ERROR", text);
  }

  #put(level: string, text: string): void {
    this.#echo(text);
    this.#write(level, text);
  }

  #write(level: string, text: string): void {
    if (this.#isBroken) return;
    const line = `${logTime(this.#now())} ${level.padEnd(8)} ${text}\n`;
    try {
      const bytes = new TextEncoder().encode(line);
      for (let done = 0; done < bytes.length;) done += this.#file.writeSync(bytes.subarray(done));
    } catch (error) {
      // A full disk of the log is no reason to stop the work.
      this.#isBroken = true;
      this.#echo(`Cannot go on with the log "${this.path}": ${messageOf(error)}`);
    }
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file.close();
  }
}

function defaultPath(now: Date): string {
  const { year, month, day, hour, minute, second } = partsOf(now);
  const name = `ingest_log${year}${month}${day}-${hour}${minute}${second}_pid${Deno.pid}.log`;
  return join(homedir(), ".boss-ingest", name);
}

/** Local time as lines begin: `11-21 14:05`. */
function logTime(now: Date): string {
  const { month, day, hour, minute } = partsOf(now);
  return `${month}-${day} ${hour}:${minute}`;
}

function partsOf(now: Date) {
  const two = (value: number) => String(value).padStart(2, "0");
  return {
    year: String(now.getFullYear()),
    month: two(now.getMonth() + 1),
    day: two(now.getDate()),
    hour: two(now.getHours()),
    minute: two(now.getMinutes()),
    second: two(now.getSeconds()),
  };
}
