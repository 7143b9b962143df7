/** An S3 server in memory, for tests: it checks signatures and checksums, and goes wrong on demand. */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { listObjects, listUploads } from "./_s3_listings.ts";
import { type S3Fault, type S3FaultRates, S3Faults } from "./_s3_faults.ts";
import { completeUpload, type S3Upload } from "./_s3_uploads.ts";
import { type RawAnswer, type RawRequest, type RawServer, serveRaw } from "./_raw_http.ts";
import { checkSignature, type KnownKey } from "./_sigv4.ts";

/** An object as it is kept. */
export interface S3Object {
  readonly bytes: Uint8Array;
  readonly tag: string;
  readonly modified: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** One bucket. */
export interface S3Bucket {
  readonly objects: Map<string, S3Object>;
  readonly uploads: Map<string, S3Upload>;
}

/** How the server behaves; a test may change it as it runs. */
export interface S3Behaviour {
  readonly keys: Map<string, KnownKey>;
  region: string;
  /** What may be done without a signature. */
  anonymous: "nothing" | "read";
  /** Conditional puts: known, passed over as if nothing were said, or answered with 501. */
  conditional: "known" | "ignored" | "refused";
  /** Whether headers with CRC-32 are known, else refused. */
  crc32: boolean;
  /** Whether who asks must say that they pay. */
  requesterPays: boolean;
  /** Whether 403 is said of a key that is not there. */
  hidesMissing: boolean;
  /** Milliseconds that its clock is ahead. */
  ahead: number;
  /** Bytes that a part has at least, unless it is the last. */
  leastPart: number;
  /** Lines of a listing at once. */
  pageSize: number;
  /** Requests a second; above, they are told to slow down. */
  capacity: number;
  /** How often each fault comes. */
  faults: S3FaultRates;
}

/** A server that runs. */
export interface S3Server extends RawServer {
  readonly behaviour: S3Behaviour;
  readonly buckets: Map<string, S3Bucket>;
  /** What was asked: `PUT bucket/key`, in the order it came. */
  readonly log: string[];
  /** How often each fault came. */
  readonly faults: ReadonlyMap<S3Fault, number>;
  /** What goes wrong with the next requests, before chance decides. */
  readonly next: (S3Fault | undefined)[];
  /** What goes before everything else, for faults that are nobody else's. */
  intercept?: (request: RawRequest) => RawAnswer | undefined | Promise<RawAnswer | undefined>;
}

/** The key that the server knows unless told otherwise. */
export const TEST_KEY = { accessKeyId: "AKIDTESTTEST", secretAccessKey: "s3cret/Key+0=" } as const;

/** A request for one bucket, or an object in it. */
export interface S3Call {
  readonly request: RawRequest;
  readonly bucket: S3Bucket;
  readonly name: string;
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
  readonly behaviour: S3Behaviour;
}

/** Serves buckets until it is disposed. */
export function serveS3(
  options: Partial<S3Behaviour> & { readonly buckets?: readonly string[]; readonly seed?: number } =
    {},
): S3Server {
  const { buckets: names = ["bucket"], seed = 1, ...rest } = options;
  const behaviour: S3Behaviour = {
    keys: new Map([[TEST_KEY.accessKeyId, { secret: TEST_KEY.secretAccessKey }]]),
    region: "us-east-1",
    anonymous: "nothing",
    conditional: "known",
    crc32: true,
    requesterPays: false,
    hidesMissing: false,
    ahead: 0,
    leastPart: 5 * 2 ** 20,
    pageSize: 1000,
    capacity: Infinity,
    faults: {},
    ...rest,
  };
  const faults = new S3Faults(() => behaviour.faults, seed);
  const load = new Load();
  const raw = serveRaw(async (request) => {
    server.log.push(
      `${request.method} ${decodeURIComponent(request.path)}${
        request.query && `?${request.query}`
      }`,
    );
    const own = await server.intercept?.(request);
    if (own !== undefined) return own;
    if (load.isOver(behaviour.capacity)) return errorAnswer(503, "SlowDown", behaviour);
    return await faults.answer(request, (arrived) => {
      const answer = answerTo(arrived, server);
      const date = new Date(Date.now() + behaviour.ahead).toUTCString();
      return { ...answer, headers: { date, "x-amz-request-id": "1", ...answer.headers } };
    });
  }, faults.gate);
  const server: S3Server = {
    ...raw,
    [Symbol.asyncDispose]: () => raw[Symbol.asyncDispose](),
    behaviour,
    buckets: new Map(names.map((name) => [name, { objects: new Map(), uploads: new Map() }])),
    log: [],
    faults: faults.counts,
    next: faults.next,
  };
  return server;
}

/** Requests of the last second. */
class Load {
  #since = 0;
  #count = 0;

