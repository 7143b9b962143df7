/** Sections as small pictures. */
import type { Rgba } from "../codecs/_imagescript.ts";
import type { VoxelArray } from "../core/dtype.ts";
import type { Volume } from "../stores/volume.ts";
import type { ChannelDisplay } from "../stores/read_contrast.ts";

/** One section, made smaller by a whole number. */
export interface SmallSection {
  readonly width: number;
  readonly height: number;
  /** Of each channel, the mean of the voxels under each pixel; for labels, the hash of one of them. */
  readonly channels: readonly (Float32Array | Uint32Array)[];
}

/** Which section, and by how much smaller. */
export interface ReadSectionOptions {
  readonly scale: number;
  readonly z: number;
  readonly factor: number;
  readonly signal?: AbortSignal;
}

/** Reads every channel of one section at time 0, band by band. */
export async function readSmallSection(
  store: Volume,
  { scale, z, factor, signal }: ReadSectionOptions,
): Promise<SmallSection> {
  const [sizeX, sizeY, , sizeC] = store.layout.scales[scale].size;
  const [width, height] = [Math.ceil(sizeX / factor), Math.ceil(sizeY / factor)];
  const channels: (Float32Array | Uint32Array)[] = [];
  for (let c = 0; c < sizeC; c++) {
    const of = { min: [0, 0, z, c, 0], max: [sizeX, sizeY, z + 1, c + 1, 1] } as const;
    const sums = new Float32Array(width * height);
    const hashes = new Uint32Array(store.kind === "labels" ? width * height : 0);
    const slab = await store.read(of, { scale, signal });
    for await (const { box: { min, max }, data } of slab.bands()) {
      for (let y = min[1]; y < max[1]; y++) {
        const row = (y - min[1]) * sizeX;
        const to = Math.floor(y / factor) * width;
        if (hashes.length === 0) addRow(data, row, sizeX, factor, sums, to);
        else if (y % factor === 0) hashRow(data, row, sizeX, factor, hashes, to);
      }
    }
    if (hashes.length > 0) {
      channels.push(hashes);
      continue;
    }
    for (let y = 0; y < height; y++) {
      const rows = Math.min(factor, sizeY - y * factor);
      for (let x = 0; x < width; x++) {
        sums[y * width + x] /= rows * Math.min(factor, sizeX - x * factor);
      }
    }
    channels.push(sums);
  }
  return { width, height, channels };
}

function addRow(
  from: VoxelArray,
  row: number,
  length: number,
  factor: number,
  to: Float32Array,
  at: number,
): void {
  for (let x = 0; x < length; x++) to[at + Math.floor(x / factor)] += Number(from[row + x]);
}

function hashRow(
  from: VoxelArray,
  row: number,
  length: number,
  factor: number,
  to: Uint32Array,
  at: number,
): void {
  for (let x = 0; x < length; x += factor) to[at + x / factor] = hashLabel(from[row + x]);
}

/** Spreads labels over 32 bits; 0, which is no label, stays 0. */
export function hashLabel(label: number | bigint): number {
  const low = typeof label === "bigint" ? Number(label & 0xffff_ffffn) : label;
  const high = typeof label === "bigint" ? Number(label >> 32n) : 0;
  if (low === 0 && high === 0) return 0;
  let hash = Math.imul(low ^ Math.imul(high, 0x85eb_ca6b), 0x9e37_79b1);
  hash = Math.imul(hash ^ hash >>> 15, 0xc2b2_ae35);
  return (hash ^ hash >>> 13) >>> 0 || 1;
}

/** Adds up channels in their colours, each from black to full over its window. */
export function paintImage(
  { width, height, channels }: SmallSection,
  displays: readonly ChannelDisplay[],
): Rgba {
  const data = new Uint8Array(4 * width * height);
  for (let i = 0; i < width * height; i++) {
    const sum = [0, 0, 0];
    for (const [c, { window: [low, high], color }] of displays.entries()) {
      const value = Math.max(0, Math.min(1, (channels[c][i] - low) / (high - low)));
      for (let part = 0; part < 3; part++) sum[part] += value * color[part];
    }
    for (let part = 0; part < 3; part++) {
      data[4 * i + part] = Math.round(255 * Math.min(1, sum[part]));
    }
    data[4 * i + 3] = 255;
  }
  return { width, height, data };
}

/** Gives every label a colour of its own, and no label black. */
export function paintLabels({ width, height, channels: [hashes] }: SmallSection): Rgba {
  const data = new Uint8Array(4 * width * height);
  for (let i = 0; i < width * height; i++) {
    const hash = hashes[i];
    const bright = hash === 0 ? 0 : 0.6 + 0.4 * (hash >>> 24) / 255;
    const hue = 6 * (hash & 0xffff) / 0x10000;
    for (let part = 0; part < 3; part++) {
      const distance = Math.abs((hue + 2 * part) % 6 - 3);
      const pure = Math.max(0, Math.min(1, distance - 1));
      data[4 * i + part] = Math.round(255 * bright * (0.25 + 0.75 * pure));
    }
    data[4 * i + 3] = 255;
  }
  return { width, height, data };
}
