import { deepEqual, equal, rejects } from "node:assert/strict";
import { boxSize } from "../../core/box.ts";
import { type ImageStack, readImageStack } from "../../plugins/image_stack.ts";
import { filesOf, pngOf, testData, TestFolder, tiffOf } from "../_images.ts";

const png = pngOf();
const tiff = tiffOf();

/** Places as `path x,y,z,c,t`. */
function placesOf({ images }: ImageStack): string[] {
  return images.map(({ path, x, y, z, c, t, lost }) =>
    `${path} ${[x, y, z, c, t]}${lost === undefined ? "" : ` ${lost.kind}`}`
  );
}

/** Faults as `kind path z`. */
function faultsOf({ faults }: ImageStack): string[] {
  return faults.map(({ kind, path, z }) => `${kind} ${path} ${z ?? "-"}`);
}

const stacks = [
  {
    name: "a glob in natural order",
    files: filesOf(["s_10.png", "s_9.png", "s_8.png", "notes.txt"], png),
    patterns: ["*.png"],
    places: ["s_8.png 0,0,0,0,0", "s_9.png 0,0,1,0,0", "s_10.png 0,0,2,0,0"],
    size: [7, 5, 3, 1, 1],
    notes: ['z 0 is section 8 ("s_8.png")'],
  },
  {
    name: "a gap as a missing section",
    files: filesOf(["s_0.png", "s_1.png", "s_3.png"], png),
    patterns: ["s_*.png"],
    places: ["s_0.png 0,0,0,0,0", "s_1.png 0,0,1,0,0", "s_3.png 0,0,3,0,0"],
    size: [7, 5, 4, 1, 1],
    faults: ["missing s_2.png 2"],
  },
  {
    name: "a gap to be filled",
    files: filesOf(["s_0.png", "s_1.png", "s_3.png"], png),
    patterns: ["s_*.png"],
    missing: "fill",
    places: [
      "s_0.png 0,0,0,0,0",
      "s_1.png 0,0,1,0,0",
      "s_2.png 0,0,2,0,0 missing",
      "s_3.png 0,0,3,0,0",
    ],
    size: [7, 5, 4, 1, 1],
    faults: ["missing s_2.png 2"],
  },
  {
    name: "a gap to be closed",
    files: filesOf(["s_0.png", "s_1.png", "s_3.png"], png),
    patterns: ["s_*.png"],
    missing: "close",
    places: ["s_0.png 0,0,0,0,0", "s_1.png 0,0,1,0,0", "s_3.png 0,0,2,0,0"],
    size: [7, 5, 3, 1, 1],
    notes: ["closed up: 1 number without a file"],
  },
  {
    name: "irregular numbers by their order",
    files: filesOf(["s_1.png", "s_2.png", "s_900.png"], png),
    patterns: ["s_*.png"],
    places: ["s_1.png 0,0,0,0,0", "s_2.png 0,0,1,0,0", "s_900.png 0,0,2,0,0"],
    size: [7, 5, 3, 1, 1],
    notes: [
      "z counts the files in natural order: as indexes the numbers from 1 to 900 would leave 897 gaps between 3 files",
    ],
  },
  {
    name: "one number under two names as a duplicate",
    files: { ...filesOf(["s_6.png", "s_7.png", "s_007.png"], png), "s_7.tif": tiff },
    patterns: ["s_*.{png,tif}"],
    places: ["s_6.png 0,0,0,0,0", "s_007.png 0,0,1,0,0"],
    size: [7, 5, 2, 1, 1],
    faults: ["duplicate s_7.png -", "duplicate s_7.tif -"],
    notes: ['z 0 is section 6 ("s_6.png")'],
  },
  {
    name: "a folder",
    files: {
      ...filesOf(["1.tif", "0.TIFF"], tiff),
      "Thumbs.db": "x",
      ".DS_Store": "x",
      "old": null,
    },
    patterns: ["."],
    places: ["0.TIFF 0,0,0,0,0", "1.tif 0,0,1,0,0"],
    size: [7, 5, 2, 1, 1],
    notes: ['left out of ".", as no images: ".DS_Store", "Thumbs.db", "old/"'],
  },
  {
    name: "files of an extension that nobody knows",
    files: filesOf(["a.0", "a.1"], png),
    patterns: ["."],
    places: ["a.0 0,0,0,0,0", "a.1 0,0,1,0,0"],
    size: [7, 5, 2, 1, 1],
  },
  {
    name: "a glob that ends in a star like a folder",
    files: { ...filesOf(["s_0.png", "s_1.png"], png), "s_notes.txt": "x", "s_old": null },
    patterns: ["s_*"],
    places: ["s_0.png 0,0,0,0,0", "s_1.png 0,0,1,0,0"],
    size: [7, 5, 2, 1, 1],
    notes: ['left out of "s_*", as no images: "s_notes.txt", "s_old/"'],
  },
  {
    name: "paths that a shell expanded",
    files: filesOf(["b/s_1.png", "a/s_0.png", "b/s_2.png"], png),
    patterns: ["b/s_2.png", "b/s_1.png", "a/s_0.png", "./b/s_1.png"],
    places: ["a/s_0.png 0,0,0,0,0", "b/s_1.png 0,0,1,0,0", "b/s_2.png 0,0,2,0,0"],
    size: [7, 5, 3, 1, 1],
    notes: ["1 file named by two patterns counts once"],
  },
  {
    name: "a path that is given twice",
    files: filesOf(["s_0.png", "s_1.png"], png),
    patterns: ["s_0.png", "s_1.png", "s_0.png"],
    places: ["s_0.png 0,0,0,0,0", "s_1.png 0,0,1,0,0"],
    size: [7, 5, 2, 1, 1],
    faults: ["duplicate s_0.png -"],
  },
  {
    name: "a template with an offset",
    files: filesOf(["3253_s000.png", "3254_s001.png", "3256_s003.png", "3257_s008.png"], png),
    patterns: ["<o:3253>_s<p:3>.png"],
    places: ["3253_s000.png 0,0,0,0,0", "3254_s001.png 0,0,1,0,0", "3256_s003.png 0,0,3,0,0"],
    size: [7, 5, 4, 1, 1],
    faults: ["missing 3255_s002.png 2"],
    notes: [
      'left out: "3257_s008.png", whose numbers contradict each other by the template',
      "z 0 is section 3253",
    ],
  },
  {
    name: "a template's padding as it is written",
    files: filesOf(["s_0008.png", "s_9.png", "s_10.png", "s_0010.png"], png),
    patterns: ["s_<z:4>.png"],
    missing: "fill",
    places: [
      "s_0008.png 0,0,0,0,0",
      "s_0009.png 0,0,1,0,0 missing",
      "s_0010.png 0,0,2,0,0",
    ],
    size: [7, 5, 3, 1, 1],
    faults: ["duplicate s_10.png -", "missing s_0009.png 1"],
    notes: ["z 0 is section 8"],
  },
  {
    name: "tiles with a ragged edge and a hole",
    files: {
      ...filesOf(["4/1_1.png", "4/1_2.png", "5/1_1.png", "5/1_2.png"], pngOf()),
      ...filesOf(["4/1_3.png", "5/1_3.png"], pngOf({ width: 3 })),
      ...filesOf(["4/2_1.png", "4/2_2.png", "5/2_1.png"], pngOf({ height: 2 })),
      ...filesOf(["4/2_3.png", "5/2_3.png"], pngOf({ width: 3, height: 2 })),
    },
    patterns: ["<z>/<y>_<x>.png"],
    missing: "fill",
    places: [
      "4/1_1.png 0,0,0,0,0",
      "4/1_2.png 7,0,0,0,0",
      "4/1_3.png 14,0,0,0,0",
      "4/2_1.png 0,5,0,0,0",
      "4/2_2.png 7,5,0,0,0",
      "4/2_3.png 14,5,0,0,0",
      "5/1_1.png 0,0,1,0,0",
      "5/1_2.png 7,0,1,0,0",
      "5/1_3.png 14,0,1,0,0",
      "5/2_1.png 0,5,1,0,0",
      "5/2_2.png 7,5,1,0,0 missing",
      "5/2_3.png 14,5,1,0,0",
    ],
    size: [17, 7, 2, 1, 1],
    faults: ["missing 5/2_2.png 1"],
    notes: ["x 0 is column 1", "y 0 is row 1", "z 0 is section 4"],
  },
  {
    name: "an inner tile of another size as a fault",
    files: {
      ...filesOf(["0_0.png", "0_2.png"], png),
      "0_1.png": pngOf({ width: 3 }),
    },
    patterns: ["<y>_<x>.png"],
    places: ["0_0.png 0,0,0,0,0", "0_2.png 14,0,0,0,0"],
    size: [21, 5, 1, 1, 1],
    faults: ["size 0_1.png 0"],
  },
  {
    name: "tiles that count pixels",
    files: filesOf(["y0_x0.png", "y0_x7.png", "y5_x0.png", "y5_x7.png"], png),
    patterns: ["y<y>_x<x>.png"],
    places: [
      "y0_x0.png 0,0,0,0,0",
      "y0_x7.png 7,0,0,0,0",
      "y5_x0.png 0,5,0,0,0",
      "y5_x7.png 7,5,0,0,0",
    ],
    size: [14, 10, 1, 1, 1],
    notes: [
      "the numbers of x count pixels: a tile is 7 of them",
      "the numbers of y count pixels: a tile is 5 of them",
    ],
  },
  {
    name: "channels and times",
    files: filesOf(["t0_c1.png", "t0_c2.png", "t1_c1.png", "t1_c2.png"], png),
    patterns: ["t<t>_c<c>.png"],
    places: [
      "t0_c1.png 0,0,0,0,0",
      "t0_c2.png 0,0,0,1,0",
      "t1_c1.png 0,0,0,0,1",
      "t1_c2.png 0,0,0,1,1",
    ],
    size: [7, 5, 1, 2, 2],
    channels: true,
    time: true,
    notes: ["c 0 is channel 1"],
  },
  {
    name: "a template whose gaps are closed",
    files: filesOf(["z10_x0.png", "z10_x1.png", "z30_x0.png", "z30_x1.png"], png),
    patterns: ["z<z>_x<x>.png"],
    missing: "close",
    places: [
      "z10_x0.png 0,0,0,0,0",
      "z10_x1.png 7,0,0,0,0",
      "z30_x0.png 0,0,1,0,0",
      "z30_x1.png 7,0,1,0,0",
    ],
    size: [14, 5, 2, 1, 1],
    notes: ["closed up: 19 numbers without a section", "z 0 is section 10"],
  },
  {
    name: "colours as channels",
    files: filesOf(["s_0.png", "s_1.png"], pngOf({ samples: 3 })),
    patterns: ["*.png"],
    places: ["s_0.png 0,0,0,0,0", "s_1.png 0,0,1,0,0"],
    size: [7, 5, 2, 3, 1],
    channels: true,
  },
] as const;
for (const { name, files, patterns, places, size, ...rest } of stacks) {
  Deno.test(`readImageStack() reads ${name}`, async () => {
    const { faults = [], notes = [], missing, channels = false, time = false } = rest as {
      faults?: readonly string[];
      notes?: readonly string[];
      missing?: "fill" | "close";
      channels?: boolean;
      time?: boolean;
    };
    await using folder = await TestFolder.of(files as Record<string, Uint8Array>);
    const within = patterns.map((pattern) => `${folder.path}/${pattern}`);
    const stack = await readImageStack(within, { missing });
    deepEqual(placesOf(stack), places);
    deepEqual(boxSize(stack.info.extent), size);
    deepEqual(faultsOf(stack), faults);
    deepEqual(stack.notes.map((note) => note.replace(`${folder.path}/`, "")), notes);
    equal(stack.root, folder.path);
    equal(stack.info.hasChannels, channels);
    equal(stack.info.hasTime, time);
  });
}

