/** HTTP/1.1 over plain TCP: a server that can break off, fall silent and lie about lengths, as no library lets one. */

/** A request, whole. */
export interface RawRequest {
  readonly method: string;
  /** As it was sent, still encoded. */
  readonly path: string;
  readonly query: string;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
}

/**
 * How an answer goes out: `whole`; `chunked`: in pieces, and its length is not said; `cut`: the length is said, the end is missing and the line is dead; `silent`: some
 * of it comes, and then nothing; `longer`: more bytes than are said; `drip`: byte by byte; `reset`: nothing comes, the
 * line is dead.
 */
export type Delivery = "whole" | "chunked" | "cut" | "silent" | "longer" | "drip" | "reset";

/** An answer. */
export interface RawAnswer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: Uint8Array | string;
  /** @default "whole" */
  readonly delivery?: Delivery;
}

/** Answers a request. */
export type RawHandler = (request: RawRequest) => RawAnswer | Promise<RawAnswer>;

/** Decides by the head of a request whether its body is read at all; false: the line is dead at once. */
export type RawGate = (head: Omit<RawRequest, "body">) => boolean;

/** A server on a port of its own. */
export interface RawServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
}

/** Serves on the loopback until it is disposed. */
export function serveRaw(handler: RawHandler, gate: RawGate = () => true): RawServer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const lines = new Set<Deno.Conn>();
  const serving = (async () => {
    for await (const line of listener) {
      lines.add(line);
      line.setNoDelay(true);
      talk(line, handler, gate).catch(() => {}).finally(() => {
        lines.delete(line);
        try {
          line.close();
        } catch {
          // It is closed already.
        }
      });
    }
  })();
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const line of lines) line.close();
      await serving;
    },
  };
}

async function talk(line: Deno.Conn, handler: RawHandler, gate: RawGate): Promise<void> {
  const reader = new LineReader(line);
  for (;;) {
    const head = parseHead(await reader.head());
    if (!gate(head)) return;
    if (head.headers.get("expect") === "100-continue") {
      await write(line, new TextEncoder().encode("HTTP/1.1 100 Continue\r\n\r\n"));
    }
    const body = await reader.take(Number(head.headers.get("content-length") ?? 0));
    const answer = await handler({ ...head, body });
    if (!await send(line, head.method, answer)) return;
  }
}

function parseHead(text: string): Omit<RawRequest, "body"> {
  const [first, ...rest] = text.split("\r\n");
  const [method, target] = first.split(" ");
  const headers = new Headers();
  for (const row of rest) {
    headers.append(row.slice(0, row.indexOf(":")), row.slice(row.indexOf(":") + 1).trim());
  }
  const at = target.indexOf("?");
  const [path, query] = at < 0 ? [target, ""] : [target.slice(0, at), target.slice(at + 1)];
  return { method, path, query, headers };
}

/** @returns Whether the line can go on. */
async function send(line: Deno.Conn, method: string, answer: RawAnswer): Promise<boolean> {
  const { status, headers = {}, body = "", delivery = "whole" } = answer;
  if (delivery === "reset") return false;
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  // Nobody could tell that an answer without a body lies.
  const said = delivery === "longer" && method !== "HEAD"
    ? Math.floor(bytes.length / 2)
    : bytes.length;
  const length = status === 204
    ? {}
    : delivery === "chunked"
    ? { "transfer-encoding": "chunked" }
    : { "content-length": String(said) };
  const all = { date: new Date().toUTCString(), ...length, ...headers };
  const rows = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const head = new TextEncoder().encode(`HTTP/1.1 ${status} Said\r\n${rows}\r\n`);
  if (delivery === "silent") {
    await write(line, head.subarray(0, Math.floor(head.length / 2)));
    // It stays so until the other side gives up.
    await line.read(new Uint8Array(1));
    return false;
  }
  await write(line, head);
  if (method === "HEAD") return true;
  if (delivery === "cut") {
    await write(line, bytes.subarray(0, Math.floor(bytes.length / 2)));
    return false;
  }
  if (delivery === "drip") {
    for (let i = 0; i < bytes.length; i++) await write(line, bytes.subarray(i, i + 1));
    return true;
  }
  if (delivery === "chunked") {
    for (let at = 0; at < bytes.length; at += 1000) {
      const piece = bytes.subarray(at, at + 1000);
      await write(line, new TextEncoder().encode(`${piece.length.toString(16)}\r\n`));
      await write(line, piece);
      await write(line, new TextEncoder().encode("\r\n"));
    }
    await write(line, new TextEncoder().encode("0\r\n\r\n"));
    return true;
  }
  await write(line, bytes);
  return delivery === "whole";
}

async function write(line: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await line.write(bytes.subarray(done));
}

class LineReader {
  readonly #line: Deno.Conn;
  #held: Uint8Array = new Uint8Array();
  readonly #buffer = new Uint8Array(65_536);

  constructor(line: Deno.Conn) {
    this.#line = line;
  }

  /** The first line of a request and its headers. */
  async head(): Promise<string> {
    for (let from = 0;;) {
      const text = new TextDecoder("latin1").decode(this.#held);
      const end = text.indexOf("\r\n\r\n", from);
      if (end >= 0) {
        this.#held = this.#held.subarray(end + 4);
        return text.slice(0, end);
      }
      from = Math.max(0, text.length - 3);
      await this.#more();
    }
  }

  async take(count: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(count);
    const first = this.#held.subarray(0, count);
    bytes.set(first);
    this.#held = this.#held.subarray(first.length);
    for (let done = first.length; done < count;) {
      const read = await this.#line.read(bytes.subarray(done));
      if (read === null) throw new Error("The line ended in a body");
      done += read;
    }
    return bytes;
  }

  async #more(): Promise<void> {
    const read = await this.#line.read(this.#buffer);
    if (read === null) throw new Error("The line ended");
    const held = new Uint8Array(this.#held.length + read);
    held.set(this.#held);
    held.set(this.#buffer.subarray(0, read), this.#held.length);
    this.#held = held;
  }
}
