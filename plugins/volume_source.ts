/**
 * One level of a volume that others wrote, as the source of a job.
 * @module
 */
import { type Box, box } from "../core/box.ts";
import type { Dtype } from "../core/dtype.ts";
import type { BandBuffers, Slab } from "../core/slab.ts";
import type { WorkerPool } from "../pool/worker_pool.ts";
import type { ArraySource, ReadArrayOptions } from "./array_source.ts";
import { readChunked } from "./chunked_array.ts";
import type { VolumeArray } from "./volume_array.ts";

/** How the voxels of a volume are read. */
export interface VolumeSourceOptions {
  /** Where the volume was opened. */
  readonly address: string;
  /** Which level. @default 0, the finest */
  readonly scale?: number;
  /** Decodes; only who describes needs none. */
  readonly pool?: WorkerPool;
  /** Buffers to share with others. @default Its own. */
  readonly buffers?: BandBuffers;
  /** Type of the voxels that are given. @default That of the volume */
  readonly dtype?: Dtype;
  /** Values from low to high are spread over `dtype`. */
  readonly window?: readonly [low: number, high: number];
  /** What a broken chunk costs: its task, or its own voxels. @default "error" */
  readonly onError?: "error" | "fill";
}

/** Makes a source of one level of a volume; its first voxel is that of the level, wherever the volume places it. */
export function volumeSource(
  volume: VolumeArray,
  options: VolumeSourceOptions,
): ArraySource {
  const { address, scale: level = 0, pool } = options;
  const scale = volume.scales[level];
  return {
    kind: "array",
    address,
    name: `${volume.format} ${volume.fingerprint} ${scale.name}`,
    describe: () =>
      Promise.resolve({
        extent: box([0, 0, 0, 0, 0], scale.size),
        dtype: scale.dtype,
        ...(scale.voxelSize === undefined ? {} : { voxelSize: scale.voxelSize }),
        hasChannels: volume.axes.includes("c"),
        hasTime: volume.axes.includes("t"),
        ...(scale.offset.some((value) => value !== 0) ? { offset: scale.offset } : {}),
        ...(volume.kind === undefined ? {} : { kind: volume.kind }),
        blocks: [scale.chunk[0], scale.chunk[1], scale.chunk[2]],
      }),
    read: (of: Box, { signal, bandBytes }: ReadArrayOptions = {}): Promise<Slab> =>
      Promise.resolve(
        readChunked(scale, of, { ...options, pool: pool!, scale: 0, signal, bandBytes }),
      ),
  };
}
