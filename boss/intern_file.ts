/**
 * Settings of the intern SDK, as a program finds them that is given a file of them: server and token together.
 * @module
 */
import { homedir } from "node:os";
import { join } from "node:path";
import { isNotFound, messageOf } from "../core/errors.ts";
import type { Environment } from "../ledgers/open_ledger.ts";
import { isGranted } from "../stores/blobs/environment.ts";
import { parseIni } from "./_ini.ts";
import { BossError } from "./boss_error.ts";
import type { BossServer } from "./credentials.ts";

/** A server, and the token for it. */
export interface InternSettings {
  readonly server: Required<BossServer>;
  /** Not to be shown. */
  readonly token: string;
  /** Where both are from, as messages say it. */
  readonly source: string;
  /** The file; absent: the environment. */
  readonly path?: string;
}

/** Where settings are looked for. */
export interface InternSettingsOptions {
  /** The environment. @default That of the process, as far as it may be read */
  readonly env?: Environment;
}

/** Sections that may hold them, best first: the resources are those of the project service. */
const SECTIONS = ["Project Service", "Default"];
const NAMES = ["INTERN_PROTOCOL", "INTERN_HOST", "INTERN_TOKEN"] as const;

/**
 * Reads a file of settings; where it is not there, the variables `INTERN_PROTOCOL`, `INTERN_HOST` and `INTERN_TOKEN`
 * take its place, all three.
 * @param path Of the file; `~` is the home folder.
 * @throws {BossError} Of kind `token` if neither says all that it takes; what it says stays unsaid.
 */
export async function readInternSettings(
  path: string,
  { env }: InternSettingsOptions = {},
): Promise<InternSettings> {
  const file = path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : path;
  let text: string;
  try {
    text = await Deno.readTextFile(file);
  } catch (error) {
    if (isNotFound(error)) return fromVariables(path, env);
    throw fault(path, messageOf(error), { cause: error });
  }
  const sections = parseIni(text);
  const section = SECTIONS.map((name) => sections.get(name)).find((one) => one !== undefined);
  if (section === undefined) {
    throw fault(path, "it has neither a section [Default] nor [Project Service]");
  }
  const say = (key: string) => {
    const value = section.get(key) ?? sections.get("DEFAULT")?.get(key);
    if (value) return value;
    throw fault(path, `it says no "${key}"`);
  };
  const server = { protocol: say("protocol"), host: say("host") };
  return { server, token: say("token"), source: `"${path}"`, path: file };
}

function fromVariables(path: string, env: Environment | undefined): InternSettings {
  const [protocol, host, token] = NAMES.map((name) => {
    if (env !== undefined) return env.get(name);
    return isGranted({ name: "env", variable: name }) ? Deno.env.get(name) : undefined;
  });
  if (protocol && host && token) {
    return { server: { protocol, host }, token, source: "the variable INTERN_TOKEN" };
  }
  throw fault(path, `it is not there, and ${NAMES.join(", ")} are not all set`);
}

function fault(path: string, state: string, options?: ErrorOptions): BossError {
  return new BossError(
    `Cannot read "${path}" as settings of intern: ${state}; give a file with protocol, host and token in section [Default], or set ${
      NAMES.join(", ")
    }`,
    "token",
    options,
  );
}
