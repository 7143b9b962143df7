import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { png } from "../../codecs/png.ts";
import { tiff } from "../../codecs/tiff.ts";
import { type Box, box, boxSize } from "../../core/box.ts";
import { type Dtype, viewBytes, viewVoxels, VOXEL_BYTES } from "../../core/dtype.ts";
import { SluiceError, UsageError } from "../../core/errors.ts";
import { type Band } from "../../core/slab.ts";
import type { VoxelSize } from "../../core/units.ts";
import { openLedger } from "../../ledgers/open_ledger.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { openVolume } from "../../stores/volume.ts";
import { cutRows } from "../../tasks/_cut_rows.ts";
import { ingest } from "../../tasks/ingest.ts";
import { type PullOptions, pullVolume } from "../../tasks/pull.ts";
import { makeStack, withFolder } from "../_stack.ts";
import { diskSource } from "../codecs/_png_reading.ts";
import { makeVolume, type TestVolume } from "./_volume.ts";

const DTYPES = Object.keys(VOXEL_BYTES) as Dtype[];
const CROP = { x: [3, 36], y: [5, 29], z: [2, 10] } as const;

async function pull(
  { path }: Pick<TestVolume, "path">,
  target: string,
  { size = 0, ...options }: Partial<PullOptions> & { readonly size?: number } = {},
) {
  await using pool = new WorkerPool({ size });
  return await pullVolume(path, target, { pool, ...options });
}

