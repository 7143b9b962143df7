/**
 * Blobs as objects of a bucket, by the protocol of S3.
 * @module
 */
import { allSettled } from "../../core/abort.ts";
import { bodyOf, checkHead, infoOfWhole } from "./_check_answer.ts";
import { sendable } from "./_exchange.ts";
import { checkKey, checkPrefix } from "./_keys.ts";
import { checkRange, rangeHeader } from "./_ranges.ts";
import { listObjects, listUploads } from "./_s3_list.ts";
import { abortUpload, checkRemoved, MultipartUpload, partBytesFor } from "./_s3_multipart.ts";
import { type BucketOptions, settleBucket } from "./_s3_settings.ts";
import { confirmedTag, infoOf, sumOf } from "./_s3_sums.ts";
import { S3Writer } from "./_s3_writer.ts";
import {
  type BlobEntry,
  BlobError,
  type BlobInfo,
  type BlobLeftover,
  type BlobOptions,
  type Blobs,
  type BlobWriter,
  type GetBlobOptions,
  type ListBlobOptions,
  type OpenBlobOptions,
  type PutBlobOptions,
} from "./blobs.ts";
import { type S3Answer, S3Bucket } from "./s3.ts";

const PART_BYTES = 8 * 2 ** 20;
const MULTIPART_BYTES = 32 * 2 ** 20;
/** Parts of one object on their way at once. */
const PARTS_AT_ONCE = 4;
const CONTENT_TYPE = "application/octet-stream";

/** Objects below a prefix of a bucket. */
export class S3Blobs implements Blobs {
  readonly url: string;
  readonly #bucket: S3Bucket;
  readonly #partBytes: number;
  readonly #multipartBytes: number;
  readonly #forbiddenIsMissing: boolean;
  /** Whether the server knows conditional writes; undefined while nobody asked it. */
  #conditional?: boolean;
  /** Whether some answer said that the bucket is there. */
  #hasBucket = false;

  private constructor(bucket: S3Bucket, options: BucketOptions) {
    this.url = bucket.settings.url;
    this.#bucket = bucket;
    this.#partBytes = options.partBytes ?? PART_BYTES;
    this.#multipartBytes = options.multipartBytes ?? MULTIPART_BYTES;
    this.#forbiddenIsMissing = options.forbiddenIsMissing ?? false;
    this.#conditional = options.conditionalPuts;
  }

  /** Opens a bucket at `s3://BUCKET/PREFIX` or `gs://BUCKET/PREFIX`. Nothing is asked of its server yet. */
  static async open(address: string, options: BucketOptions = {}): Promise<S3Blobs> {
    return new S3Blobs(new S3Bucket(await settleBucket(address, options)), options);
  }

