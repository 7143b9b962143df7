/**
 * Tiles and cuboids on their way into the bucket of a job.
 * @module
 */
import { settleBucket } from "../stores/blobs/_s3_settings.ts";
import { confirmedTag, sumOf } from "../stores/blobs/_s3_sums.ts";
import { sendable } from "../stores/blobs/_exchange.ts";
import { S3Bucket } from "../stores/blobs/s3.ts";
import type { FindCredentials } from "../stores/blobs/s3_credentials.ts";
import type { RetryOptions } from "../stores/blobs/retry.ts";
import { BossError } from "./boss_error.ts";
import { metadataBytes, MOST_METADATA_BYTES, type ObjectMetadata } from "./messages.ts";
import { JOB_RETRY } from "./sqs.ts";

/** How the bucket of a job is opened. */
export interface JobBucketOptions {
  /** Keys of the job. */
  readonly credentials: FindCredentials;
  /** Address of a server other than that of AWS. */
  readonly endpoint?: string;
  /** Where it lies. @default "us-east-1", else what the server says */
  readonly region?: string;
  /** How long to try. @default 20 attempts in 180 s, as keys of a job take a while to become valid */
  readonly retry?: RetryOptions;
}

/** A bucket that a job's objects are put into; its keys allow nothing else. */
export class JobBucket {
  readonly #bucket: S3Bucket;

  private constructor(bucket: S3Bucket) {
    this.#bucket = bucket;
  }

  /**
   * Opens the bucket that join names. Nothing is asked of it yet.
   *
   * The user's own variables and profiles of AWS are not looked at: they are for other buckets.
   */
  static async open(name: string, options: JobBucketOptions): Promise<JobBucket> {
    const { region = "us-east-1", retry } = options;
    return new JobBucket(
      new S3Bucket(
        await settleBucket(`s3://${name}`, {
          ...options,
          region,
          retry: { ...JOB_RETRY, ...retry },
          env: { get: () => undefined },
        }),
      ),
    );
  }

  /**
   * Puts an object in its place; it is there, whole, when this ends. Put again, it is the same.
   * @param key From the message that asks for it.
   * @throws {BossError} Of kind `refused` where its metadata is more than S3 takes.
   * @throws {BlobError} If it is not taken.
   */
  async put(
    key: string,
    bytes: Uint8Array,
    metadata: ObjectMetadata,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    const act = `write ${this.#bucket.shown(key)}`;
    const size = metadataBytes(metadata);
    if (size > MOST_METADATA_BYTES) {
      throw new BossError(
        `Cannot ${act}: its metadata has ${size} bytes, and S3 takes ${MOST_METADATA_BYTES}; most of it is what the Boss wants back: ask who runs it for shorter names of hosts, queues and resources`,
        "refused",
      );
    }
    const body = sendable(bytes);
    const sum = sumOf(body, this.#bucket.settings.checksum);
    const named = Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name}`, value]);
    await this.#bucket.send({
      method: "PUT",
      key,
      headers: {
        "x-amz-acl": "private",
        "x-amz-storage-class": "STANDARD",
        ...sum.headers,
        ...Object.fromEntries(named),
      },
      body,
      act,
      signal,
      read: ({ headers }) => confirmedTag(headers, sum),
    });
  }
}
