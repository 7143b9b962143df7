/** What the format of the target decides: its encoding, and which boxes may be shards. */
import { CUBOID_SIZE } from "../boss/ingest_job.ts";
import { checkPrecomputedEncoding } from "../codecs/precomputed_chunk.ts";
import { planSharding } from "../codecs/precomputed_sharding.ts";
import type { Dtype } from "../core/dtype.ts";
import { messageOf, UsageError } from "../core/errors.ts";
import type { ChunkEncoding, Layout } from "../core/layout.ts";
import type { Plan, ShardingBits } from "../core/plan.ts";
import type { PlanLayoutOptions, Sides } from "../core/plan_layout.ts";
import type { VoxelSize } from "../core/units.ts";
import { gridOf, shardSides } from "../stores/_precomputed_metadata.ts";
import type { PlanOptions } from "./plan.ts";

/** What is known of the volume before it is cut. */
export interface FormatNeeds {
  readonly dtype: Dtype;
  readonly kind: "image" | "labels";
  readonly channels: number;
  readonly hasTime: boolean;
  readonly voxelSize: VoxelSize | undefined;
}

/** What a format asks of the layout, and says of itself once that is known. */
export interface PlannedFormat extends
  Pick<
    PlanLayoutOptions,
    "chunk" | "encoding" | "joinsChannels" | "levels" | "shapeShard" | "shard"
  > {
  store(layout: Layout): Plan["store"];
}

/** Of deflate, around chunks in shards: faster than usual, and not much larger. */
const GZIP = 4;

/** @throws {UsageError} If the options do not fit the format, or the volume does not. */
export function planFormat(options: PlanOptions, needs: FormatNeeds): PlannedFormat {
  switch (options.format) {
    case "precomputed":
      return planPrecomputed(options, needs);
    case "bossdb":
      return planBossdb(options, needs);
    default:
      return planOmeZarr(options);
  }
}

/**
 * What the formats of several targets decide together: they are cut alike, and encoded each in its way. A codec is
 * that of the targets that know it.
 */
export function planFormats(
  options: PlanOptions,
  needs: FormatNeeds,
): PlannedFormat & { readonly copies: readonly PlannedFormat[] } {
  const names = [options.format ?? "ome-zarr", ...(options.copies ?? [])];
  const planned = (shard: PlanOptions["shard"]) =>
    names.map((format) => {
      const knows = (name: string) =>
        (options.codec?.codec === "precomputed") === (name === "precomputed");
      const isOthers = options.codec !== undefined && !knows(format) && names.some(knows);
      const own = format === "precomputed" ? { zarr: undefined } : {};
      const several = names.length > 1 && names.includes("ome-zarr") ? own : {};
      const codec = isOthers ? undefined : options.codec;
      return planFormat({ ...options, ...several, codec, format, shard }, needs);
    });
  let formats = planned(options.shard);
  // Where one knows no shards, none has any.
  if (formats.some(({ shard }) => shard === "none")) formats = planned("none");
  const [first, ...copies] = formats;
  const shapers = formats.flatMap(({ shapeShard }) => shapeShard ?? []);
  return {
    ...first,
    joinsChannels: formats.some(({ joinsChannels }) => joinsChannels),
    // Every format that has a say is told; those that have one say the same.
    shapeShard: shapers.length === 0
      ? undefined
      : (...asked) => shapers.map((shape) => shape(...asked))[0],
    copies,
  };
}

const CUBOID: Sides = [CUBOID_SIZE.x, CUBOID_SIZE.y, CUBOID_SIZE.z];

/** Cuboids of the finest level: the Boss makes the coarser ones. Plain here, they are packed on their way. */
function planBossdb(options: PlanOptions, { channels, dtype }: FormatNeeds): PlannedFormat {
  const { copies = [], chunk, codec, levels = 1, shard = "none", zarr } = options;
  const refuse = (state: string, wayOut: string) => {
    throw new UsageError(`Cannot write into a channel of a Boss ${state}: ${wayOut}`);
  };
  if (copies.length > 0) refuse("beside other volumes", "write it by a job of its own");
  if (zarr !== undefined) refuse("as Zarr", "leave --zarr away");
  if (codec !== undefined) refuse("by another codec than its own", "leave --codec away");
  if (shard !== "none") refuse("in shards", "leave --shard away");
  if (levels !== 1) {
    refuse(`${levels} levels`, "leave --levels away, and let the Boss downsample what is there");
  }
  if (chunk !== undefined && chunk.some((side, axis) => side !== CUBOID[axis])) {
    refuse(`in chunks of ${chunk.join("x")}`, "leave --chunk away: its cuboids are 512x512x16");
  }
  if (channels > 1) {
    refuse(`${channels} channels`, "each is one of its own there; write them one by one");
  }
  if (!dtype.startsWith("uint")) {
    refuse(`as ${dtype}`, "it holds unsigned integers; give --cast uint16 with --window");
  }
  return {
    encoding: { codec: "precomputed", form: { codec: "raw" }, crc32c: false },
    chunk: CUBOID,
    shard: "none",
    levels: 1,
    store: () => ({ kind: "bossdb" }),
  };
}