  async get(
    key: string,
    { range, signal, onInfo }: GetBlobOptions = {},
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    checkKey(key);
    if (range !== undefined) checkRange(range);
    const act = `read ${this.#bucket.shown(key)}`;
    const wanted = range && rangeHeader(range);
    if (range !== undefined && wanted === undefined) {
      const info = await this.head(key, { signal });
      if (info !== undefined) onInfo?.(info);
      return info && new Uint8Array();
    }
    const headers: Record<string, string> = wanted === undefined ? {} : { range: wanted };
    if (this.#bucket.settings.checksum === "crc32") headers["x-amz-checksum-mode"] = "ENABLED";
    const asked = { key, range, isS3: true, act };
    const bytes = await this.#bucket.send({
      method: "GET",
      key,
      headers,
      act,
      signal,
      check: (head) => checkHead(head, asked),
      expects: (answer) => answer.status === 416 && range !== undefined || this.#isMissing(answer),
      read: async (answer) => {
        if (answer.status !== 403) this.#hasBucket = true;
        if (answer.status === 416) return "nothing" as const;
        if (answer.status >= 300) return undefined;
        onInfo?.(infoOfWhole(answer));
        return await bodyOf(answer, asked);
      },
    });
    if (bytes !== "nothing") return bytes;
    const isEnd = range![0] < 0;
    // What holds nothing there is not read again, but asked how large it is.
    const info = isEnd || onInfo ? await this.head(key, { signal }) : undefined;
    // Some servers know no ends, or have nothing where the end is longer than the whole.
    if (isEnd) {
      const start = Math.max(0, (info?.size ?? 0) + range![0]);
      const part = start > 0 ? { range: [start, info!.size] as const } : {};
      return info && await this.get(key, { ...part, signal, onInfo });
    }
    if (info !== undefined) onInfo?.(info);
    return new Uint8Array();
  }

  async head(key: string, { signal }: BlobOptions = {}): Promise<BlobInfo | undefined> {
    checkKey(key);
    const info = await this.#bucket.send({
      method: "HEAD",
      key,
      act: `look at ${this.#bucket.shown(key)}`,
      signal,
      expects: ({ status }) => status === 404 || status === 403,
      read: ({ status, headers }) =>
        status < 300 ? infoOf(headers) : status === 403 ? "forbidden" as const : undefined,
    });
    if (info !== undefined && info !== "forbidden") {
      this.#hasBucket = true;
      return info;
    }
    const isMissing = info === undefined || this.#forbiddenIsMissing;
    if (isMissing && this.#hasBucket) return undefined;
    // An answer to HEAD does not say whether it is the bucket that is missing, or the keys are wrong; this one does.
    let found: BlobInfo | undefined;
    await this.get(key, { range: [0, 1], signal, onInfo: (known) => found = known });
    return found;
  }

  async put(key: string, bytes: Uint8Array, options: PutBlobOptions = {}): Promise<void> {
    checkKey(key);
    if (bytes.length > this.#multipartBytes) await this.#putParts(key, bytes, options);
    else await this.#putWhole(key, sendable(bytes), options);
  }

  async #putWhole(key: string, bytes: Uint8Array<ArrayBuffer>, options: PutBlobOptions) {
    const { signal, contentType = CONTENT_TYPE } = options;
    const sum = sumOf(bytes, this.#bucket.settings.checksum);
    await this.#bucket.send({
      method: "PUT",
      key,
      headers: { ...sum.headers, "content-type": contentType },
      body: bytes,
      act: `write ${this.#bucket.shown(key)}`,
      signal,
      read: ({ headers }) => confirmedTag(headers, sum),
    });
    this.#hasBucket = true;
  }

  async #putParts(key: string, bytes: Uint8Array, options: PutBlobOptions): Promise<void> {
    const { signal, contentType = CONTENT_TYPE } = options;
    const upload = await MultipartUpload.begin(this.#bucket, key, { signal, contentType });
    const size = partBytesFor(bytes.length, this.#partBytes);
    const count = Math.ceil(bytes.length / size);
    let next = 0;
    const sendSome = async () => {
      for (let i = next++; i < count; i = next++) {
        const part = bytes.subarray(i * size, (i + 1) * size);
        await upload.send(i + 1, sendable(part));
      }
    };
    try {
      const senders = Array.from({ length: PARTS_AT_ONCE }, () =>
        sendSome().catch((error) => {
          upload.stop(error);
          throw error;
        }));
      await allSettled(senders);
      await upload.complete();
    } catch (error) {
      await upload.abort();
      throw error;
    }
  }

  async putIfAbsent(key: string, bytes: Uint8Array, options: PutBlobOptions = {}) {
    checkKey(key);
    const { signal } = options;
    const body = sendable(bytes);
    const isKnown = this.#conditional !== undefined;
    // A server that passes the condition over would put it in the place of what is there.
    if (this.#conditional !== true && await this.head(key, { signal }) !== undefined) return false;
    if (this.#conditional !== false) {
      const outcome = await this.#putConditionally(key, body, options);
      if (outcome === "there") return await this.#holds(key, body, signal);
      if (outcome === "put" && isKnown) return true;
      // Put again, it must be refused; if it is not, it is the same once more.
      if (outcome === "put" && await this.#putConditionally(key, body, options) !== "put") {
        this.#conditional = true;
        return true;
      }
      if (isKnown) {
        throw new BlobError(
          `Cannot claim ${
            this.#bucket.shown(key)
          }: the server knows no If-None-Match; open the bucket without conditionalPuts`,
          "unsupported",
        );
      }
      this.#conditional = false;
    }
    // Written once more where it was put unasked: no harm, and one way for all.
    await this.#putWhole(key, body, options);
    return await this.#holds(key, body, signal);
  }

  async #putConditionally(key: string, bytes: Uint8Array<ArrayBuffer>, options: PutBlobOptions) {
    const { signal, contentType = CONTENT_TYPE } = options;
    const sum = sumOf(bytes, this.#bucket.settings.checksum);
    return await this.#bucket.send({
      method: "PUT",
      key,
      headers: { ...sum.headers, "content-type": contentType, "if-none-match": "*" },
      body: bytes,
      act: `claim ${this.#bucket.shown(key)}`,
      signal,
      expects: ({ status }) => status === 412 || status === 501,
      read: ({ status, headers }) => {
        if (status === 501) return "unknown" as const;
        // It may be ours that is there: an answer may have been lost, also to an attempt that fetch made by itself.
        if (status === 412) return "there" as const;
        confirmedTag(headers, sum);
        return "put" as const;
      },
    });
  }

  async #holds(key: string, bytes: Uint8Array, signal?: AbortSignal): Promise<boolean> {
    const found = await this.get(key, { signal });
    return found?.length === bytes.length && found.every((byte, i) => byte === bytes[i]);
  }

  open(key: string, options: OpenBlobOptions = {}): Promise<BlobWriter> {
    const { reserve = 0, signal, contentType = CONTENT_TYPE } = options;
    checkKey(key);
    signal?.throwIfAborted();
    const putWhole = (bytes: Uint8Array<ArrayBuffer>) => this.#putWhole(key, bytes, options);
    return Promise.resolve(
      new S3Writer(this.#bucket, key, {
        reserve,
        signal,
        contentType,
        partBytes: this.#partBytes,
        putWhole,
      }),
    );
  }

  async *list(prefix: string, options: ListBlobOptions = {}): AsyncGenerator<BlobEntry> {
    checkPrefix(prefix);
    yield* listObjects(this.#bucket, prefix, options);
  }

  async delete(key: string, { signal }: BlobOptions = {}): Promise<void> {
    checkKey(key);
    await this.#bucket.send({
      method: "DELETE",
      key,
      act: `remove ${this.#bucket.shown(key)}`,
      signal,
      expects: ({ code }) => code === "NoSuchKey",
      read: checkRemoved,
    });
  }

  async sweep(prefix: string, { signal }: BlobOptions = {}): Promise<BlobLeftover[]> {
    checkPrefix(prefix);
    const uploads = await Array.fromAsync(listUploads(this.#bucket, prefix, signal));
    for (const { key, uploadId } of uploads) {
      await abortUpload(this.#bucket, key, uploadId, { signal });
    }
    return uploads.map(({ key, started }) => ({ key, started }));
  }

  #isMissing({ status, code }: S3Answer): boolean {
    if (status === 403) {
      return this.#forbiddenIsMissing && (code ?? "AccessDenied") === "AccessDenied";
    }
    return status === 404 && (code === "NoSuchKey" || code === "NoSuchVersion");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