/** The images of a file, one after the other. */
async function readImages(path: string): Promise<Uint8Array> {
  const format = path.endsWith(".png") ? png : tiff;
  const { images } = await format.describe(diskSource(path));
  const parts: Uint8Array[] = [];
  for (const { at, width, height, dtype } of images) {
    await using source = diskSource(path);
    await using reader = await format.open(source, at);
    const bytes = new Uint8Array(width * height * VOXEL_BYTES[dtype]);
    await reader.readRows(0, height, bytes);
    parts.push(bytes);
  }
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

async function names(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
}

function same(a: Uint8Array, b: Uint8Array, what: string): void {
  equal(a.length, b.length, what);
  const at = a.findIndex((byte, i) => byte !== b[i]);
  ok(at < 0, `${what} differs at byte ${at}`);
}

for (const dtype of DTYPES) {
  for (const compression of ["none", "deflate", "zstd"] as const) {
    Deno.test(`pullVolume() gives every voxel of ${dtype} as TIFF, compression ${compression}`, () =>
      withFolder(async (folder) => {
        const volume = await makeVolume(join(folder, "in.ome.zarr"), { dtype });
        const whole = join(folder, "whole.tif");
        const result = await pull(volume, whole, { compression });
        deepEqual(result, {
          files: 1,
          bytes: (await Deno.stat(whole)).size,
          sections: 11,
          warnings: [],
        });
        same(await readImages(whole), viewBytes(volume.voxels), "the whole volume");
        const crop = join(folder, "deep", "crop");
        const cropped = await pull(volume, crop, { compression, ...CROP });
        deepEqual([cropped.files, cropped.sections], [8, 8]);
        for (let z = 2; z < 10; z++) {
          const section = await readImages(join(crop, `section_000${z}.tif`));
          same(section, volume.cut(box([3, 5, z], [36, 29, z + 1])), `section ${z}`);
        }
        equal((await names(crop)).length, 8);
      }));
  }
}

for (const [dtype, size] of [["uint8", 0], ["uint16", 0], ["uint16", 2]] as const) {
  Deno.test(`pullVolume() gives every voxel of ${dtype} as PNG, with a pool of ${size}`, () =>
    withFolder(async (folder) => {
      const voxelSize: VoxelSize = { x: 4.6, y: 5, z: 40, unit: "nanometer" };
      const volume = await makeVolume(join(folder, "in.ome.zarr"), { dtype, voxelSize });
      const result = await pull(volume, join(folder, "out"), { format: "png", size, ...CROP });
      deepEqual([result.files, result.sections], [8, 8]);
      ok(/4\.6x5x40nm along z/.test(result.warnings[0]), result.warnings[0]);
      for (let z = 2; z < 10; z++) {
        const path = join(folder, "out", `section_000${z}.png`);
        const section = await readImages(path);
        same(section, volume.cut(box([3, 5, z], [36, 29, z + 1])), `section ${z}`);
        const { voxelSize } = await png.describe(diskSource(path));
        deepEqual(voxelSize, { x: 4.6, y: 5, unit: "nanometer" });
      }
    }));
}

Deno.test("pullVolume() keeps channels and times apart, in pages and in names", () =>
  withFolder(async (folder) => {
    const volume = await makeVolume(join(folder, "in.ome.zarr"), { size: [13, 11, 5, 3, 2] });
    await pull(volume, join(folder, "all.tif"));
    const { series } = await tiff.describe(diskSource(join(folder, "all.tif")));
    const { sizeZ, sizeC, sizeT, planes } = series![0].layout;
    deepEqual([sizeZ, sizeC, sizeT], [5, 3, 2]);
    const pages = await readImages(join(folder, "all.tif"));
    const pageBytes = 13 * 11 * 2;
    for (const { image, z, c, t } of planes) {
      const plane = volume.cut(box([0, 0, z, c, t], [13, 11, z + 1, c + 1, t + 1]));
      same(
        pages.subarray(image * pageBytes, (image + 1) * pageBytes),
        plane,
        `z ${z} c ${c} t ${t}`,
      );
    }
    const result = await pull(volume, join(folder, "some"), { c: [1, 3], t: [1, 2], z: [3, 5] });
    equal(result.sections, 4);
    deepEqual(await names(join(folder, "some")), [
      "section_0003_c1_t1.tif",
      "section_0003_c2_t1.tif",
      "section_0004_c1_t1.tif",
      "section_0004_c2_t1.tif",
    ]);
    same(
      await readImages(join(folder, "some", "section_0004_c2_t1.tif")),
      volume.cut(box([0, 0, 4, 2, 1], [13, 11, 5, 3, 2])),
      "one plane",
    );
  }));

const roundTrips = [
  { name: "one TIFF", target: "out.tif", pattern: "out.tif" },
  { name: "a folder of TIFFs", target: "out", pattern: "out/section_*.tif" },
] as const;
for (const { name, target, pattern } of roundTrips) {
  for (const zarr of ["0.4", "0.5"] as const) {
    Deno.test(`${name}, pulled from OME-Zarr ${zarr} and ingested again, is the same volume`, () =>
      withFolder(async (folder) => {
        const voxelSize: VoxelSize = { x: 4.6, y: 5.2, z: 40.5, unit: "nanometer" };
        const volume = await makeVolume(join(folder, "in.ome.zarr"), { voxelSize, zarr });
        await pull(volume, join(folder, target));
        await using ledger = await openLedger("memory:");
        await using pool = new WorkerPool({ size: 0 });
        const again = join(folder, "again.ome.zarr");
        const options = { ledger, pool, levels: 1 };
        const { verified } = await ingest([join(folder, pattern)], again, options);
        deepEqual(verified?.faults, []);
        await using store = await openVolume(again, { pool });
        deepEqual(store.voxelSize, voxelSize);
        equal(store.layout.dtype, volume.dtype);
        deepEqual(store.layout.scales[0].size, volume.size);
        const { bands } = await store.read(box([0, 0, 0], [37, 29, 11]));
        const [band] = await Array.fromAsync(bands(), ({ data }) => viewBytes(data).slice());
        same(band, viewBytes(volume.voxels), "the volume");
      }));
  }
}

Deno.test("pullVolume() writes the same bytes whatever the threads, the same voxels whatever the memory, and BigTIFF when told", () =>
  withFolder(async (folder) => {
    const volume = await makeVolume(join(folder, "in.ome.zarr"), {
      dtype: "uint8",
      size: [1409, 617, 5, 1, 1],
      chunk: [512, 64, 4],
    });
    await using pool = new WorkerPool({ size: 2 });
    for (const compression of ["none", "deflate"] as const) {
      const [one, two] = ["one.tif", "two.tif"].map((name) => join(folder, name));
      const options = { compression, y: [3, 600], bigTiff: true, overwrite: true } as const;
      await pull(volume, one, options);
      await pull(volume, two, { ...options, pool });
      const bytes = await Deno.readFile(one);
      same(bytes, await Deno.readFile(two), compression);
      deepEqual([...bytes.subarray(0, 4)], [0x49, 0x49, 43, 0]);
      const voxels = volume.cut(box([0, 3, 0], [1409, 600, 5]));
      same(await readImages(one), voxels, compression);
      // One section and one row of chunks at a time: strips begin where bands do not.
      await pull(volume, two, { ...options, pool, memory: 300_000 });
      same(await readImages(two), voxels, `${compression} in little memory`);
    }
    await pull(volume, join(folder, "png"), { pool, format: "png", y: [3, 600], z: [4, 5] });
    same(
      await readImages(join(folder, "png", "section_0004.png")),
      volume.cut(box([0, 3, 4], [1409, 600, 5])),
      "png",
    );
  }));

Deno.test("pullVolume() pulls a coarser scale, with its voxel size and its own z", () =>
  withFolder(async (folder) => {
    const stack = await makeStack(join(folder, "raw"));
    const path = join(folder, "in.ome.zarr");
    await using ledger = await openLedger("memory:");
    await using pool = new WorkerPool({ size: 0 });
    const voxelSize: VoxelSize = { x: 4.6, y: 4.6, z: 5, unit: "nanometer" };
    await ingest([stack.pattern], path, { ledger, pool, levels: 3, voxelSize });
    await pull({ path }, join(folder, "out"), { scale: 1, x: [2, 19], z: [1, 6] });
    deepEqual(
      await names(join(folder, "out")),
      [1, 2, 3, 4, 5].map((z) => `section_000${z}.tif`),
    );
    await using store = await openVolume(path, { pool });
    for (const z of [1, 5]) {
      const file = join(folder, "out", `section_000${z}.tif`);
      const { voxelSize } = await tiff.describe(diskSource(file));
      deepEqual(voxelSize, { x: 9.2, y: 9.2, z: 10, unit: "nanometer" });
      const slab = await store.read(box([2, 0, z], [19, 15, z + 1]), { scale: 1 });
      const [band] = await Array.fromAsync(slab.bands(), ({ data }) => viewBytes(data).slice());
      same(await readImages(file), band, `section ${z}`);
    }
  }));

Deno.test("pullVolume() tells how far it is, and of voxels that are no data", () =>
  withFolder(async (folder) => {
    const volume = await makeVolume(join(folder, "in.ome.zarr"), {
      sluice: { complete: false, losses: 2 },
    });
    const told: string[] = [];
    const { warnings } = await pull(volume, join(folder, "out.tif"), {
      onProgress: (done, total) => told.push(`${done}/${total}`),
    });
    deepEqual(told, ["4/11", "8/11", "11/11"]);
    equal(warnings.length, 2);
    ok(/not complete/.test(warnings[0]) && /2 images absent or broken/.test(warnings[1]));
  }));

const refused = [
  { name: "a box beyond the volume", options: { y: [5, 30] }, pattern: /y 5:30 .* y 0:29 / },
  { name: "a box before it", options: { x: [-1, 3] }, pattern: /x -1:3/ },
  { name: "an empty box", options: { z: [3, 3] }, pattern: /z 3:3/ },
  { name: "a channel that is not there", options: { c: [0, 2] }, pattern: /c 0:2/ },
  { name: "a fraction", options: { z: [0.5, 3] }, pattern: /z 0\.5:3/ },
  { name: "a scale that is not there", options: { scale: 1 }, pattern: /scales 0 to 0/ },
  { name: "float32 as PNG", options: { format: "png" }, pattern: /--format tiff-stack/ },
  { name: "one TIFF that is no file", options: { format: "tiff" }, pattern: /end with \.tif/ },
  { name: "a PNG of many sections", target: "out.png", pattern: /name a folder/ },
  {
    name: "a stack named like a file",
    target: "o.tif",
    options: { format: "png" },
    pattern: /o\.tif/,
  },
] as const;
for (const { name, pattern, ...rest } of refused) {
  Deno.test(`pullVolume() refuses ${name}, and writes nothing`, () =>
    withFolder(async (folder) => {
      const volume = await makeVolume(join(folder, "in.ome.zarr"), { dtype: "float32" });
      const target = join(folder, "target" in rest ? rest.target : "out");
      await rejects(pull(volume, target, "options" in rest ? rest.options : {}), (error) => {
        ok(error instanceof UsageError);
        ok(pattern.test(error.message), error.message);
        return true;
      });
      deepEqual(await names(folder), ["in.ome.zarr"]);
    }));
}

Deno.test("pullVolume() replaces what an earlier pull left, only when told, and nothing else", () =>
  withFolder(async (folder) => {
    const volume = await makeVolume(join(folder, "in.ome.zarr"));
    const [stack, file] = [join(folder, "out"), join(folder, "out.tif")];
    for (const target of [stack, file]) {
      await pull(volume, target);
      await rejects(
        pull(volume, target),
        (error) => error instanceof SluiceError && /--overwrite/.test(error.message),
      );
    }
    await pull(volume, stack, { overwrite: true, z: [4, 6] });
    deepEqual(await names(stack), ["section_0004.tif", "section_0005.tif"]);
    await pull(volume, file, { overwrite: true, z: [4, 6] });
    equal((await tiff.describe(diskSource(file))).images.length, 2);
    await Deno.writeTextFile(join(stack, "notes.txt"), "keep");
    await rejects(pull(volume, stack, { overwrite: true }), /notes\.txt/);
    deepEqual(await names(stack), ["notes.txt", "section_0004.tif", "section_0005.tif"]);
    await rejects(pull(volume, join(file, "deeper")), SluiceError);
    await rejects(pull(volume, file, { format: "tiff-stack" }), UsageError);
  }));

for (const target of ["out", "out.tif"]) {
  Deno.test(`an abort ends a pull into ${target} with its reason and leaves nothing half-written`, () =>
    withFolder(async (folder) => {
      const volume = await makeVolume(join(folder, "in.ome.zarr"));
      const stopping = new AbortController();
      const reason = new Error("stop");
      await rejects(
        pull(volume, join(folder, target), {
          signal: stopping.signal,
          onProgress: (done) => done === 4 ? stopping.abort(reason) : undefined,
        }),
        (error) => error === reason,
      );
      if (target === "out.tif") deepEqual(await names(folder), ["in.ome.zarr"]);
      else {
        deepEqual(
          await names(join(folder, "out")),
          [0, 1, 2, 3].map((z) => `section_000${z}.tif`),
        );
      }
    }));
}

const heights = [[29], [8, 8, 8, 5], [3, 8, 8, 8, 2], [1, 27, 1], Array<number>(29).fill(1)];
for (const bandHeights of heights) {
  Deno.test(`cutRows() cuts bands of ${bandHeights} rows wherever strips begin`, async () => {
    for (const rows of [1, 4, 7, 8, 29, 64]) await checkCuts(bandHeights, rows);
  });
}

async function checkCuts(bandHeights: readonly number[], rows: number): Promise<void> {
  const voxel = (x: number, y: number, z: number) => (x * 31 + y * 7 + z * 101) & 0xffff;
  async function* bands(): AsyncGenerator<Band> {
    let y = 5;
    for (const high of bandHeights) {
      const of = box([2, y, 1], [9, y + high, 4]);
      const data = new Uint16Array(7 * high * 3);
      fill(of, data, voxel);
      yield { scale: 0, box: of, data };
      data.fill(0xffff);
      y += high;
    }
  }
  let next = 5;
  const whole = box([2, 5, 1], [9, 34, 4]);
  for await (const { data, box: of, first, end } of cutRows(bands(), whole, "uint16", rows)) {
    equal(first, next);
    ok(end === 34 || (end - 5) % rows === 0, `a cut ends at ${end}`);
    const expected = new Uint16Array(data.length);
    fill(of, expected, voxel);
    const [width, high] = boxSize(of);
    for (let z = 0; z < 3; z++) {
      const from = (z * high + first - of.min[1]) * width;
      const to = from + (end - first) * width;
      deepEqual(viewVoxels("uint16", viewBytes(data.slice(from, to))), expected.slice(from, to));
    }
    next = end;
  }
  equal(next, 34);
}

function fill(
  { min, max }: Box,
  data: Uint16Array,
  voxel: (x: number, y: number, z: number) => number,
): void {
  let i = 0;
  for (let z = min[2]; z < max[2]; z++) {
    for (let y = min[1]; y < max[1]; y++) {
      for (let x = min[0]; x < max[0]; x++) data[i++] = voxel(x, y, z);
    }
  }
}
