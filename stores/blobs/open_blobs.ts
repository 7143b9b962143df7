/**
 * Places of blobs by their address.
 * @module
 */
import { fileURLToPath } from "node:url";
import { UsageError } from "../../core/errors.ts";
import { didYouMean } from "../../core/nearest.ts";
import type { BucketOptions } from "./_s3_settings.ts";
import type { Blobs } from "./blobs.ts";
import type { HttpOptions } from "./http.ts";

/** How to open a place of blobs; what a kind of place has no use for is passed over. */
export interface OpenBlobsOptions extends BucketOptions, HttpOptions {}

/** Opens the place that an address names. */
type Opener = (address: string, options: OpenBlobsOptions) => Promise<Blobs>;

const openBucket: Opener = async (address, options) =>
  await (await import("./s3_blobs.ts")).S3Blobs.open(address, options);
const openHttp: Opener = async (address, options) =>
  new (await import("./http.ts")).HttpBlobs(parseUrl(address), options);
const openChannel: Opener = async (address, options) =>
  await (await import("../boss_cutout_blobs.ts")).openBossBlobs(address, options);
const openFolder = async (path: string) => new (await import("./disk.ts")).DiskBlobs(path);

/** Kinds of places by the scheme of their address; nothing is loaded before it is used. */
const SCHEMES: ReadonlyMap<string, Opener> = new Map<string, Opener>([
  ["file", async (address) => await openFolder(parsePath(address))],
  ["s3", openBucket],
  ["gs", openBucket],
  ["http", openHttp],
  ["https", openHttp],
  ["bossdb", openChannel],
]);

let defaults: OpenBlobsOptions = {};

/** Says once how every place is opened that nothing else is said of: what the command line says of buckets. */
export function setBlobDefaults(options: OpenBlobsOptions): void {
  defaults = options;
}

/** What the command line says of buckets. */
export function blobDefaults(): OpenBlobsOptions {
  return defaults;
}

/**
 * Opens the place of blobs at an address: a path or `file://` for a folder, `s3://BUCKET/PREFIX` or `gs://BUCKET/PREFIX`
 * for a bucket, `https://HOST/PATH` for what can only be read. Nothing is asked of a server, or made on a disk, before
 * the first call.
 * @throws {UsageError} If it begins with another scheme, or names no place.
 * @example A folder, as a bucket would be used
 * ```ts
 * import { openBlobs } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * await using blobs = await openBlobs(folder);
 * await blobs.put("0/c/0/0", new Uint8Array([7, 5, 3, 9]));
 * deepEqual(await blobs.get("0/c/0/0", { range: [-2] }), new Uint8Array([3, 9]));
 * deepEqual(await Array.fromAsync(blobs.list("0/")), [{ key: "0/c/0/0", size: 4 }]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 * @example A file whose first bytes are known last
 * ```ts
 * import { type Blobs, openBlobs } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * async function writeCounted(blobs: Blobs, key: string, pieces: Uint8Array[]) {
 *   await using writer = await blobs.open(key, { reserve: 1 });
 *   for (const piece of pieces) await writer.write(piece);
 *   await writer.commit(Uint8Array.of(pieces.length));
 * }
 * const folder = await Deno.makeTempDir();
 * await using blobs = await openBlobs(`file://${folder}`);
 * await writeCounted(blobs, "pieces", [Uint8Array.of(8, 8), Uint8Array.of(9)]);
 * deepEqual(await blobs.get("pieces"), new Uint8Array([2, 8, 8, 9]));
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export function openBlobs(address: string | URL, given: OpenBlobsOptions = {}): Promise<Blobs> {
  const options = { ...defaults, ...given };
  const text = String(address);
  const [, scheme, slashes] = /^([a-z][a-z0-9+.-]+):(\/\/)?/i.exec(text.toLowerCase()) ?? [];
  const open = scheme === undefined ? undefined : SCHEMES.get(scheme);
  // A drive has one letter, and a file may have a colon in its name.
  if (scheme === undefined || open === undefined && slashes === undefined) return openFolder(text);
  if (open !== undefined && slashes !== undefined) return open(text, options);
  const known = [...SCHEMES.keys()];
  const write = (name: string) => `"${name}://"`;
  const wayOut = open === undefined
    ? didYouMean(scheme, known, { write }) || "; write a path for a folder"
    : `; write ${scheme}://… for that, and ./${scheme}:… for a folder`;
  return Promise.reject(
    new UsageError(
      `Cannot open "${scheme}:…" as a place of blobs: it begins with none of ${
        known.map(write).join(", ")
      }${wayOut}`,
    ),
  );
}

function parsePath(text: string): string {
  try {
    return fileURLToPath(text);
  } catch (error) {
    throw new UsageError(
      `Cannot open "${text}" as a folder: it is the address of none here; write file:///PATH`,
      { cause: error },
    );
  }
}

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url !== null) return url;
  const [scheme] = text.split(":");
  throw new UsageError(
    `Cannot open "${scheme}://…" as a place of blobs: it is no address; write ${scheme}://HOST/PATH`,
  );
}
