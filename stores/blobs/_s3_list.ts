/** Pages of listings of a bucket. */
import { elementsOf, isWholeDocument, textOf } from "./_s3_xml.ts";
import { type BlobEntry, BlobError, type ListBlobOptions } from "./blobs.ts";
import { Transient } from "./retry.ts";
import type { S3Answer, S3Bucket } from "./s3.ts";

/** An upload that was begun and neither completed nor aborted. */
export interface Upload {
  readonly key: string;
  readonly uploadId: string;
  readonly started?: number;
}

/** Objects whose keys begin so. */
export async function* listObjects(
  bucket: S3Bucket,
  prefix: string,
  { folders = false, signal }: ListBlobOptions,
): AsyncGenerator<BlobEntry> {
  const root = bucket.settings.prefix;
  const query: Record<string, string> = {
    "list-type": "2",
    "encoding-type": "url",
    prefix: root + prefix,
  };
  if (folders) query.delimiter = "/";
  for (;;) {
    const page = await listPage(bucket, query, { root: "ListBucketResult", signal });
    for (const block of elementsOf(page, "Contents")) {
      const key = keyOf(page, block, "Key", bucket);
      // Some programs put an empty object where they want a folder.
      if (key !== "" && !key.endsWith("/")) yield { key, size: Number(textOf(block, "Size")) };
    }
    for (const block of elementsOf(page, "CommonPrefixes")) {
      yield { key: keyOf(page, block, "Prefix", bucket) };
    }
    const next = textOf(page, "NextContinuationToken");
    if (textOf(page, "IsTruncated") !== "true") return;
    if (!next || next === query["continuation-token"]) throw endless(bucket);
    query["continuation-token"] = next;
  }
}

/** Uploads to keys that begin so. */
export async function* listUploads(
  bucket: S3Bucket,
  prefix: string,
  signal?: AbortSignal,
): AsyncGenerator<Upload> {
  const root = bucket.settings.prefix;
  const query: Record<string, string> = {
    uploads: "",
    "encoding-type": "url",
    prefix: root + prefix,
  };
  for (;;) {
    const page = await listPage(bucket, query, { root: "ListMultipartUploadsResult", signal });
    for (const block of elementsOf(page, "Upload")) {
      const started = Date.parse(textOf(block, "Initiated") ?? "");
      const uploadId = textOf(block, "UploadId") ?? "";
      yield {
        key: keyOf(page, block, "Key", bucket),
        uploadId,
        started: Number.isNaN(started) ? undefined : started,
      };
    }
    if (textOf(page, "IsTruncated") !== "true") return;
    const marker = decodeName(page, textOf(page, "NextKeyMarker") ?? "");
    const idMarker = textOf(page, "NextUploadIdMarker") ?? "";
    if (marker === query["key-marker"] && idMarker === query["upload-id-marker"]) {
      throw endless(bucket);
    }
    query["key-marker"] = marker;
    query["upload-id-marker"] = idMarker;
  }
}

interface ListQuestion {
  /** Name of the outermost element. */
  readonly root: string;
  readonly signal?: AbortSignal;
}

async function listPage(
  bucket: S3Bucket,
  query: Readonly<Record<string, string>>,
  { root, signal }: ListQuestion,
): Promise<string> {
  return await bucket.send({
    method: "GET",
    query,
    act: `list "${bucket.settings.url}"`,
    signal,
    read: ({ bytes }: S3Answer) => {
      const text = new TextDecoder().decode(bytes);
      if (isWholeDocument(text, root)) return text;
      // Some servers pass over what they do not know of a question, and list objects.
      if (isWholeDocument(text, "ListBucketResult")) {
        throw new BlobError(
          `Cannot list unfinished uploads of "${bucket.settings.url}": the server lists objects instead; let it remove them by a rule of its own`,
          "unsupported",
        );
      }
      throw new Transient("what came is no listing, or not all of it", "corrupt");
    },
  });
}

/** A key of a page, relative to the root. */
function keyOf(page: string, block: string, name: string, bucket: S3Bucket): string {
  const { prefix, url } = bucket.settings;
  const key = decodeName(page, textOf(block, name) ?? "");
  if (key.startsWith(prefix)) return key.slice(prefix.length);
  throw new BlobError(
    `Cannot list "${url}": the server named ${
      JSON.stringify(key)
    }, which does not lie there; look at the endpoint`,
    "corrupt",
  );
}

/** Servers that know it write keys as in a form: a space as a plus. */
function decodeName(page: string, text: string): string {
  const isEncoded = textOf(page, "EncodingType") === "url";
  return isEncoded ? decodeURIComponent(text.replaceAll("+", " ")) : text;
}

function endless(bucket: S3Bucket): BlobError {
  return new BlobError(
    `Cannot list "${bucket.settings.url}": the server never comes to an end; look at the endpoint`,
    "corrupt",
  );
}
