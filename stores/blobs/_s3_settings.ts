/** Which bucket of which server is meant, and how it is spoken to. */
import { UsageError } from "../../core/errors.ts";
import type { Environment } from "../../ledgers/open_ledger.ts";
import { readProfile } from "./_aws_profiles.ts";
import { checkKey } from "./_keys.ts";
import { readVariables } from "./environment.ts";
import { Retry, type RetryOptions } from "./retry.ts";
import {
  CredentialKeeper,
  findAwsCredentials,
  type FindCredentials,
  findGoogleCredentials,
  type S3Credentials,
} from "./s3_credentials.ts";

/** How a bucket is opened. */
export interface BucketOptions {
  /** Address of the server. @default `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, the profile's, else that of AWS or Google */
  readonly endpoint?: string;
  /** Where the bucket lies. @default `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's, else what the server says */
  readonly region?: string;
  /** Whether the bucket is named in the path and not in the host. @default true with an endpoint, or dots in the name */
  readonly pathStyle?: boolean;
  /** Keys, or who gives them. @default What the environment, a profile, the container or the machine gives */
  readonly credentials?: S3Credentials | FindCredentials;
  /** Profile of the AWS command line, before all that the environment says. */
  readonly profile?: string;
  /** Whether requests are signed; without, what is public can be read. @default true */
  readonly sign?: boolean;
  /** Whether what is asked for is paid by who asks. @default false */
  readonly requesterPays?: boolean;
  /** What proves bytes on their way. @default "crc32" at AWS, "md5" elsewhere, as other servers may refuse it */
  readonly checksum?: "crc32" | "md5" | "none";
  /** Whether the server knows `If-None-Match: *`. @default It is found out by the first claim */
  readonly conditionalPuts?: boolean;
  /** Bytes of a part of a large object; S3 takes no part below 5 MiB, and 10,000 at most. @default 8 MiB */
  readonly partBytes?: number;
  /** Above so many bytes an object goes in parts. @default 32 MiB */
  readonly multipartBytes?: number;
  /** Whether "forbidden" for a key means that it is not there, as for public data that may not be listed. @default false */
  readonly forbiddenIsMissing?: boolean;
  /** How long to try. */
  readonly retry?: RetryOptions;
  /** The environment. @default That of the process, as far as it may be read */
  readonly env?: Environment;
}

/** A bucket, with all that was left open found out. */
export interface BucketSettings {
  readonly bucket: string;
  /** Begins every key; empty, or ends with a slash. */
  readonly prefix: string;
  /** What messages print. */
  readonly url: string;
  /** Undefined at AWS, where it follows from the region. */
  readonly endpoint?: URL;
  readonly region: string;
  readonly pathStyle: boolean;
  readonly requesterPays: boolean;
  readonly checksum: "crc32" | "md5" | "none";
  readonly keeper: CredentialKeeper;
  readonly retry: Retry;
}

const GOOGLE = "https://storage.googleapis.com";

/** Finds out what an address and its options leave open. @throws {UsageError} If the address is none. */
export async function settleBucket(
  address: string,
  options: BucketOptions,
): Promise<BucketSettings> {
  const { scheme, bucket, prefix } = parseAddress(address);
  const isGoogle = scheme === "gs";
  if (isGoogle && options.requesterPays) {
    throw new UsageError(
      `Cannot open "gs://${bucket}" at the cost of who asks: Google asks for a project, which HMAC keys cannot name; ask the owner for access`,
    );
  }
  const read = readVariables(options.env);
  const profile = isGoogle
    ? undefined
    : await readProfile(read, options.profile ?? read("AWS_PROFILE") ?? "default");
  const named = options.endpoint ??
    (isGoogle
      ? GOOGLE
      : read("AWS_ENDPOINT_URL_S3") ?? read("AWS_ENDPOINT_URL") ?? profile?.get("endpoint_url"));
  const region = options.region ??
    (isGoogle
      ? "auto"
      : read("AWS_REGION") ?? read("AWS_DEFAULT_REGION") ?? profile?.get("region"));
  const retry = new Retry(options.retry);
  const { credentials, sign = true } = options;
  const find = !sign
    ? () => Promise.resolve(undefined)
    : typeof credentials === "function"
    ? credentials
    : credentials !== undefined
    ? () => Promise.resolve(credentials)
    : () => (isGoogle ? findGoogleCredentials : findAwsCredentials)(read, options.profile);
  return {
    bucket,
    prefix: prefix === "" ? "" : `${prefix}/`,
    url: `${scheme}://${bucket}${prefix && `/${prefix}`}`,
    endpoint: named === undefined ? undefined : parseEndpoint(named),
    region: region ?? "us-east-1",
    pathStyle: options.pathStyle ?? (named !== undefined || bucket.includes(".")),
    requesterPays: options.requesterPays ?? false,
    checksum: options.checksum ?? (named === undefined ? "crc32" : "md5"),
    keeper: new CredentialKeeper(find, retry.clock),
    retry,
  };
}

function parseAddress(address: string): { scheme: string; bucket: string; prefix: string } {
  const found = /^(s3|gs):\/\/([A-Za-z0-9._-]{1,255})(?:\/(.*))?$/s.exec(address);
  if (found === null) {
    const shown = address.replace(/\/\/.*@/s, "//");
    throw new UsageError(
      `Cannot open "${shown}" as a bucket: it does not name one; write s3://BUCKET/PREFIX, and give keys by the environment or a profile`,
    );
  }
  const [, scheme, bucket, rest = ""] = found;
  const prefix = rest.replace(/\/+$/, "");
  if (prefix !== "") checkKey(prefix);
  return { scheme, bucket, prefix };
}

function parseEndpoint(text: string): URL {
  const url = URL.parse(text);
  const isServer = url !== null && /^https?:$/.test(url.protocol) && url.username === "" &&
    url.search === "";
  if (isServer) return url;
  throw new UsageError(
    `Cannot use "${
      text.replace(/\/\/.*@/s, "//").replace(/\?.*/s, "")
    }" as the endpoint of a bucket: it is no plain address of a server; write --endpoint https://HOST`,
  );
}
