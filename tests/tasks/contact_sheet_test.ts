import { deepEqual, equal, notEqual, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { png } from "../../codecs/png.ts";
import { UsageError } from "../../core/errors.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { hashLabel } from "../../tasks/_tile.ts";
import { contactSheet, type ContactSheetOptions } from "../../tasks/contact_sheet.ts";
import { withFolder } from "../_stack.ts";
import { decode, diskSource } from "../codecs/_png_reading.ts";
import { makeVolume, type TestVolumeOptions } from "./_volume.ts";

interface Sheet {
  readonly sections: readonly number[];
  readonly width: number;
  readonly height: number;
  /** The pixel of a tile, counted from the tile's upper left. */
  at(column: number, row: number, x: number, y: number): number[];
}

const [WIDTH, HEIGHT, GAP] = [64, 32, 6];

/** A sheet of a volume of 64 x 32 voxels, with tiles of that size. */
async function draw(
  folder: string,
  volume: TestVolumeOptions,
  options: Partial<ContactSheetOptions> = {},
): Promise<Sheet> {
  const { path } = await makeVolume(join(folder, "in.ome.zarr"), {
    size: [WIDTH, HEIGHT, 20, 1, 1],
    ...volume,
  });
  await using pool = new WorkerPool({ size: 0 });
  const target = join(folder, "new", "sheet.png");
  const sheet = await contactSheet(path, target, { pool, tileSize: WIDTH, ...options });
  const { images: [image] } = await png.describe(diskSource(target));
  deepEqual([image.width, image.height, image.samples], [sheet.width, sheet.height, 4]);
  const data = await decode(await Deno.readFile(target));
  return {
    ...sheet,
    at(column, row, x, y) {
      const [left, top] = [GAP + column * (WIDTH + GAP), GAP + row * (HEIGHT + GAP)];
      const pixel = 4 * ((top + y) * sheet.width + left + x);
      return [...data.subarray(pixel, pixel + 4)];
    },
  };
}

Deno.test("contactSheet() shows evenly spaced sections in the window of the volume", () =>
  withFolder(async (folder) => {
    const sheet = await draw(folder, {
      dtype: "uint16",
      voxel: (x, y, z) => 1000 + 10 * x + (y > 20 ? 500 : 0) + 7 * z,
      contrast: [{ min: 0, max: 65535, start: 1000, end: 2000 }],
    }, { tiles: 5 });
    deepEqual(sheet.sections, [2, 6, 10, 14, 18]);
    deepEqual([sheet.width, sheet.height], [2 * 70 + 6, 3 * 38 + 6]);
    for (const [i, z] of sheet.sections.entries()) {
      const grey = (x: number, y: number) => sheet.at(i % 2, Math.floor(i / 2), x, y);
      const expected = Math.round(255 * (10 * 60 + 7 * z) / 1000);
      deepEqual(grey(60, 20), [expected, expected, expected, 255]);
      deepEqual(grey(60, 31), [255, 255, 255, 255]);
    }
    deepEqual(sheet.at(1, 2, 30, 20), [24, 24, 28, 255]);
  }));

Deno.test("contactSheet() writes the z of each section into its corner", () =>
  withFolder(async (folder) => {
    const sheet = await draw(folder, { dtype: "uint8", voxel: () => 200 }, { tiles: 4 });
    const corner = Array.from(
      { length: 9 * 20 },
      (_, i) => sheet.at(0, 0, i % 20, Math.floor(i / 20)),
    );
    ok(corner.some(([red, , blue]) => red === 255 && blue === 96));
    const lit = (column: number, row: number) =>
      Array.from({ length: 9 * 30 }, (_, i) => sheet.at(column, row, i % 30, Math.floor(i / 30))[2])
        .join();
    notEqual(lit(0, 0), lit(1, 0));
  }));

Deno.test("contactSheet() adds channels up in their colours", () =>
  withFolder(async (folder) => {
    const window = { min: 0, max: 255, start: 0, end: 100 };
    const sheet = await draw(folder, {
      dtype: "uint8",
      size: [WIDTH, HEIGHT, 3, 3, 1],
      voxel: (_x, _y, _z, c) => [100, 40, 0][c],
      contrast: [window, window, window],
    });
    deepEqual(sheet.at(0, 0, 50, 25), [255, 102, 0, 255]);
  }));

Deno.test("contactSheet() finds a window of its own where the volume names none", () =>
  withFolder(async (folder) => {
    const sheet = await draw(folder, { dtype: "float32", voxel: (x) => x < 32 ? -5e-6 : 3e-6 });
    deepEqual(sheet.at(0, 0, 20, 25), [0, 0, 0, 255]);
    deepEqual(sheet.at(0, 0, 50, 25), [255, 255, 255, 255]);
  }));

Deno.test("contactSheet() gives a label one colour in every section, and none to 0", () =>
  withFolder(async (folder) => {
    const sheet = await draw(folder, {
      dtype: "uint32",
      kind: "labels",
      voxel: (x, _, z) => x < 20 ? 0 : x < 40 ? 7 : 8 + z,
    });
    deepEqual(sheet.at(0, 0, 15, 25), [0, 0, 0, 255]);
    const colour = sheet.at(0, 0, 30, 25);
    ok(Math.max(...colour.slice(0, 3)) > 140, `${colour}`);
    deepEqual(sheet.at(1, 1, 30, 25), colour);
    notEqual(`${sheet.at(0, 0, 50, 25)}`, `${sheet.at(1, 0, 50, 25)}`);
  }));

Deno.test("contactSheet() makes large sections smaller by their mean", () =>
  withFolder(async (folder) => {
    const { path } = await makeVolume(join(folder, "in.ome.zarr"), {
      dtype: "uint8",
      size: [320, 161, 2, 1, 1],
      chunk: [64, 64, 2],
      voxel: (x, y) => (x + y) % 2 === 0 ? 0 : 200,
      contrast: [{ min: 0, max: 255, start: 0, end: 200 }],
    });
    await using pool = new WorkerPool({ size: 0 });
    const target = join(folder, "sheet.png");
    const sheet = await contactSheet(path, target, { pool, tileSize: 64 });
    deepEqual([sheet.width, sheet.height], [70 + 6, 2 * 38 + 6]);
    const data = await decode(await Deno.readFile(target));
    const grey = data[4 * ((6 + 25) * sheet.width + 6 + 50)];
    ok(Math.abs(grey - 127.5) < 8, `${grey}`);
  }));

Deno.test("hashLabel() tells labels of 64 bits apart, and keeps 0", () => {
  deepEqual([hashLabel(0), hashLabel(0n)], [0, 0]);
  equal(hashLabel(7), hashLabel(7n));
  const labels = [1n, 2n, 1n << 32n, (1n << 32n) + 1n, (1n << 63n) + 1n];
  equal(new Set(labels.map(hashLabel)).size, labels.length);
});

const refused: { name: string; target?: string; options?: Partial<ContactSheetOptions> }[] = [
  { name: "a scale that is not there", options: { scale: 1 } },
  { name: "no tiles", options: { tiles: 0 } },
  { name: "tiles too small to see", options: { tileSize: 8 } },
  { name: "another format", target: "sheet.jpg" },
];
for (const { name, target = "sheet.png", options } of refused) {
  Deno.test(`contactSheet() refuses ${name}`, () =>
    withFolder(async (folder) => {
      const { path } = await makeVolume(join(folder, "in.ome.zarr"));
      await using pool = new WorkerPool({ size: 0 });
      await rejects(contactSheet(path, join(folder, target), { pool, ...options }), UsageError);
    }));
}
