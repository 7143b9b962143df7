/**
 * The project as any static web server serves it, on loopback.
 * @module
 */
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

const TYPES: Record<string, string> = {
  ".ts": "application/typescript",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

/** Serves the tree until it is disposed, and remembers what it was asked. */
export class ServedTree implements AsyncDisposable {
  /** Every path that was asked for, in order; a path that is not there with `404 ` before it. */
  readonly asked: string[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  /** `127.0.0.1:PORT`. */
  get host(): string {
    return `127.0.0.1:${this.#server.addr.port}`;
  }

  /** The URL of a file of the tree. */
  url(path: string): string {
    return `http://${this.host}/${path}`;
  }

  async #answer(request: Request): Promise<Response> {
    const path = decodeURIComponent(new URL(request.url).pathname).slice(1);
    const type = TYPES[extname(path)];
    if (request.method === "GET" && type !== undefined && !path.split("/").includes("..")) {
      try {
        const body = await Deno.readFile(join(ROOT, path));
        this.asked.push(path);
        return new Response(body, { headers: { "content-type": type } });
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
    this.asked.push(`404 ${path}`);
    return new Response("There is no such file", { status: 404 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}
