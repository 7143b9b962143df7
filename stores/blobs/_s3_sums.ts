/** Checksums that go with bytes to a bucket, and what its answers say of an object. */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { base64Crc, md5Tag } from "./_check_answer.ts";
import type { BucketSettings } from "./_s3_settings.ts";
import type { BlobInfo } from "./blobs.ts";
import { Transient } from "./retry.ts";

/** The checksum of one body. */
export interface Sum {
  readonly headers: Readonly<Record<string, string>>;
  /** CRC-32, where that is what goes with it. */
  readonly crc?: string;
  /** MD5, where that is what goes with it, in hexadecimal. */
  readonly md5?: string;
}

/** What goes with bytes. */
export function sumOf(bytes: Uint8Array, kind: BucketSettings["checksum"]): Sum {
  switch (kind) {
    case "crc32": {
      const crc = base64Crc(crc32(bytes));
      return { headers: { "x-amz-checksum-crc32": crc }, crc };
    }
    case "md5": {
      const md5 = createHash("md5").update(bytes).digest();
      return { headers: { "content-md5": md5.toString("base64") }, md5: md5.toString("hex") };
    }
    case "none":
      return { headers: {} };
    default:
      throw kind satisfies never;
  }
}

/** The tag by which a server confirms what it stored. @throws {Transient} If it confirms nothing, or something else. */
export function confirmedTag(headers: Headers, { crc, md5 }: Sum): string {
  const tag = headers.get("etag");
  if (tag === null) throw new Transient("the server confirmed nothing", "corrupt");
  const storedMd5 = md5 === undefined ? undefined : md5Tag(headers);
  const storedCrc = crc === undefined ? null : headers.get("x-amz-checksum-crc32");
  if ((storedMd5 ?? md5) !== md5 || (storedCrc ?? crc) !== crc) {
    throw new Transient("the server confirmed other bytes than were sent", "corrupt");
  }
  return tag;
}

/** What headers say of an object. @throws {Transient} If they do not say it. */
export function infoOf(headers: Headers): BlobInfo & { readonly tag: string } {
  const length = headers.get("content-length");
  const tag = headers.get("etag");
  if (length === null || tag === null) {
    throw new Transient("the server did not say size and tag of it", "corrupt");
  }
  const modified = Date.parse(headers.get("last-modified") ?? "");
  return { size: Number(length), modified: Number.isNaN(modified) ? undefined : modified, tag };
}
