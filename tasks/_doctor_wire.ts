/**
 * Requests as a browser sends them, and answers as they come: nothing is decoded, followed or kept on the way.
 *
 * `fetch` decodes what has a Content-Encoding and joins headers that came twice, so the client of `node:http` asks.
 */
import http from "node:http";
import https from "node:https";
import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from "node:zlib";
import { messageOf, SluiceError } from "../core/errors.ts";

/** What is asked. */
export interface WireRequest {
  /** @default "GET" */
  readonly method?: "GET" | "HEAD" | "OPTIONS";
  /** As the header `Range` has it. */
  readonly range?: string;
  /** Beside those that a browser sets. */
  readonly headers?: Readonly<Record<string, string>>;
  /** No more of the body is waited for. @default 512 MiB, and more is an error */
  readonly enoughBytes?: number;
  readonly signal?: AbortSignal;
}

/** One answer on the way to the last. */
export interface WireHop {
  /** What was asked, without its query. */
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
}

/** An answer. */
export interface WireAnswer extends WireHop {
  /** The body as it was sent, or its beginning where that was enough. */
  readonly sent: Uint8Array;
  /** Answers that pointed elsewhere, the first first. */
  readonly hops: readonly WireHop[];
}

/** There was no answer: nobody a browser would believe is there. */
export class WireError extends Error {
  override readonly name = "WireError";
  constructor(message: string, readonly kind: "unreachable" | "certificate" | "silent" | "broken") {
    super(message);
  }
}

/** Silence after which nothing more is waited for. */
const PATIENCE = 20_000;
/** No piece that is asked for here is larger. */
const MOST_BYTES = 512 << 20;
const MOST_HOPS = 5;

/** Asks servers as pages of one origin do. */
export class Wire {
  /** @param origin Of the page, as the header `Origin` has it. */
  constructor(readonly origin: string, readonly patience = PATIENCE) {}

  /** Asks, and goes where the answers point. @throws {WireError} If there is no answer, or not all of it. */
  async ask(url: URL, request: WireRequest = {}): Promise<WireAnswer> {
    const hops: WireHop[] = [];
    let place = url;
    for (;;) {
      const answer = await this.#askOnce(place, request);
      const location = answer.headers.get("location");
      const next = isRedirect(answer.status) && location !== null
        ? URL.parse(location, place)
        : null;
      if (next === null) return { ...answer, hops };
      hops.push({ url: answer.url, status: answer.status, headers: answer.headers });
      if (hops.length > MOST_HOPS) throw new WireError("it points on and on", "broken");
      place = next;
    }
  }

  async #askOnce(url: URL, request: WireRequest): Promise<Omit<WireAnswer, "hops">> {
    const { method = "GET", range, headers = {}, enoughBytes, signal } = request;
    signal?.throwIfAborted();
    const isTls = url.protocol === "https:";
    const all = {
      accept: "*/*",
      origin: this.origin,
      // Browsers ask for ranges of what is stored, not of what a server makes of it.
      "accept-encoding": range !== undefined
        ? "identity"
        : isTls
        ? "gzip, deflate, br, zstd"
        : "gzip, deflate",
      ...(range === undefined ? {} : { range }),
      ...headers,
    };
    const { promise, resolve, reject } = Promise.withResolvers<Omit<WireAnswer, "hops">>();
    const options = { method, headers: all, agent: false } as const;
    let asked: http.ClientRequest;
    try {
      asked = isTls ? https.request(url, options) : http.request(url, options);
    } catch (error) {
      throw failure(error, url);
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    const touch = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        reject(new WireError(`no byte came for ${this.patience / 1000} s`, "silent"));
        asked.destroy();
      }, this.patience);
    };
    const stop = () => {
      reject(signal?.reason);
      asked.destroy();
    };
    touch();
    signal?.addEventListener("abort", stop, { once: true });
    asked.on("error", (error) => reject(failure(error, url)));
    asked.on("response", (response) => {
      touch();
      const pieces: Uint8Array[] = [];
      let length = 0;
      const end = () =>
        resolve({
          url: shown(url),
          status: response.statusCode ?? 0,
          headers: headersOf(response.rawHeaders),
          sent: join(pieces, length),
        });
      response.on("data", (piece: Uint8Array) => {
        touch();
        pieces.push(piece);
        length += piece.length;
        if (length < (enoughBytes ?? MOST_BYTES)) return;
        if (enoughBytes !== undefined) end();
        else reject(new WireError(`more than ${MOST_BYTES >> 20} MiB came`, "broken"));
        asked.destroy();
      });
      response.on("error", (error) => reject(failure(error, url)));
      response.on("aborted", () => reject(new WireError("its answer was cut short", "broken")));
      response.on("end", () => {
        const said = response.headers["content-length"];
        if (method === "HEAD" || said === undefined || Number(said) === length) return end();
        reject(new WireError(`${length} bytes came where ${said} were said`, "broken"));
      });
    });
    asked.end();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
    }
  }
}

function join(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** An address without what may be secret in it. */
export function shown(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

/** Headers that came twice stand with a comma between, as a browser sees them. */
function headersOf(raw: readonly string[]): Headers {
  const headers = new Headers();
  for (let i = 0; i + 1 < raw.length; i += 2) headers.append(raw[i], raw[i + 1]);
  return headers;
}

function failure(error: unknown, url: URL): Error {
  if (error instanceof Deno.errors.NotCapable || (error as Error)?.name === "NotCapable") {
    return new SluiceError(
      `Cannot reach "${url.host}" over the network: sluice may not; run it with --allow-net=${url.host}`,
    );
  }
  const text = messageOf(error).replaceAll(url.href, shown(url));
  const isUnproven = /certificate|self.signed|issuer|CaUsedAsEndEntity|NotValidForName/i.test(text);
  return new WireError(text, isUnproven ? "certificate" : "unreachable");
}

/** What a browser makes of a body: decoded by its Content-Encoding. @throws {WireError} If it is not what that says. */
export function decodeBody({ headers, sent }: Pick<WireAnswer, "headers" | "sent">): Uint8Array {
  let bytes = sent;
  for (const coding of codingsOf(headers).toReversed()) {
    const decode = DECODERS.get(coding);
    if (decode === undefined) {
      throw new WireError(`browsers do not know the Content-Encoding "${coding}"`, "broken");
    }
    try {
      bytes = decode(bytes);
    } catch (error) {
      throw new WireError(`its ${coding} cannot be decoded (${messageOf(error)})`, "broken");
    }
  }
  return bytes;
}

const LIMIT = { maxOutputLength: MOST_BYTES };
const DECODERS: ReadonlyMap<string, (bytes: Uint8Array) => Uint8Array> = new Map([
  ["gzip", (bytes: Uint8Array) => gunzipSync(bytes, LIMIT)],
  ["x-gzip", (bytes: Uint8Array) => gunzipSync(bytes, LIMIT)],
  ["deflate", (bytes: Uint8Array) => inflateSync(bytes, LIMIT)],
  ["br", (bytes: Uint8Array) => brotliDecompressSync(bytes, LIMIT)],
  ["zstd", (bytes: Uint8Array) => zstdDecompressSync(bytes, LIMIT)],
]);

/** The codings that a body went through, the first first. */
export function codingsOf(headers: Headers): string[] {
  return (headers.get("content-encoding") ?? "").toLowerCase().split(",").map((name) => name.trim())
    .filter((name) => name !== "" && name !== "identity" && name !== "aws-chunked");
}
