/**
 * Signed requests to one bucket of an S3-compatible server.
 * @module
 */
import { type Answer, type AnswerHead, exchange, transientOf } from "./_exchange.ts";
import { encodePath } from "./_keys.ts";
import type { BucketSettings } from "./_s3_settings.ts";
import { textOf } from "./_s3_xml.ts";
import { BlobError, type BlobErrorKind } from "./blobs.ts";
import { Transient } from "./retry.ts";
import { isRefusal, type S3Credentials, settlingPause } from "./s3_credentials.ts";
import { Signer } from "./sign.ts";

/** An answer, with what the server says of an error. */
export interface S3Answer extends Answer {
  readonly code?: string;
  readonly said?: string;
}

/** What is asked of a bucket. */
export interface S3Request<T> {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** Relative to the prefix. @default The bucket itself is meant */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
  /** What is done with what, as an error begins: `read "s3://bucket/key"`. */
  readonly act: string;
  readonly signal?: AbortSignal;
  readonly attempts?: number;
  /** Looks at an answer before its body is read. */
  readonly check?: (head: AnswerHead) => void;
  /** Makes something of an answer that is no error, or is expected. */
  readonly read: (answer: S3Answer) => T | Promise<T>;
  /** Which errors `read` expects. @default None */
  readonly expects?: (answer: S3Answer) => boolean;
}

/** Codes of errors that may be gone when the same is asked again, whatever their status. */
const TRANSIENT = [
  "BadDigest",
  "ConditionalRequestConflict",
  "IncompleteBody",
  "InternalError",
  "OperationAborted",
  "RequestTimeout",
  "SlowDown",
  "TemporaryRedirect",
  "XAmzContentChecksumMismatch",
  "XAmzContentSHA256Mismatch",
];
/** Without a code, these come from someone in between, or are not whole. */
const NEEDS_CODE = [400, 404, 409];
const EXPIRED = ["ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"];
/** Servers refuse to believe a request that is this far from their own time. */
const MOST_SKEW = 15 * 60_000;

/** What an error means, and the way out. */
const MEANINGS: Readonly<Record<string, [BlobErrorKind, string]>> = {
  NoSuchBucket: [
    "missing-bucket",
    "create the bucket, or mend its name, the region or the endpoint",
  ],
  InvalidAccessKeyId: ["credentials", "mend the access key, or choose another profile"],
  SignatureDoesNotMatch: ["credentials", "mend the secret key, or choose another profile"],
  InvalidToken: ["credentials", "renew the session token"],
  RequestTimeTooSkewed: ["clock", "set the clock of this machine"],
  InvalidObjectState: ["forbidden", "restore the object from the archive first"],
  KeyTooLongError: ["bad-key", "choose a shorter name"],
  EntityTooLarge: ["unsupported", "write it in parts, or in smaller objects"],
  QuotaExceeded: ["full", "make room"],
  XMinioStorageFull: ["full", "make room"],
};

/** What was mended, with the keys behind it; and how often for one request, as who hands them out may go wrong. */
const REFUSED = "refused keys ";
const MOST_RENEWALS = 5;

/** One bucket; it finds its region, the server's time and new keys by itself. */
export class S3Bucket {
  readonly settings: BucketSettings;
  #region: string;
  /** Milliseconds that the server's clock is ahead. */
  #skew = 0;
  readonly #signer = new Signer("s3");

  constructor(settings: BucketSettings) {
    this.settings = settings;
    this.#region = settings.region;
  }

  /** A key as messages print it. */
  shown(key: string): string {
    return `"${this.settings.url}/${key}"`;
  }

