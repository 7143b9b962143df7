/**
 * Fields of a configuration, each checked as it is read: every fault is collected with its path, none ends the reading.
 * @module
 */
import { UsageError } from "../core/errors.ts";
import { didYouMean, nearest } from "../core/nearest.ts";
import type { PluginParams } from "./plugin.ts";
import { isObject, type JsonObject, type JsonValue, nameOf } from "./_config_json.ts";

/** One thing that is wrong or doubtful, and where. */
export interface ConfigFault {
  /** Keys from the root of the file, such as `ingest_job.extent.x[1]`. */
  readonly path: string;
  /** What is wrong there, and what to do. */
  readonly reason: string;
}

/**
 * A configuration says what cannot be. The message names every fault, and so does `faults`, for who wants them apart.
 * @example Where the faults lie
 * ```ts
 * import { BossConfigError, parseBossConfig } from "@sluice/sluice";
 * import { throws } from "node:assert/strict";
 * throws(
 *   () => parseBossConfig({ schema: {}, client: {}, database: {} }, "job.json"),
 *   (error) => error instanceof BossConfigError && error.faults.at(-1)?.path === "client.tile_processor",
 * );
 * ```
 */
export class BossConfigError extends UsageError {
  /**
   * Says what cannot be done, and why.
   * @param act What cannot be done with the file.
   * @param faults All of them, in the order of the reading.
   */
  constructor(act: string, readonly faults: readonly ConfigFault[]) {
    super(`Cannot ${act}: ${faults.map(({ path, reason }) => `${path}: ${reason}`).join("; ")}`);
  }
}

/** Faults as they are found. */
export class Faults {
  readonly #found: { readonly path: string; readonly reason: () => string }[] = [];

  /** How many were found. */
  get count(): number {
    return this.#found.length;
  }

  /** Adds one. A reason that depends on what is read later is told at the end. */
  add(path: string, reason: string | (() => string)): void {
    this.#found.push({ path, reason: typeof reason === "string" ? () => reason : reason });
  }

  /** All that were found, in the order of the reading. */
  list(): ConfigFault[] {
    return this.#found.map(({ path, reason }) => ({ path, reason: reason() }));
  }

  /**
   * Ends the reading where there are faults.
   * @param act What cannot be done with them.
   * @throws {BossConfigError} That names every one.
   */
  throwIfAny(act: string): void {
    const faults = this.list();
    if (faults.length > 0) throw new BossConfigError(act, faults);
  }
}

/** Bounds of a number. */
export interface IntegerOptions {
  /** What it is where the key is absent. @default The key must be there */
  readonly otherwise?: number;
  /** The least it may be. @default Any */
  readonly min?: number;
  /** What takes its place where it is at fault. @default `min`, or 0 */
  readonly neutral?: number;
  /** Whether digits in a string do too. @default false */
  readonly asText?: boolean;
}

/** How a text is read. */
export interface TextOptions {
  /** What it is where the key is absent. @default The key must be there */
  readonly otherwise?: string;
  /** Whether it may have no letters. @default false */
  readonly mayBeEmpty?: boolean;
}

/**
 * One object of a configuration. What is asked for and is missing, or is of another type, becomes a fault, and a
 * neutral value takes its place: no object of the caller is used where there are faults.
 */
export class Fields implements PluginParams {
  /** Keys that were asked for. */
  readonly #asked = new Set<string>();

  /**
   * @param values As they stand in the file.
   * @param path Keys from the root of the file; empty for the root.
   * @param faults Where faults go.
   * @param doubts Where goes what is doubtful, but can be done.
   */
  constructor(
    readonly values: JsonObject,
    readonly path: string,
    readonly faults: Faults,
    readonly doubts: ConfigFault[] = [],
  ) {}

  /** The root of a file. */
  static root(value: unknown, faults: Faults): Fields {
    if (isObject(value)) return new Fields(value, "", faults);
    faults.add("$", `it must be an object, and is ${nameOf(value)}`);
    return Fields.#none("");
  }

