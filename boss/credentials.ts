/**
 * Who asks the Boss, and where it is: the token, its host and its protocol.
 *
 * Programs of the Boss have looked for the token in four places, in orders that changed with their age. This order
 * serves both generations, as a token that the newer one finds is never passed over for another:
 *
 * 1. the one that is given, as by `--api-token`; an empty one counts as none;
 * 2. the variable `INTERN_TOKEN`; an empty one counts as none;
 * 3. `~/.intern/intern.cfg`, section `[Default]`, then `[Project Service]`;
 * 4. `token.json` in the working folder, where the older generation had it first and the newer one looks no more.
 *
 * Only the token is taken from there. Host and protocol are those of the configuration's `client.backend`; where a
 * file names another host, a note says so.
 * @module
 */
import { homedir } from "node:os";
import { join } from "node:path";
import { isNotFound, UsageError } from "../core/errors.ts";
import type { Environment } from "../ledgers/open_ledger.ts";
import { isGranted } from "../stores/blobs/environment.ts";
import { parseIni } from "./_ini.ts";
import { BossError } from "./boss_error.ts";

/** Where the Boss answers. */
export interface BossServer {
  /** Name of the host, with a port if need be: `api.bossdb.io`. */
  readonly host: string;
  /** How it is spoken to. @default "https" */
  readonly protocol?: string;
}

/** What the intern SDK calls a token where there is none. */
const PUBLIC = "public";

/** The host of a call that no configuration goes with, as programs of the Boss have it. */
export const DEFAULT_BOSS_HOST = "api.theboss.io";

/** Variables that a token is looked for by. */
export const BOSS_VARIABLES = [
  "INTERN_TOKEN",
  "INTERN_HOST",
  "INTERN_PROTOCOL",
  "HOME",
  "USERPROFILE",
] as const;

/**
 * Where the Boss is, from its host and protocol as a configuration names them.
 * @returns An address without a path: `https://api.bossdb.io`.
 * @throws {UsageError} If they name no server.
 */
