/** Small volumes on disk, of any dtype and any axes, made without a job. */
import { dirname, join } from "node:path";
import { type Box, box } from "../../core/box.ts";
import {
  type Dtype,
  viewBytes,
  viewVoxels,
  VOXEL_BYTES,
  type VoxelArray,
} from "../../core/dtype.ts";
import { cellBox, countCells, eachCell, type Layout } from "../../core/layout.ts";
import { mapPoint, type Point, product } from "../../core/point.ts";
import type { VoxelSize } from "../../core/units.ts";
import { copyBox } from "../../core/voxels.ts";
import { unitPath, volumeDocuments } from "../../stores/_zarr_metadata.ts";
import type { Contrast } from "../../stores/volume.ts";
import { seeded } from "../codecs/_png_writer.ts";

/** What a volume is to be. */
export interface TestVolumeOptions {
  readonly dtype?: Dtype;
  readonly size?: Point;
  readonly chunk?: readonly [x: number, y: number, z: number];
  readonly voxelSize?: VoxelSize;
  readonly kind?: "image" | "labels";
  readonly contrast?: readonly Contrast[];
  readonly sluice?: Readonly<Record<string, unknown>>;
  readonly zarr?: "0.4" | "0.5";
  /** The voxel at a place; not for uint64. @default Noise over the whole range, with a flat run */
  readonly voxel?: (x: number, y: number, z: number, c: number) => number;
}

/** A volume and its voxels. */
export interface TestVolume {
  readonly path: string;
  readonly dtype: Dtype;
  readonly size: Point;
  /** t c z y x, x fastest. */
  readonly voxels: VoxelArray;
  /** Voxels of a box, in the same order. */
  cut(of: Box): Uint8Array;
}

/** Writes a volume of one scale; its chunks are files, and not compressed. */
export async function makeVolume(
  path: string,
  options: TestVolumeOptions = {},
): Promise<TestVolume> {
  const { dtype = "uint16", size = [37, 29, 11, 1, 1], chunk = [8, 8, 4], zarr = "0.5" } = options;
  const cell: Point = [...chunk, 1, 1];
  const layout: Layout = {
    dtype,
    axes: ["t", "c", "z", "y", "x"],
    fill: 0,
    downsample: options.kind === "labels" ? "mode" : "mean",
    encoding: { codec: "none", crc32c: false },
    scales: [{ size, factor: [1, 1, 1, 1, 1], chunk: cell, shard: cell }],
  };
  const documents = volumeDocuments(zarr, layout, {
    name: "test",
    kind: options.kind ?? "image",
    voxelSize: options.voxelSize,
    origin: [0, 0, 0, 0, 0],
    contrast: options.contrast,
    sluice: options.sluice ?? { complete: true },
  });
  for (const [name, document] of documents) {
    await write(join(path, name), new TextEncoder().encode(JSON.stringify(document)));
  }
  const voxels = makeVoxels(dtype, size, options.voxel);
  const whole = box([0, 0, 0, 0, 0], size);
  const bytes = new Uint8Array(product(cell) * VOXEL_BYTES[dtype]);
  for (const index of eachCell({ min: [0, 0, 0, 0, 0], max: countCells(size, cell) })) {
    const min = mapPoint(index, (value, axis) => value * cell[axis]);
    const chunkBox = { min, max: mapPoint(min, (value, axis) => value + cell[axis]) };
    copyBox(voxels, whole, viewVoxels(dtype, bytes.fill(0)), chunkBox, cellBox(index, cell, size));
    await write(join(path, unitPath(zarr, layout, 0, index)), bytes);
  }
  return {
    path,
    dtype,
    size,
    voxels,
    cut(of) {
      const length = product(mapPoint(of.max, (value, axis) => value - of.min[axis]));
      const part = viewVoxels(dtype, new Uint8Array(length * VOXEL_BYTES[dtype]));
      copyBox(voxels, whole, part, of, of);
      return viewBytes(part);
    },
  };
}

function makeVoxels(dtype: Dtype, size: Point, voxel: TestVolumeOptions["voxel"]): VoxelArray {
  const random = seeded(7);
  const bytes = new Uint8Array(product(size) * VOXEL_BYTES[dtype]);
  const voxels = viewVoxels(dtype, bytes);
  if (voxel === undefined && dtype !== "float32") {
    for (let i = 0; i < bytes.length; i++) bytes[i] = i % 97 < 20 ? 7 : random() * 256;
    return voxels;
  }
  const [width, height, depth, channels] = size;
  for (let i = 0; i < voxels.length; i++) {
    const plane = Math.floor(i / (width * height));
    const [x, y, z] = [i % width, Math.floor(i / width) % height, plane % depth];
    voxels[i] = voxel?.(x, y, z, Math.floor(plane / depth) % channels) ??
      (random() - 0.5) * 10 ** (i % 9);
  }
  return voxels;
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.writeFile(path, bytes);
}