Deno.test("readImageStack() says what each image is", async () => {
  const file = pngOf({ dtype: "uint16", width: 9, height: 4 });
  await using folder = await TestFolder.of({ "s_5.png": file });
  const { images: [image], info } = await readImageStack([`${folder.path}/s_5.png`]);
  const { mtime } = await Deno.stat(`${folder.path}/s_5.png`);
  deepEqual(image, {
    path: "s_5.png",
    format: "png",
    at: {},
    size: file.length,
    mtime: mtime!.getTime(),
    width: 9,
    height: 4,
    samples: 1,
    dtype: "uint16",
    rowGroup: 4,
    x: 0,
    y: 0,
    z: 0,
    c: 0,
    t: 0,
  });
  equal(info.dtype, "uint16");
});

Deno.test("readImageStack() takes paths of several folders from their common parent", async () => {
  await using folder = await TestFolder.of(filesOf(["a/s_1.png", "b/s_2.png"], png));
  const stack = await readImageStack([`${folder.path}/a/*.png`, `${folder.path}/b/*.png`]);
  equal(stack.root, folder.path);
  deepEqual(stack.images.map(({ path }) => path), ["a/s_1.png", "b/s_2.png"]);
});

Deno.test("readImageStack() tells how far it is, and ends at an abort with its reason", async () => {
  await using folder = await TestFolder.of(filesOf(["s_0.png", "s_1.png", "s_2.png"], png));
  const seen: [number, number][] = [];
  await readImageStack([folder.path], { onProgress: (...at) => seen.push(at) });
  deepEqual(seen.at(-1), [3, 3]);
  const reason = new Error("enough");
  const signal = AbortSignal.abort(reason);
  await rejects(readImageStack([folder.path], { signal }), (error) => error === reason);
});

