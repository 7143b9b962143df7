/** By which address viewers reach a volume. */
import { UsageError } from "../core/errors.ts";
import { namesPlace } from "../stores/place.ts";

/** Where a volume is served. */
export interface ServedPlace {
  /** What viewers ask for; its query may be secret. */
  readonly url: URL;
  /** The format that the address names. */
  readonly format?: string;
  /** The bucket behind it, where that is known. */
  readonly bucket?: ServedBucket;
}

/** A bucket, and where in it the volume lies. */
export interface ServedBucket {
  readonly scheme: "s3" | "gs";
  readonly name: string;
  /** Without slashes around it; may be empty. */
  readonly prefix: string;
  /** Of a server that is not that of AWS or Google. */
  readonly endpoint?: string;
}

/** Formats that a page can read, and that an address may name. */
const FORMATS = ["zarr", "precomputed", "n5"];

/**
 * Finds the address that viewers use.
 * @throws {UsageError} If there is none: what lies on a disk is served by nobody.
 */
export async function servedPlace(address: string): Promise<ServedPlace> {
  // A query may be a signature.
  const named = address.replace(/(:\/\/)[^/?#]*@/, "$1").replace(/\?.*/s, "");
  if (/:\/\/[^/?#]*@/.test(address)) {
    throw new UsageError(
      `Cannot test "${named}" with a name or password in its address: viewers have none; leave them away`,
    );
  }
  const scheme = namesPlace(address) ? undefined : /^([a-z][a-z0-9+.-]+):\/\//.exec(address)?.[1];
  const place = scheme === undefined ? address : address.slice(scheme.length + 3);
  if (scheme !== undefined && !FORMATS.includes(scheme)) {
    throw new UsageError(
      `Cannot test "${named}": no viewer in a browser reads ${scheme}:// there; write https://, or ${
        FORMATS.map((name) => `${name}://https://…`).join(", ")
      }`,
    );
  }
  const format = scheme === undefined ? {} : { format: scheme };
  if (/^(?:s3|gs):/.test(place)) return { ...await ofBucket(place), ...format };
  if (!/^https?:/.test(place)) {
    throw new UsageError(
      `Cannot test "${named}" as a page in a browser would: it is a path, which no server is asked for; serve its folder and give the https:// or http:// address, or \`sluice info\` says what it is`,
    );
  }
  const url = URL.parse(place);
  if (url === null) {
    throw new UsageError(`Cannot test "${named}": it is no address; write https://HOST/PATH`);
  }
  url.pathname = url.pathname.replace(/\/+$/, "");
  const bucket = bucketBehind(url);
  return { url, ...(bucket === undefined ? {} : { bucket }), ...format };
}

async function ofBucket(address: string): Promise<Pick<ServedPlace, "url" | "bucket">> {
  const { publicAddress } = await import("../stores/blobs/public_address.ts");
  const { url, bucket: name, prefix, endpoint } = await publicAddress(address);
  const scheme = address.startsWith("gs:") ? "gs" : "s3";
  return {
    url,
    bucket: { scheme, name, prefix, ...(endpoint === undefined ? {} : { endpoint }) },
  };
}

/** The bucket that an address of AWS or Google names. */
function bucketBehind({ hostname, pathname }: URL): ServedBucket | undefined {
  const path = decodeURIComponent(pathname).replace(/^\/+/, "");
  const [first, ...rest] = path.split("/");
  const virtual = /^(.+)\.s3[.-](?:[a-z0-9-]+\.)*amazonaws\.com$/.exec(hostname)?.[1];
  if (virtual !== undefined) return { scheme: "s3", name: virtual, prefix: path };
  if (/^s3[.-](?:[a-z0-9-]+\.)*amazonaws\.com$/.test(hostname)) {
    return { scheme: "s3", name: first, prefix: rest.join("/") };
  }
  const google = /^(.+)\.storage\.googleapis\.com$/.exec(hostname)?.[1];
  if (google !== undefined) return { scheme: "gs", name: google, prefix: path };
  if (hostname === "storage.googleapis.com") {
    return { scheme: "gs", name: first, prefix: rest.join("/") };
  }
  return undefined;
}
