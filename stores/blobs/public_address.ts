/**
 * The address of what lies in a bucket, for whoever has no key: a page in a browser.
 * @module
 */
import { encodePath } from "./_keys.ts";
import { type BucketOptions, settleBucket } from "./_s3_settings.ts";
import { blobDefaults } from "./open_blobs.ts";
import { awsEndpoint } from "./s3.ts";

/** Where a place in a bucket is served. */
export interface PublicAddress {
  /** Of the place, without a slash at its end. */
  readonly url: URL;
  /** Name of the bucket. */
  readonly bucket: string;
  /** Without slashes around it; may be empty. */
  readonly prefix: string;
  /** Address of a server that is not that of AWS or Google. */
  readonly endpoint?: string;
}

/**
 * Finds the address under which a server answers requests without signature; nobody is asked.
 * @param address `s3://BUCKET/PREFIX` or `gs://BUCKET/PREFIX`.
 * @throws {UsageError} If the address names no bucket.
 * @example A bucket of AWS
 * ```ts
 * import { publicAddress } from "./public_address.ts";
 * import { equal } from "node:assert/strict";
 * const { url } = await publicAddress("s3://lab/em.ome.zarr", { region: "eu-west-1" });
 * equal(url.href, "https://lab.s3.eu-west-1.amazonaws.com/em.ome.zarr");
 * ```
 */
export async function publicAddress(
  address: string,
  given: BucketOptions = {},
): Promise<PublicAddress> {
  const { bucket, prefix, endpoint, region, pathStyle } = await settleBucket(address, {
    ...blobDefaults(),
    ...given,
    sign: false,
  });
  const isGoogle = address.startsWith("gs:");
  const url = new URL(endpoint ?? awsEndpoint(region));
  const base = url.pathname.replace(/\/+$/, "");
  if (!pathStyle) url.host = `${bucket}.${url.host}`;
  const path = pathStyle ? `${base}/${bucket}` : base;
  url.pathname = `${path}/${encodePath(prefix)}`.replace(/\/+$/, "");
  return {
    url,
    bucket,
    prefix: prefix.replace(/\/+$/, ""),
    ...(endpoint === undefined || isGoogle ? {} : { endpoint: endpoint.href.replace(/\/+$/, "") }),
  };
}
