/**
 * A channel of the Boss as its resources tell it: which levels it has, how large, of which voxels; and what people have
 * said of it.
 * @module
 */
import { eachAtOnce } from "../core/abort.ts";
import { type Dtype, isDtype } from "../core/dtype.ts";
import { SluiceError } from "../core/errors.ts";
import { type LengthUnit, lengthUnit, type VoxelSize } from "../core/units.ts";
import type { Environment } from "../ledgers/open_ledger.ts";
import type { RetryOptions } from "../stores/blobs/retry.ts";
import { BossCaller } from "./_call.ts";
import type { JsonObject } from "./_config_json.ts";
import { answerOf, garbled } from "./_rest_answers.ts";
import { BossError } from "./boss_error.ts";
import { bossOrigin, type BossToken, findBossToken } from "./credentials.ts";
import { BossCutouts, explainChannel } from "./cutout.ts";
import { type BossAddress, serverOf } from "./cutout_address.ts";
import { BossResources, nameResource } from "./resources.ts";

/** One level of the pyramid of a channel. */
export interface BossLevel {
  /** Its number, as the Boss has it. */
  readonly resolution: number;
  /** Where its first voxel lies, along x, y and z. */
  readonly start: readonly [x: number, y: number, z: number];
  /** Where it ends. */
  readonly stop: readonly [x: number, y: number, z: number];
  /** Edge lengths of a voxel. */
  readonly voxelSize: VoxelSize;
}

/** One thing that is said of a channel. */
export interface Remark {
  /** What it is about. */
  readonly name: string;
  /** What is said. */
  readonly value: string;
}

/** A channel that is there. */
export interface BossChannel {
  /** Address of the Boss. */
  readonly url: string;
  /** How it was asked for. */
  readonly address: BossAddress;
  /** Type of its voxels. */
  readonly dtype: Dtype;
  /** Intensities, or names. */
  readonly kind: "image" | "labels";
  /** Time samples. */
  readonly times: number;
  /** Its levels, finest first; of an address with a resolution, from that on. */
  readonly levels: readonly BossLevel[];
  /** What decides which voxels are read, as text. */
  readonly identity: string;
  /** Reads and writes its voxels. */
  readonly cutouts: BossCutouts;
  /** What is said of it, its metadata last. */
  remarks(signal?: AbortSignal): Promise<Remark[]>;
}

/** How a channel is opened. */
export interface OpenChannelOptions {
  /** The token. @default As `findBossToken()` finds it; nobody's where there is none for this host */
  readonly token?: BossToken;
  /** The environment that is looked at. @default That of the process, as far as it may be read */
  readonly env?: Environment;
  /** How long to try. */
  readonly retry?: RetryOptions;
  /** Ends the opening with its reason. */
  readonly signal?: AbortSignal;
}

/**
 * Looks a channel up.
 * @throws {BossError} If there is none, or the Boss does not show it.
 */
export async function openChannel(
  address: BossAddress,
  options: OpenChannelOptions = {},
): Promise<BossChannel> {
  const { env, retry, signal } = options;
  const server = await serverOf(address, { env });
  const token = options.token ??
    await findBossToken({
      host: server.host,
      ...(env === undefined ? {} : { env }),
      orPublic: true,
    });
  const asked = retry === undefined ? {} : { retry };
  const resources = new BossResources(server, token, asked);
  const { collection, experiment, channel: name } = address;
  const find = async (resource: Parameters<BossResources["find"]>[0]) => {
    const found = await resources.find(resource, { signal });
    if (found !== undefined) return found;
    throw new BossError(
      `Cannot open channel "${collection}/${experiment}/${name}" at "${
        new URL(resources.url).host
      }": there is no ${nameResource(resource)}; mend its name, or create it with \`sluice prep\``,
      "missing",
    );
  };
  const fields = {
    experiment: await find({ kind: "experiment", collection, name: experiment }),
    channel: await find({ kind: "channel", collection, experiment, name }),
  };
  const frame = await find({
    kind: "coordinate frame",
    name: String(fields.experiment.coord_frame),
  });
  const shown = `channel "${collection}/${experiment}/${name}"`;
  const { datatype, type } = fields.channel;
  if (typeof datatype !== "string" || !isDtype(datatype) || !datatype.startsWith("uint")) {
    throw new SluiceError(
      `Cannot open ${shown}: its voxels are ${
        JSON.stringify(datatype)
      }, and those of a Boss are unsigned integers; ask who runs it`,
    );
  }
  const { levels, times } = readLevels(shown, fields.channel, fields.experiment, frame, address);
  const where = { collection, experiment, channel: name };
  const { accessMode, iso } = address;
  const url = bossOrigin(server);
  return {
    url,
    address,
    dtype: datatype,
    kind: type === "annotation" ? "labels" : "image",
    times,
    levels,
    identity: JSON.stringify([url, where, datatype, times, levels, iso]),
    cutouts: new BossCutouts(server, token, {
      ...where,
      dtype: datatype,
      accessMode,
      iso,
      ...asked,
    }),
    remarks: async (signal) => [
      ...remarksOf({
        // What a channel lies in may be hidden where it is not.
        collection: await unlessHidden(
          () => resources.find({ kind: "collection", name: collection }, { signal }),
          () => undefined,
        ) ?? {},
        ...fields,
        "coordinate frame": frame,
      }),
      ...await readMetadata(new BossCaller(server, token, asked), where, signal),
    ],
  };
}

