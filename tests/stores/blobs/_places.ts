/** Places of blobs for tests. */
import { join } from "node:path";
import { DiskBlobs } from "../../../stores/blobs/disk.ts";
import { HttpBlobs } from "../../../stores/blobs/http.ts";
import type { BucketOptions } from "../../../stores/blobs/_s3_settings.ts";
import { S3Blobs } from "../../../stores/blobs/s3_blobs.ts";
import { type RawAnswer, type RawHandler, serveRaw } from "../../_raw_http.ts";
import { type S3Server, serveS3, TEST_KEY } from "../../_s3_server.ts";
import type { BlobsKind } from "./conformance.ts";

/** Parts as small as the tests like them. */
export const PART_BYTES = 65_536;

/** Nothing of this machine's environment is looked at. */
export const NO_ENV = { get: () => undefined };

/** How a bucket of a server of tests is opened. */
export function bucketOptions(
  server: { readonly url: string },
  options: BucketOptions = {},
): BucketOptions {
  return {
    endpoint: server.url,
    credentials: TEST_KEY,
    env: NO_ENV,
    partBytes: PART_BYTES,
    multipartBytes: 2 * PART_BYTES,
    ...options,
  };
}

/** Opens the bucket of a server of tests. */
export function openTestBucket(
  server: S3Server,
  options: BucketOptions = {},
  address = "s3://bucket",
): Promise<S3Blobs> {
  return S3Blobs.open(address, bucketOptions(server, options));
}

/** Blobs on a disk. */
export const disk: BlobsKind = {
  name: "disk",
  async create() {
    const folder = await Deno.makeTempDir({ prefix: "sluice-test-" });
    const open = () => new DiskBlobs(join(folder, "root"));
    return {
      blobs: open(),
      again: () => Promise.resolve(open()),
      [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
    };
  },
};

/** Blobs in a bucket. */
export function bucket(
  name: string,
  { address, server: behaviour, options, loose }: {
    readonly address?: string;
    readonly server?: Parameters<typeof serveS3>[0];
    readonly options?: BucketOptions;
    readonly loose?: boolean;
  } = {},
): BlobsKind {
  return {
    name,
    loose,
    async create() {
      const server = serveS3({ leastPart: PART_BYTES, pageSize: 3, ...behaviour });
      const open = () => openTestBucket(server, options, address);
      return {
        blobs: await open(),
        again: open,
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      };
    },
  };
}

/** Blobs behind a web server. */
export const http: BlobsKind = {
  name: "HTTP",
  readOnly: true,
  create() {
    const files = new Map<string, Uint8Array<ArrayBuffer>>();
    const server = serveRaw(serveFiles(files));
    const open = () => new HttpBlobs(`${server.url}/data%20sets`);
    return Promise.resolve({
      blobs: open(),
      again: () => Promise.resolve(open()),
      store: (key: string, bytes: Uint8Array<ArrayBuffer>) => {
        files.set(`/data sets/${key}`, bytes);
        return Promise.resolve();
      },
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    });
  },
};

/** A web server that knows ranges. */
export function serveFiles(files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>): RawHandler {
  return ({ path, headers }): RawAnswer => {
    const bytes = files.get(path.split("/").map(decodeURIComponent).join("/"));
    if (bytes === undefined) {
      return { status: 404, headers: { "content-type": "text/html" }, body: "<p>Nothing" };
    }
    const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(headers.get("range") ?? "") ?? [];
    if (first === undefined) return { status: 200, body: bytes };
    const from = first === "" ? Math.max(0, bytes.length - Number(last)) : Number(first);
    const to = first === "" || last === ""
      ? bytes.length
      : Math.min(bytes.length, Number(last) + 1);
    if (from >= to) return { status: 416, headers: { "content-range": `bytes */${bytes.length}` } };
    return {
      status: 206,
      headers: { "content-range": `bytes ${from}-${to - 1}/${bytes.length}` },
      body: bytes.subarray(from, to),
    };
  };
}
