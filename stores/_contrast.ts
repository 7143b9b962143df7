/** The last task of a job: contrast from the voxels, and the mark "complete". */
import { type Dtype, dtypeRange, type VoxelArray } from "../core/dtype.ts";
import type { Box } from "../core/box.ts";
import type { Point } from "../core/point.ts";
import type { Layout } from "../core/layout.ts";
import type { Contrast } from "./volume.ts";
import type { Store } from "./store.ts";

/** Voxels of one channel that are read for its contrast: some rows of chunks, spread over the volume. */
const READ = 1 << 20;
/** Those of them that are sorted. */
const SAMPLED = 1 << 17;
/** Part of the voxels that may be darker than the window, or brighter. */
const CUT = 0.005;

/** From 0.5 % to 99.5 % of the voxels of the coarsest scale that are not fill value; large ones are sampled by rows of chunks. */
export async function measureContrast(
  store: Store,
  layout: Layout,
  signal?: AbortSignal,
): Promise<Contrast[]> {
  const scale = layout.scales.length - 1;
  const { size, chunk } = layout.scales[scale];
  const windows: Contrast[] = [];
  for (let c = 0; c < size[3]; c++) {
    const values: number[] = [];
    const rows = Math.ceil(size[2] / chunk[2]) * Math.ceil(size[1] / chunk[1]) * size[4];
    const step = Math.max(1, Math.ceil(size[0] * size[1] * size[2] * size[4] / READ));
    const most = Math.ceil(SAMPLED / Math.ceil(rows / step));
    for (let part = 0; part < rows; part += step) {
      const box = rowOfChunks(part, size, chunk, c);
      for await (const band of (await store.read(box, { scale, signal })).bands()) {
        gather(band.data, layout.fill, most, values);
      }
    }
    windows.push(contrastOf(Float64Array.from(values).sort(), layout.dtype));
  }
  return windows;
}

function rowOfChunks(
  part: number,
  size: Point,
  chunk: readonly number[],
  c: number,
): Box {
  const rows = Math.ceil(size[1] / chunk[1]);
  const deep = Math.ceil(size[2] / chunk[2]);
  const y = part % rows * chunk[1];
  const z = Math.floor(part / rows) % deep * chunk[2];
  const t = Math.floor(part / (rows * deep));
  return {
    min: [0, y, z, c, t],
    max: [size[0], Math.min(y + chunk[1], size[1]), Math.min(z + chunk[2], size[2]), c + 1, t + 1],
  };
}

function gather(voxels: VoxelArray, fill: number, most: number, values: number[]): void {
  const step = Math.max(1, Math.ceil(voxels.length / most));
  for (let i = 0; i < voxels.length; i += step) {
    const value = Number(voxels[i]);
    if (value !== fill && Number.isFinite(value)) values.push(value);
  }
}

function contrastOf(sorted: Float64Array, dtype: Dtype): Contrast {
  const [min, max] = dtype === "float32" ? [sorted[0] ?? 0, sorted.at(-1) ?? 1] : dtypeRange(dtype);
  if (sorted.length === 0) return { min, max, start: min, end: max };
  const at = (part: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
  const [start, end] = [at(CUT), at(1 - CUT)];
  return { min, max, start, end: end > start ? end : start + 1 };
}
