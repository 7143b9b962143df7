import { deepEqual, equal } from "node:assert/strict";
import { tiff } from "../../codecs/tiff.ts";
import { memorySource } from "./_png_reading.ts";
import {
  describe,
  HEIGHT,
  page,
  pixelsOf,
  places,
  PLANE_BYTES,
  refuses,
  sizes,
  stack,
  WIDTH,
} from "./_tiff_stacks.ts";
import { makeTiff, type TestField, type TestTiff } from "./_tiff_writer.ts";

Deno.test("tiff takes ImageJ's hyperstack apart: channels first, then sections, then frames", async () => {
  const text = "ImageJ=1.53t\nimages=12\nchannels=2\nslices=3\nframes=2\nhyperstack=true\n";
  const file = await describe(stack(12, text));
  deepEqual(sizes(file), [3, 2, 2]);
  deepEqual(places(file).slice(0, 4), ["0: z0 c0 t0", "1: z0 c1 t0", "2: z1 c0 t0", "3: z1 c1 t0"]);
  deepEqual(places(file)[11], "11: z2 c1 t1");
  equal(file.voxelSize, undefined);
});

const imageJ = [
  { name: "slices", lines: "images=4\nslices=4", is: [4, 1, 1] },
  { name: "frames", lines: "images=4\nframes=4", is: [1, 1, 4] },
  { name: "nothing but images", lines: "images=4\nloop=false", is: [4, 1, 1] },
  { name: "counts that do not agree", lines: "images=4\nchannels=3\nslices=2", is: [4, 1, 1] },
  { name: "carriage returns", lines: "images=4\r\nchannels=2\r\nslices=2\r\n", is: [2, 2, 1] },
];
for (const { name, lines, is } of imageJ) {
  Deno.test(`tiff reads an ImageJ stack of ${name}`, async () => {
    const file = await describe(stack(4, `ImageJ=1.54f\n${lines}`));
    deepEqual(sizes(file), is);
    equal(file.images.length, 4);
  });
}

const scales = [
  {
    unit: "unit=micron",
    per: [217391, 1_000_000],
    is: { x: 4.6, y: 4.6, z: 45, unit: "micrometer" },
  },
  { unit: "unit=\\u00B5m", per: [10, 1], is: { x: 0.1, y: 0.1, z: 45, unit: "micrometer" } },
  { unit: "unit=nm", per: [1, 4], is: { x: 4, y: 4, z: 45, unit: "nanometer" } },
  {
    unit: "unit=cm",
    kind: 3,
    per: [25_000, 1],
    is: { x: 4e-5, y: 4e-5, z: 45, unit: "centimeter" },
  },
  { unit: "", kind: 3, per: [25_000, 1], is: { x: 4e-5, y: 4e-5, z: 45, unit: "centimeter" } },
  {
    unit: "unit=inch",
    kind: 2,
    per: [254, 1],
    is: { x: 100, y: 100, z: 1_143_000, unit: "micrometer" },
  },
  { unit: "unit=pixel", per: [10, 1], is: undefined },
  { unit: "", kind: 2, per: [72, 1], is: undefined },
  { unit: "unit=micron", per: [0, 1], is: undefined },
] as const;
for (const { unit, per, is, ...rest } of scales) {
  Deno.test(`tiff reads ImageJ's scale of ${per} pixels with "${unit}"`, async () => {
    const kind = "kind" in rest ? rest.kind : 1;
    const text = `ImageJ=1.53t\nimages=2\nslices=2\n${unit}\nspacing=45.0\n`;
    const fields: TestField[] = [[282, 5, per], [283, 5, per], [296, 3, [kind]]];
    const file = await describe(stack(2, text, ...fields));
    deepEqual(file.voxelSize, is);
    deepEqual(file.series![0].voxelSize, is);
    const single = await describe(stack(1, `ImageJ=1.53t\n${unit}\nspacing=45.0\n`, ...fields));
    deepEqual([single.series, single.voxelSize], [undefined, is]);
  });
}

const resolutions = [
  { per: [1_000_000, 1], kind: 3, is: { x: 10, y: 10, unit: "nanometer" } },
  { per: [5000, 1], kind: 3, is: { x: 2, y: 2, unit: "micrometer" } },
  { per: [1, 1], kind: 3, is: undefined },
  { per: [28, 1], kind: 3, is: undefined },
  { per: [118_110, 1000], kind: 3, is: undefined },
  { per: [96, 1], kind: 2, is: undefined },
  { per: [1_000_000, 1], kind: 2, is: undefined },
  { per: [1_000_000, 1], kind: 1, is: undefined },
] as const;
for (const { per, kind, is } of resolutions) {
  Deno.test(`tiff makes of ${per} pixels in unit ${kind} ${is ? "a voxel size" : "nothing"}`, async () => {
    const file = await describe(
      makeTiff([page(0, [282, 5, per], [283, 5, per], [296, 3, [kind]])]),
    );
    deepEqual(file.voxelSize, is);
  });
}

