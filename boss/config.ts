/**
 * Ingest configuration files of the Boss, schemas v0.1 and v0.2.
 *
 * The rules are those of the schemas and validators of ingest-client 0.12: keys that they do not know are passed over.
 * Beyond them a file is refused that the server would take, and then lose voxels of or put them in a wrong place.
 * @module
 */
import { readJson } from "./_config_file.ts";
import { type BossSchema, readJob, readKind } from "./_config_job.ts";
import { checkPlaces } from "./_config_places.ts";
import { withoutSecrets } from "./_config_secrets.ts";
import { BossConfigError, type ConfigFault, Faults, Fields } from "./_config_fields.ts";
import { freeze, isObject, type JsonObject, type JsonValue } from "./_config_json.ts";
import type { BossJob } from "./ingest_job.ts";

export { summarizeBossConfig } from "./_config_summary.ts";
export { type BossTarget, checkBossTarget } from "./_config_target.ts";
export { BossConfigError };
export type { BossSchema, ConfigFault, JsonObject, JsonValue };

/** The server of a job. */
export interface BossBackend {
  /** Free text. */
  readonly name: string;
  /** Host alone; may carry a port. */
  readonly host: string;
  /** How it is spoken to. */
  readonly protocol: "https" | "http";
}

/** A plugin as a configuration names it. */
export interface PluginChoice {
  /** Which key it stands under: `client.tile_processor`, for example. */
  readonly path: string;
  /** Dotted name of a Python class, or what a script has added to the table of plugins. */
  readonly className: string;
  /** As they stand in the file; they may hold secrets. */
  readonly params: JsonObject;
}

/** A configuration, checked; immutable. */
export interface BossConfig {
  /** Of the file, for messages. */
  readonly name: string;
  /** Which schema it follows. */
  readonly schema: BossSchema;
  /** The server. */
  readonly backend: BossBackend;
  /** Where the voxels go. */
  readonly database: {
    readonly collection: string;
    readonly experiment: string;
    readonly channel: string;
  };
  /** What is to be ingested. */
  readonly job: BossJob;
  /** Tells where a tile's image lies. */
  readonly pathProcessor: PluginChoice;
  /** Of a tile job the tile processor, of a volumetric one the chunk processor. */
  readonly processor: PluginChoice;
  /** What is doubtful, but can be done. */
  readonly warnings: readonly ConfigFault[];
  /**
   * What is posted to make the job: the file as it stands, without secrets in the parameters of plugins, and without
   * the copies of `ingest_job` that other clients leave there. The server needs neither.
   */
  readonly body: JsonObject;
}

const VALIDATORS = ["BossValidatorV01", "BossValidatorV02"] as const;
const SCHEMAS = ["boss-v0.1-schema", "boss-v0.2-schema"] as const;
export const KIND_OF_FILE = "a Boss ingest configuration";

/**
 * Reads a configuration file.
 * @throws {UsageError} If it is not there, no JSON, or says what cannot be; every fault is named with its path.
 * @example One of the examples
 * ```ts
 * import { loadBossConfig } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const { database, job } = await loadBossConfig("configs/boss/zindex_stack.json");
 * deepEqual([database.channel, job.kind], ["my_channel", "tile"]);
 * ```
 */
export async function loadBossConfig(path: string): Promise<BossConfig> {
  return parseBossConfig(await readJson(path, KIND_OF_FILE), path);
}

/**
 * Reads the server alone from a configuration file: to cancel a job nothing else of it has to hold.
 * @throws {UsageError} If the file is not there, no JSON, or names no server.
 * @example
 * ```ts
 * import { loadBossBackend } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * equal((await loadBossBackend("configs/boss/zarr.json")).host, "api.bossdb.io");
 * ```
 */
export async function loadBossBackend(path: string): Promise<BossBackend> {
  return parseBossBackend(await readJson(path, KIND_OF_FILE), path);
}

/**
 * Checks a configuration.
 * @param name Of the file, for messages.
 * @throws {UsageError} If it says what cannot be; every fault is named with its path.
 * @example A fault and where it lies
 * ```ts
 * import { parseBossConfig } from "@sluice/sluice";
 * import { throws } from "node:assert/strict";
 * throws(() => parseBossConfig({ schema: { name: "boss-v0.3-schema" } }, "job.json"), /schema\.name: it must be one of/);
 * ```
 */
