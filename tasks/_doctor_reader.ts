/** The files of a volume as a viewer in a browser fetches them; what came is kept for the tests. */
import type { ArrayReader } from "../plugins/volume_array.ts";
import { encodePath } from "../stores/blobs/_keys.ts";
import type { BlobInfo, GetBlobOptions } from "../stores/blobs/blobs.ts";
import {
  codingsOf,
  decodeBody,
  shown,
  type Wire,
  type WireAnswer,
  WireError,
  type WireRequest,
} from "./_doctor_wire.ts";

/** What was asked for, and what came. */
export interface DoctorRecord {
  readonly key: string;
  readonly answer: WireAnswer;
}

/** A document of the metadata: viewers fetch it whole. */
const DOCUMENT =
  /(?:^|\/)(?:zarr\.json|\.zarray|\.zattrs|\.zgroup|\.zmetadata|info|provenance|attributes\.json)$/;
/** Statuses that say of a file that it is not there. */
const MISSING = [403, 404, 410];

/** Reads over a wire. */
export class DoctorReader implements ArrayReader {
  readonly url: string;
  readonly #base: URL;
  readonly #wire: Wire;
  /** Answers in the order in which they came. */
  readonly records: DoctorRecord[] = [];
  /** What was asked for last, whatever came, but for documents of the metadata. */
  lastKey?: string;
  /** Whether parts of files are fetched: of shards alone. */
  fetchesParts = false;

  constructor(base: URL, wire: Wire) {
    this.#base = base;
    this.#wire = wire;
    this.url = shown(base);
  }

  /** The address of a file. */
  locate(key: string): URL {
    const url = new URL(this.#base);
    url.pathname = `${url.pathname.replace(/\/+$/, "")}/${encodePath(key)}`;
    return url;
  }

  /** Asks for a file, whatever the answer is. */
  async ask(key: string, request: WireRequest = {}): Promise<WireAnswer> {
    if (!DOCUMENT.test(key)) this.lastKey = key;
    const answer = await this.#wire.ask(this.locate(key), request);
    this.records.push({ key, answer });
    return answer;
  }

  async get(
    key: string,
    { range, signal }: GetBlobOptions = {},
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    // That chunks may lie there is a habit of programs on disks.
    if (key.endsWith(".gz")) return undefined;
    const isPart = range !== undefined && this.fetchesParts && !DOCUMENT.test(key);
    if (!isPart) {
      const answer = await this.ask(key, { signal });
      if (!isThere(answer)) return undefined;
      const bytes = new Uint8Array(decodeBody(answer));
      return range === undefined ? bytes : bytes.slice(...range);
    }
    let [start, end] = range;
    if (start < 0) {
      const info = await this.head(key, { signal });
      if (info === undefined) return undefined;
      [start, end] = [Math.max(0, info.size + start), info.size];
    }
    if (end !== undefined && end <= start) return new Uint8Array();
    const text = `bytes=${start}-${end === undefined ? "" : end - 1}`;
    const answer = await this.ask(key, { range: text, signal });
    if (answer.status === 416) return new Uint8Array();
    if (!isThere(answer)) return undefined;
    // What is wrong with an answer of the whole is tested apart from this.
    if (answer.status === 200) return new Uint8Array(decodeBody(answer)).slice(start, end);
    if (codingsOf(answer.headers).length > 0) {
      throw new WireError(
        "a part came with a Content-Encoding, which no browser decodes",
        "broken",
      );
    }
    return new Uint8Array(answer.sent);
  }

  /** As viewers find out how long a file is: by HEAD, else by its first byte. */
  async head(
    key: string,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<BlobInfo | undefined> {
    const answer = await this.ask(key, { method: "HEAD", signal });
    if (MISSING.includes(answer.status)) return undefined;
    const length = answer.headers.get("content-length");
    if (answer.status === 200 && length !== null && codingsOf(answer.headers).length === 0) {
      return { size: Number(length) };
    }
    const first = await this.ask(key, { range: "bytes=0-0", enoughBytes: 1, signal });
    if (!isThere(first)) return undefined;
    const size = first.status === 206
      ? /\/(\d+)$/.exec(first.headers.get("content-range") ?? "")?.[1]
      : first.headers.get("content-length");
    if (size === undefined || size === null) {
      throw new WireError("the server does not say how long it is", "broken");
    }
    return { size: Number(size) };
  }
}

/** @throws {WireError} If the answer is neither the file nor that it is not there. */
function isThere({ status, headers }: WireAnswer): boolean {
  if (MISSING.includes(status)) return false;
  if (status !== 200 && status !== 206) {
    throw new WireError(`the server answered ${status}`, "broken");
  }
  // Some servers have a page for whatever is not there.
  return !headers.get("content-type")?.includes("text/html");
}
