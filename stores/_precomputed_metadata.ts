/** The documents of a precomputed volume: what viewers read, and beside it how far it is. */
import { shardShape } from "../codecs/precomputed_sharding.ts";
import type { Sharding } from "../codecs/precomputed_sharding.ts";
import { countCells, type ScaleLayout } from "../core/layout.ts";
import type { Plan, ShardingBits } from "../core/plan.ts";
import type { Point } from "../core/point.ts";
import { convertVoxelSize, type VoxelSize } from "../core/units.ts";
import { SluiceError } from "../core/errors.ts";
import type { VolumeState } from "./volume.ts";

/** Where what a viewer has no use for stands: how far the volume is, and how it is best shown. */
export interface Provenance {
  readonly processing?: readonly { readonly method?: Method }[];
}

interface Method extends Partial<VolumeState> {
  readonly task?: string;
  readonly plan?: string;
}

/** What stands for us in `processing`. */
export const TASK = "sluice";

/** The member `sharding` of a scale. */
export function shardingOf(bits: ShardingBits, isZipped: boolean): Sharding {
  return {
    "@type": "neuroglancer_uint64_sharded_v1",
    preshift_bits: bits.preshift,
    hash: "identity",
    minishard_bits: bits.minishard,
    shard_bits: bits.shard,
    minishard_index_encoding: "gzip",
    data_encoding: isZipped ? "gzip" : "raw",
  };
}

/** Chunks of a scale along x, y and z. */
export function gridOf({ size, chunk }: Pick<ScaleLayout, "size" | "chunk">) {
  const [x, y, z] = countCells(size, chunk);
  return [x, y, z] as const;
}

/** `info` and `provenance` of a planned volume. */
export function precomputedDocuments(
  plan: Plan,
  voxelSize: VoxelSize | undefined,
  state: VolumeState,
): Map<string, unknown> {
  const { layout, store, kind, source, origin = source.crop.min } = plan;
  if (store.kind !== "precomputed" || layout.encoding.codec !== "precomputed") {
    throw new SluiceError("Cannot write the info of a volume that is planned in another format");
  }
  const { form, gzip } = layout.encoding;
  const resolutionOf = (size: VoxelSize, factor: Point) => {
    const { x, y, z } = convertVoxelSize(size, "nanometer");
    return [x, y, z!].map((edge, axis) => Number((edge * factor[axis]).toPrecision(12)));
  };
  const scales = layout.scales.map(({ size, factor, chunk }, i) => {
    const resolution = resolutionOf(voxelSize!, factor);
    return {
      // The folder was named when the job was planned, and stays where the voxel size is mended.
      key: resolutionOf(plan.voxelSize!, factor).join("_"),
      size: size.slice(0, 3),
      voxel_offset: origin.slice(0, 3).map((value, axis) => Math.floor(value / factor[axis])),
      chunk_sizes: [chunk.slice(0, 3)],
      resolution,
      encoding: form.codec,
      ...(form.codec === "compressed_segmentation"
        ? { compressed_segmentation_block_size: form.blockSize }
        : form.codec === "jpeg"
        ? { jpeg_quality: form.quality }
        : form.codec === "png"
        ? { png_level: form.level }
        : {}),
      ...(store.sharding === undefined
        ? {}
        : { sharding: shardingOf(store.sharding[i], gzip !== undefined) }),
    };
  });
  return new Map<string, unknown>([
    ["info", {
      "@type": "neuroglancer_multiscale_volume",
      type: kind === "labels" ? "segmentation" : "image",
      data_type: layout.dtype,
      num_channels: layout.scales[0].chunk[3],
      scales,
    }],
    ["provenance", {
      description: "",
      owners: [],
      processing: [{ by: "", method: { task: TASK, plan: plan.id, ...state } }],
      sources: [],
    }],
  ]);
}

/** Voxels of a shard of a scale, in whole chunks: the box that its chunks' numbers make. */
export function shardSides(
  bits: ShardingBits,
  size: readonly number[],
  chunk: readonly [number, number, number],
): readonly [number, number, number] {
  const grid = chunk.map((side, axis) => Math.ceil(size[axis] / side));
  const shape = shardShape(shardingOf(bits, false), [grid[0], grid[1], grid[2]])!;
  return [shape[0] * chunk[0], shape[1] * chunk[1], shape[2] * chunk[2]];
}