export function parseBossConfig(value: unknown, name: string): BossConfig {
  const faults = new Faults();
  const config = readConfig(value, name, faults);
  faults.throwIfAny(`read "${name}" as ${KIND_OF_FILE}`);
  return freeze({ ...config, body: bodyOf(structuredClone(value) as JsonObject) });
}

/**
 * Reads a configuration, whatever is wrong with it.
 * @param faults Gets what is at fault; a neutral value takes its place in what is given back.
 */
export function readConfig(
  value: unknown,
  name: string,
  faults: Faults,
): Omit<BossConfig, "body"> {
  const root = Fields.root(value, faults);
  const file = root.object("schema");
  const schemaNamed = file.choice("name", SCHEMAS);
  // Where this name is at fault, or the kind below, all else is still told by what the file looks like.
  const looksNew = faults.count > 0 && isObject(root.values.ingest_job) &&
    Object.hasOwn(root.values.ingest_job, "ingest_type");
  const schema = looksNew ? "boss-v0.2-schema" : schemaNamed;
  file.choice("validator", VALIDATORS);
  const client = root.object("client");
  const backend = readBackend(client.object("backend"));
  const database = root.object("database");
  const place = {
    collection: database.text("collection"),
    experiment: database.text("experiment"),
    channel: database.text("channel"),
  };
  const sound = faults.count;
  const jobFields = root.object("ingest_job");
  const named = readKind(jobFields, schema);
  const looksVolumetric = faults.count > sound && client.has("chunk_processor") &&
    !client.has("tile_processor");
  const kind = looksVolumetric ? "volumetric" : named;
  const job = readJob(jobFields, kind, schema);
  const doubts = faults.count === sound ? checkPlaces(job, faults) : [];
  const pathProcessor = readPlugin(client, "path_processor");
  const wantsTiles = kind === "tile" || schema === "boss-v0.1-schema";
  const tiles = wantsTiles || client.has("tile_processor")
    ? readPlugin(client, "tile_processor")
    : undefined;
  const chunks = kind === "volumetric" || client.has("chunk_processor")
    ? readPlugin(client, "chunk_processor")
    : undefined;
  const strays = [root, file, client, database, jobFields].flatMap((fields) => fields.strays());
  return {
    name,
    schema,
    backend,
    database: place,
    job,
    pathProcessor,
    processor: (kind === "tile" ? tiles : chunks)!,
    warnings: [...strays, ...doubts],
  };
}

/**
 * Checks the server that a configuration names, and nothing else.
 * @param name Of the file, for messages.
 * @throws {UsageError} If it names none.
 * @example A file of which nothing else is known
 * ```ts
 * import { parseBossBackend } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * const backend = { name: "boss", class: "BossBackend", host: "api.bossdb.io", protocol: "https" };
 * equal(parseBossBackend({ client: { backend } }, "job.json").host, "api.bossdb.io");
 * ```
 */
export function parseBossBackend(value: unknown, name: string): BossBackend {
  const faults = new Faults();
  const backend = readBackend(Fields.root(value, faults).object("client").object("backend"));
  faults.throwIfAny(`read the server from "${name}"`);
  return freeze(backend);
}

function readBackend(fields: Fields): BossBackend {
  const name = fields.text("name", { mayBeEmpty: true });
  fields.choice("class", ["BossBackend"]);
  const host = fields.text("host");
  // A name or password before the host would be shown: neither is repeated here.
  if (host !== "" && !/^(\[[0-9a-f:.]+\]|[^\s/?#@\\:[\]]+)(:\d+)?$/i.test(host)) {
    fields.fault("host", "it must be a host alone, such as api.bossdb.io or localhost:8000");
  }
  return { name, host, protocol: fields.choice("protocol", ["https", "http"]) };
}

function readPlugin(client: Fields, key: string): PluginChoice {
  const fields = client.object(key);
  const className = fields.text("class");
  return { path: fields.path, className, params: structuredClone(fields.object("params").values) };
}

/** What is posted. */
export function bodyOf(file: JsonObject): JsonObject {
  const client = file.client as JsonObject;
  const clean = (plugin: JsonValue): JsonValue => {
    if (!isObject(plugin) || !isObject(plugin.params)) return plugin;
    const { ingest_job: _, ...params } = plugin.params;
    return { ...plugin, params: withoutSecrets(params) };
  };
  const plugins = ["path_processor", "tile_processor", "chunk_processor"];
  return {
    ...file,
    client: Object.fromEntries(
      Object.entries(client).map((
        [key, value],
      ) => [key, plugins.includes(key) ? clean(value) : value]),
    ),
  };
}
