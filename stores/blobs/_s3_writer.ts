/** Writes an object piece by piece; it holds the part that fills, the one on its way, and the first if it is kept back. */
import { checkReserve } from "./_ranges.ts";
import { MultipartUpload, type UploadOptions } from "./_s3_multipart.ts";
import { BlobError, type BlobWriter } from "./blobs.ts";
import type { S3Bucket } from "./s3.ts";

/** How a writer of one object works. */
export interface S3WriterOptions extends UploadOptions {
  readonly reserve: number;
  readonly partBytes: number;
  /** Writes an object that is one part, or less. */
  readonly putWhole: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>;
}

/** Nothing is visible before its commit. */
export class S3Writer implements BlobWriter {
  readonly #bucket: S3Bucket;
  readonly #key: string;
  readonly #options: S3WriterOptions;
  readonly #partBytes: number;
  #upload?: MultipartUpload;
  /** The first part, while what is reserved in it is not known. */
  #first?: Uint8Array<ArrayBuffer>;
  #filling: Uint8Array<ArrayBuffer>;
  #filled: number;
  #number = 1;
  #sending: Promise<void> = Promise.resolve();
  #state: "open" | "committed" | "disposed" = "open";

  constructor(bucket: S3Bucket, key: string, options: S3WriterOptions) {
    this.#bucket = bucket;
    this.#key = key;
    this.#options = options;
    // Some servers want all parts but the last of one size.
    this.#partBytes = Math.max(options.partBytes, options.reserve);
    this.#filling = new Uint8Array(this.#partBytes);
    this.#filled = options.reserve;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#check();
    for (let done = 0; done < bytes.length;) {
      if (this.#filled === this.#partBytes) await this.#sendOn();
      const piece = bytes.subarray(done, done + this.#partBytes - this.#filled);
      this.#filling.set(piece, this.#filled);
      this.#filled += piece.length;
      done += piece.length;
    }
  }

  async commit(head: Uint8Array = new Uint8Array()): Promise<void> {
    this.#check();
    checkReserve(`${this.#bucket.settings.url}/${this.#key}`, head.length, this.#options.reserve);
    if (this.#number === 1) {
      this.#filling.set(head);
      await this.#options.putWhole(this.#filling.subarray(0, this.#filled));
    } else {
      await this.#sending;
      const upload = this.#upload ??= await this.#begin();
      await upload.send(this.#number, this.#filling.subarray(0, this.#filled));
      if (this.#first !== undefined) {
        this.#first.set(head);
        await upload.send(1, this.#first);
      }
      await upload.complete();
    }
    this.#state = "committed";
  }

  /** Sends the part that is full, and starts the next one. */
  async #sendOn(): Promise<void> {
    const [number, part] = [this.#number++, this.#filling];
    this.#filling = new Uint8Array(this.#partBytes);
    this.#filled = 0;
    if (number === 1 && this.#options.reserve > 0) {
      this.#first = part;
      return;
    }
    await this.#sending;
    const upload = this.#upload ??= await this.#begin();
    this.#sending = upload.send(number, part);
    // It is heard of by the next part, or by the commit.
    this.#sending.catch(() => {});
  }

  #begin(): Promise<MultipartUpload> {
    return MultipartUpload.begin(this.#bucket, this.#key, this.#options);
  }

  #check(): void {
    this.#options.signal?.throwIfAborted();
    if (this.#state === "open") return;
    throw new BlobError(
      `Cannot write ${
        this.#bucket.shown(this.#key)
      } any further: it was ${this.#state} before; open another writer`,
      "unsupported",
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state !== "open") return;
    this.#state = "disposed";
    this.#upload?.stop(new Error("The writer is disposed"));
    // A part that arrives after the abort would stay.
    await this.#sending.catch(() => {});
    await this.#upload?.abort();
  }
}
