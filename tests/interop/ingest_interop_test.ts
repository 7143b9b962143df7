/** The main job, read back by zarr-python, tensorstore and the validators of OME metadata. */
import { deepEqual, equal } from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ChunkEncoding } from "../../core/layout.ts";
import { viewBytes } from "../../core/dtype.ts";
import { encodePng } from "../../codecs/png_encode.ts";
import { openLedger } from "../../ledgers/open_ledger.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { ingest, type IngestOptions } from "../../tasks/ingest.ts";
import { makeStack, withFolder } from "../_stack.ts";
import { findThere, python, runPython } from "./_python.ts";

const data = findThere(
  Deno.env.get("SLUICE_TEST_DATA") ??
    fileURLToPath(new URL("../../../shared/data", import.meta.url)),
  "folder of real sections; set SLUICE_TEST_DATA",
);

async function ask(script: string, ...args: string[]): Promise<Record<string, unknown>> {
  return JSON.parse(await runPython(script, ...args));
}

interface Scale {
  readonly shape: number[];
  readonly dtype: string;
  readonly zarr: { readonly sha256: string };
  readonly tensorstore: { readonly sha256: string };
}

/** Both readers agree on every scale, each scale follows the rule, and the metadata is valid. */
async function readBack(
  volume: string,
  group: string[] = [],
): Promise<{ scales: Scale[]; against?: { unequal: number; voxels: number } }> {
  const read = await ask("read_zarr.py", volume, ...group);
  equal(read.readers_agree, true);
  return read as unknown as { scales: Scale[] };
}

async function run(
  sources: string[],
  target: string,
  options: Partial<Omit<IngestOptions, "onProgress">> = {},
) {
  await using ledger = await openLedger("memory:");
  await using pool = new WorkerPool({ size: 2 });
  const result = await ingest(sources, target, { ledger, pool, ...options });
  equal(result.status.state, "done");
  deepEqual(result.verified?.faults, []);
  return result.created.volume;
}

Deno.test({
  name:
    "the real sections: every voxel is what tifffile reads, in both readers, and every scale follows the rule",
  ignore: python === undefined || data === undefined,
  fn: () =>
    withFolder(async (folder) => {
      const files = Array.from({ length: 20 }, (_, z) =>
        join(data!, "vnc-stack1/raw", `${String(z).padStart(2, "0")}.tif`));
      for (const zarr of ["0.5", "0.4"] as const) {
        const volume = await run(
          [join(data!, "vnc-stack1/raw/*.tif")],
          join(folder, `${zarr}.ome.zarr`),
          {
            zarr,
            voxelSize: { x: 4.6, y: 4.6, z: 45, unit: "nanometer" },
          },
        );
        const read = await ask("read_zarr.py", volume, "--against", ...files) as unknown as {
          readers_agree: boolean;
          against: { unequal: number; voxels: number };
        };
        equal(read.readers_agree, true);
        deepEqual([read.against.unequal, read.against.voxels], [0, 1024 * 1024 * 20]);
        equal((await ask("downsample_rule.py", volume)).equal, true);
        equal((await ask("validate_ome.py", volume)).valid, true);
      }
    }),
});

Deno.test({
  name: "real labels: by mode, valid as a label image",
  ignore: python === undefined || data === undefined,
  fn: () =>
    withFolder(async (folder) => {
      const target = join(folder, "labels.ome.zarr");
      await run([join(data!, "vnc-stack1/labels/*.png")], target, {
        kind: "labels",
        voxelSize: { x: 4.6, y: 4.6, z: 45, unit: "nanometer" },
      });
      await readBack(join(target, "labels/segmentation"));
      equal((await ask("downsample_rule.py", join(target, "labels/segmentation"))).equal, true);
      equal((await ask("validate_ome.py", target, "--group", "labels")).valid, true);
      equal((await ask("validate_ome.py", target, "--group", "labels/segmentation")).valid, true);
    }),
});

const ENCODINGS: Record<string, ChunkEncoding> = {
  zstd: { codec: "zstd", level: 1, crc32c: true },
  gzip: { codec: "gzip", level: 5, crc32c: true },
  "blosc zstd": { codec: "blosc", cname: "zstd", level: 3, shuffle: true, crc32c: true },
  "blosc lz4": { codec: "blosc", cname: "lz4", level: 5, shuffle: true, crc32c: true },
  none: { codec: "none", crc32c: true },
};
for (const [name, codec] of Object.entries(ENCODINGS)) {
  for (const zarr of ["0.5", "0.4"] as const) {
    Deno.test({
      name: `OME-Zarr ${zarr} with ${name}: a small odd 16-bit stack, read by both readers`,
      ignore: python === undefined,
      fn: () =>
        withFolder(async (folder) => {
          const stack = await makeStack(join(folder, "raw"));
          const volume = await run([stack.pattern], join(folder, "out.ome.zarr"), {
            codec,
            zarr,
            chunk: [16, 8, 4],
            levels: 3,
          });
          const { scales } = await readBack(volume);
          deepEqual(scales.map(({ shape }) => shape), [[11, 29, 37], [6, 15, 19], [3, 8, 10]]);
          const digest = new Uint8Array(
            await crypto.subtle.digest("SHA-256", viewBytes(stack.voxels).slice()),
          );
          equal(scales[0].zarr.sha256, digest.toHex());
          equal((await ask("downsample_rule.py", volume)).equal, true);
          equal((await ask("validate_ome.py", volume)).valid, true);
        }),
    });
  }
}

Deno.test({
  name: "RGB sections become channels; a single section a plane",
  ignore: python === undefined,
  fn: () =>
    withFolder(async (folder) => {
      const [width, height] = [21, 13];
      const rgb = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 37) % 251);
      for (const z of [0, 1, 2]) {
        await Deno.writeFile(
          join(folder, `s_${z}.png`),
          encodePng({
            width,
            height,
            samples: 3,
            dtype: "uint8",
            data: rgb.map((v) => (v + z) % 256),
          }),
        );
      }
      const volume = await run([join(folder, "s_*.png")], join(folder, "rgb.ome.zarr"), {
        levels: 2,
      });
      const { scales } = await readBack(volume);
      deepEqual(scales[0].shape, [3, 3, height, width]);
      const planes = [0, 1, 2].flatMap((c) =>
        [0, 1, 2].flatMap((z) =>
          Array.from({ length: width * height }, (_, i) => (rgb[i * 3 + c] + z) % 256)
        )
      );
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.from(planes)));
      equal(scales[0].zarr.sha256, digest.toHex());
      equal((await ask("validate_ome.py", volume)).valid, true);
      const plane = await run([join(folder, "s_0.png")], join(folder, "plane.ome.zarr"), {
        levels: 2,
      });
      deepEqual((await readBack(plane)).scales[0].shape, [3, height, width]);
      equal((await ask("validate_ome.py", plane)).valid, true);
    }),
});
