/**
 * Prepares a Boss for a job: its collection, coordinate frame, experiment and channel.
 * @module
 */
import type { JsonObject, JsonValue } from "../boss/_config_json.ts";
import {
  type BossConfig,
  type BossTarget,
  checkBossTarget,
  type ConfigFault,
} from "../boss/config.ts";
import { bodyOf, type PrepConfig, type WantedField } from "../boss/prep_config.ts";
import type { BossServer } from "../boss/credentials.ts";
import { type BossResource, targetOf } from "../boss/resources.ts";
import { type AskBossOptions, openResources } from "./_ask_boss.ts";

/** A field of a resource that is there and is not as it is wanted. */
export interface FieldDifference {
  /** Where the configuration says it, such as `coordinate_frame.voxel_size_x`. */
  readonly path: string;
  /** What the Boss calls it. */
  readonly field: string;
  /** What the configuration says. */
  readonly wanted: JsonValue;
  /** What the Boss says; absent: it says nothing of it. */
  readonly found?: JsonValue;
}

/** What became of a resource. */
export interface PreparedResource {
  /** Its name, and where it lies. */
  readonly resource: BossResource;
  /** `created`: it is new; `exists`: it was there, and is as it was; `absent`: it would be created. */
  readonly state: "created" | "exists" | "absent";
  /** What of one that exists is not as the configuration says. */
  readonly differences: readonly FieldDifference[];
}

/** What was done. */
export interface PrepReport {
  /** Address of the Boss. */
  readonly server: string;
  /** Collection, coordinate frame, experiment and channel. */
  readonly resources: readonly PreparedResource[];
  /** Whether all of it is as it is wanted, descriptions aside. */
  readonly isAsWanted: boolean;
  /** What a job will find there; absent where not all is there yet. */
  readonly target?: BossTarget;
  /** What of the ingest configuration does not go with it, each with its path there. */
  readonly warnings: readonly ConfigFault[];
}

/** How a Boss is prepared. */
export interface PrepOptions extends AskBossOptions {
  /** The Boss. */
  readonly server: BossServer;
  /** An ingest configuration that is to go with it. @default None */
  readonly ingest?: BossConfig;
  /** Whether nothing is created, and only said what would be. @default false */
  readonly dryRun?: boolean;
  /** Is told of each resource as it is done. */
  readonly onResource?: (done: PreparedResource) => void;
}

/**
 * Creates what is absent, and changes nothing that is there: what of it differs from the configuration is told field
 * by field. All is looked up before the first is created, so that what cannot be asked stops it before that.
 * @throws {SluiceError} If no token is found, or the Boss refuses or does not answer. What was created by then stays,
 * and is found when it is asked again.
 * @example On a Boss where all is there, with a voxel of another size
 * ```ts
 * import { parsePrepConfig, prepBoss } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const extent = { x_start: 0, x_stop: 2048, y_start: 0, y_stop: 2048, z_start: 0, z_stop: 64 };
 * const there: Record<string, object> = {
 *   colA: {},
 *   cfA: { ...extent, x_voxel_size: 4, y_voxel_size: 4, z_voxel_size: 30, voxel_unit: "nanometers" },
 *   expA: { coord_frame: "cfA" },
 *   chA: { type: "image", datatype: "uint8", base_resolution: 0 },
 * };
 * const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
 * await using boss = Deno.serve(options, (request) => {
 *   const name = new URL(request.url).pathname.split("/").at(-1)!;
 *   return Response.json({ name, ...there[name] });
 * });
 * const config = parsePrepConfig({
 *   collection: { name: "colA" },
 *   coordinate_frame: {
 *     name: "cfA", ...extent, voxel_size_x: 4, voxel_size_y: 4, voxel_size_z: 40,
 *   },
 *   experiment: { name: "expA" },
 *   channel: { name: "chA", type: "image", datatype: "uint8" },
 * }, "prep.json");
 * const server = { protocol: "http", host: `127.0.0.1:${boss.addr.port}` };
 * const { resources } = await prepBoss(config, { server, token: "0123456789abcdef" });
 * deepEqual(resources[1].differences, [
 *   { path: "coordinate_frame.voxel_size_z", field: "z_voxel_size", wanted: 40, found: 30 },
 * ]);
 * ```
 */
export async function prepBoss(
  config: PrepConfig,
  { server, ingest, dryRun = false, onResource = () => {}, ...asking }: PrepOptions,
): Promise<PrepReport> {
  const { signal } = asking;
  const resources = await openResources(server, asking);
  const found: (JsonObject | undefined)[] = [];
  for (const { resource } of config.resources) {
    found.push(await resources.find(resource, { signal }));
  }
  const done: PreparedResource[] = [];
  for (const [i, wanted] of config.resources.entries()) {
    const { resource, fields } = wanted;
    let state: PreparedResource["state"] = found[i] === undefined ? "absent" : "exists";
    if (state === "absent" && !dryRun) {
      const created = await resources.create(resource, bodyOf(wanted), { signal });
      found[i] = created.fields;
      state = created.isNew ? "created" : "exists";
    }
    const there = found[i];
    // What the server made of a new one is held against the wish, too.
    const differences = there === undefined ? [] : compare(fields, there);
    const prepared = { resource, state, differences };
    done.push(prepared);
    onResource(prepared);
  }
  const [, frame, experiment, channel] = found;
  const target = frame && experiment && channel
    ? targetOf({ frame, experiment, channel })
    : undefined;
  return {
    server: resources.url,
    resources: done,
    isAsWanted: done.every(({ differences }) =>
      differences.every(({ field }) => field === "description")
    ),
    ...(target === undefined ? {} : { target }),
    warnings: ingest === undefined ? [] : [
      ...compareNames(config, ingest),
      ...(target === undefined ? [] : checkBossTarget(ingest, target)),
    ],
  };
}

/** Names in the ingest configuration that are not those of what is prepared. */
function compareNames({ resources }: PrepConfig, { database }: BossConfig): ConfigFault[] {
  return (["collection", "experiment", "channel"] as const).flatMap((kind) => {
    const name = resources.find(({ resource }) => resource.kind === kind)?.resource.name;
    if (name === database[kind]) return [];
    const reason = `it is "${database[kind]}", and what is prepared is "${name}"`;
    return [{ path: `database.${kind}`, reason }];
  });
}

function compare(wanted: readonly WantedField[], there: JsonObject): FieldDifference[] {
  return wanted.flatMap(({ path, field, value, isDefault }) => {
    const found = there[field];
    if (isDefault || found !== undefined && isSame(value, found)) return [];
    return [{ path, field, wanted: value, ...(found === undefined ? {} : { found }) }];
  });
}

/** Whether both say the same: the Boss may write a number as text, and lists names in an order of its own. */
function isSame(wanted: JsonValue, found: JsonValue): boolean {
  if (typeof wanted === "number" && typeof found === "string") {
    return found.trim() !== "" && Number(found) === wanted;
  }
  if (!Array.isArray(wanted)) return wanted === found;
  return Array.isArray(found) &&
    JSON.stringify([...new Set(wanted)].sort()) === JSON.stringify([...new Set(found)].sort());
}