function planOmeZarr({ zarr = "0.5", codec, shard }: PlanOptions): PlannedFormat {
  if (codec?.codec === "precomputed") {
    throw new UsageError(
      `Cannot encode OME-Zarr as ${codec.form.codec}: choose zstd, gzip, blosc or none, or a target such as precomputed://out`,
    );
  }
  if (zarr === "0.4" && shard !== undefined && shard !== "none") {
    throw new UsageError(
      "Cannot shard OME-Zarr 0.4, as Zarr v2 has no shards: leave --shard away, or use --zarr 0.5",
    );
  }
  return {
    encoding: { ...(codec ?? { codec: "zstd" as const, level: 3 }), crc32c: zarr === "0.5" },
    shard: zarr === "0.4" ? "none" : shard,
    store: () => ({ kind: "ome-zarr", zarr }),
  };
}

function planPrecomputed(
  { codec, shard, zarr }: PlanOptions,
  { dtype, kind, channels, hasTime, voxelSize }: FormatNeeds,
): PlannedFormat {
  if (zarr !== undefined) {
    throw new UsageError("Cannot use --zarr with a precomputed target: leave it away");
  }
  if (hasTime) {
    throw new UsageError(
      "Cannot write times into a precomputed volume, which has x, y, z and channels: take an OME-Zarr target",
    );
  }
  if (voxelSize?.z === undefined) {
    throw new UsageError(
      "Cannot write a precomputed volume without the size of a voxel, which its info must give in nanometres: give --voxel-size 4x4x40nm",
    );
  }
  if (codec !== undefined && codec.codec !== "precomputed") {
    throw new UsageError(
      `Cannot encode a precomputed volume as ${codec.codec}: choose raw, png, jpeg or compressed_segmentation`,
    );
  }
  const isSharded = shard !== "none";
  const isLabels = kind === "labels" && (dtype === "uint32" || dtype === "uint64");
  const form = codec?.form ??
    (isLabels
      ? { codec: "compressed_segmentation" as const, blockSize: [8, 8, 8] as const }
      : { codec: "raw" as const });
  try {
    checkPrecomputedEncoding(form, { dtype, channels });
  } catch (error) {
    throw new UsageError(`Cannot use --codec ${form.codec}: ${messageOf(error)}`, { cause: error });
  }
  const isImage = form.codec === "jpeg" || form.codec === "png";
  const encoding: ChunkEncoding = {
    codec: "precomputed",
    form,
    ...(isSharded && !isImage ? { gzip: GZIP } : {}),
    crc32c: false,
  };
  if (!isSharded) {
    return { encoding, shard, joinsChannels: true, store: () => ({ kind: "precomputed" }) };
  }
  let wished: Sides = [1, 1, 1];
  const bitsOf = (grid: Sides, chunk: Sides): ShardingBits => {
    const { preshift_bits: preshift, minishard_bits: minishard, shard_bits } = planSharding({
      grid,
      bytes: wished[0] * wished[1] * wished[2],
      chunkBytes: chunk[0] * chunk[1] * chunk[2],
    });
    return { preshift, minishard, shard: shard_bits };
  };
  return {
    encoding,
    shard,
    joinsChannels: true,
    shapeShard(size, chunk, given) {
      wished = given;
      const grid = gridOf({ size, chunk: [chunk[0], chunk[1], chunk[2], size[3], 1] });
      return shardSides(bitsOf(grid, chunk), size, chunk);
    },
    store: ({ scales }) => ({
      kind: "precomputed",
      sharding: scales.map((scale) => {
        const [x, y, z] = scale.chunk;
        return bitsOf(gridOf(scale), [x, y, z]);
      }),
    }),
  };
}
