/** A file that appears whole: written beside its place under another name, then renamed. */
import { basename, dirname, join } from "node:path";
import { messageOf, SluiceError } from "../core/errors.ts";

/** Disposed without commit, nothing of it is left. */
export class WholeFile implements AsyncDisposable {
  /** Where it appears. */
  readonly path: string;
  readonly #temporary: string;
  readonly #file: Deno.FsFile;
  #end = 0;
  #at = 0;
  #open = true;
  #settled = false;

  private constructor(path: string, temporary: string, file: Deno.FsFile) {
    this.path = path;
    this.#temporary = temporary;
    this.#file = file;
  }

  /** Starts a file; its folder must exist. */
  static async create(path: string): Promise<WholeFile> {
    const temporary = join(dirname(path), `.${basename(path)}.${crypto.randomUUID()}.tmp`);
    const file = await Deno.open(temporary, { write: true, createNew: true });
    return new WholeFile(path, temporary, file);
  }

  /** One past the last byte that was written. */
  get end(): number {
    return this.#end;
  }

  /** Writes bytes; they may lie on shared memory. */
  write(offset: number, bytes: Uint8Array): void {
    try {
      if (this.#at !== offset) this.#file.seekSync(offset, Deno.SeekMode.Start);
      for (let done = 0; done < bytes.length;) done += this.#file.writeSync(bytes.subarray(done));
      this.#at = offset + bytes.length;
    } catch (error) {
      throw new SluiceError(`Cannot write "${this.path}" at byte ${offset}: ${messageOf(error)}`, {
        cause: error,
      });
    }
    this.#end = Math.max(this.#end, this.#at);
  }

  /** Makes it visible, in the place of what was there. @returns Its bytes. */
  async commit(): Promise<number> {
    await this.#file.syncData();
    this.#close();
    await Deno.rename(this.#temporary, this.path);
    this.#settled = true;
    return this.#end;
  }

  #close(): void {
    if (this.#open) this.#file.close();
    this.#open = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close();
    if (this.#settled) return;
    this.#settled = true;
    await Deno.remove(this.#temporary).catch(() => {});
  }
}
