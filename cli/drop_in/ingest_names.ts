/**
 * Names of what was prepared, on their way into the ingest configuration that goes with it.
 * @module
 */
import { parseExactly } from "../../boss/messages.ts";
import { isNotFound, messageOf, SluiceError } from "../../core/errors.ts";

/** Where a job's voxels go. */
export interface IngestNames {
  readonly collection: string;
  readonly experiment: string;
  readonly channel: string;
}

type Configuration = Record<string, unknown> & { database?: Record<string, unknown> };

/** An ingest configuration that names can be written into. */
export class IngestFile {
  readonly #path: string;
  readonly #configuration: Configuration;

  private constructor(path: string, configuration: Configuration) {
    [this.#path, this.#configuration] = [path, configuration];
  }

  /** Reads it, so that what keeps it from being written is known before anything is created. */
  static async open(path: string): Promise<IngestFile> {
    const fail = (state: string, options?: ErrorOptions) =>
      new SluiceError(
        `Cannot write names into "${path}": ${state}; mend "ingest_cfg", or leave out --writecfg`,
        options,
      );
    let value: unknown;
    try {
      value = parseExactly((await Deno.readTextFile(path)).replace(/^\uFEFF/, ""));
    } catch (error) {
      if (isNotFound(error)) throw fail("there is no such file", { cause: error });
      // What the parser says of it quotes it.
      throw fail(error instanceof SyntaxError ? "it is no JSON" : messageOf(error));
    }
    if (!isObject(value) || value.database !== undefined && !isObject(value.database)) {
      throw fail('it is no object with an object "database" in it');
    }
    return new IngestFile(await Deno.realPath(path), value as Configuration);
  }

  /** Writes the names, whole or not at all; all else stays as it is, its layout aside. */
  async write(names: IngestNames): Promise<void> {
    const { collection, experiment, channel } = names;
    const database = { ...this.#configuration.database, collection, experiment, channel };
    const temporary = `${this.#path}.${crypto.randomUUID().slice(0, 8)}~`;
    const { mode } = await Deno.stat(this.#path);
    try {
      await Deno.writeTextFile(
        temporary,
        JSON.stringify({ ...this.#configuration, database }, null, 2),
        { createNew: true, ...(mode === null ? {} : { mode: mode & 0o777 }) },
      );
      await Deno.rename(temporary, this.#path);
    } catch (error) {
      await Deno.remove(temporary).catch(() => {});
      throw new SluiceError(
        `Cannot write names into "${this.#path}": ${messageOf(error)}; write them by hand`,
        { cause: error },
      );
    }
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
