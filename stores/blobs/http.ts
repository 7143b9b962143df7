/**
 * Blobs behind HTTP, to be read.
 * @module
 */
import { bodyOf, checkHead, infoOfWhole, versionOf } from "./_check_answer.ts";
import { type Answer, type AnswerHead, exchange, transientOf } from "./_exchange.ts";
import { checkKey, encodePath } from "./_keys.ts";
import { checkRange, parseContentRange, rangeHeader } from "./_ranges.ts";
import {
  BlobError,
  type BlobInfo,
  type BlobOptions,
  type Blobs,
  type GetBlobOptions,
} from "./blobs.ts";
import { Retry, type RetryOptions } from "./retry.ts";

/** How a place behind HTTP is opened. */
export interface HttpOptions {
  /** What every request says, such as `authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether "forbidden" for a key means that it is not there, as of public buckets. @default false */
  readonly forbiddenIsMissing?: boolean;
  /** How long to try. */
  readonly retry?: RetryOptions;
}

interface HttpRequest<T> {
  readonly method: "GET" | "HEAD";
  readonly key: string;
  readonly act: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly check?: (head: AnswerHead) => void;
  readonly read: (answer: Answer) => T | Promise<T>;
  /** Which errors `read` expects; that nothing is there is none. */
  readonly expects?: (answer: Answer) => boolean;
}

/** Files of a web server. A password or a query of the address goes with every request, and is never shown. */
export class HttpBlobs implements Blobs {
  readonly url: string;
  readonly #base: URL;
  readonly #headers: Headers;
  readonly #forbiddenIsMissing: boolean;
  readonly #retry: Retry;