  /** Takes the place of an object that is missing: that its own fields are missing too is no other fault. */
  static #none(path: string): Fields {
    return new Fields({}, path, new Faults());
  }

  /** Where a key lies. */
  at(key: string): string {
    if (!/^\w+$/.test(key)) return `${this.path}[${JSON.stringify(key)}]`;
    return this.path === "" ? key : `${this.path}.${key}`;
  }

  /** Whether a key is there, whatever it says. */
  has(key: string): boolean {
    this.#asked.add(key);
    return Object.hasOwn(this.values, key);
  }

  /** What a key says, as it stands in the file; undefined where it is absent or null. */
  value(key: string): JsonValue | undefined {
    return this.has(key) ? this.values[key] ?? undefined : undefined;
  }

  /** Adds a fault of a key. */
  fault(key: string, reason: string): void {
    this.faults.add(this.at(key), reason);
  }

  /** Adds a doubt about a key. */
  doubt(key: string, reason: string): void {
    this.doubts.push({ path: this.at(key), reason });
  }

  /** An object that must be there. */
  object(key: string): Fields {
    const value = this.#required(key);
    if (isObject(value)) return new Fields(value, this.at(key), this.faults, this.doubts);
    if (value !== undefined) this.#wrong(key, "an object", value);
    return Fields.#none(this.at(key));
  }

  /** A string. */
  text(key: string, { otherwise, mayBeEmpty = false }: TextOptions = {}): string {
    const value = otherwise === undefined ? this.#required(key) : this.value(key);
    if (value === undefined) return otherwise ?? "";
    if (typeof value !== "string") this.#wrong(key, "a string", value);
    else if (value === "" && !mayBeEmpty) this.fault(key, "it must not be empty");
    return typeof value === "string" ? value : "";
  }

  /** One of some words. */
  choice<T extends string>(key: string, words: readonly T[], otherwise?: T): T {
    const value = otherwise === undefined ? this.#required(key) : this.value(key);
    if (value === undefined) return otherwise ?? words[0];
    const found = words.find((word) => word === value);
    if (found === undefined) {
      const meant = typeof value === "string" && words.length > 1 ? didYouMean(value, words) : "";
      const options = words.map((word) => `"${word}"`).join(", ");
      this.fault(
        key,
        `it must be ${words.length > 1 ? "one of " : ""}${options}, and is ${
          typeof value === "string" ? JSON.stringify(value) : nameOf(value)
        }${meant}`,
      );
    }
    return found ?? words[0];
  }

  /** A whole number. */
  integer(
    key: string,
    { otherwise, min, neutral = min ?? 0, asText = false }: IntegerOptions = {},
  ): number {
    const value = otherwise === undefined ? this.#required(key) : this.value(key);
    if (value === undefined) return otherwise ?? neutral;
    const number = asText && typeof value === "string" && /^\s*[+-]?\d+\s*$/.test(value)
      ? Number(value)
      : value;
    const least = min === undefined ? "an integer" : `an integer of ${min} or more`;
    if (
      typeof number !== "number" || !Number.isSafeInteger(number) || number < (min ?? -Infinity)
    ) {
      this.#wrong(key, least, value);
      return neutral;
    }
    return number;
  }

  /** An array of whole numbers that must be there, or undefined where it is none. */
  integers(key: string): readonly number[] | undefined {
    const value = this.#required(key);
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) {
      this.#wrong(key, "an array of integers", value);
      return undefined;
    }
    const wrong = value.flatMap((item, at) => Number.isSafeInteger(item) ? [] : [at]);
    for (const at of wrong) {
      this.faults.add(
        `${this.at(key)}[${at}]`,
        `it must be an integer, and is ${nameOf(value[at])}`,
      );
    }
    return wrong.length > 0 ? undefined : value as readonly number[];
  }

  /** Any number. */
  number(key: string): number {
    const value = this.#required(key);
    if (value === undefined) return 0;
    if (typeof value !== "number" || !Number.isFinite(value)) this.#wrong(key, "a number", value);
    return Number(value);
  }

  /** Yes or no. */
  flag(key: string, otherwise?: boolean): boolean {
    const value = otherwise === undefined ? this.#required(key) : this.value(key);
    if (value === undefined) return otherwise ?? false;
    if (typeof value !== "boolean") this.#wrong(key, "true or false", value);
    return value === true;
  }

  /**
   * Keys that nobody asked for and that look like one that is absent: slips that would go unseen, since a
   * configuration may hold keys of its own.
   */
  strays(): ConfigFault[] {
    return this.#strays().map(([key, meant]) => ({
      path: this.at(key),
      reason: `nothing reads this key${didYouMean(key, meant)}`,
    }));
  }

  #strays(): [key: string, meant: readonly string[]][] {
    const absent = [...this.#asked].filter((key) => !Object.hasOwn(this.values, key));
    return Object.keys(this.values)
      .filter((key) => !this.#asked.has(key))
      .map((key): [string, string[]] => [key, nearest(key, absent)])
      .filter(([, meant]) => meant.length > 0);
  }

  /** What a key says that must be there. */
  #required(key: string): JsonValue | undefined {
    if (this.has(key)) return this.values[key];
    this.faults.add(this.at(key), () => {
      // Which keys nobody asks for is known at the end.
      const stray = this.#strays().find(([, meant]) => meant.includes(key))?.[0];
      return stray === undefined
        ? "it is missing"
        : `it is missing; did you mean it by "${stray}"?`;
    });
    return undefined;
  }

  #wrong(key: string, wanted: string, value: JsonValue): void {
    this.fault(key, `it must be ${wanted}, and is ${nameOf(value)}`);
  }
}