/** A stack of which only the first image has a directory; the others follow its pixels. */
function contiguous(text: string, planes: number, kind: TestTiff, ...fields: TestField[]) {
  const file = makeTiff([page(0, [270, 2, `${text}\0`], ...fields)], kind);
  const head = kind.big ? 16 : 8;
  // Directory and its values move behind the pixels, so each offset in them grows.
  const shift = PLANE_BYTES * (planes - 1);
  const out = new Uint8Array(file.length + shift);
  const pixelsEnd = head + PLANE_BYTES;
  out.set(file.subarray(0, pixelsEnd));
  out.set(file.subarray(pixelsEnd), pixelsEnd + shift);
  const view = new DataView(out.buffer);
  const little = kind.little ?? true;
  const word = kind.big ? 8 : 4;
  const low = (at: number) => at + (kind.big && !little ? 4 : 0);
  const grow = (at: number) =>
    view.setUint32(low(at), view.getUint32(low(at), little) + shift, little);
  grow(word);
  const ifd = view.getUint32(low(word), little);
  const count = view.getUint16(ifd + (kind.big && !little ? 6 : 0), little);
  for (let index = 0; index < count; index++) {
    const at = ifd + (kind.big ? 8 : 2) + index * (4 + 2 * word);
    const size = { 2: 1, 3: 2, 4: 4, 5: 8, 16: 8 }[view.getUint16(at + 2, little)]!;
    if (view.getUint32(low(at + 4), little) * size > word) grow(at + 4 + word);
  }
  for (let plane = 1; plane < planes; plane++) {
    const pixels = pixelsOf(plane);
    if (!little) { for (let i = 0; i < pixels.length; i += 2) pixels.subarray(i, i + 2).reverse(); }
    out.set(pixels, head + plane * PLANE_BYTES);
  }
  return out;
}

for (const kind of [{}, { little: false }, { big: true }, { big: true, little: false }]) {
  const label = `${kind.big ? "BigTIFF" : "classic"}, ${
    kind.little === false ? "big" : "little"
  }-endian`;
  for (
    const { writer, text } of [
      { writer: "ImageJ", text: "ImageJ=1.53t\nimages=6\nchannels=2\nslices=3\nhyperstack=true\n" },
      { writer: "tifffile", text: '{"shape": [6, 5, 7], "truncated": true}' },
    ]
  ) {
    Deno.test(`tiff reads all images of a stack by ${writer} with one directory, ${label}`, async () => {
      const source = memorySource(contiguous(text, 6, kind));
      const file = await tiff.describe(source);
      equal(file.images.length, 6);
      deepEqual(file.images.map(({ at }) => at.plane), [0, 1, 2, 3, 4, 5]);
      if (writer === "ImageJ") deepEqual(sizes(file), [3, 2, 1]);
      for (const [plane, { at }] of file.images.entries()) {
        await using reader = await tiff.open(source, at);
        const out = new Uint8Array(PLANE_BYTES);
        await reader.readRows(0, 1, out.subarray(0, WIDTH * 2));
        await reader.readRows(1, HEIGHT, out.subarray(WIDTH * 2));
        deepEqual(out, pixelsOf(plane));
      }
    });
  }
}

Deno.test("tiff refuses a stack with one directory that ends too soon or is packed", async () => {
  const text = "ImageJ=1.53t\nimages=40\nslices=40\n";
  await refuses(contiguous(text, 6, {}), /names 40 images and there is one directory; the file of/);
  const packed = { ...page(0, [270, 2, text]), packing: "deflate" } as const;
  await refuses(makeTiff([packed]), /one directory, whose pixels are compressed/);
});

Deno.test("tiff leaves images out that ImageJ names and the file does not hold", async () => {
  const file = await describe(stack(3, "ImageJ=1.53t\nimages=5\nslices=5\n"));
  equal(file.images.length, 3);
  deepEqual(sizes(file), [5, 1, 1]);
});

Deno.test("tiff passes over descriptions that are none of these", async () => {
  for (
    const text of [
      "a section",
      "<xml/>",
      '{"shape": [3, 5, 7]}',
      "{",
      '{"truncated": true}',
      "null",
    ]
  ) {
    const file = await describe(stack(3, text));
    deepEqual([file.images.length, file.series], [3, undefined], text);
  }
});
