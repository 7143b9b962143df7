/**
 * Voxels that a script brings: a formula, a raw file, a service.
 * @module
 */
import { type Box, box } from "../core/box.ts";
import type { Dtype } from "../core/dtype.ts";
import { BandBuffers, type Slab } from "../core/slab.ts";
import type { VoxelSize } from "../core/units.ts";
import { type FillVoxels, makeSlab } from "../pool/make_slab.ts";
import type { VolumeInfo } from "./source.ts";

/** How voxels are read. */
export interface ReadArrayOptions {
  /** Ends the reading with its reason. */
  readonly signal?: AbortSignal;
  /** A band grows to this many bytes. @default 32 MiB */
  readonly bandBytes?: number;
}

/** A source that is no stack of images: it gives any box of its voxels. A script makes one with {@linkcode arraySource}. */
export interface ArraySource {
  /** Tells it from a list of images. */
  readonly kind: "array";
  /**
   * Says which voxels these are, and is part of the plan: a job is resumed and joined with a source of this name, so
   * other voxels need another one.
   */
  readonly name: string;
  /** Where it can be opened again; absent: only the script that made it can. */
  readonly address?: string;
  /** What it holds, without reading a voxel. */
  describe(options?: { readonly signal?: AbortSignal }): Promise<VolumeInfo>;
  /** Opens the voxels of a box, which lies in the extent. */
  read(of: Box, options?: ReadArrayOptions): Promise<Slab>;
}

/** What an array source is. */
export interface ArraySourceOptions {
  /** Says which voxels these are: other voxels need another name. */
  readonly name: string;
  /** Voxels along x, y and z; where it has channels, and times, also along c and t. */
  readonly size: readonly number[];
  /** Type of the voxels. */
  readonly dtype: Dtype;
  /** Edge lengths of a voxel. @default Nobody knows */
  readonly voxelSize?: VoxelSize;
  /** Boxes start at multiples of this many rows: those of a chunk of a file, for example. @default 1 */
  readonly rows?: number;
}

/**
 * Makes a source of one function, which fills a box of voxels: some rows of a task, in all of its x, z, c and t.
 * @param fill Gets a box of the source and an array in the order t, c, z, y, x with x fastest, whose content is
 * unknown. It is asked for each box once, for a later one while an earlier one is encoded, and again after a failure.
 * @example A raw file of 16-bit voxels becomes a volume
 * ```ts
 * import { arraySource, boxSize, gatherVoxels, ingest, openLedger, openVolume, viewBytes, WorkerPool, box } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * const voxels = Uint16Array.from({ length: 7 * 5 * 3 }, (_, i) => i * 257);
 * await Deno.writeFile(`${folder}/it.raw`, viewBytes(voxels));
 *
 * using file = await Deno.open(`${folder}/it.raw`);
 * const source = arraySource({ name: "it.raw", size: [7, 5, 3], dtype: "uint16" }, (part, voxels) => {
 *   const [width, height] = boxSize(part);
 *   const bytes = viewBytes(voxels);
 *   for (let row = 0; row * width < voxels.length; row++) {
 *     const [y, z] = [part.min[1] + row % height, part.min[2] + Math.floor(row / height)];
 *     file.seekSync(2 * ((z * 5 + y) * 7 + part.min[0]), Deno.SeekMode.Start);
 *     file.readSync(bytes.subarray(2 * row * width, 2 * (row + 1) * width));
 *   }
 * });
 * await using ledger = await openLedger("memory:");
 * await using pool = new WorkerPool({ size: 0 });
 * const { created } = await ingest(source, `${folder}/it.ome.zarr`, { ledger, pool });
 *
 * await using store = await openVolume(created.volume, { pool });
 * deepEqual(await gatherVoxels(await store.read(box([0, 0, 0], [7, 5, 3]))), voxels);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export function arraySource(options: ArraySourceOptions, fill: FillVoxels): ArraySource {
  const { name, size, dtype, voxelSize, rows } = options;
  const extent = box([0, 0, 0, 0, 0], [size[0], size[1], size[2], size[3] ?? 1, size[4] ?? 1]);
  // They go round from task to task.
  const buffers = new BandBuffers();
  return {
    kind: "array",
    name,
    describe: () =>
      Promise.resolve({
        extent,
        dtype,
        ...(voxelSize === undefined ? {} : { voxelSize }),
        hasChannels: size.length > 3,
        hasTime: size.length > 4,
      }),
    read: (of, { signal, bandBytes } = {}) =>
      Promise.resolve(makeSlab({ box: of, dtype, rows, bandBytes, buffers }, (part, voxels) => {
        signal?.throwIfAborted();
        return fill(part, voxels);
      })),
  };
}
