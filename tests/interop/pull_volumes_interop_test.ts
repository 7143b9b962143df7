/** Pulls of volumes of every format that others wrote: tifffile finds their voxels and their size. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { SluiceError } from "../../core/errors.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { pullVolume } from "../../tasks/pull.ts";
import { withFolder } from "../_stack.ts";
import { python, runPython } from "./_python.ts";

interface Entry {
  readonly format: string;
  /** Below the folder. */
  readonly address: string;
  /** What must be said of a volume that cannot be pulled. */
  readonly refused?: string;
  readonly voxels: string;
  readonly dtype: string;
  /** t z c y x. */
  readonly shape: readonly number[];
  readonly size: readonly number[];
}

Deno.test({
  name:
    "volumes of HDF5, N5, precomputed and Zarr become TIFFs with their voxels, axes and voxel size",
  ignore: python === undefined,
  fn: () =>
    withFolder(async (folder) => {
      const entries: Entry[] = JSON.parse(await runPython("pull_volumes.py", folder));
      await using pool = new WorkerPool({ size: 2 });
      const pulled = [];
      for (const [i, { format, address, refused, ...entry }] of entries.entries()) {
        const path = join(folder, `${i}.tif`);
        const volume = `${format}${folder}/${address}`;
        if (refused !== undefined) {
          await rejects(pullVolume(volume, path, { pool }), (error) => {
            ok(error instanceof SluiceError, String(error));
            match(error.message, new RegExp(`${refused}.*; `));
            return true;
          });
          continue;
        }
        const { warnings } = await pullVolume(volume, path, { pool });
        deepEqual(warnings, [], volume);
        pulled.push({ ...entry, path, compression: "ADOBE_DEFLATE", big: false, unit: "nm" });
      }
      equal(pulled.length, 14);
      const manifest = join(folder, "manifest.json");
      await Deno.writeTextFile(manifest, JSON.stringify(pulled));
      equal(JSON.parse(await runPython("pull_interop.py", manifest)).files, pulled.length);
    }),
});
