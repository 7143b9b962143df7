/** One request over HTTP and its whole answer; what fails on the way may be tried again. */
import { BlobError } from "./blobs.ts";
import { type Clock, Transient } from "./retry.ts";

/** What is asked. */
export interface Question {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly body?: Uint8Array<ArrayBuffer>;
  /** Whether to go where the server points. @default "follow" */
  readonly redirect?: "follow" | "manual";
  /** Milliseconds without a byte after which it is given up. */
  readonly stall: number;
  readonly signal?: AbortSignal;
  /** Looks at an answer before its body is read, and throws if it is not wanted. */
  readonly check?: (head: AnswerHead) => void;
  /** Whether it goes out once at most: on a line that was used before, fetch sends by itself again. @default false */
  readonly once?: boolean;
}

/** An answer without its body. */
export interface AnswerHead {
  readonly status: number;
  readonly headers: Headers;
}

/** An answer, its body as it was sent. */
export interface Answer extends AnswerHead {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A slow line still sends so many bytes in a millisecond: a body that goes out is given this time. */
const SLOWEST = 32;

/** Room for a body is made at once up to here; what is longer may be a lie. */
const MOST_AT_ONCE = 2 ** 30;

/** Asks once. @throws {Transient} If there is no answer, or not all of it. */
export async function exchange(question: Question): Promise<Answer> {
  const { method, url, headers, body, redirect = "follow", stall, signal, check } = question;
  signal?.throwIfAborted();
  const stopping = new AbortController();
  const stop = () => stopping.abort(signal?.reason);
  const patience = stall + (body?.length ?? 0) / SLOWEST;
  const stalled = new Transient(
    `no byte came for ${Math.round(patience / 100) / 10} s`,
    "unavailable",
  );
  let timer = setTimeout(() => stopping.abort(stalled), patience);
  const touch = () => {
    clearTimeout(timer);
    timer = setTimeout(() => stopping.abort(stalled), stall);
  };
  signal?.addEventListener("abort", stop, { once: true });
  try {
    // Asked so, fetch decodes nothing: lengths and checksums are those of what is stored.
    headers.set("accept-encoding", "identity");
    using client = question.once ? Deno.createHttpClient({ poolMaxIdlePerHost: 0 }) : undefined;
    const init = { method, headers, body, redirect, signal: stopping.signal, client };
    const response = await fetch(url, init);
    touch();
    const head = { status: response.status, headers: response.headers };
    try {
      check?.(head);
    } catch (error) {
      await response.body?.cancel();
      throw error;
    }
    const said = method === "HEAD" ? null : response.headers.get("content-length");
    const bytes = said !== null && Number(said) <= MOST_AT_ONCE
      ? await readExactly(response, Number(said), touch)
      : await readAll(response, touch);
    if (said !== null && Number(said) !== bytes.length) {
      throw new Transient(`${bytes.length} bytes came where ${said} were said`, "corrupt");
    }
    return { ...head, bytes };
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (stopping.signal.aborted) throw stalled;
    if (error instanceof Transient || error instanceof BlobError) throw error;
    throw failure(error, url);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

/** Reads a body into one buffer, which is twice as fast as to join its pieces. */
async function readExactly(
  response: Response,
  length: number,
  touch: () => void,
): Promise<Uint8Array<ArrayBuffer>> {
  if (response.body === null || length === 0) {
    await response.body?.cancel();
    return new Uint8Array();
  }
  const reader = response.body.getReader({ mode: "byob" });
  let buffer = new ArrayBuffer(length);
  let done = 0;
  while (done < length) {
    const { value } = await reader.read(new Uint8Array(buffer, done));
    if (value === undefined || value.length === 0) break;
    buffer = value.buffer;
    done += value.length;
    touch();
  }
  await reader.cancel();
  return new Uint8Array(buffer, 0, done);
}

async function readAll(response: Response, touch: () => void): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of response.body ?? []) {
    pieces.push(piece);
    touch();
  }
  if (pieces.length === 1) return pieces[0];
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** What kept the answer away; the address in it may hold a secret. */
function failure(error: unknown, url: URL): Error {
  if (error instanceof Deno.errors.NotCapable) {
    return new BlobError(
      `Cannot reach "${url.host}" over the network: sluice may not; run it with --allow-net=${url.host}`,
      "forbidden",
    );
  }
  const { message, cause } = error as Error;
  const text = cause instanceof Error ? cause.message : message;
  const certificate = /invalid peer certificate: (.*)$/s.exec(text)?.[1];
  if (certificate !== undefined) {
    return new BlobError(
      `Cannot reach "${url.host}" safely: nobody who is trusted vouches for its certificate (${certificate}); mend the address, or name who does by DENO_CERT=FILE.pem or DENO_TLS_CA_STORE=system`,
      "unavailable",
    );
  }
  const shown = `${url.origin}${url.pathname}`;
  return new Transient(
    text.replaceAll(url.href, shown).replaceAll(url.search || shown, shown),
    "unavailable",
  );
}

/** How an answer asks to be tried again, if it does. */
export function transientOf(
  { status, headers }: AnswerHead,
  clock: Clock,
  said: string,
): Transient | undefined {
  const slowDown = status === 429 || status === 503;
  if (!slowDown && ![408, 500, 502, 504].includes(status)) return undefined;
  return new Transient(said, "unavailable", { slowDown, pause: retryAfter(headers, clock) });
}

function retryAfter(headers: Headers, clock: Clock): number {
  const text = headers.get("retry-after");
  if (text === null) return 0;
  const seconds = Number(text);
  const wanted = Number.isNaN(seconds) ? Date.parse(text) - clock.now() : seconds * 1000;
  return wanted > 0 ? wanted : 0;
}

/** Bytes that fetch takes: a view on shared memory is copied. */
export function sendable(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer ? bytes as Uint8Array<ArrayBuffer> : bytes.slice();
}
