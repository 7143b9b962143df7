/** Images in a bucket and behind a web server, for tests. */
import { setBlobDefaults } from "../../stores/blobs/open_blobs.ts";
import { type RawAnswer, type RawRequest, type RawServer, serveRaw } from "../_raw_http.ts";
import { md5, type S3Server } from "../_s3_server.ts";
import { serveFiles } from "../stores/blobs/_places.ts";

/** When everything was written, unless a test says otherwise. */
export const WRITTEN = Date.UTC(2024, 4, 6, 7, 8, 9);

/** Puts an object into the bucket of a server. */
export function putObject(
  server: S3Server,
  key: string,
  bytes: Uint8Array,
  modified = WRITTEN,
): void {
  const object = { bytes, tag: `"${md5(bytes)}"`, modified, headers: {} };
  server.buckets.get("bucket")!.objects.set(key, object);
}

/** Puts many. */
export function putObjects(server: S3Server, files: Readonly<Record<string, Uint8Array>>): void {
  for (const [key, bytes] of Object.entries(files)) putObject(server, key, bytes);
}

/** A web server of files, which says what it was asked. */
export interface WebServer extends RawServer {
  readonly files: Map<string, Uint8Array<ArrayBuffer>>;
  /** `GET /a/b.png`, and `bytes=0-9` behind it for a part. */
  readonly log: string[];
  /** What goes before everything else. */
  intercept?: (request: RawRequest) => RawAnswer | undefined;
}

/** Serves files with ETag and date, unless told to say neither. */
export function serveWeb(
  files: Readonly<Record<string, Uint8Array>>,
  { dated = true }: { readonly dated?: boolean } = {},
): WebServer {
  const held = new Map(
    Object.entries(files).map(([path, bytes]) => [path, new Uint8Array(bytes)]),
  );
  const serve = serveFiles(held);
  const log: string[] = [];
  const raw = serveRaw(async (request) => {
    const range = request.headers.get("range");
    const path = decodeURIComponent(request.path);
    log.push(`${request.method} ${path}${range === null ? "" : ` ${range}`}`);
    const own = server.intercept?.(request);
    if (own !== undefined) return own;
    const answer = await serve(request);
    const bytes = held.get(path);
    if (!dated || bytes === undefined || answer.status >= 300) return answer;
    const headers = {
      etag: `"${md5(bytes)}"`,
      "last-modified": new Date(WRITTEN).toUTCString(),
      ...answer.headers,
    };
    return { ...answer, headers };
  });
  const server: WebServer = {
    ...raw,
    files: held,
    log,
    async [Symbol.asyncDispose]() {
      setBlobDefaults({});
      await raw[Symbol.asyncDispose]();
    },
  };
  return server;
}

/** Notes how objects of a bucket are read, as the log of its server does not tell parts. */
export function noteReads(server: S3Server): Map<string, (string | undefined)[]> {
  const reads = new Map<string, (string | undefined)[]>();
  const before = server.intercept;
  server.intercept = (request) => {
    const key = decodeURIComponent(request.path).replace("/bucket/", "");
    if (request.method === "GET" && request.query === "" && !key.includes(".sluice/")) {
      const ranges = reads.get(key) ?? [];
      ranges.push(request.headers.get("range") ?? undefined);
      reads.set(key, ranges);
    }
    return before?.(request);
  };
  return reads;
}
