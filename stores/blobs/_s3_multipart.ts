/** An object that goes in parts: it appears when they are joined, or not at all. */
import { escapeText, isWholeDocument, textOf } from "./_s3_xml.ts";
import { confirmedTag, infoOf, sumOf } from "./_s3_sums.ts";
import { BlobError } from "./blobs.ts";
import { Transient } from "./retry.ts";
import type { S3Answer, S3Bucket } from "./s3.ts";

/** S3 takes no more for one object. */
const MOST_PARTS = 10_000;

/** Bytes of a part, so that there are not too many of them. */
export function partBytesFor(length: number, least: number): number {
  return Math.max(least, Math.ceil(length / MOST_PARTS));
}

interface Part {
  readonly tag: string;
  readonly crc?: string;
  readonly size: number;
}

/** What is asked for an upload as a whole. */
export interface UploadOptions {
  readonly contentType: string;
  readonly signal?: AbortSignal;
}

/** The parts of one object, before they are joined. */
export class MultipartUpload {
  readonly #bucket: S3Bucket;
  readonly #key: string;
  readonly #id: string;
  readonly #stopping = new AbortController();
  readonly #signal: AbortSignal;
  readonly #parts = new Map<number, Part>();

  private constructor(bucket: S3Bucket, key: string, id: string, signal?: AbortSignal) {
    this.#bucket = bucket;
    this.#key = key;
    this.#id = id;
    const { signal: own } = this.#stopping;
    this.#signal = signal === undefined ? own : AbortSignal.any([signal, own]);
  }

  static async begin(bucket: S3Bucket, key: string, { contentType, signal }: UploadOptions) {
    const headers: Record<string, string> = { "content-type": contentType };
    if (bucket.settings.checksum === "crc32") {
      headers["x-amz-checksum-algorithm"] = "CRC32";
      // Else there are but checksums of parts, against which the whole cannot be held.
      headers["x-amz-checksum-type"] = "FULL_OBJECT";
    }
    const id = await bucket.send({
      method: "POST",
      key,
      query: { uploads: "" },
      headers,
      act: `write ${bucket.shown(key)}`,
      signal,
      read: (answer) => uploadId(answer),
    });
    return new MultipartUpload(bucket, key, id, signal);
  }

  /** Sends a part. @param number From 1. */
  async send(number: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (number > MOST_PARTS) {
      throw new BlobError(
        `Cannot write ${
          this.#bucket.shown(this.#key)
        } as one object: it has more than ${MOST_PARTS} parts of ${bytes.length} bytes; open the bucket with larger partBytes`,
        "unsupported",
      );
    }
    const sum = sumOf(bytes, this.#bucket.settings.checksum);
    const tag = await this.#bucket.send({
      method: "PUT",
      key: this.#key,
      query: { partNumber: String(number), uploadId: this.#id },
      headers: sum.headers,
      body: bytes,
      act: `write ${this.#bucket.shown(this.#key)}`,
      signal: this.#signal,
      read: ({ headers }) => confirmedTag(headers, sum),
    });
    this.#parts.set(number, { tag, crc: sum.crc, size: bytes.length });
  }

  /** Makes the object visible. */
  async complete(): Promise<void> {
    const parts = [...this.#parts].sort(([a], [b]) => a - b);
    const lines = parts.map(([number, { tag, crc }]) =>
      `<Part><PartNumber>${number}</PartNumber><ETag>${escapeText(tag)}</ETag>${
        crc === undefined ? "" : `<ChecksumCRC32>${crc}</ChecksumCRC32>`
      }</Part>`
    );
    const xmlns = "http://s3.amazonaws.com/doc/2006-03-01/";
    const body = new TextEncoder().encode(
      `<CompleteMultipartUpload xmlns="${xmlns}">${lines.join("")}</CompleteMultipartUpload>`,
    );
    const isJoined = await this.#bucket.send({
      method: "POST",
      key: this.#key,
      query: { uploadId: this.#id },
      headers: { "content-type": "application/xml" },
      body,
      act: `write ${this.#bucket.shown(this.#key)}`,
      signal: this.#signal,
      // The answer of an attempt before this one may have been lost.
      expects: ({ code }) => code === "NoSuchUpload",
      read: (answer) => answer.status < 300 && isCompleted(answer),
    });
    if (isJoined || await this.#isThere()) return;
    throw new BlobError(
      `Cannot write ${
        this.#bucket.shown(this.#key)
      }: its parts were removed before they were joined; write it again when nobody sweeps there`,
      "unavailable",
    );
  }

  async #isThere(): Promise<boolean> {
    const size = [...this.#parts.values()].reduce((sum, part) => sum + part.size, 0);
    return await this.#bucket.send({
      method: "HEAD",
      key: this.#key,
      act: `read back ${this.#bucket.shown(this.#key)}`,
      signal: this.#signal,
      expects: ({ status }) => status === 404,
      read: ({ status, headers }) => {
        if (status === 404) return false;
        const { size: found, tag } = infoOf(headers);
        return found === size && tag.replaceAll('"', "").endsWith(`-${this.#parts.size}`);
      },
    });
  }

  /** Ends what is on its way. */
  stop(reason: unknown): void {
    this.#stopping.abort(reason);
  }

  /** Removes the parts; where that fails, a sweep finds them. */
  async abort(): Promise<void> {
    await abortUpload(this.#bucket, this.#key, this.#id, { attempts: 2 }).catch(() => {});
  }
}

/** Removes the parts of an upload that is not to be completed. */
export async function abortUpload(
  bucket: S3Bucket,
  key: string,
  uploadId: string,
  options: { readonly attempts?: number; readonly signal?: AbortSignal } = {},
): Promise<void> {
  await bucket.send({
    method: "DELETE",
    key,
    query: { uploadId },
    act: `abort writing ${bucket.shown(key)}`,
    ...options,
    expects: ({ code }) => code === "NoSuchUpload",
    read: checkRemoved,
  });
}

/** @throws {Transient} If what confirms a removal is a page of something else. */
export function checkRemoved({ status, bytes }: S3Answer): void {
  if (status < 300 && bytes.length > 0) {
    throw new Transient("the server confirmed nothing", "corrupt");
  }
}

function uploadId({ bytes }: S3Answer): string {
  const text = new TextDecoder().decode(bytes);
  const id = textOf(text, "UploadId");
  if (id && isWholeDocument(text, "InitiateMultipartUploadResult")) return id;
  throw new Transient("the server named no upload", "corrupt");
}

/** A server says 200 before it is done; what comes of it, it says in the body. */
function isCompleted({ bytes }: S3Answer): true {
  const text = new TextDecoder().decode(bytes);
  if (isWholeDocument(text, "CompleteMultipartUploadResult") && textOf(text, "ETag")) return true;
  const code = textOf(text, "Code");
  throw new Transient(
    code ? `the server answered ${code}` : "the server confirmed nothing",
    "unavailable",
    {
      slowDown: code === "SlowDown",
    },
  );
}