  /** @param address Of the folder that keys are relative to. */
  constructor(address: string | URL, options: HttpOptions = {}) {
    this.#base = new URL(address);
    this.#base.pathname = this.#base.pathname.replace(/\/*$/, "/");
    this.#base.hash = "";
    this.#headers = new Headers(options.headers);
    const { username, password } = this.#base;
    if (username !== "") {
      const pair = new TextEncoder().encode(
        `${decodeURIComponent(username)}:${decodeURIComponent(password)}`,
      );
      this.#headers.set("authorization", `Basic ${pair.toBase64()}`);
      this.#base.username = this.#base.password = "";
    }
    this.url = (this.#base.origin + this.#base.pathname).slice(0, -1);
    this.#forbiddenIsMissing = options.forbiddenIsMissing ?? false;
    this.#retry = new Retry(options.retry);
  }

  async get(
    key: string,
    { range, signal, onInfo }: GetBlobOptions = {},
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    checkKey(key);
    if (range !== undefined) checkRange(range);
    const act = `read ${this.#shown(key)}`;
    const wanted = range && rangeHeader(range);
    if (range !== undefined && wanted === undefined) {
      const info = await this.head(key, { signal });
      if (info !== undefined) onInfo?.(info);
      return info && new Uint8Array();
    }
    const asked = { key, range, act };
    const bytes = await this.#send({
      method: "GET",
      key,
      act,
      headers: wanted === undefined ? {} : { range: wanted },
      signal,
      check: (head) => checkHead(head, asked),
      expects: ({ status }) => status === 416 && range !== undefined,
      read: async (answer) => {
        if (answer.status === 416) return "nothing" as const;
        onInfo?.(infoOfWhole(answer));
        return await bodyOf(answer, asked);
      },
    });
    if (bytes !== "nothing") return bytes;
    const isEnd = range![0] < 0;
    // What holds nothing there is not read again, but asked how large it is.
    const info = isEnd || onInfo ? await this.head(key, { signal }) : undefined;
    // Some servers know no ends, or have nothing where the end is longer than the whole.
    if (isEnd) {
      const start = Math.max(0, (info?.size ?? 0) + range![0]);
      const part = start > 0 ? { range: [start, info!.size] as const } : {};
      return info && await this.get(key, { ...part, signal, onInfo });
    }
    if (info !== undefined) onInfo?.(info);
    return new Uint8Array();
  }

  async head(key: string, { signal }: BlobOptions = {}): Promise<BlobInfo | undefined> {
    checkKey(key);
    const act = `look at ${this.#shown(key)}`;
    const asked = { method: "HEAD", key, act, signal } as const;
    const info = await this.#send({
      ...asked,
      expects: ({ status }) => status === 405 || status === 501,
      read: ({ status, headers }) =>
        status < 300 ? infoOf(headers, headers.get("content-length")) : "unsaid",
    });
    // Not every server answers HEAD, or knows the size of what it makes; a part says it.
    return info !== "unsaid" ? info : await this.#send({
      ...asked,
      method: "GET",
      headers: { range: "bytes=0-0" },
      check: (head) => checkHead(head, { key, range: [0, 1], act }),
      expects: ({ status }) => status === 416,
      read: ({ status, headers }) => {
        const { size } = parseContentRange(headers.get("content-range")) ?? {};
        const said = status === 206 ? size : status === 416 ? 0 : headers.get("content-length");
        const info = infoOf(headers, said === undefined ? null : String(said));
        if (info !== "unsaid") return info;
        throw new BlobError(
          `Cannot ${act}: the server does not say how large it is; read it whole`,
          "unsupported",
        );
      },
    });
  }

  /** The result, or undefined where the server says that nothing is there. */
  async #send<T>(request: HttpRequest<T>): Promise<T | undefined> {
    const { act, signal, key, check, expects } = request;
    return await this.#retry.run(async () => {
      const url = new URL(this.#base);
      url.pathname += encodePath(key);
      const headers = new Headers(this.#headers);
      for (const [name, value] of Object.entries(request.headers ?? {})) headers.set(name, value);
      const { stall } = this.#retry;
      const answer = await exchange({ method: request.method, url, headers, stall, signal, check });
      const { status } = answer;
      if (status === 200 || status === 206 || expects?.(answer)) return await request.read(answer);
      if (status === 404 || status === 410) return undefined;
      if (status === 403 && this.#forbiddenIsMissing) return undefined;
      throw this.#fault(answer, act);
    }, { act, signal });
  }

  #fault(answer: Answer, act: string): Error {
    const { status } = answer;
    const transient = transientOf(answer, this.#retry.clock, `the server answered ${status}`);
    if (transient !== undefined) return transient;
    if (status === 401 || status === 403) {
      return new BlobError(
        `Cannot ${act}: the server answered ${status}; it may also be absent, as some servers say so of both: ask for the right to read it, or open it with forbiddenIsMissing`,
        "forbidden",
      );
    }
    return new BlobError(
      `Cannot ${act}: the server answered ${status}; look at the address`,
      "unsupported",
    );
  }

  put(key: string): Promise<void> {
    return this.#refuse("write", key);
  }
  putIfAbsent(key: string): Promise<boolean> {
    return this.#refuse("write", key);
  }
  open(key: string): Promise<never> {
    return this.#refuse("write", key);
  }
  delete(key: string): Promise<void> {
    return this.#refuse("remove", key);
  }
  sweep(prefix: string): Promise<never> {
    return this.#refuse("sweep", prefix);
  }
  list(prefix: string): AsyncIterable<never> {
    const refused = () => this.#refuse("list", prefix);
    return { [Symbol.asyncIterator]: () => ({ next: refused }) };
  }

  #refuse(act: string, key: string): Promise<never> {
    return Promise.reject(
      new BlobError(
        `Cannot ${act} ${
          this.#shown(key)
        }: over HTTP blobs can only be read; name a folder, or a bucket by s3:// or gs://`,
        "unsupported",
      ),
    );
  }

  #shown(key: string): string {
    return `"${this.url}/${key}"`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

function infoOf(headers: Headers, size: string | null): BlobInfo | "unsaid" {
  if (size === null) return "unsaid";
  return { size: Number(size), ...versionOf(headers) };
}
