/**
 * Voxels for stores, encoded and written by hand.
 * @module
 */
import { equal } from "node:assert/strict";
import { type Box, boxSize } from "../../core/box.ts";
import { copyBox } from "../../core/copy_box.ts";
import { type Dtype, viewVoxels, VOXEL_BYTES, type VoxelArray } from "../../core/dtype.ts";
import { cellsOf, eachCell, type Layout, type Unit, unitBox, unitsOf } from "../../core/layout.ts";
import { type Axis, mapPoint, type Point, product } from "../../core/point.ts";
import type { UnitReceipt } from "../../core/receipt.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import type { EncodedChunk, Store, UnitWriter } from "../../stores/store.ts";

const FLAT: readonly Axis[] = ["y", "x"];
const CHANNELS: readonly Axis[] = ["c", "z", "y", "x"];
const ALL: readonly Axis[] = ["t", "c", "z", "y", "x"];
/** Volumes that are odd in every axis. */
export const SIZES: Record<string, { size: Point; axes: readonly Axis[] }> = {
  "2-D": { size: [37, 29, 1, 1, 1], axes: FLAT },
  "4-D": { size: [21, 19, 7, 3, 1], axes: CHANNELS },
  "5-D": { size: [19, 21, 9, 2, 2], axes: ALL },
};
/** Voxel 0 of everything. */
export const ORIGIN: Point = [0, 0, 0, 0, 0];
/** The first unit of scale 0. */
export const FIRST: Unit = { scale: 0, index: ORIGIN };

/** All voxels of a scale. */
export function whole({ scales }: Layout, scale = 0): Box {
  return { min: ORIGIN, max: scales[scale].size };
}

/** An array for the voxels of a box. */
export function allocate(dtype: Dtype, of: Box): VoxelArray {
  return viewVoxels(dtype, new Uint8Array(product(boxSize(of)) * VOXEL_BYTES[dtype]));
}

/** Voxels with unequal bytes; every third row of chunks of eight rows is 0. */
export function makeVoxels(dtype: Dtype, of: Box): VoxelArray {
  const voxels = allocate(dtype, of);
  const [width, height] = boxSize(of);
  for (let i = 0; i < voxels.length; i++) {
    if (Math.floor(Math.floor(i / width) % height / 8) % 3 === 1) continue;
    if (voxels instanceof BigUint64Array) voxels[i] = BigInt(i) * 0x9e3779b97f4a7c15n;
    else voxels[i] = dtype === "float32" ? Math.sin(i) * 1e9 : Math.imul(i + 1, 0x9e3779b1);
  }
  return voxels;
}

/** The chunks of a unit, x fastest. @param data All voxels of its scale. */
export async function encodeUnit(
  layout: Layout,
  unit: Unit,
  data: VoxelArray,
): Promise<[index: Point, chunk: EncodedChunk][]> {
  await using pool = new WorkerPool({ size: 0 });
  const { dtype, fill, encoding } = layout;
  const { chunk } = layout.scales[unit.scale];
  const cells = [...eachCell(cellsOf(unitBox(layout, unit), chunk))];
  const encoded = await pool.run("encodeChunks", {
    data,
    box: whole(layout, unit.scale),
    dtype,
    fill,
    encoding,
    chunk,
    corners: cells.map((cell) => mapPoint(cell, (value, axis) => value * chunk[axis])),
  });
  return cells.map((cell, i) => [cell, encoded[i]]);
}

/** Puts chunks in the order in which they come. */
export function putAll(writer: UnitWriter, chunks: readonly [Point, EncodedChunk][]): void {
  for (const [index, chunk] of chunks) writer.put(index, chunk);
}

/** Writes every unit of a scale. */
export async function writeScale(
  store: Store,
  data: VoxelArray,
  { scale = 0, order = (chunks) => chunks }: {
    scale?: number;
    order?: <T>(chunks: T[]) => T[];
  } = {},
): Promise<UnitReceipt[]> {
  const receipts: UnitReceipt[] = [];
  for (const unit of unitsOf(store.layout, scale, whole(store.layout, scale))) {
    await using writer = await store.open(unit);
    putAll(writer, order(await encodeUnit(store.layout, unit, data)));
    receipts.push(await writer.commit());
  }
  return receipts;
}

/** Reads a box, and sees to it that its bands lie one under the other. */
export async function readBox(store: Store, of: Box, scale = 0): Promise<VoxelArray> {
  const voxels = allocate(store.layout.dtype, of);
  let next = of.min[1];
  for await (const { box: part, data } of (await store.read(of, { scale })).bands()) {
    equal(part.min[1], next);
    next = part.max[1];
    copyBox(data, part, voxels, of, part);
  }
  equal(next, of.max[1]);
  return voxels;
}

/** The voxels of a part of a box. */
export function cut(voxels: VoxelArray, from: Box, of: Box, dtype: Dtype): VoxelArray {
  const part = allocate(dtype, of);
  copyBox(voxels, from, part, of, of);
  return part;
}

/** Boxes that begin and end anywhere. */
export function oddBoxes(size: Point): Box[] {
  const inner = mapPoint(size, (side) => side > 2 ? 1 : 0);
  return [
    { min: ORIGIN, max: size },
    { min: inner, max: mapPoint(size, (side, axis) => Math.max(inner[axis] + 1, side - 1)) },
    { min: mapPoint(size, (side) => side - 1), max: size },
    {
      min: mapPoint(size, (side) => Math.floor(side / 3)),
      max: mapPoint(size, (side) => Math.ceil(side * 2 / 3)),
    },
    { min: [7, 7, 0, 0, 0], max: [9, 17, 1, 1, 1] },
  ];
}

/** Orders in which chunks may come. */
export const ORDERS: readonly (<T>(chunks: T[]) => T[])[] = [
  (chunks) => chunks,
  (chunks) => chunks.toReversed(),
  (chunks) =>
    chunks.map((chunk, i) => ({ chunk, rank: i * 7 % 5 }))
      .sort((a, b) => a.rank - b.rank).map(({ chunk }) => chunk),
];
