/** Labels to encode, and compressed_segmentation read straight from its description. */
import type { SegmentationShape } from "../../codecs/compressed_segmentation.ts";
import { seeded } from "./_png_writer.ts";

export type Labels = Uint32Array<ArrayBuffer> | BigUint64Array<ArrayBuffer>;

/** Voxels of all channels. */
export function voxelCount({ size: [x, y, z], channels = 1 }: SegmentationShape): number {
  return x * y * z * channels;
}

/** Labels from numbers of 32 bits: those of 64 bits differ in both halves. */
export function makeLabels(
  shape: SegmentationShape,
  labelAt: (index: number) => number,
): Labels {
  const count = voxelCount(shape);
  if (shape.dtype === "uint32") return Uint32Array.from({ length: count }, (_, i) => labelAt(i));
  return BigUint64Array.from({ length: count }, (_, i) => {
    const label = BigInt(labelAt(i) >>> 0);
    return label << 33n ^ label * 3n;
  });
}

/** As cells look: blobs of a few labels. */
export function cellLabels(shape: SegmentationShape, cells = 12, seed = 1): Labels {
  const [x, y, z] = shape.size;
  const random = seeded(seed);
  const centres = Array.from({ length: cells }, () => [random() * x, random() * y, random() * z]);
  return makeLabels(shape, (i) => {
    const at = [i % x, Math.floor(i / x) % y, Math.floor(i / x / y) % z];
    let [nearest, least] = [0, Infinity];
    centres.forEach((centre, cell) => {
      const distance = centre.reduce((sum, value, axis) => sum + (value - at[axis]) ** 2, 0);
      if (distance < least) [nearest, least] = [cell, distance];
    });
    return 7 + nearest * 0x01000193;
  });
}

export function bytesOf(labels: Labels): Uint8Array<ArrayBuffer> {
  return new Uint8Array(labels.buffer);
}

/** Every voxel by the formulas of the description. */
export function referenceDecode(bytes: Uint8Array, shape: SegmentationShape): Labels {
  const { dtype, size: [sx, sy, sz], channels = 1, block: [bx, by, bz] = [8, 8, 8] } = shape;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out = dtype === "uint32"
    ? new Uint32Array(sx * sy * sz * channels)
    : new BigUint64Array(sx * sy * sz * channels);
  const [gx, gy] = [Math.ceil(sx / bx), Math.ceil(sy / by)];
  let i = 0;
  for (let c = 0; c < channels; c++) {
    const start = 4 * view.getUint32(4 * c, true);
    for (let z = 0; z < sz; z++) {
      for (let y = 0; y < sy; y++) {
        for (let x = 0; x < sx; x++, i++) {
          const block = Math.floor(x / bx) + gx * (Math.floor(y / by) + gy * Math.floor(z / bz));
          const low = view.getUint32(start + 8 * block, true);
          const [bits, table] = [low >>> 24, start + 4 * (low & 0xffffff)];
          const codes = start + 4 * view.getUint32(start + 8 * block + 4, true);
          const bit = bits * (x % bx + bx * (y % by + by * (z % bz)));
          const word = bits === 0 ? 0 : view.getUint32(codes + 4 * Math.floor(bit / 32), true);
          const code = Math.floor(word / 2 ** (bit % 32)) % 2 ** bits;
          if (out instanceof Uint32Array) out[i] = view.getUint32(table + 4 * code, true);
          else out[i] = view.getBigUint64(table + 8 * code, true);
        }
      }
    }
  }
  return out;
}

/** The fewest bytes: as few bits as the values of a block need, and each table once in a channel. */
export function fewestBytes(labels: Labels, shape: SegmentationShape): number {
  const { dtype, size: [sx, sy, sz], channels = 1, block: [bx, by, bz] = [8, 8, 8] } = shape;
  let bytes = 4 * channels;
  for (let c = 0; c < channels; c++) {
    const tables = new Set<string>();
    for (let z0 = 0; z0 < sz; z0 += bz) {
      for (let y0 = 0; y0 < sy; y0 += by) {
        for (let x0 = 0; x0 < sx; x0 += bx) {
          const values = new Set<string>();
          for (let z = z0; z < Math.min(sz, z0 + bz); z++) {
            for (let y = y0; y < Math.min(sy, y0 + by); y++) {
              for (let x = x0; x < Math.min(sx, x0 + bx); x++) {
                values.add(String(labels[x + sx * (y + sy * (z + sz * c))]));
              }
            }
          }
          const bits = [0, 1, 2, 4, 8, 16, 32].find((bits) => 2 ** bits >= values.size)!;
          bytes += 8 + 4 * Math.ceil(bits * bx * by * bz / 32);
          const table = [...values].sort().join();
          if (!tables.has(table)) bytes += values.size * (dtype === "uint32" ? 4 : 8);
          tables.add(table);
        }
      }
    }
  }
  return bytes;
}
