/**
 * Checks who signed a request: AWS Signature Version 4, as clients of queues and buckets send it in a header.
 * @module
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";

/** A request with its body. */
export interface SignedRequest {
  readonly method: string;
  /** As it was sent, still encoded. */
  readonly path: string;
  readonly query: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** What a signature claims. */
export interface Claim {
  readonly keyId: string;
  readonly service: "s3" | "sqs";
  readonly date: string;
  readonly region: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

/** Why a request is refused. */
export type SignatureFault = "signature" | "skewed" | "unsigned";

const MOST_SKEW_MS = 15 * 60_000;
const FORM =
  /^AWS4-HMAC-SHA256 Credential=([^/\s,]+)\/(\d{8})\/([^/\s,]+)\/(s3|sqs)\/aws4_request, ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{64})$/;

/** What the headers claim; undefined where nobody signed. */
export function claimOf(headers: Headers): Claim | undefined {
  const found = FORM.exec(headers.get("authorization") ?? "");
  if (found === null) return undefined;
  const [, keyId, date, region, service, names, signature] = found;
  return {
    keyId,
    service: service as Claim["service"],
    date,
    region,
    signedHeaders: names.split(";"),
    signature,
  };
}

/** Undefined where the request was signed with this secret, now. */
export function signatureFault(
  { method, path, query, headers, body }: SignedRequest,
  claim: Claim,
  { secret, now }: { readonly secret: string; readonly now: number },
): SignatureFault | undefined {
  const { date, region, service, signedHeaders, signature } = claim;
  const time = headers.get("x-amz-date") ?? "";
  const signed = Date.parse(time.replace(/^(....)(..)(..T..)(..)(..Z)$/, "$1-$2-$3:$4:$5"));
  if (!(Math.abs(signed - now) <= MOST_SKEW_MS) || !time.startsWith(date)) return "skewed";
  const mustBeSigned = ["host", ...[...headers.keys()].filter((name) => name.startsWith("x-amz-"))];
  if (!mustBeSigned.every((name) => signedHeaders.includes(name))) return "unsigned";
  const sum = sha256(body);
  // A bucket must be told it; a queue may be.
  const said = headers.get("x-amz-content-sha256") ?? (service === "s3" ? "" : sum);
  const isStated = said === sum || said === "UNSIGNED-PAYLOAD" ||
    said === "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
  if (!isStated) return "signature";
  const canonical = [
    method,
    decodeURIComponent(path).split("/").map(encode).join("/"),
    canonicalQuery(query),
    ...signedHeaders.map((name) =>
      `${name}:${(headers.get(name) ?? "").trim().replace(/ +/g, " ")}`
    ),
    "",
    signedHeaders.join(";"),
    said,
  ].join("\n");
  const scope = `${date}/${region}/${service}/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", time, scope, sha256(canonical)].join("\n");
  let key: string | Uint8Array = `AWS4${secret}`;
  for (const step of [date, region, service, "aws4_request"]) key = hmac(key, step);
  return timingSafeEqual(hmac(key, text), new Uint8Array(fromHex(signature)))
    ? undefined
    : "signature";
}

function canonicalQuery(query: string): string {
  const pairs = query.split("&").filter(Boolean).map((pair) => {
    const [name, ...rest] = pair.split("=");
    return `${encode(decodeURIComponent(name))}=${encode(decodeURIComponent(rest.join("=")))}`;
  });
  return pairs.sort().join("&");
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function fromHex(text: string): number[] {
  return Array.from(
    { length: text.length / 2 },
    (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16),
  );
}

function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

function hmac(key: string | Uint8Array, text: string): Uint8Array {
  return new Uint8Array(createHmac("sha256", key).update(text).digest());
}
