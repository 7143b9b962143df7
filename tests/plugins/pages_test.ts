import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { boxSize } from "../../core/box.ts";
import { UsageError } from "../../core/errors.ts";
import { type ImageStack, readImageStack } from "../../plugins/image_stack.ts";
import { filesOf, TestFolder, type TestImage, tiffOf } from "../_images.ts";

const pages = (count: number, image: TestImage = {}) => Array.from({ length: count }, () => image);

/** Places as `path#page z,c,t`. */
function placesOf({ images }: ImageStack): string[] {
  return images.map(({ path, page, z, c, t, lost }) =>
    `${path}#${page ?? "-"} ${[z, c, t]}${lost === undefined ? "" : ` ${lost.kind}`}`
  );
}

const hyperstack = (images: number, c: number, z: number, t: number, more = "") =>
  `ImageJ=1.53t\nimages=${images}\nchannels=${c}\nslices=${z}\nframes=${t}\nhyperstack=true\n${more}`;

interface OmePlane {
  readonly file?: string;
  readonly uuid?: string;
  readonly z?: number;
  readonly c?: number;
  readonly t?: number;
  readonly ifd?: number;
}

/** OME-XML of images of 7 x 5 pixels (OME schema 2016-06). */
function ome(
  series: readonly {
    name: string;
    size: readonly [z: number, c: number, t: number];
    planes: readonly OmePlane[];
  }[],
  uuid = "urn:uuid:own",
): string {
  const images = series.map(({ name, size: [z, c, t], planes }, at) => {
    const data = planes.map(({ file, uuid, z = 0, c = 0, t = 0, ifd = 0 }) =>
      `<TiffData IFD="${ifd}" FirstZ="${z}" FirstC="${c}" FirstT="${t}" PlaneCount="1">` +
      (file === undefined ? "" : `<UUID FileName="${file}">${uuid ?? `urn:uuid:${file}`}</UUID>`) +
      "</TiffData>"
    ).join("");
    return `<Image ID="Image:${at}" Name="${name}"><Pixels ID="Pixels:${at}" DimensionOrder="XYZCT" Type="uint8" ` +
      `SizeX="7" SizeY="5" SizeZ="${z}" SizeC="${c}" SizeT="${t}" PhysicalSizeX="4" PhysicalSizeY="4" ` +
      `PhysicalSizeZ="40" PhysicalSizeXUnit="nm" PhysicalSizeYUnit="nm" PhysicalSizeZUnit="nm">${data}</Pixels></Image>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" ` +
    `UUID="${uuid}">${images.join("")}</OME>`;
}

/** One file of a set of three sections, each of which describes all. */
const member = (own: string, names = ["a.ome.tif", "b.ome.tif", "c.ome.tif"]) =>
  tiffOf([{}], {
    description: ome([{
      name: "set",
      size: [names.length, 1, 1],
      planes: names.map((file, z) => ({ file, z })),
    }], `urn:uuid:${own}`),
  });

const cases = [
  {
    name: "pages as sections",
    files: { "a.tif": tiffOf(pages(3)) },
    patterns: ["a.tif"],
    places: ["a.tif#0 0,0,0", "a.tif#1 1,0,0", "a.tif#2 2,0,0"],
    size: [7, 5, 3, 1, 1],
  },
  {
    name: "several files of pages one after the other",
    files: {
      "a_1.tif": tiffOf(pages(2)),
      "a_2.tif": tiffOf(pages(2)),
      "a_10.tif": tiffOf(pages(1)),
    },
    patterns: ["a_*.tif"],
    places: [
      "a_1.tif#0 0,0,0",
      "a_1.tif#1 1,0,0",
      "a_2.tif#0 2,0,0",
      "a_2.tif#1 3,0,0",
      "a_10.tif#- 4,0,0",
    ],
    size: [7, 5, 5, 1, 1],
    notes: [
      "z counts the files in natural order: as indexes the numbers from 1 to 10 would leave 7 gaps between 3 files",
      "files hold from 1 to 2 sections each",
    ],
  },
  {
    name: "a gap between files of pages",
    files: filesOf(["a_0.tif", "a_1.tif", "a_3.tif"], tiffOf(pages(2))),
    patterns: ["a_*.tif"],
    missing: "fill",
    places: [
      "a_0.tif#0 0,0,0",
      "a_0.tif#1 1,0,0",
      "a_1.tif#0 2,0,0",
      "a_1.tif#1 3,0,0",
      "a_2.tif#0 4,0,0 missing",
      "a_2.tif#1 5,0,0 missing",
      "a_3.tif#0 6,0,0",
      "a_3.tif#1 7,0,0",
    ],
    size: [7, 5, 8, 1, 1],
    faults: ["missing a_2.tif 4: is not there, and the numbers go on to 3"],
  },
  {
    name: "a page of another size as a fault",
    files: { "a.tif": tiffOf([{}, {}, { width: 3, height: 2 }]) },
    patterns: ["a.tif"],
    onError: "fill",
    places: ["a.tif#0 0,0,0", "a.tif#1 1,0,0", "a.tif#2 2,0,0 broken"],
    size: [7, 5, 3, 1, 1],
    faults: ["size a.tif 2: has a page, 3 of 3, that is 3 x 2 where the others are 7 x 5"],
  },
  {
    name: "ImageJ's hyperstack",
    files: { "h.tif": tiffOf(pages(12), { description: hyperstack(12, 2, 3, 2) }) },
    patterns: ["h.tif"],
    places: [
      "h.tif#0 0,0,0",
      "h.tif#1 0,1,0",
      "h.tif#2 1,0,0",
      "h.tif#3 1,1,0",
      "h.tif#4 2,0,0",
      "h.tif#5 2,1,0",
      "h.tif#6 0,0,1",
      "h.tif#7 0,1,1",
      "h.tif#8 1,0,1",
      "h.tif#9 1,1,1",
      "h.tif#10 2,0,1",
      "h.tif#11 2,1,1",
    ],
    size: [7, 5, 3, 2, 2],
  },
  {
    name: "ImageJ's stack that lost its end",
    files: { "h.tif": tiffOf(pages(4), { description: hyperstack(6, 1, 6, 1) }) },
    patterns: ["h.tif"],
    onError: "fill",
    places: [
      "h.tif#0 0,0,0",
      "h.tif#1 1,0,0",
      "h.tif#2 2,0,0",
      "h.tif#3 3,0,0",
      "h.tif#- 4,0,0 broken",
      "h.tif#- 5,0,0 broken",
    ],
    size: [7, 5, 6, 1, 1],
    faults: ["truncated h.tif 0: holds 4 images where its metadata names 6"],
  },
  {
    name: "RGB pages with channels of their own",
    files: { "h.tif": tiffOf(pages(2, { samples: 3 }), { description: hyperstack(2, 2, 1, 1) }) },
    patterns: ["h.tif"],
    places: ["h.tif#0 0,0,0", "h.tif#1 0,3,0"],
    size: [7, 5, 1, 6, 1],
  },
  {
    name: "pages of a template's channels",
    files: filesOf(["c0.tif", "c1.tif"], tiffOf(pages(2))),
    patterns: ["c<c>.tif"],
    places: ["c0.tif#0 0,0,0", "c1.tif#0 0,1,0", "c0.tif#1 1,0,0", "c1.tif#1 1,1,0"],
    size: [7, 5, 2, 2, 1],
  },
  {
    name: "pages of a template's sections, the last of them fewer",
    files: { "z0.tif": tiffOf(pages(2)), "z1.tif": tiffOf(pages(2)), "z2.tif": tiffOf(pages(1)) },
    patterns: ["z<z>.tif"],
    places: [
      "z0.tif#0 0,0,0",
      "z0.tif#1 1,0,0",
      "z1.tif#0 2,0,0",
      "z1.tif#1 3,0,0",
      "z2.tif#- 4,0,0",
    ],
    size: [7, 5, 5, 1, 1],
  },
  {
    name: "a template's file with too few pages",
    files: { "t0.tif": tiffOf(pages(2)), "t1.tif": tiffOf(pages(2)), "t2.tif": tiffOf(pages(1)) },
    patterns: ["t<t>.tif"],
    places: ["t0.tif#0 0,0,0", "t0.tif#1 1,0,0", "t1.tif#0 0,0,1", "t1.tif#1 1,0,1"],
    size: [7, 5, 2, 1, 3],
    faults: ["size t2.tif 0: holds 1 image where the others hold 2"],
  },
  {
    name: "a file that holds a channel too many",
    files: {
      "a_0.tif": tiffOf(pages(2), { description: hyperstack(2, 2, 1, 1) }),
      "a_1.tif": tiffOf(pages(2), { description: hyperstack(2, 2, 1, 1) }),
      "a_2.tif": tiffOf(pages(3), { description: hyperstack(3, 3, 1, 1) }),
    },
    patterns: ["a_*.tif"],
    places: ["a_0.tif#0 0,0,0", "a_0.tif#1 0,1,0", "a_1.tif#0 1,0,0", "a_1.tif#1 1,1,0"],
    size: [7, 5, 3, 2, 1],
    faults: ["size a_2.tif 2: holds 3 channels where the others hold 2"],
  },
  {
    name: "OME's places",
    files: {
      "o.ome.tif": tiffOf(pages(4), {
        description: ome([{
          name: "one",
          size: [2, 2, 1],
          planes: [{ z: 1, c: 1, ifd: 0 }, { z: 0, c: 1, ifd: 1 }, { z: 1, ifd: 2 }, { ifd: 3 }],
        }]),
      }),
    },
    patterns: ["o.ome.tif"],
    places: ["o.ome.tif#3 0,0,0", "o.ome.tif#1 0,1,0", "o.ome.tif#2 1,0,0", "o.ome.tif#0 1,1,0"],
    size: [7, 5, 2, 2, 1],
  },
  {
    name: "a plane that OME's metadata leave out",
    files: {
      "o.ome.tif": tiffOf(pages(2), {
        description: ome([{ name: "one", size: [3, 1, 1], planes: [{}, { z: 2, ifd: 1 }] }]),
      }),
    },
    patterns: ["o.ome.tif"],
    places: ["o.ome.tif#0 0,0,0", "o.ome.tif#1 2,0,0"],
    size: [7, 5, 3, 1, 1],
    faults: ["missing o.ome.tif 1: has no image for z 1, c 0, t 0"],
  },
  {
    name: "the series that was chosen, by number",
    files: {
      "o.ome.tif": tiffOf(pages(3), {
        description: ome([
          { name: "map", size: [1, 1, 1], planes: [{}] },
          { name: "scan", size: [2, 1, 1], planes: [{ ifd: 1 }, { z: 1, ifd: 2 }] },
        ]),
      }),
    },
    patterns: ["o.ome.tif"],
    series: 1,
    places: ["o.ome.tif#1 0,0,0", "o.ome.tif#2 1,0,0"],
    size: [7, 5, 2, 1, 1],
  },
  {
    name: "the series that was chosen, by name",
    files: {
      "o.ome.tif": tiffOf(pages(3), {
        description: ome([
          { name: "map", size: [1, 1, 1], planes: [{}] },
          { name: "scan", size: [2, 1, 1], planes: [{ ifd: 1 }, { z: 1, ifd: 2 }] },
        ]),
      }),
    },
    patterns: ["o.ome.tif"],
    series: "map",
    places: ["o.ome.tif#0 0,0,0"],
    size: [7, 5, 1, 1, 1],
  },
  {
    name: "OME's set from one of its files",
    files: Object.fromEntries(
      ["a", "b", "c"].map((name) => [`${name}.ome.tif`, member(`${name}.ome.tif`)]),
    ),
    patterns: ["b.ome.tif"],
    places: ["a.ome.tif#- 0,0,0", "b.ome.tif#- 1,0,0", "c.ome.tif#- 2,0,0"],
    size: [7, 5, 3, 1, 1],
  },
  {
    name: "OME's set from all of its files, once",
    files: Object.fromEntries(
      ["a", "b", "c"].map((name) => [`${name}.ome.tif`, member(`${name}.ome.tif`)]),
    ),
    patterns: ["*.ome.tif"],
    places: ["a.ome.tif#- 0,0,0", "b.ome.tif#- 1,0,0", "c.ome.tif#- 2,0,0"],
    size: [7, 5, 3, 1, 1],
  },
  {
    name: "OME's set without one of its files",
    files: Object.fromEntries(
      ["a", "c"].map((name) => [`${name}.ome.tif`, member(`${name}.ome.tif`)]),
    ),
    patterns: ["*.ome.tif"],
    missing: "fill",
    places: ["a.ome.tif#- 0,0,0", "b.ome.tif#- 1,0,0 missing", "c.ome.tif#- 2,0,0"],
    size: [7, 5, 3, 1, 1],
    faults: ["missing b.ome.tif 1: is not there"],
  },
  {
    name: "OME's set with a broken first file",
    files: {
      "a.ome.tif": member("a.ome.tif").subarray(0, 60),
      "b.ome.tif": member("b.ome.tif"),
      "c.ome.tif": member("c.ome.tif"),
    },
    patterns: ["*.ome.tif"],
    onError: "fill",
    places: ["a.ome.tif#- 0,0,0 broken", "b.ome.tif#- 1,0,0", "c.ome.tif#- 2,0,0"],
    size: [7, 5, 3, 1, 1],
    faultKinds: ["truncated a.ome.tif 0"],
  },
  {
    name: "two of OME's sets one after the other",
    files: Object.fromEntries([["a1", "a2"], ["b1", "b2"]].flatMap((names) => {
      const all = names.map((name) => `${name}.ome.tif`);
      return all.map((name) => [name, member(name, all)]);
    })),
    patterns: ["*.ome.tif"],
    places: [
      "a1.ome.tif#- 0,0,0",
      "a2.ome.tif#- 1,0,0",
      "b1.ome.tif#- 2,0,0",
      "b2.ome.tif#- 3,0,0",
    ],
    size: [7, 5, 4, 1, 1],
  },
  {
    name: "nothing outside of the folder of OME's set",
    files: {
      "in/a.ome.tif": member("a.ome.tif", ["a.ome.tif", "../b.ome.tif", "/etc/c.ome.tif"]),
      "b.ome.tif": member("b.ome.tif"),
    },
    patterns: ["in/a.ome.tif"],
    places: ["a.ome.tif#- 0,0,0"],
    size: [7, 5, 3, 1, 1],
    faultKinds: [
      "unreadable a.ome.tif -",
      "unreadable a.ome.tif -",
      "missing a.ome.tif 1",
      "missing a.ome.tif 2",
    ],
  },
  {
    name: "an OME-TIFF that was renamed",
    files: { "new.ome.tif": member("other", ["old.ome.tif"]) },
    patterns: ["new.ome.tif"],
    places: ["new.ome.tif#- 0,0,0"],
    size: [7, 5, 1, 1, 1],
    notes: ['"new.ome.tif" calls itself "old.ome.tif": it was renamed, and counts as itself'],
  },
] as const;
for (const { name, files, patterns, places, size, ...rest } of cases) {
  Deno.test(`readImageStack() reads ${name}`, async () => {
    const { faults, faultKinds, notes = [], ...options } = rest as {
      faults?: readonly string[];
      faultKinds?: readonly string[];
      notes?: readonly string[];
      missing?: "fill";
      onError?: "fill";
      series?: number | string;
    };
    await using folder = await TestFolder.of(files as Record<string, Uint8Array>);
    const stack = await readImageStack(patterns.map((path) => `${folder.path}/${path}`), options);
    deepEqual(placesOf(stack), places);
    deepEqual(boxSize(stack.info.extent), size);
    const kinds = stack.faults.map(({ kind, path, z }) => `${kind} ${path} ${z ?? "-"}`);
    if (faultKinds === undefined) {
      deepEqual(stack.faults.map(({ reason }, at) => `${kinds[at]}: ${reason}`), faults ?? []);
    } else deepEqual(kinds, faultKinds);
    deepEqual(stack.notes, notes);
    equal(stack.info.hasChannels, size[3] > 1);
    equal(stack.info.hasTime, size[4] > 1);
  });
}

Deno.test("readImageStack() lists the series of a file if none is chosen", async () => {
  const description = ome([
    { name: "map", size: [1, 1, 1], planes: [{}] },
    { name: "scan", size: [1, 1, 1], planes: [{ ifd: 1 }] },
  ]);
  await using folder = await TestFolder.of({ "o.ome.tif": tiffOf(pages(2), { description }) });
  for (const series of [undefined, 2, "maps"]) {
    await rejects(readImageStack([folder.path], { series }), (error) => {
      ok(error instanceof UsageError);
      ok(/0 "map", 1 "scan"/.test(error.message), error.message);
      equal(/did you mean "map"\?$/.test(error.message), series === "maps");
      return true;
    });
  }
});

Deno.test("readImageStack() takes z from ImageJ's spacing and from OME", async () => {
  const spaced = tiffOf(pages(2), {
    description: hyperstack(2, 1, 2, 1, "unit=micron\nspacing=0.05\n"),
    perCentimetre: 200,
  });
  await using imageJ = await TestFolder.of({ "i.tif": spaced });
  deepEqual((await readImageStack([imageJ.path])).info.voxelSize, {
    x: 0.005,
    y: 0.005,
    z: 0.05,
    unit: "micrometer",
  });
  await using omeFile = await TestFolder.of({ "a.ome.tif": member("a.ome.tif", ["a.ome.tif"]) });
  deepEqual((await readImageStack([omeFile.path])).info.voxelSize, {
    x: 4,
    y: 4,
    z: 40,
    unit: "nanometer",
  });
});

Deno.test("readImageStack() sees that metadata name a page in vain", async () => {
  const description = ome([{ name: "one", size: [2, 1, 1], planes: [{}, { z: 1, ifd: 5 }] }]);
  await using folder = await TestFolder.of({ "o.ome.tif": tiffOf(pages(2), { description }) });
  const { faults } = await readImageStack([folder.path]);
  deepEqual(faults.map(({ kind, policy }) => [kind, policy]), [["truncated", "on-error"]]);
});
