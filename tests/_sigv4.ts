/** Checks AWS Signature Version 4, as the specification says, apart from any client. */
import { createHash, createHmac } from "node:crypto";
import type { RawRequest } from "./_raw_http.ts";

/** Why a request is refused, by the code that S3 has for it. */
export type SignatureFault =
  | "AccessDenied"
  | "InvalidAccessKeyId"
  | "SignatureDoesNotMatch"
  | "RequestTimeTooSkewed"
  | "AuthorizationHeaderMalformed"
  | "ExpiredToken";

/** A key that a server knows. */
export interface KnownKey {
  readonly secret: string;
  /** The session token that must come with it. */
  readonly token?: string;
  /** From when on it is refused, milliseconds since 1970. */
  readonly expires?: number;
}

/** Who may ask. */
export interface SignatureRules {
  readonly keys: ReadonlyMap<string, KnownKey>;
  readonly region: string;
  /** @default "s3" */
  readonly service?: "s3" | "sqs";
  /** The server's time. */
  readonly now: number;
}

const MOST_SKEW = 15 * 60_000;

/** Undefined where the signature is right. */
export function checkSignature(
  request: RawRequest,
  rules: SignatureRules,
): SignatureFault | undefined {
  const { method, path, query, headers, body } = request;
  const { service = "s3" } = rules;
  const found =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/(s3|sqs)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/
      .exec(headers.get("authorization") ?? "");
  if (found?.[4] !== service) return "AccessDenied";
  const [, id, date, region, , names, signature] = found;
  const key = rules.keys.get(id);
  if (key === undefined) return "InvalidAccessKeyId";
  if (region !== rules.region) return "AuthorizationHeaderMalformed";
  const time = headers.get("x-amz-date") ?? "";
  const signed = Date.parse(time.replace(/^(....)(..)(..T..)(..)(..Z)$/, "$1-$2-$3:$4:$5"));
  if (!(Math.abs(signed - rules.now) <= MOST_SKEW)) return "RequestTimeTooSkewed";
  const list = names.split(";");
  const mustBeSigned = ["host", ...[...headers.keys()].filter((name) => name.startsWith("x-amz-"))];
  if (!mustBeSigned.every((name) => list.includes(name))) return "AccessDenied";
  // Only S3 wants to be told it.
  const said = headers.get("x-amz-content-sha256") ?? (service === "s3" ? "" : sha256(body));
  if (said !== "UNSIGNED-PAYLOAD" && said !== sha256(body)) return "SignatureDoesNotMatch";
  const canonical = [
    method,
    canonicalPath(path),
    canonicalQuery(query),
    ...list.map((name) => `${name}:${(headers.get(name) ?? "").trim().replace(/ +/g, " ")}`),
    "",
    names,
    said,
  ].join("\n");
  const scope = `${date}/${region}/${service}/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", time, scope, sha256(canonical)].join("\n");
  let derived: string | Uint8Array = `AWS4${key.secret}`;
  for (const step of [date, region, service, "aws4_request"]) derived = hmac(derived, step);
  if (hmac(derived, text).toString("hex") !== signature) return "SignatureDoesNotMatch";
  if (key.token !== undefined && headers.get("x-amz-security-token") !== key.token) {
    return "AccessDenied";
  }
  return key.expires !== undefined && rules.now >= key.expires ? "ExpiredToken" : undefined;
}

function canonicalPath(path: string): string {
  return path.split("/").map((name) => encode(decodeURIComponent(name))).join("/");
}

function canonicalQuery(query: string): string {
  const pairs = query.split("&").filter(Boolean).map((pair) => {
    const [name, ...rest] = pair.split("=");
    return `${encode(decodeURIComponent(name))}=${encode(decodeURIComponent(rest.join("=")))}`;
  });
  return pairs.sort().join("&");
}

function encode(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => {
    const letter = String.fromCharCode(byte);
    return /[A-Za-z0-9\-._~]/.test(letter)
      ? letter
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");
}

function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

function hmac(key: string | Uint8Array, text: string) {
  return createHmac("sha256", key).update(text).digest();
}