  isOver(capacity: number): boolean {
    const now = performance.now();
    if (now - this.#since >= 100) [this.#since, this.#count] = [now, 0];
    return ++this.#count > capacity / 10;
  }
}

function answerTo(request: RawRequest, server: S3Server): RawAnswer {
  const { behaviour, buckets } = server;
  const { method, headers } = request;
  const host = headers.get("host") ?? "";
  const path = request.path.split("/").map(decodeURIComponent).join("/").slice(1);
  // With the bucket in the host, the path is the key.
  const virtual = [...buckets.keys()].find((name) => host.startsWith(`${name}.`));
  const name = virtual ?? path.split("/")[0];
  const key = virtual === undefined ? path.slice(name.length + 1) : path;
  const isSigned = headers.has("authorization");
  const isRead = method === "GET" || method === "HEAD";
  const now = Date.now() + behaviour.ahead;
  const refusal = isSigned
    ? checkSignature(request, { keys: behaviour.keys, region: behaviour.region, now })
    : behaviour.anonymous === "read" && isRead
    ? undefined
    : "AccessDenied";
  if (refusal === "AuthorizationHeaderMalformed") {
    return errorAnswer(400, refusal, behaviour, `<Region>${behaviour.region}</Region>`);
  }
  if (refusal !== undefined) {
    return errorAnswer(refusal === "ExpiredToken" ? 400 : 403, refusal, behaviour);
  }
  if (behaviour.requesterPays && headers.get("x-amz-request-payer") !== "requester") {
    return errorAnswer(403, "AccessDenied", behaviour);
  }
  if (!behaviour.crc32 && [...headers.keys()].some((name) => name.startsWith("x-amz-checksum"))) {
    return errorAnswer(400, "InvalidArgument", behaviour);
  }
  const bucket = buckets.get(name);
  if (bucket === undefined) return errorAnswer(404, "NoSuchBucket", behaviour);
  const query = new Map(
    request.query.split("&").filter(Boolean).map((pair) => {
      const [name, value = ""] = pair.split("=");
      return [name, decodeURIComponent(value)];
    }),
  );
  const call: S3Call = { request, bucket, name, key, query, behaviour };
  return key === "" ? answerBucket(call) : answerObject(call);
}

function answerBucket(call: S3Call): RawAnswer {
  if (call.request.method !== "GET") return errorAnswer(405, "MethodNotAllowed", call.behaviour);
  return call.query.has("uploads") ? listUploads(call) : listObjects(call);
}

function answerObject(call: S3Call): RawAnswer {
  const { request: { method }, query } = call;
  const uploadId = query.get("uploadId");
  if (method === "POST" && query.has("uploads")) return beginUpload(call);
  if (uploadId !== undefined) return answerUpload(call, uploadId);
  if (method === "PUT") return putObject(call);
  if (method === "GET" || method === "HEAD") return getObject(call);
  if (method !== "DELETE") return errorAnswer(405, "MethodNotAllowed", call.behaviour);
  call.bucket.objects.delete(call.key);
  return { status: 204 };
}

function beginUpload({ bucket, key, name, request }: S3Call): RawAnswer {
  const id = crypto.randomUUID();
  const type = request.headers.get("content-type") ?? "binary/octet-stream";
  const hasCrc = request.headers.get("x-amz-checksum-type") === "FULL_OBJECT";
  bucket.uploads.set(id, { key, type, hasCrc, started: Date.now(), parts: new Map() });
  return xmlAnswer(
    "InitiateMultipartUploadResult",
    `<Bucket>${name}</Bucket><Key>${escapeXml(key)}</Key><UploadId>${id}</UploadId>`,
  );
}

function answerUpload(call: S3Call, id: string): RawAnswer {
  const { bucket, request, behaviour, query } = call;
  const upload = bucket.uploads.get(id);
  if (upload === undefined) return errorAnswer(404, "NoSuchUpload", behaviour);
  if (request.method === "DELETE") {
    bucket.uploads.delete(id);
    return { status: 204 };
  }
  if (request.method === "POST") return completeUpload(call, id, upload);
  const fault = digestFault(request);
  if (fault !== undefined) return errorAnswer(400, fault, behaviour);
  const tag = `"${md5(request.body)}"`;
  upload.parts.set(Number(query.get("partNumber")), { tag, bytes: request.body });
  return { status: 200, headers: { etag: tag, ...sumHeaders(request) } };
}

function putObject({ request, bucket, key, behaviour }: S3Call): RawAnswer {
  const condition = request.headers.get("if-none-match");
  if (condition !== null && behaviour.conditional === "refused") {
    return errorAnswer(501, "NotImplemented", behaviour);
  }
  const fault = digestFault(request);
  if (fault !== undefined) return errorAnswer(400, fault, behaviour);
  if (condition === "*" && behaviour.conditional === "known" && bucket.objects.has(key)) {
    return errorAnswer(412, "PreconditionFailed", behaviour);
  }
  const headers: Record<string, string> = { ...sumHeaders(request) };
  for (const name of ["content-type", "content-encoding"]) {
    const value = request.headers.get(name);
    if (value !== null) headers[name] = value;
  }
  for (const [name, value] of request.headers) {
    if (name.startsWith("x-amz-meta-")) headers[name] = value;
  }
  const tag = `"${md5(request.body)}"`;
  bucket.objects.set(key, { bytes: request.body, tag, modified: Date.now(), headers });
  return { status: 200, headers: { etag: tag, ...sumHeaders(request) } };
}

function getObject({ request, bucket, key, behaviour }: S3Call): RawAnswer {
  const found = bucket.objects.get(key);
  if (found === undefined) {
    const [status, code] = behaviour.hidesMissing ? [403, "AccessDenied"] : [404, "NoSuchKey"];
    return request.method === "HEAD"
      ? { status: status as number }
      : errorAnswer(status as number, code as string, behaviour);
  }
  const { bytes, tag, modified } = found;
  const headers: Record<string, string> = {
    ...found.headers,
    etag: tag,
    "last-modified": new Date(modified).toUTCString(),
  };
  const range = request.headers.get("range");
  if (range === null) {
    if (request.headers.get("x-amz-checksum-mode") !== "ENABLED") {
      delete headers["x-amz-checksum-crc32"];
    }
    return { status: 200, headers, body: bytes };
  }
  delete headers["x-amz-checksum-crc32"];
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(range) ?? [];
  const from = first === "" ? Math.max(0, bytes.length - Number(last)) : Number(first);
  const to = first === "" || last === "" ? bytes.length : Math.min(bytes.length, Number(last) + 1);
  if (from >= to) return errorAnswer(416, "InvalidRange", behaviour);
  headers["content-range"] = `bytes ${from}-${to - 1}/${bytes.length}`;
  return { status: 206, headers, body: bytes.subarray(from, to) };
}

function digestFault({ headers, body }: RawRequest): string | undefined {
  const wanted = headers.get("content-md5");
  if (wanted !== null && wanted !== createHash("md5").update(body).digest("base64")) {
    return "BadDigest";
  }
  const crc = headers.get("x-amz-checksum-crc32");
  return crc !== null && crc !== crcOf(body) ? "BadDigest" : undefined;
}

function sumHeaders({ headers }: RawRequest): Record<string, string> {
  const crc = headers.get("x-amz-checksum-crc32");
  return crc === null ? {} : { "x-amz-checksum-crc32": crc };
}

/** As headers have it. */
export function crcOf(bytes: Uint8Array): string {
  const four = new Uint8Array(4);
  new DataView(four.buffer).setUint32(0, crc32(bytes));
  return four.toBase64();
}

/** In hexadecimal. */
export function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}

/** An answer as S3 gives it in XML. */
export function xmlAnswer(
  root: string,
  inside: string,
  headers: Record<string, string> = {},
): RawAnswer {
  const xmlns = root === "Error" ? "" : ` xmlns="http://s3.amazonaws.com/doc/2006-03-01/"`;
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${xmlns}>${inside}</${root}>`;
  return { status: 200, headers: { "content-type": "application/xml", ...headers }, body };
}

/** An error as S3 gives it. */
export function errorAnswer(
  status: number,
  code: string,
  { ahead }: S3Behaviour,
  more = "",
): RawAnswer {
  const inside =
    `<Code>${code}</Code><Message>It is ${code}</Message>${more}<RequestId>1</RequestId>`;
  const date = new Date(Date.now() + ahead).toUTCString();
  return { ...xmlAnswer("Error", inside, { date }), status };
}

/** Text as XML holds it. */
export function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll(
    '"',
    "&quot;",
  );
}