/** What counts the voxels of a channel: its levels, as the Boss itself computes them, and its times. */
function readLevels(
  shown: string,
  channel: JsonObject,
  experiment: JsonObject,
  frame: JsonObject,
  { iso, resolution }: BossAddress,
): { readonly levels: BossLevel[]; readonly times: number } {
  const number = (of: JsonObject, key: string, least: number, isWhole = true) => {
    const value = Number(of[key]);
    if (Number.isFinite(value) && value >= least && (!isWhole || Number.isSafeInteger(value))) {
      return value;
    }
    throw new SluiceError(
      `Cannot open ${shown}: the Boss says that "${key}" is ${
        JSON.stringify(of[key])
      }, which counts no voxels; ask who runs it`,
    );
  };
  const unit = unitOf(shown, frame.voxel_unit);
  const axes = ["x", "y", "z"] as const;
  const edges = axes.map((axis) => number(frame, `${axis}_voxel_size`, Number.MIN_VALUE, false));
  // What lies before 0 has no address.
  const start = axes.map((axis) => Math.max(0, number(frame, `${axis}_start`, -Infinity)));
  const stop = axes.map((axis, i) => number(frame, `${axis}_stop`, start[i] + 1));
  const base = number(channel, "base_resolution", 0);
  const count = number(experiment, "num_hierarchy_levels", 1);
  const isIsotropic = experiment.hierarchy_method === "isotropic";
  // From the level on whose voxels are nearest to cubes, z may be halved as well.
  const aspects = Array.from(
    { length: 30 },
    (_, r) => Math.abs(edges[2] / (edges[0] * 2 ** r) - 1),
  );
  const cubes = aspects.indexOf(Math.min(...aspects));
  const levels: BossLevel[] = [];
  for (let at = 0; at < base + count; at++) {
    if (at >= Math.max(base, resolution ?? base)) {
      const [x, y, z] = edges;
      levels.push({
        resolution: at,
        start: [start[0], start[1], start[2]],
        stop: [stop[0], stop[1], stop[2]],
        voxelSize: { x, y, z, unit },
      });
    }
    const halves = isIsotropic || iso && at + 1 > cubes ? [0, 1, 2] : [0, 1];
    for (const axis of halves) {
      edges[axis] *= 2;
      start[axis] = Math.floor(start[axis] / 2);
      stop[axis] = Math.ceil(stop[axis] / 2);
    }
  }
  if (levels.length === 0 || resolution !== undefined && resolution < base) {
    throw new SluiceError(
      `Cannot open resolution ${resolution} of ${shown}: it has ${base} to ${
        base + count - 1
      }; ask for one of these`,
    );
  }
  return { levels, times: number(experiment, "num_time_samples", 1) };
}

function unitOf(shown: string, said: unknown): LengthUnit {
  const unit = typeof said === "string" ? lengthUnit(said.replace(/s$/, "")) : undefined;
  if (unit !== undefined) return unit;
  throw new SluiceError(
    `Cannot open ${shown}: the Boss tells its voxels in ${
      JSON.stringify(said)
    }, which is no unit of length; ask who runs it`,
  );
}

/** Descriptions, and what else people have chosen. */
function remarksOf(
  fields: Readonly<
    Record<"collection" | "experiment" | "channel" | "coordinate frame", JsonObject>
  >,
): Remark[] {
  const { channel, experiment } = fields;
  const said = (name: string, value: unknown): Remark[] =>
    value === undefined || value === null || value === "" ? [] : [{ name, value: String(value) }];
  return [
    ...Object.entries(fields).flatMap(([name, of]) => said(name, of.description)),
    ...said("creator", channel.creator),
    ...said("public", channel.public),
    ...said("hierarchy", experiment.hierarchy_method),
    ...said("downsampled", channel.downsample_status),
  ];
}

/** Values that are asked for at once. */
const AT_ONCE = 8;

/** Keys and values that people keep at a channel; that this user may not see them is said. */
async function readMetadata(
  caller: BossCaller,
  { collection, experiment, channel }: Record<"collection" | "experiment" | "channel", string>,
  signal?: AbortSignal,
): Promise<Remark[]> {
  const ask = (query: string) => {
    const act = `read the metadata of channel "${collection}/${experiment}/${channel}"`;
    return caller.run(act, signal, async (hear) => {
      const path = `v1/meta/${collection}/${experiment}/${channel}/${query}`;
      const { status, headers, bytes } = await caller.send({
        method: "GET",
        path,
        once: false,
        signal,
      });
      const answer = answerOf(status, headers, bytes);
      hear(answer);
      if (status !== 200) throw caller.fault(act, answer, explainChannel);
      if (answer.json === undefined) throw garbled(answer, "metadata");
      return answer.json;
    });
  };
  return await unlessHidden(async () => {
    const { keys } = await ask("");
    if (!Array.isArray(keys)) return [];
    const values = new Map<string, string>();
    await eachAtOnce(keys.map(String), AT_ONCE, async (key) => {
      const { value } = await ask(`?key=${encodeURIComponent(key)}`);
      values.set(key, caller.scrub(typeof value === "string" ? value : JSON.stringify(value)));
    });
    return keys.map((key) => ({ name: `metadata ${key}`, value: values.get(String(key))! }));
  }, ({ message }) => [{ name: "metadata", value: message }]);
}

/** What this user may not see keeps nothing else away. */
async function unlessHidden<T>(
  look: () => Promise<T>,
  otherwise: (why: BossError) => T,
): Promise<T> {
  try {
    return await look();
  } catch (error) {
    const isHidden = error instanceof BossError &&
      ["token", "forbidden", "missing"].includes(error.kind);
    if (!isHidden) throw error;
    return otherwise(error);
  }
}
