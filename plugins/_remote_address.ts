/**
 * Addresses of images in a bucket or behind HTTP.
 * @module
 */
import { UsageError } from "../core/errors.ts";
import { isRemote } from "../stores/place.ts";

/** Where all images of a stack lie. */
export interface RemotePlace {
  /** Of the bucket, or the server: `s3://bucket`, `https://host`. */
  readonly address: string;
  /** Whether it says what it holds. */
  readonly canList: boolean;
  /** The address of a path in it, which begins with `/`. */
  addressOf(path: string): string;
}

/** What a person named, taken apart. */
export interface RemotePath {
  /** As it was named. */
  readonly pattern: string;
  readonly place: RemotePlace;
  /** From the place on, with `/` in front and none behind; what an address writes with `%` as it is meant. */
  readonly path: string;
  /** Whether a `/` behind it says that it is a folder. */
  readonly isFolder: boolean;
}

/** An address as messages may print it: no name, no password and no query. */
export function withoutSecrets(address: string): string {
  const bare = address.replace(/(:\/\/)[^/?#]*@/, "$1");
  return /^https?:/i.test(bare) ? bare.replace(/[?#].*/s, "") : bare;
}

/**
 * Takes addresses apart that name images of one stack.
 * @throws {UsageError} If some name files of this machine, they lie in several places, or one holds a secret.
 */
export function parseRemotePaths(patterns: readonly string[]): readonly RemotePath[] {
  for (const pattern of patterns) refuseSecrets(pattern);
  const remote = patterns.find(isRemote)!;
  const local = patterns.find((pattern) => !isRemote(pattern));
  if (local !== undefined) {
    throw new UsageError(
      `Cannot read "${local}" and "${remote}" as one stack: the first lies on this machine and the second does not; ` +
        "copy one to where the other lies",
    );
  }
  const paths = patterns.map(parsePath);
  const [{ place, pattern }] = paths;
  const other = paths.find((one) => one.place.address !== place.address);
  if (other !== undefined) {
    const what = place.canList && other.place.canList ? "buckets" : "places";
    throw new UsageError(
      `Cannot read "${pattern}" and "${other.pattern}" as one stack: they lie in two ${what}, "${place.address}" and ` +
        `"${other.place.address}"; copy one to where the other lies`,
    );
  }
  return paths;
}

/** The address of a stack is kept beside its plan, and printed in messages. */
function refuseSecrets(address: string): void {
  if (/^[a-z0-9+.-]+:\/\/[^/?#]*@/i.test(address)) {
    throw new UsageError(
      `Cannot open "${
        withoutSecrets(address)
      }" with a name or password in its address: leave them away`,
    );
  }
  if (/^https?:\/\/[^?#]*[?#]/i.test(address)) {
    throw new UsageError(
      `Cannot open "${
        withoutSecrets(address)
      }" with a query or a fragment behind it, which would be kept beside the plan: leave it away, and name many ` +
        "images by a template such as s_<z:4>.png",
    );
  }
}

function parsePath(pattern: string): RemotePath {
  const [, scheme, host, rest = ""] = /^([a-z0-9]+:\/\/)([^/]*)(.*)$/s.exec(pattern)!;
  const canList = !scheme.startsWith("http");
  const address = scheme + (canList ? host : host.toLowerCase());
  const path = rest.replace(/\/+$/, "");
  if (/\/\.{0,2}(?:\/|$)/.test(path)) {
    throw new UsageError(
      `Cannot open "${pattern}": a name in it is empty, "." or ".."; write names with "/" between them`,
    );
  }
  return {
    pattern,
    place: {
      address,
      canList,
      addressOf: (path) => (address + (canList ? path : encodeNames(path))).replace(/\/$/, ""),
    },
    path: canList ? path : decodeNames(path, pattern),
    isFolder: path === "" || rest.endsWith("/"),
  };
}

function decodeNames(path: string, pattern: string): string {
  try {
    return path.split("/").map(decodeURIComponent).join("/");
  } catch (error) {
    throw new UsageError(
      `Cannot open "${pattern}": in an address % is followed by two digits; write %25 for it`,
      { cause: error },
    );
  }
}

/** Letters that a template needs stay readable; a server takes them either way. */
function encodeNames(path: string): string {
  return path.split("/").map((name) =>
    encodeURIComponent(name).replace(/%(?:3C|3E|3A)/g, decodeURIComponent)
  ).join("/");
}