export function bossOrigin({ host, protocol = "https" }: BossServer): string {
  if (protocol !== "https" && protocol !== "http") {
    throw new UsageError(
      `Cannot reach the Boss by protocol ${
        JSON.stringify(protocol)
      }: it is neither "https" nor "http"; mend "protocol" of client.backend`,
    );
  }
  const url = /^(?:[A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?$/.test(host)
    ? URL.parse(`${protocol}://${host}`)
    : null;
  if (url !== null) return url.origin;
  // It may hold a password.
  const shown = JSON.stringify(host.replace(/^.*@/s, "…@").slice(0, 100));
  throw new UsageError(
    `Cannot reach the Boss at host ${shown}: it is no name of a host; write it alone, as in "api.bossdb.io" or "localhost:8000"`,
  );
}

/**
 * A token that no message, log or JSON shows.
 * @example
 * ```ts
 * import { BossToken } from "./credentials.ts";
 * import { equal } from "node:assert/strict";
 * const token = new BossToken("0123456789abcdef", "the safe");
 * equal(`${token}`, "[token of the safe]");
 * equal(token.authorization(), "Token 0123456789abcdef");
 * ```
 */
export class BossToken {
  readonly #token: string;
  /** Where it was found, as messages say it: `the variable INTERN_TOKEN`. */
  readonly source: string;
  /** What whoever gave it should know: another host, another token that was passed over. */
  readonly notes: readonly string[];

  /**
   * Takes a token; spaces around it are none of it.
   * @param source Where it was found, as messages say it.
   * @throws {BossError} If it cannot be one; what it is stays unsaid.
   */
  constructor(token: string, source: string, notes: readonly string[] = []) {
    const trimmed = token.trim();
    if (!/^[\x21-\x7e]+$/.test(trimmed)) {
      const state = trimmed === ""
        ? "it is empty"
        : "it has spaces or letters that no token has, and is not shown";
      throw new BossError(
        `Cannot use ${source} as the token of the Boss: ${state}; copy it from the page /v1/mgmt/token of the Boss`,
        "token",
      );
    }
    this.#token = trimmed;
    this.source = source;
    this.notes = notes;
  }

  /** What public data are asked for with where there is no token, as the intern SDK does. */
  static forPublic(notes: readonly string[] = []): BossToken {
    return new BossToken(PUBLIC, "nobody, as for public data", notes);
  }

  /** Whether it is nobody's, so that public data alone are given for it. */
  get isPublic(): boolean {
    return this.#token === PUBLIC;
  }

  /** What a request says of who asks. */
  authorization(): string {
    return `Token ${this.#token}`;
  }

  /** Text of a server, which may hold what it was sent. */
  scrub(text: string): string {
    return this.isPublic ? text : text.replaceAll(this.#token, "…");
  }

  /** Says where it is from, and not what it is. */
  toString(): string {
    return `[token of ${this.source}]`;
  }

  /** Says where it is from, and not what it is. */
  toJSON(): string {
    return this.toString();
  }
}

/** Where a token is looked for. */
export interface FindTokenOptions {
  /** The token itself, before all other places. */
  readonly token?: string;
  /** The host that it is for; a file that names another is noted. */
  readonly host?: string;
  /** The environment. @default That of the process, as far as it may be read */
  readonly env?: Environment;
  /** Where `token.json` lies. @default The working folder */
  readonly folder?: string;
  /**
   * Whether public data will do: then a token that stands beside another host is kept from this one, and where there is
   * none, nobody asks. @default false
   */
  readonly orPublic?: boolean;
}

/** What a place holds; the host is the one that stands beside the token. */
interface Held {
  readonly token: string;
  readonly host?: string;
}

/** One place, and what it holds, or why it holds none. */
interface Place {
  readonly source: string;
  read(): Promise<Held | string>;
}

/**
 * Finds the token of the Boss: the one that is given, `INTERN_TOKEN`, `~/.intern/intern.cfg`, `token.json`.
 * @throws {BossError} If no place holds one, or the first that should is broken.
 * @example
 * ```ts
 * import { findBossToken } from "./credentials.ts";
 * import { equal } from "node:assert/strict";
 * const env = new Map([["INTERN_TOKEN", "0123456789abcdef"]]);
 * const token = await findBossToken({ env, folder: "no/such/folder" });
 * equal(token.source, "the variable INTERN_TOKEN");
 * ```
 */
export async function findBossToken(options: FindTokenOptions = {}): Promise<BossToken> {
  const places = placesOf(options);
  const states: string[] = [];
  for (const [i, { source, read }] of places.entries()) {
    const found = await read();
    if (typeof found === "string") {
      states.push(`${source} ${found}`);
      continue;
    }
    const others = hostNotes(source, found.host, options.host);
    if (options.orPublic && others.length > 0) {
      states.push(`${source} has its token for host "${found.host}"`);
      continue;
    }
    const notes = [
      ...others,
      ...await passedOver(places.slice(i + 1), found.token),
    ];
    return new BossToken(found.token, source, notes);
  }
  if (options.orPublic) return BossToken.forPublic(states);
  throw new BossError(
    `Cannot find a token for the Boss: ${
      states.join(", ")
    }; make one on the page /v1/mgmt/token of the Boss and set INTERN_TOKEN`,
    "token",
  );
}

/** The value of a variable, as far as it may be read. */
function valueOf(name: string, env: Environment | undefined): string | undefined {
  if (env !== undefined) return env.get(name);
  return isGranted({ name: "env", variable: name }) ? Deno.env.get(name) : undefined;
}

function internConfig(env: Environment | undefined): string | undefined {
  const home = valueOf("HOME", env) || valueOf("USERPROFILE", env) ||
    (env === undefined ? ownHome() : undefined);
  return home && join(home, ".intern", "intern.cfg");
}

function placesOf({ token, env, folder = "." }: FindTokenOptions): Place[] {
  const denied = (variable: string) =>
    env === undefined && !isGranted({ name: "env", variable })
      ? `may not be read (--allow-env=${variable})`
      : undefined;
  const plain = (text: string | undefined, absent: string, host?: string) =>
    Promise.resolve(
      text?.trim()
        ? { token: text, ...(host ? { host } : {}) }
        : text === undefined
        ? absent
        : "is empty",
    );
  const config = internConfig(env);
  const json = join(folder, "token.json");
  return [
    { source: "the token that was given", read: () => plain(token, "is none") },
    {
      source: "the variable INTERN_TOKEN",
      read: () =>
        plain(
          valueOf("INTERN_TOKEN", env),
          denied("INTERN_TOKEN") ?? "is not set",
          valueOf("INTERN_HOST", env),
        ),
    },
    config
      ? { source: `"${config}"`, read: () => readIntern(config) }
      : { source: "intern.cfg", read: () => Promise.resolve("has no home (--allow-env=HOME)") },
    { source: `"${json}"`, read: () => readTokenJson(json) },
  ];
}

/** The server of public data, where nobody says another, as the intern SDK has it. */
export const PUBLIC_BOSS: BossServer = { host: "api.bossdb.io", protocol: "https" };

/**
 * Finds the Boss that is meant where an address names none: that of `INTERN_HOST` and `INTERN_PROTOCOL`, else of
 * `~/.intern/intern.cfg`, else {@linkcode PUBLIC_BOSS}.
 */
export async function findBossServer(
  { env }: Pick<FindTokenOptions, "env"> = {},
): Promise<BossServer> {
  const host = valueOf("INTERN_HOST", env);
  if (host) return { host, protocol: valueOf("INTERN_PROTOCOL", env) || "https" };
  const config = internConfig(env);
  const { text } = config ? await readText(config) : {};
  const sections = parseIni(text ?? "");
  for (const name of SECTIONS) {
    const said = (key: string) =>
      sections.get(name)?.get(key) ?? (sections.has(name) && sections.get("DEFAULT")?.get(key));
    const host = said("host");
    if (host) return { host, protocol: said("protocol") || "https" };
  }
  return PUBLIC_BOSS;
}

function ownHome(): string | undefined {
  return isGranted({ name: "sys", kind: "homedir" }) ? homedir() : undefined;
}

async function passedOver(places: readonly Place[], token: string): Promise<string[]> {
  const notes: string[] = [];
  for (const { source, read } of places) {
    // What is not needed may be broken.
    const other = await read().catch(() => "is broken");
    if (typeof other !== "string" && other.token.trim() !== token.trim()) {
      notes.push(`${source} holds another token, which is not used`);
    }
  }
  return notes;
}

function hostNotes(source: string, found: string | undefined, wanted: string | undefined) {
  if (!found || !wanted || found.toLowerCase() === wanted.toLowerCase()) return [];
  return [`${source} has its token for host "${found}", and it goes to "${wanted}"`];
}

async function readTokenJson(path: string): Promise<Held | string> {
  const { text, state = "" } = await readText(path);
  if (text === undefined) return state;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // What the parser says of it quotes it.
    throw broken(path, "it is no JSON");
  }
  const { token, host } = Object(parsed) as { token?: unknown; host?: unknown };
  if (typeof token !== "string") throw broken(path, `it has no text "token"`);
  return { token, host: typeof host === "string" ? host : undefined };
}

/** Sections that may hold the token, best first. */
const SECTIONS = ["Default", "Project Service"];

async function readIntern(path: string): Promise<Held | string> {
  const { text, state = "" } = await readText(path);
  if (text === undefined) return state;
  const sections = parseIni(text);
  for (const name of SECTIONS) {
    const section = sections.get(name);
    // That section gives all others what they do not say.
    const common = section && sections.get("DEFAULT");
    const token = section?.get("token") ?? common?.get("token");
    if (token) return { token, host: section?.get("host") ?? common?.get("host") };
  }
  return `has no "token" in section [${SECTIONS.join("] or [")}]`;
}

/** The text of a file, or why there is none. */
async function readText(path: string): Promise<{ text?: string; state?: string }> {
  if (!isGranted({ name: "read", path })) {
    return { state: `may not be read (--allow-read=${path})` };
  }
  try {
    return { text: await Deno.readTextFile(path) };
  } catch (error) {
    if (isNotFound(error)) return { state: "is not there" };
    throw broken(path, "it is there and cannot be read", { cause: error });
  }
}

function broken(path: string, state: string, options?: ErrorOptions): BossError {
  return new BossError(
    `Cannot read "${path}" for the token of the Boss: ${state}; mend it, or set INTERN_TOKEN`,
    "token",
    options,
  );
}
