/** Whether an answer holds what was asked for, whole and undamaged. */
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { brotliDecompress, crc32, gunzip, inflate } from "node:zlib";
import { messageOf } from "../../core/errors.ts";
import { crc32c } from "../../codecs/crc32c.ts";
import { BlobError, type BlobInfo, type ByteRange } from "./blobs.ts";
import type { Answer, AnswerHead } from "./_exchange.ts";
import { parseContentRange, placeRange } from "./_ranges.ts";
import { Transient } from "./retry.ts";

const DECODERS = {
  gzip: promisify(gunzip),
  "x-gzip": promisify(gunzip),
  br: promisify(brotliDecompress),
  deflate: promisify(inflate),
} as const;

/** Names of content codings that change no byte of what is stored. */
const NO_CODING = ["", "identity", "aws-chunked"];

/** The codings that a body went through, the last one first. */
function codings(headers: Headers): string[] {
  return (headers.get("content-encoding") ?? "").toLowerCase().split(",").map((name) => name.trim())
    .filter((name) => !NO_CODING.includes(name)).reverse();
}

/** What was asked. */
export interface Asked {
  readonly key: string;
  readonly range?: ByteRange;
  /** Whether the tag of an object is the MD5 of its bytes, where it can be one. @default false */
  readonly isS3?: boolean;
  /** What is done with what, as an error begins. */
  readonly act: string;
}

/**
 * Looks at an answer to a read before its body comes.
 * @throws {BlobError} If the server does not read ranges.
 * @throws {Transient} If it is a page for people.
 */
export function checkHead({ status, headers }: AnswerHead, { key, range, isS3, act }: Asked): void {
  if (status !== 200 && status !== 206) return;
  if (isS3 && !headers.has("etag")) {
    throw new Transient("an answer without ETag came, so not from the bucket", "corrupt");
  }
  if (!isS3 && headers.get("content-type")?.includes("text/html") && !/\.html?$/.test(key)) {
    throw new Transient("an HTML page came where the data should be", "corrupt");
  }
  if (range === undefined) return;
  const [coding] = codings(headers);
  if (coding !== undefined) {
    throw new BlobError(
      `Cannot ${act} in part: it is stored with Content-Encoding ${coding}, which has no parts; read it whole`,
      "unsupported",
    );
  }
  if (status === 206) return;
  const length = headers.get("content-length");
  const [from, to] = placeRange(range, Number(length));
  if (length === null || from > 0 || to < Number(length)) {
    throw new BlobError(
      `Cannot ${act} in part: the server sends the whole for a Range; serve it with a server that knows them`,
      "unsupported",
    );
  }
}

/**
 * The bytes that were asked for, decoded where the whole of them went through a content coding.
 * @throws {Transient} If it is not what was asked for, or damaged.
 */
export async function bodyOf(
  { status, headers, bytes }: Answer,
  { range, isS3 = headers.has("x-amz-request-id"), act }: Asked,
): Promise<Uint8Array<ArrayBuffer>> {
  if (status === 206) {
    checkPart(headers, bytes.length, range);
    return bytes;
  }
  checkSums(headers, bytes, isS3);
  let decoded = bytes;
  for (const coding of codings(headers)) decoded = await decode(decoded, coding, act);
  return decoded;
}

/** What an answer to a read, of all or of a part, says of the whole. */
export function infoOfWhole({ status, headers, bytes }: Answer): BlobInfo {
  const part = status === 206 ? parseContentRange(headers.get("content-range")) : undefined;
  return { size: part?.size ?? bytes.length, ...versionOf(headers) };
}

/** What headers say of when a blob was written, and by what it is told from others that were there. */
export function versionOf(headers: Headers): Pick<BlobInfo, "modified" | "tag"> {
  const modified = Date.parse(headers.get("last-modified") ?? "");
  return {
    modified: Number.isNaN(modified) ? undefined : modified,
    tag: headers.get("etag") ?? undefined,
  };
}

function checkPart(headers: Headers, length: number, range: ByteRange | undefined): void {
  const said = headers.get("content-range");
  const found = parseContentRange(said);
  if (range === undefined || found === undefined) {
    throw new Transient(`a part came (${said}) where none was asked for`, "corrupt");
  }
  const [from, to] = placeRange(range, found.size);
  if (found.from !== from || found.to !== to || length !== to - from) {
    throw new Transient(
      `${length} bytes came as "${said}" where [${range}] were asked for`,
      "corrupt",
    );
  }
}

function checkSums(headers: Headers, bytes: Uint8Array, isS3: boolean): void {
  const differs = (sum: string) => new Transient(`its bytes do not have its ${sum}`, "corrupt");
  const crc = headers.get("x-amz-checksum-crc32");
  // With a dash it is one of checksums of parts.
  if (crc !== null && !crc.includes("-")) {
    if (crc !== base64Crc(crc32(bytes))) throw differs("CRC-32");
    return;
  }
  // Where the server decoded it on the way, the sum is not that of what came.
  const stored = headers.get("x-goog-stored-content-encoding") ?? "identity";
  const google = /crc32c=([^,\s]+)/.exec(headers.get("x-goog-hash") ?? "")?.[1];
  if (google !== undefined) {
    if (stored === (codings(headers)[0] ?? "identity") && google !== base64Crc(crc32c(bytes))) {
      throw differs("CRC-32C");
    }
    return;
  }
  const md5 = isS3 ? md5Tag(headers) : undefined;
  if (md5 !== undefined && md5 !== createHash("md5").update(bytes).digest("hex")) {
    throw differs("MD5");
  }
}

/** The MD5 that a tag is; undefined where it is something else: of parts, or of what was encrypted. */
export function md5Tag(headers: Headers): string | undefined {
  const encryption = headers.get("x-amz-server-side-encryption") ?? "AES256";
  const other = encryption !== "AES256" ||
    headers.has("x-amz-server-side-encryption-customer-algorithm") ||
    headers.has("x-goog-encryption-kms-key-name");
  return other ? undefined : /^"?([0-9a-f]{32})"?$/.exec(headers.get("etag") ?? "")?.[1];
}

/** A checksum of 32 bits as headers write it. */
export function base64Crc(crc: number): string {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, crc);
  return bytes.toBase64();
}

async function decode(
  bytes: Uint8Array,
  coding: string,
  act: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const decoder = DECODERS[coding as keyof typeof DECODERS];
  if (decoder === undefined) {
    throw new BlobError(
      `Cannot ${act}: it is stored with Content-Encoding "${coding}", which is not known here; store it without`,
      "unsupported",
    );
  }
  try {
    return new Uint8Array(await decoder(bytes));
  } catch (error) {
    throw new Transient(`its ${coding} is damaged: ${messageOf(error)}`, "corrupt");
  }
}
