/** A small Zarr v2 array on disk, uncompressed: its chunks are cut whole, whatever lies beyond. */
import { join } from "node:path";
import { viewBytes } from "../../core/dtype.ts";

/** Shapes as Zarr has them: z, y, x. */
export interface ZarrFiles {
  readonly shape: readonly [number, number, number];
  readonly chunks: readonly [number, number, number];
  readonly dtype: "uint8" | "uint16";
  readonly voxel: (x: number, y: number, z: number) => number;
}

/** Writes an array into a folder. */
export async function writeZarr(folder: string, files: ZarrFiles): Promise<void> {
  const { shape, chunks, dtype, voxel } = files;
  await Deno.mkdir(folder, { recursive: true });
  const meta = {
    zarr_format: 2,
    shape,
    chunks,
    dtype: dtype === "uint8" ? "|u1" : "<u2",
    compressor: null,
    fill_value: 0,
    order: "C",
    filters: null,
    dimension_separator: ".",
  };
  await Deno.writeTextFile(join(folder, ".zarray"), JSON.stringify(meta));
  const [cz, cy, cx] = chunks;
  const counts = shape.map((side, axis) => Math.ceil(side / chunks[axis]));
  for (let k = 0; k < counts[0]; k++) {
    for (let j = 0; j < counts[1]; j++) {
      for (let i = 0; i < counts[2]; i++) {
        const data = new (dtype === "uint8" ? Uint8Array : Uint16Array)(cz * cy * cx);
        let at = 0;
        for (let z = k * cz; z < (k + 1) * cz; z++) {
          for (let y = j * cy; y < (j + 1) * cy; y++) {
            for (let x = i * cx; x < (i + 1) * cx; x++) data[at++] = voxel(x, y, z);
          }
        }
        await Deno.writeFile(join(folder, `${k}.${j}.${i}`), viewBytes(data));
      }
    }
  }
}
