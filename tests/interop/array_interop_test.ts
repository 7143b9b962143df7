/** Volumes that other programs wrote, voxel by voxel. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { type Box, boxSize } from "../../core/box.ts";
import { copyBox } from "../../core/copy_box.ts";
import { type Dtype, viewBytes, viewVoxels, VOXEL_BYTES } from "../../core/dtype.ts";
import { gatherVoxels } from "../../core/gather_voxels.ts";
import { mapPoint, type Point, product } from "../../core/point.ts";
import { readChunked } from "../../plugins/chunked_array.ts";
import { openN5Array } from "../../plugins/n5_array.ts";
import { openZarrArray } from "../../plugins/zarr_array.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { withFolder } from "../_stack.ts";
import { diskReader, farReader } from "../plugins/_reader.ts";
import { python, runPython } from "./_python.ts";

interface Entry {
  readonly name: string;
  readonly format: "zarr" | "n5";
  readonly path: string;
  /** A raw file of its voxels: t c z y x with x fastest. */
  readonly voxels: string;
  readonly size: Point;
  readonly dtype: Dtype;
  readonly scale: number;
  /** What else must be said of it. */
  readonly expected: {
    readonly kind?: string;
    readonly axes?: string[];
    readonly scales?: number;
    readonly voxelSize?: { readonly x: number; readonly y: number; readonly z: number };
    readonly offset?: readonly number[];
  };
}

const OPEN = { zarr: openZarrArray, n5: openN5Array } as const;
const ORIGIN: Point = [0, 0, 0, 0, 0];

/** All voxels, and three boxes that begin and end anywhere; the same for the same seed. */
function boxesOf(size: Point, seed: number): Box[] {
  let state = seed;
  const below = (limit: number) => {
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    return (state >>> 8) % limit;
  };
  const random = () => {
    const min = mapPoint(size, below);
    return { min, max: mapPoint(size, (side, axis) => min[axis] + 1 + below(side - min[axis])) };
  };
  return [{ min: ORIGIN, max: size }, random(), random(), random()];
}

function cut(all: Uint8Array, { dtype, size }: Entry, of: Box): Uint8Array {
  const part = viewVoxels(dtype, new Uint8Array(product(boxSize(of)) * VOXEL_BYTES[dtype]));
  copyBox(viewVoxels(dtype, all), { min: ORIGIN, max: size }, part, of, of);
  return viewBytes(part);
}

async function check(entry: Entry, pool: WorkerPool, seed: number): Promise<void> {
  const { name, path, size, dtype, format, expected } = entry;
  const reader = seed % 2 === 0 ? diskReader(path) : farReader(path);
  const volume = await OPEN[format](reader);
  const scale = volume.scales[entry.scale];
  deepEqual([scale.size, scale.dtype], [size, dtype], name);
  checkPlace(entry, volume);
  equal(volume.scales.length, expected.scales ?? 1, name);
  const all = await Deno.readFile(entry.voxels);
  for (const of of boxesOf(size, seed + 1)) {
    const found = await gatherVoxels(readChunked(scale, of, { pool, bandBytes: 100_000 }));
    // Bytes are compared: a NaN is equal to no other.
    const [a, b] = [viewBytes(found), cut(all, entry, of)];
    ok(a.every((byte, i) => byte === b[i]), `${name}: ${JSON.stringify(of)}`);
  }
}

function checkPlace(
  { name, expected, scale: level }: Entry,
  { kind, axes, scales }: Awaited<ReturnType<typeof openZarrArray>>,
): void {
  const { voxelSize, offset } = scales[level];
  if (expected.kind !== undefined) equal(kind, expected.kind, name);
  if (expected.axes !== undefined) deepEqual(axes, expected.axes, name);
  if (expected.offset !== undefined) deepEqual(offset, [...expected.offset, 0, 0], name);
  if (expected.voxelSize === undefined) return equal(voxelSize, undefined, name);
  const { unit, ...edges } = voxelSize!;
  const tidy = Object.entries(edges).map(([axis, edge]) => [axis, Number(edge.toPrecision(12))]);
  deepEqual({ ...Object.fromEntries(tidy), unit }, expected.voxelSize, name);
}

const parts: Record<string, { readonly by: string; readonly least: number }> = {
  "zarr-v2": { by: "of Zarr v2 by zarr-python", least: 600 },
  "zarr-v3": { by: "of Zarr v3 by zarr-python", least: 300 },
  shards: { by: "of shards by zarr-python", least: 150 },
  tensorstore: { by: "of Zarr v2, v3 and N5 by tensorstore", least: 500 },
  z5: { by: "of Zarr and N5 by z5", least: 100 },
  large: { by: "of 200 x 150 x 65 by zarr-python and tensorstore", least: 9 },
  ome: { by: "of OME-Zarr 0.4 and 0.5", least: 12 },
  "n5-places": { by: "of N5 in the words of those who write pyramids", least: 12 },
};
for (const [part, { by, least }] of Object.entries(parts)) {
  Deno.test({
    name: `every voxel of volumes ${by} is read, in boxes of any size, with threads and without`,
    ignore: python === undefined,
    fn: () =>
      withFolder(async (folder) => {
        equal(Number(await runPython("array_corpus.py", part, folder)) >= least, true);
        const entries: Entry[] = JSON.parse(await Deno.readTextFile(`${folder}/manifest.json`));
        for (const size of [0, 2]) {
          await using pool = new WorkerPool({ size });
          // Every volume is read from disk by one of the pools, and from far by the other.
          for (const [i, entry] of entries.entries()) await check(entry, pool, i + size / 2);
        }
      }),
  });
}
