/** The JSON documents that say how a volume is stored: read, checked, and hashed. */
import { createHash } from "node:crypto";
import { messageOf, SluiceError } from "../core/errors.ts";
import type { ArrayReader } from "./volume_array.ts";

/** Larger ones are no metadata of a volume. */
const MOST_BYTES = 64 << 20;
/** Voxels are counted exactly up to here. */
const MOST_VOXELS = Number.MAX_SAFE_INTEGER;

/** Reads documents of one volume, and keeps account of them. */
export class ArrayDocuments {
  readonly #reader: ArrayReader;
  readonly #as: string;
  readonly #signal: AbortSignal | undefined;
  readonly #read = new Map<string, string>();

  /** @param as What the volume is taken for, such as "a Zarr volume". */
  constructor(reader: ArrayReader, as: string, signal?: AbortSignal) {
    this.#reader = reader;
    this.#as = as;
    this.#signal = signal;
  }

  /** The document under a key, or undefined where there is none. */
  async read(key: string): Promise<ArrayDocument | undefined> {
    const range = [0, MOST_BYTES + 1] as const;
    const bytes = await this.#reader.get(key, { range, signal: this.#signal });
    if (bytes === undefined) return undefined;
    const document = new ArrayDocument(nameIn(this.#reader, key), this.#as, {});
    if (bytes.length > MOST_BYTES) {
      document.fail(`it has more than ${MOST_BYTES} bytes`, "check that it is metadata");
    }
    const text = new TextDecoder().decode(bytes);
    this.#read.set(key, text);
    let value: unknown;
    try {
      value = parseJson(text);
    } catch (error) {
      document.fail(`it is no JSON (${messageOf(error)})`, "copy it again", error);
    }
    if (!isObject(value)) return document.fail("it is no JSON object", "check what wrote it");
    return new ArrayDocument(document.name, this.#as, value);
  }

  /** Ends the opening: what should be there is not. */
  fail(state: string, wayOut: string): never {
    throw new SluiceError(`Cannot read "${this.#reader.url}" as ${this.#as}: ${state}; ${wayOut}`);
  }

  /** SHA-256 over every document that was read, under its key. */
  fingerprint(): string {
    const hash = createHash("sha256");
    for (const key of [...this.#read.keys()].sort()) {
      const text = this.#read.get(key)!;
      hash.update(`${key}\n${text.length}\n${text}\n`);
    }
    return hash.digest("hex");
  }
}

/** One document, or an object in it. */
export class ArrayDocument {
  /** @param name Names it in errors. */
  constructor(
    readonly name: string,
    readonly as: string,
    readonly value: Readonly<Record<string, unknown>>,
  ) {}

  /** Says what is wrong with the document. */
  fail(state: string, wayOut: string, cause?: unknown): never {
    throw new SluiceError(`Cannot read "${this.name}" as that of ${this.as}: ${state}; ${wayOut}`, {
      cause,
    });
  }

  /** A part of the document, which is named like it. */
  within(value: Readonly<Record<string, unknown>>): ArrayDocument {
    return new ArrayDocument(this.name, this.as, value);
  }

  /** What an object in it holds, or undefined where there is no such object. */
  object(key: string): ArrayDocument | undefined {
    const value = this.value[key];
    return isObject(value) ? this.within(value) : undefined;
  }

  /** The objects of a list in it; what is no object is left out. */
  objects(key: string): ArrayDocument[] {
    const value = this.value[key];
    if (!Array.isArray(value)) return [];
    return value.filter(isObject).map((one) => this.within(one));
  }

  /** A text in it, or undefined. */
  text(key: string): string | undefined {
    const value = this.value[key];
    return typeof value === "string" ? value : undefined;
  }

  /** Sides in voxels, each at least 1, and together no more than can be counted. */
  sides(key: string, count?: number): number[] {
    const value = this.value[key];
    const isSide = (side: unknown) => Number.isSafeInteger(side) && Number(side) >= 1;
    if (!Array.isArray(value) || !value.every(isSide) || value.length === 0) {
      return this.fail(`its "${key}" is ${show(value)}, no list of sides`, "check what wrote it");
    }
    if (count !== undefined && value.length !== count) {
      this.fail(
        `its "${key}" has ${value.length} sides where the volume has ${count}`,
        "check what wrote it",
      );
    }
    if (value.reduce((product, side) => product * side, 1) > MOST_VOXELS) {
      this.fail(`its "${key}" are ${show(value)}, too many voxels to count`, "check what wrote it");
    }
    return value;
  }
}

/** A list of numbers of some length, or undefined where it is none. */
export function numbersOf(value: unknown, count: number): number[] | undefined {
  return Array.isArray(value) && value.length === count && value.every(Number.isFinite)
    ? value
    : undefined;
}

/** A list of texts, or undefined where it is none. */
export function textsOf(value: unknown): string[] | undefined {
  return Array.isArray(value) && value.every((one) => typeof one === "string") ? value : undefined;
}

/** A value in a message, cut where it is long. */
export function show(value: unknown): string {
  const text = JSON.stringify(
    value,
    (_, one: unknown) => typeof one === "bigint" ? String(one) : one,
  ) ?? "absent";
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** A blob in a message: its path where it is a file. */
export function nameIn(reader: ArrayReader, key: string): string {
  return reader.localPath?.(key) ?? `${reader.url.replace(/\/$/, "")}/${key}`;
}

/** A path below the volume as a key; undefined where it leads elsewhere. */
export function keyOf(path: string): string | undefined {
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  const leads = path.startsWith("/") || /[\\\0]/.test(path) || names.includes("..");
  return leads || names.length === 0 ? undefined : names.join("/");
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Python writes NaN and Infinity, which JSON has no words for; whole numbers beyond 2^53 stay what they are. */
function parseJson(text: string): unknown {
  const exact = (_key: string, value: unknown, context?: { readonly source: string }) =>
    typeof value === "number" && !Number.isSafeInteger(value) &&
      /^-?\d+$/.test(context?.source ?? "")
      ? BigInt(context!.source)
      : value;
  try {
    return JSON.parse(text, exact);
  } catch (error) {
    const quoted = text.replace(
      /"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g,
      (word) => word.startsWith('"') ? word : `"${word}"`,
    );
    if (quoted === text) throw error;
    return JSON.parse(quoted, exact);
  }
}
