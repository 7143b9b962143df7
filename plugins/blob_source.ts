/**
 * The bytes of an image in a bucket or behind HTTP, read by position.
 * @module
 */
import { endsEarly, type FileFacts } from "../codecs/file_source.ts";
import type { ByteSource } from "../codecs/image.ts";
import { ImageError } from "../core/errors.ts";
import type { BlobInfo, Blobs } from "../stores/blobs/blobs.ts";

/** What a server says of an image: by this it is told from others of its name. */
export interface BlobFacts extends FileFacts {
  /** An ETag. */
  readonly tag?: string;
}

/** How an image is read. */
export interface BlobSourceOptions {
  /** Ends every read with its reason. */
  readonly signal?: AbortSignal;
  /** Told of all bytes that come, and where in the file they lie. */
  readonly onBlock?: (start: number, bytes: Uint8Array<ArrayBuffer>) => void | Promise<void>;
}

/** A read brings at least so many bytes, as the way there takes longer than they do; small images come whole. */
const BLOCK_BYTES = 16 << 10;
const MOST_BLOCKS = 8;

/** Whether both are the same bytes, as far as the server says. */
export function isSameVersion(a: BlobFacts, b: BlobFacts): boolean {
  if (a.size !== b.size) return false;
  return a.tag !== undefined && b.tag !== undefined ? a.tag === b.tag : a.mtime === b.mtime;
}

/** What an answer says of an image. */
export function blobFacts({ size, modified, tag }: BlobInfo): BlobFacts {
  return { size, mtime: modified ?? 0, ...tag === undefined ? {} : { tag } };
}

/**
 * Headers of an image in a few reads: each brings a block, and the last ones are kept.
 *
 * Errors of reading do not name the image where a local file would not either: the caller does.
 */
export class BlobSource implements ByteSource {
  readonly facts: BlobFacts;
  readonly #blobs: Blobs;
  readonly #key: string;
  readonly #options: BlobSourceOptions;
  #blocks: { readonly start: number; readonly bytes: Uint8Array }[] = [];

  private constructor(blobs: Blobs, key: string, options: BlobSourceOptions, facts: BlobFacts) {
    this.#blobs = blobs;
    this.#key = key;
    this.#options = options;
    this.facts = facts;
  }

  /** Reads the first block. @returns Undefined where there is nothing of that name. */
  static async open(
    blobs: Blobs,
    key: string,
    options: BlobSourceOptions = {},
  ): Promise<BlobSource | undefined> {
    let info: BlobInfo | undefined;
    const bytes = await blobs.get(key, {
      range: [0, BLOCK_BYTES],
      signal: options.signal,
      onInfo: (said) => info = said,
    });
    if (bytes === undefined) return undefined;
    const source = new BlobSource(blobs, key, options, blobFacts(info ?? { size: bytes.length }));
    await source.#keep(0, bytes);
    return source;
  }

  get size(): number {
    return this.facts.size;
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    const end = offset + into.length;
    if (end > this.size) throw endsEarly(offset, into.length, this.size);
    if (into.length === 0) return;
    const held = this.#blocks.find(({ start, bytes }) =>
      start <= offset && end <= start + bytes.length
    );
    const { start, bytes } = held ?? await this.#fetch(offset, into.length);
    into.set(bytes.subarray(offset - start, end - start));
  }

  async #fetch(start: number, length: number) {
    const end = Math.min(this.size, start + Math.max(length, BLOCK_BYTES));
    let facts = this.facts;
    const bytes = await this.#blobs.get(this.#key, {
      range: [start, end],
      signal: this.#options.signal,
      onInfo: (info) => facts = blobFacts(info),
    });
    if (bytes === undefined || !isSameVersion(facts, this.facts)) {
      throw new ImageError(
        `Cannot read the image: it was ${
          bytes === undefined ? "removed" : "replaced"
        } while it was read; try again when nobody writes it`,
        "changed",
      );
    }
    return await this.#keep(start, bytes);
  }

  async #keep(start: number, bytes: Uint8Array<ArrayBuffer>) {
    await this.#options.onBlock?.(start, bytes);
    const block = { start, bytes };
    this.#blocks = [block, ...this.#blocks.slice(0, MOST_BLOCKS - 1)];
    return block;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#blocks = [];
    return Promise.resolve();
  }
}