  /** Asks until there is an answer that is no passing fault. */
  send<T>(request: S3Request<T>): Promise<T> {
    const { act, signal = new AbortController().signal, attempts } = request;
    const once = new Set<string>();
    return this.settings.retry.run(() => this.#attempt(request, signal, once), {
      act,
      signal,
      attempts,
    });
  }

  /** @param once What was mended, and is not to be mended again in a later attempt. */
  async #attempt<T>(request: S3Request<T>, signal: AbortSignal, once: Set<string>): Promise<T> {
    const mended = new Set<string>();
    for (;;) {
      const keys = await this.settings.keeper.keys(signal);
      const answer = withError(await this.#ask(request, keys, signal));
      if (answer.status < 300) return await request.read(answer);
      const reason = await this.#mend(answer, keys, signal, mended.union(once));
      if (reason !== undefined) {
        (reason.startsWith(REFUSED) ? once : mended).add(reason);
        continue;
      }
      if (request.expects?.(answer)) return await request.read(answer);
      throw this.#fault(request, answer, keys);
    }
  }

  async #ask<T>(request: S3Request<T>, keys: S3Credentials | undefined, signal: AbortSignal) {
    const { method, body, check } = request;
    const { clock, stall } = this.settings.retry;
    const url = this.#locate(request.key, request.query);
    let headers = new Headers(request.headers);
    if (this.settings.requesterPays) headers.set("x-amz-request-payer", "requester");
    if (keys !== undefined) {
      const now = clock.now() + this.#skew;
      headers = await this.#signer.sign({ method, url, headers }, keys, {
        region: this.#region,
        now,
      });
    }
    return await exchange({ method, url, headers, body, redirect: "manual", stall, signal, check });
  }

  #locate(key: string | undefined, query: Readonly<Record<string, string>> = {}): URL {
    const { bucket, prefix, pathStyle } = this.settings;
    const url = new URL(this.settings.endpoint ?? awsEndpoint(this.#region));
    const base = url.pathname.replace(/\/$/, "");
    if (!pathStyle) url.host = `${bucket}.${url.host}`;
    const path = pathStyle ? `${base}/${bucket}` : base;
    url.pathname = key === undefined ? `${path}/` : `${path}/${encodePath(prefix + key)}`;
    url.search = Object.entries(query).map(([name, value]) =>
      `${name}=${encodePath(value).replaceAll("/", "%2F")}`
    )
      .join("&");
    return url;
  }

  /** Takes from an error what the next request needs; the reason, or undefined where nothing helps. */
  async #mend(
    { status, headers, code, bytes }: S3Answer,
    keys: S3Credentials | undefined,
    signal: AbortSignal,
    mended: ReadonlySet<string>,
  ): Promise<string | undefined> {
    const region = headers.get("x-amz-bucket-region") ?? textOf(decodeError(bytes), "Region");
    if (
      [301, 400, 403].includes(status) && region && region !== this.#region && !mended.has("region")
    ) {
      this.#region = region;
      return "region";
    }
    if (keys === undefined) return undefined;
    const ahead = this.#aheadOf(headers);
    // An answer to HEAD has no code.
    const isSkewed = code === "RequestTimeTooSkewed" ||
      code === undefined && status === 403 && Math.abs(ahead - this.#skew) > MOST_SKEW;
    if (isSkewed && !Number.isNaN(ahead) && !mended.has("clock")) {
      this.#skew = ahead;
      return "clock";
    }
    const isOld = EXPIRED.includes(code ?? "") && !mended.has("keys");
    if (isOld) return await this.settings.keeper.renew(keys, signal) ? "keys" : undefined;
    // Who handed them out may have taken them back. What that one says of it is asked once for each of the keys.
    const refused = `${REFUSED}${keys.accessKeyId}`;
    const renewals = [...mended].filter((reason) => reason.startsWith(REFUSED)).length;
    // Where the keys are known and the right is missing, others hardly have it.
    const most = code === "AccessDenied" ? 1 : MOST_RENEWALS;
    if (!isRefusal(code, keys) || mended.has(refused) || renewals >= most) {
      return undefined;
    }
    if (settlingPause(code, keys, this.settings.retry.clock) !== undefined) return undefined;
    return await this.settings.keeper.renew(keys, signal) ? refused : undefined;
  }

  #aheadOf(headers: Headers): number {
    return Date.parse(headers.get("date") ?? "") - this.settings.retry.clock.now();
  }

  #fault<T>({ act, key, method }: S3Request<T>, answer: S3Answer, keys?: S3Credentials): Error {
    const { status, code = "", said } = answer;
    if (code === "" && method !== "HEAD" && NEEDS_CODE.includes(status)) {
      return new Transient(`the server answered ${status} and did not say why`, "corrupt");
    }
    const name = [status, code].filter(Boolean).join(" ");
    const state = scrub(`the server answered ${name}${said ? ` (${said})` : ""}`, keys);
    const { clock } = this.settings.retry;
    const pause = settlingPause(code, keys, clock);
    if (pause !== undefined) return new Transient(state, "unavailable", { pause });
    const transient = transientOf(answer, clock, state) ??
      (TRANSIENT.includes(code)
        ? new Transient(state, "unavailable", { slowDown: code === "SlowDown" })
        : undefined);
    if (transient !== undefined) return transient;
    const [kind, wayOut] = EXPIRED.includes(code)
      ? ["credentials" as const, "renew them and start again; what was written stays"]
      : MEANINGS[code] ?? this.#meaningOf(status, key, keys);
    const times = kind === "clock" ? this.#times(answer.headers) : "";
    return new BlobError(`Cannot ${act}: ${state}${times}; ${wayOut}`, kind);
  }

  #times(headers: Headers): string {
    const here = new Date(this.settings.retry.clock.now()).toISOString();
    return `: here it is ${here}, there "${headers.get("date")}"`;
  }

  #meaningOf(
    status: number,
    key: string | undefined,
    keys?: S3Credentials,
  ): [BlobErrorKind, string] {
    if (status === 507) return ["full", "make room"];
    if (status !== 401 && status !== 403) {
      return ["unsupported", "look at the endpoint and the options of the bucket"];
    }
    const absent = key === undefined
      ? "ask for the right to list the bucket"
      : "it may also be absent, as who may not list is told the same: ask for the right to do this and to list, or open it with forbiddenIsMissing";
    return ["forbidden", keys === undefined ? `give credentials; ${absent}` : absent];
  }
}

/** Address of the server of AWS for a region. */
export function awsEndpoint(region: string): string {
  return `https://s3.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
}

const decodeError = (bytes: Uint8Array) => new TextDecoder().decode(bytes.subarray(0, 10_000));

function withError(answer: Answer): S3Answer {
  if (answer.status < 300) return answer;
  const text = decodeError(answer.bytes);
  if (!text.includes("<Error")) return answer;
  return { ...answer, code: textOf(text, "Code"), said: textOf(text, "Message")?.slice(0, 300) };
}

/** What a server says may hold what it was sent. */
function scrub(text: string, keys?: S3Credentials): string {
  for (const secret of [keys?.secretAccessKey, keys?.sessionToken, keys?.accessKeyId]) {
    if (secret) text = text.replaceAll(secret, "…");
  }
  return text;
}
