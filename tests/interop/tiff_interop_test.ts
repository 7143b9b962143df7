import { deepEqual, equal, ok } from "node:assert/strict";
import { openFileSource } from "../../codecs/file_source.ts";
import type { ByteSource, ImageAt, ImageFormat, StackLayout } from "../../codecs/image.ts";
import { jpeg } from "../../codecs/jpeg.ts";
import { tiff } from "../../codecs/tiff.ts";
import { type Dtype, VOXEL_BYTES } from "../../core/dtype.ts";
import type { VoxelSize } from "../../core/units.ts";
import { python, runPython } from "./_python.ts";

interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly samples: number;
  readonly dtype: Dtype;
}

interface Series extends Pixels {
  readonly name: string;
  readonly sizeT: number;
  readonly sizeC: number;
  readonly sizeZ: number;
}

type Entry =
  & { readonly label: string; readonly file: string }
  & (
    | ({ readonly kind: "images"; readonly pages: number; readonly tolerance: number } & Pixels)
    | {
      readonly kind: "series";
      readonly series: readonly Series[];
      readonly voxelSize?: VoxelSize;
    }
    | {
      readonly kind: "huge";
      readonly images: number;
      readonly side: number;
      readonly row: number;
      readonly modulo: number;
    }
  );
type Kind = Entry["kind"];

Deno.test({
  name: "tiff and jpeg decode every pixel of what tifffile, imagecodecs and Pillow write",
  ignore: python === undefined,
  fn: async (test) => {
    const folder = await Deno.makeTempDir();
    try {
      await runPython("tiff_corpus.py", folder);
      const entries: Entry[] = JSON.parse(await Deno.readTextFile(`${folder}/manifest.json`));
      const of = <K extends Kind>(kind: K) =>
        entries.filter((entry): entry is Extract<Entry, { kind: K }> => entry.kind === kind);
      await test.step("images", async () => {
        ok(of("images").length > 3000);
        let worst = 0;
        for (const entry of of("images")) worst = Math.max(worst, await checkImages(folder, entry));
        equal(worst, 0, "JPEG is decoded by the same library, so not one grey level may differ");
      });
      await test.step("stacks of ImageJ and OME", async () => {
        ok(of("series").length > 60);
        for (const entry of of("series")) await checkSeries(folder, entry);
      });
      await test.step("a classic TIFF of more than 4 GiB", async () => {
        for (const entry of of("huge")) await checkHuge(folder, entry);
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

async function readImage(
  format: ImageFormat,
  source: ByteSource,
  at: ImageAt,
  { width, height, samples, dtype }: Pixels,
  wholeBytes: number,
): Promise<Uint8Array> {
  await using reader = await format.open(source, at, { wholeBytes });
  const rowBytes = width * samples * VOXEL_BYTES[dtype];
  const out = new Uint8Array(height * rowBytes);
  const half = height >> 1;
  await reader.readRows(0, half, out.subarray(0, half * rowBytes));
  await reader.readRows(half, height, out.subarray(half * rowBytes));
  return out;
}

function furthest(a: Uint8Array, b: Uint8Array): number {
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i] - b[i]));
  return a.length === b.length ? most : Infinity;
}

/** How far the furthest byte lies from what is expected. */
async function checkImages(
  folder: string,
  entry: Extract<Entry, { kind: "images" }>,
): Promise<number> {
  const { label, file, pages, tolerance, width, height, samples, dtype } = entry;
  await using source = await openFileSource(`${folder}/${file}`);
  const format = file.endsWith(".jpg") ? jpeg : tiff;
  const { images } = await format.describe(source);
  equal(images.length, pages, label);
  const expected = await Deno.readFile(`${folder}/${file}.bin`);
  const bytes = expected.length / pages;
  let worst = 0;
  for (const [page, { at, rowGroup: _, ...found }] of images.entries()) {
    deepEqual(found, { width, height, samples, dtype }, label);
    for (const wholeBytes of [0, 1 << 26]) {
      const out = await readImage(format, source, at, entry, wholeBytes);
      const off = furthest(out, expected.subarray(page * bytes, (page + 1) * bytes));
      ok(off <= tolerance, `${label}, page ${page}, wholeBytes ${wholeBytes}: off by ${off}`);
      worst = Math.max(worst, off);
    }
  }
  return worst;
}

async function checkSeries(
  folder: string,
  { label, file, series, voxelSize }: Extract<Entry, { kind: "series" }>,
): Promise<void> {
  await using source = await openFileSource(`${folder}/${file}`);
  const described = await tiff.describe(source);
  deepEqual(described.voxelSize, voxelSize, label);
  deepEqual(described.series?.map(({ name }) => name), series.map(({ name }) => name), label);
  for (const [index, wanted] of series.entries()) {
    const layout: StackLayout = described.series![index].layout;
    const { sizeT, sizeC, sizeZ } = wanted;
    deepEqual([layout.sizeT, layout.sizeC, layout.sizeZ], [sizeT, sizeC, sizeZ], label);
    const expected = await Deno.readFile(`${folder}/${file}.${index}.bin`);
    const bytes = expected.length / (sizeT * sizeC * sizeZ);
    const seen = new Set<number>();
    for (const plane of layout.planes) {
      await using other = plane.file === undefined
        ? undefined
        : await openFileSource(`${folder}/${plane.file}`);
      const images = other === undefined ? described.images : (await tiff.describe(other)).images;
      const out = await readImage(tiff, other ?? source, images[plane.image].at, wanted, 1 << 26);
      const place = (plane.t * sizeC + plane.c) * sizeZ + plane.z;
      seen.add(place);
      const off = furthest(out, expected.subarray(place * bytes, (place + 1) * bytes));
      equal(off, 0, `${label}: t ${plane.t}, c ${plane.c}, z ${plane.z}`);
    }
    equal(seen.size, sizeT * sizeC * sizeZ, label);
  }
}

async function checkHuge(
  folder: string,
  { file, images: count, side, row, modulo }: Extract<Entry, { kind: "huge" }>,
): Promise<void> {
  await using source = await openFileSource(`${folder}/${file}`);
  ok(source.size > 2 ** 32);
  const { images, series } = await tiff.describe(source);
  deepEqual([images.length, series![0].layout.sizeZ], [count, count]);
  await using reader = await tiff.open(source, images[count - 1].at);
  const out = new Uint8Array(3 * side);
  await reader.readRows(row - 1, row + 2, out);
  ok(out.every((value, i) => value === (i >= side && i < 2 * side ? i % side % modulo : 0)));
}