Deno.test("readImageStack() believes a voxel size that all files agree on", async () => {
  const sized = tiffOf([{}], { perCentimetre: 10_000 });
  await using folder = await TestFolder.of(filesOf(["s_0.tif", "s_1.tif"], sized));
  const { info } = await readImageStack([folder.path]);
  deepEqual(info.voxelSize, { x: 1, y: 1, unit: "micrometer" });
  await folder.put("s_2.tif", tiffOf([{}], { perCentimetre: 20_000 }));
  const other = await readImageStack([folder.path]);
  equal(other.info.voxelSize, undefined);
  deepEqual(other.notes, [
    "files differ in their voxel size (2 say 1x1x?um, 1 say 500x500x?nm), so none of them is believed",
  ]);
});

const real = [
  { name: "ImageJ's TIFFs", pattern: "vnc-stack1/raw/*.tif", size: [1024, 1024, 20, 1, 1] },
  { name: "labels", pattern: "vnc-stack1/labels", size: [1024, 1024, 20, 1, 1] },
  {
    name: "the Boss's z stack",
    pattern: "boss-samples/example_z_stack/<o:3253>_my_stack_section<p:3>.png",
    size: [512, 512, 2, 1, 1],
  },
  {
    name: "CATMAID's tiles",
    pattern: "boss-samples/example_catmaid_stack/<z>/<y>_<x>_0.png",
    size: [512, 1024, 2, 1, 1],
  },
  { name: "pages", pattern: "boss-samples/test_multipage.tif", size: [512, 256, 10, 1, 1] },
] as const;
for (const { name, pattern, size } of real) {
  Deno.test({
    name: `readImageStack() reads real data: ${name}${
      testData === undefined ? " (skipped: no SLUICE_TEST_DATA)" : ""
    }`,
    ignore: testData === undefined,
    async fn() {
      const { info, faults } = await readImageStack([`${testData}/${pattern}`]);
      deepEqual(boxSize(info.extent), size);
      deepEqual(faults, []);
    },
  });
}
