/** Listings, page by page, for the S3 server of tests. */
import type { RawAnswer } from "./_raw_http.ts";
import { escapeXml, type S3Call, xmlAnswer } from "./_s3_server.ts";

/** What one page may hold, and how it writes names. */
interface Page {
  readonly write: (name: string) => string;
  readonly encoding: string;
}

function pageOf({ query }: S3Call): Page {
  const isEncoded = query.get("encoding-type") === "url";
  return {
    write: (name) => escapeXml(isEncoded ? encodeURIComponent(name).replaceAll("%20", "+") : name),
    encoding: isEncoded ? "<EncodingType>url</EncodingType>" : "",
  };
}

/** ListObjectsV2. */
export function listObjects(call: S3Call): RawAnswer {
  const { bucket, query, behaviour } = call;
  const { write, encoding } = pageOf(call);
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter");
  const lines = new Map<string, string>();
  for (const key of [...bucket.objects.keys()].filter((key) => key.startsWith(prefix)).sort()) {
    const end = delimiter === undefined ? -1 : key.indexOf(delimiter, prefix.length);
    const { bytes, tag } = bucket.objects.get(key)!;
    if (end < 0) {
      lines.set(
        key,
        `<Contents><Key>${write(key)}</Key><Size>${bytes.length}</Size><ETag>${
          escapeXml(tag)
        }</ETag></Contents>`,
      );
    } else {
      const folder = key.slice(0, end + 1);
      lines.set(folder, `<CommonPrefixes><Prefix>${write(folder)}</Prefix></CommonPrefixes>`);
    }
  }
  const after = new TextDecoder().decode(
    Uint8Array.fromBase64(query.get("continuation-token") ?? ""),
  );
  const rest = [...lines].filter(([name]) => name > after);
  const shown = rest.slice(0, behaviour.pageSize);
  const isTruncated = rest.length > shown.length;
  const token = new TextEncoder().encode(shown.at(-1)?.[0]).toBase64();
  const next = isTruncated ? `<NextContinuationToken>${token}</NextContinuationToken>` : "";
  return xmlAnswer(
    "ListBucketResult",
    `${encoding}<Prefix>${write(prefix)}</Prefix><IsTruncated>${isTruncated}</IsTruncated>${next}${
      shown.map(([, line]) => line).join("")
    }`,
  );
}

/** ListMultipartUploads. */
export function listUploads(call: S3Call): RawAnswer {
  const { bucket, query, behaviour } = call;
  const { write, encoding } = pageOf(call);
  const prefix = query.get("prefix") ?? "";
  const place = (key: string, id: string) => `${key}\0${id}`;
  const after = place(query.get("key-marker") ?? "", query.get("upload-id-marker") ?? "");
  const rest = [...bucket.uploads]
    .map(([id, upload]) => ({ id, ...upload, place: place(upload.key, id) }))
    .filter(({ key, place }) => key.startsWith(prefix) && place > after)
    .sort((a, b) => a.place < b.place ? -1 : 1);
  const shown = rest.slice(0, behaviour.pageSize);
  const last = shown.at(-1);
  const next = rest.length > shown.length
    ? `<NextKeyMarker>${write(last!.key)}</NextKeyMarker><NextUploadIdMarker>${
      last!.id
    }</NextUploadIdMarker>`
    : "";
  const lines = shown.map(({ key, id, started }) =>
    `<Upload><Key>${write(key)}</Key><UploadId>${id}</UploadId><Initiated>${
      new Date(started).toISOString()
    }</Initiated></Upload>`
  );
  return xmlAnswer(
    "ListMultipartUploadsResult",
    `${encoding}<IsTruncated>${next !== ""}</IsTruncated>${next}${lines.join("")}`,
  );
}
