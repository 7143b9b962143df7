/** Objects in parts, for the S3 server of tests. */
import { createHash } from "node:crypto";
import type { RawAnswer } from "./_raw_http.ts";
import { crcOf, errorAnswer, escapeXml, type S3Call, xmlAnswer } from "./_s3_server.ts";

/** An object that is not there yet. */
export interface S3Upload {
  readonly key: string;
  readonly type: string;
  readonly started: number;
  /** Whether the whole is to have a CRC-32. */
  readonly hasCrc: boolean;
  readonly parts: Map<number, { readonly tag: string; readonly bytes: Uint8Array }>;
}

/** Joins parts as strictly as the strictest server: all but the last have one size, which is not too small. */
export function completeUpload(call: S3Call, id: string, upload: S3Upload): RawAnswer {
  const { request, bucket, key, behaviour } = call;
  const text = new TextDecoder().decode(request.body);
  const listed = Array.from(
    text.matchAll(/<Part><PartNumber>(\d+)<\/PartNumber><ETag>([^<]+)<\/ETag>/g),
    ([, number, tag]) => ({ number: Number(number), tag: tag.replaceAll("&quot;", '"') }),
  );
  const parts = listed.map(({ number }) => upload.parts.get(number));
  const isOrdered = listed.every(({ number }, i) => i === 0 || listed[i - 1].number < number);
  if (listed.length === 0 || !isOrdered) return errorAnswer(400, "InvalidPartOrder", behaviour);
  if (parts.some((part, i) => part?.tag !== listed[i].tag)) {
    return errorAnswer(400, "InvalidPart", behaviour);
  }
  const pieces = parts.flatMap((part) => part === undefined ? [] : [part.bytes]);
  const [first] = pieces;
  if (
    pieces.slice(0, -1).some(({ length }) =>
      length < behaviour.leastPart || length !== first.length
    )
  ) {
    return errorAnswer(400, "EntityTooSmall", behaviour);
  }
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  const sums = createHash("md5");
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
    sums.update(createHash("md5").update(piece).digest());
  }
  const tag = `"${sums.digest("hex")}-${pieces.length}"`;
  bucket.objects.set(key, {
    bytes,
    tag,
    modified: Date.now(),
    headers: {
      "content-type": upload.type,
      ...(upload.hasCrc ? { "x-amz-checksum-crc32": crcOf(bytes) } : {}),
    },
  });
  bucket.uploads.delete(id);
  return xmlAnswer(
    "CompleteMultipartUploadResult",
    `<Key>${escapeXml(key)}</Key><ETag>${escapeXml(tag)}</ETag>`,
  );
}
