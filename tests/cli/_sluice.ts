/**
 * The real command line, as a process of its own with the permissions it is documented to need.
 * @module
 */
import { TestFolder, tiffOf } from "../_images.ts";

const cli = new URL("../../cli.ts", import.meta.url).pathname;
const config = JSON.parse(
  await Deno.readTextFile(new URL("../../deno.json", import.meta.url)),
) as { readonly tasks: Readonly<Record<Task, string>> };

/** What deno.json calls it: without the network, and with it. */
export type Task = "sluice" | "sluice:net";

function commandOf(task: Task): readonly string[] {
  return [...config.tasks[task].split(" ").slice(1, -1), "--no-prompt", cli];
}

/** `deno run` with the documented flags. */
export const command: readonly string[] = commandOf("sluice");

/** How sluice is run. */
export interface SluiceOptions {
  /** @default "sluice" */
  readonly task?: Task;
  /** What is added to its environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** What a run said. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder with a home of its own, in which sluice runs. */
export class Sluice implements AsyncDisposable {
  private constructor(
    readonly folder: TestFolder,
    readonly options: SluiceOptions,
  ) {}

  /** Makes the folder, and files in it. */
  static async of(
    files: Readonly<Record<string, Uint8Array | string>> = {},
    options: SluiceOptions = {},
  ): Promise<Sluice> {
    return new Sluice(await TestFolder.of(files), options);
  }

  /** The same folder, run otherwise; whoever made it disposes of it. */
  with(options: SluiceOptions): Sluice {
    return new Sluice(this.folder, { ...this.options, ...options });
  }

  /** Path of a file below the folder. */
  path(name: string): string {
    return `${this.folder.path}/${name}`;
  }

  /** Starts a run. */
  start(...words: readonly string[]): Deno.ChildProcess {
    const { task = "sluice", env } = this.options;
    return new Deno.Command(Deno.execPath(), {
      args: [...commandOf(task), ...words],
      cwd: this.folder.path,
      env: { SLUICE_HOME: this.path("home"), NO_COLOR: "1", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }

  /** Runs to the end. */
  async run(...words: readonly string[]): Promise<Ran> {
    return await ended(this.start(...words));
  }

  /** Runs with `--json`; the document, and the exit code. */
  // deno-lint-ignore no-explicit-any
  async json(...words: readonly string[]): Promise<{ code: number; document: any }> {
    const { code, stdout } = await this.run(...words, "--json");
    return { code, document: JSON.parse(stdout) };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.folder[Symbol.asyncDispose]();
  }
}

/** Waits for the end of a run. */
export async function ended(process: Deno.ChildProcess): Promise<Ran> {
  const { code, stdout, stderr } = await process.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** `raw/section_00.tif` and so on, 7 x 5 pixels of 16 bits. */
export function sections(
  count: number,
  without: readonly number[] = [],
): Record<string, Uint8Array> {
  const files: Record<string, Uint8Array> = {};
  for (let z = 0; z < count; z++) {
    if (!without.includes(z)) files[sectionName(z)] = section(z);
  }
  return files;
}

/** Name of a section. */
export function sectionName(z: number): string {
  return `raw/section_${String(z).padStart(2, "0")}.tif`;
}

/** One section as TIFF. */
export function section(z: number): Uint8Array {
  return tiffOf([{ dtype: "uint16", first: z * 7 + 1 }]);
}
