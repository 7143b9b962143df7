import { deepEqual } from "node:assert/strict";
import { join } from "node:path";
import { type Box, box, boxSize } from "../../core/box.ts";
import { type Dtype, VOXEL_BYTES } from "../../core/dtype.ts";
import type { VoxelSize } from "../../core/units.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { type PullOptions, pullVolume } from "../../tasks/pull.ts";
import { withFolder } from "../_stack.ts";
import { makeVolume, type TestVolume } from "../tasks/_volume.ts";
import { python, runPython } from "./_python.ts";

const VOXEL_SIZE: VoxelSize = { x: 4.6, y: 5.2, z: 40.5, unit: "nanometer" };
const NAMES = { none: "NONE", deflate: "ADOBE_DEFLATE", zstd: "ZSTD" } as const;

interface Entry {
  readonly path: string;
  readonly voxels: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly compression: string;
  readonly big: boolean;
  readonly unit: string;
  readonly size: readonly number[];
}

/** Pulls, and writes down what a file should hold. */
async function pullEntry(
  volume: TestVolume,
  folder: string,
  name: string,
  options: Omit<PullOptions, "pool"> & { readonly section?: string } = {},
): Promise<Entry> {
  await using pool = new WorkerPool({ size: 0 });
  const target = join(folder, name);
  await pullVolume(volume.path, target, { pool, ...options });
  const of: Box = {
    min: [options.x?.[0] ?? 0, options.y?.[0] ?? 0, options.z?.[0] ?? 0, 0, 0],
    max: [
      options.x?.[1] ?? volume.size[0],
      options.y?.[1] ?? volume.size[1],
      options.z?.[1] ?? volume.size[2],
      volume.size[3],
      volume.size[4],
    ],
  };
  const path = options.section === undefined ? target : join(target, options.section);
  const voxels = `${path}.raw`;
  await Deno.writeFile(voxels, pagesOf(volume, of));
  const [x, y, z, c, t] = boxSize(of);
  const compression = options.format === "png" ? "PNG" : NAMES[options.compression ?? "deflate"];
  const { x: sx, y: sy, z: sz } = VOXEL_SIZE;
  return {
    path,
    voxels,
    dtype: volume.dtype,
    shape: [t, z, c, y, x],
    compression,
    big: options.bigTiff ?? false,
    unit: "nm",
    size: [sx, sy, sz!],
  };
}

/** Voxels in the order of pages: channels faster than z. */
function pagesOf(volume: TestVolume, { min, max }: Box): Uint8Array {
  const [x, y, , c, t] = boxSize({ min, max });
  const planes: Uint8Array[] = [];
  for (let time = 0; time < t; time++) {
    for (let z = min[2]; z < max[2]; z++) {
      for (let channel = 0; channel < c; channel++) {
        planes.push(volume.cut(
          box([min[0], min[1], z, channel, time], [max[0], max[1], z + 1, channel + 1, time + 1]),
        ));
      }
    }
  }
  const bytes = new Uint8Array(planes.length * x * y * VOXEL_BYTES[volume.dtype]);
  planes.forEach((plane, i) => bytes.set(plane, i * plane.length));
  return bytes;
}

async function check(folder: string, entries: readonly Entry[]): Promise<{ pillow: number }> {
  const manifest = join(folder, "manifest.json");
  await Deno.writeTextFile(manifest, JSON.stringify(entries));
  const { files, pillow } = JSON.parse(await runPython("pull_interop.py", manifest));
  deepEqual(files, entries.length);
  return { pillow };
}

Deno.test({
  name: "tifffile and Pillow read every dtype and compression that a pull writes",
  ignore: python === undefined,
  fn: () =>
    withFolder(async (folder) => {
      const entries: Entry[] = [];
      for (const dtype of Object.keys(VOXEL_BYTES) as Dtype[]) {
        const volume = await makeVolume(join(folder, `${dtype}.ome.zarr`), {
          dtype,
          voxelSize: VOXEL_SIZE,
        });
        for (const compression of ["none", "deflate", "zstd"] as const) {
          for (const bigTiff of [false, true]) {
            const name = `${dtype}-${compression}-${bigTiff}`;
            const options = { compression, bigTiff };
            entries.push(await pullEntry(volume, folder, `${name}.tif`, options));
            entries.push(
              await pullEntry(volume, folder, name, {
                ...options,
                x: [3, 36],
                y: [5, 29],
                z: [7, 8],
                section: "section_0007.tif",
              }),
            );
          }
        }
        if (dtype !== "uint8" && dtype !== "uint16") continue;
        entries.push(
          await pullEntry(volume, folder, `${dtype}-png`, {
            format: "png",
            x: [3, 36],
            z: [7, 8],
            section: "section_0007.png",
          }),
        );
      }
      const { pillow } = await check(folder, entries);
      deepEqual([entries.length, pillow], [98, 34]);
    }),
});

Deno.test({
  name: "tifffile and Pillow read strips, channels and times that a pull writes",
  ignore: python === undefined,
  fn: () =>
    withFolder(async (folder) => {
      const entries: Entry[] = [];
      for (const dtype of ["uint8", "uint16", "float32"] as const) {
        const hyper = await makeVolume(join(folder, `${dtype}-hyper.ome.zarr`), {
          dtype,
          size: [13, 11, 5, 3, 2],
          voxelSize: VOXEL_SIZE,
        });
        const strips = await makeVolume(join(folder, `${dtype}-strips.ome.zarr`), {
          dtype,
          size: [1409, 617, 2, 1, 1],
          chunk: [512, 64, 2],
          voxelSize: VOXEL_SIZE,
        });
        for (const compression of ["none", "deflate", "zstd"] as const) {
          const options = { compression };
          entries.push(
            await pullEntry(hyper, folder, `${dtype}-hyper-${compression}.tif`, options),
            await pullEntry(strips, folder, `${dtype}-strips-${compression}.tif`, options),
          );
        }
        if (dtype === "float32") continue;
        entries.push(
          await pullEntry(strips, folder, `${dtype}-png`, {
            format: "png",
            y: [3, 600],
            z: [1, 2],
            section: "section_0001.png",
          }),
        );
      }
      await check(folder, entries);
    }),
});
