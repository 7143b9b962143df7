import { deepEqual, equal } from "node:assert/strict";
import { describe, HEIGHT, page, places, refuses, sizes, stack, WIDTH } from "./_tiff_stacks.ts";
import { makeTiff, type TestPage } from "./_tiff_writer.ts";

function ome(pixels: string, inside: string, root = "", more = ""): string {
  return `<?xml version="1.0" encoding="UTF-8"?><!-- a comment --><OME ` +
    `xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" ${root}>` +
    `<Image ID="Image:0" Name="cells &amp; more"><Pixels ID="Pixels:0" Type="uint16" SizeX="7" ` +
    `SizeY="5" ${pixels}>${inside}</Pixels></Image>${more}</OME>`;
}

const ORDERS = ["XYZCT", "XYZTC", "XYCZT", "XYCTZ", "XYTZC", "XYTCZ"];
for (const order of ORDERS) {
  Deno.test(`tiff places OME planes in the order ${order}`, async () => {
    const text = ome(`DimensionOrder="${order}" SizeZ="2" SizeC="3" SizeT="4"`, "<TiffData/>");
    const file = await describe(stack(24, text));
    deepEqual(sizes(file), [2, 3, 4]);
    equal(file.series![0].name, "cells & more");
    const count = { Z: 2, C: 3, T: 4 };
    const steps = { Z: 1, C: 1, T: 1 };
    let step = 1;
    for (const axis of order.slice(2) as Iterable<"Z" | "C" | "T">) {
      steps[axis] = step;
      step *= count[axis];
    }
    const expected = Array.from({ length: 24 }, (_, i) => {
      const at = (axis: "Z" | "C" | "T") => Math.floor(i / steps[axis]) % count[axis];
      return `${i}: z${at("Z")} c${at("C")} t${at("T")}`;
    });
    deepEqual(places(file), expected);
  });
}

const SIZES = 'DimensionOrder="XYZCT" SizeZ="3" SizeC="2" SizeT="1"';
const tiffData = [
  {
    name: "one element a plane",
    inside: [0, 1, 2].map((z) => `<TiffData FirstZ="${z}" FirstC="1" IFD="${2 - z}"/>`).join(""),
    is: ["2: z0 c1 t0", "1: z1 c1 t0", "0: z2 c1 t0"],
  },
  {
    name: "runs of planes",
    inside: '<TiffData IFD="1" PlaneCount="2"/><TiffData FirstZ="2" FirstC="1" IFD="0"/>',
    is: ["1: z0 c0 t0", "2: z1 c0 t0", "0: z2 c1 t0"],
  },
  {
    name: "a run without a count from a place on",
    inside: '<TiffData FirstC="1"/>',
    is: ["0: z0 c1 t0", "1: z1 c1 t0", "2: z2 c1 t0"],
  },
  {
    name: "the older word for the count",
    inside: '<TiffData NumPlanes="2"/>',
    is: ["0: z0 c0 t0", "1: z1 c0 t0"],
  },
  {
    name: "planes in other files",
    root: 'UUID="urn:uuid:me"',
    inside:
      '<TiffData IFD="0" PlaneCount="3"><UUID FileName="a.ome.tif">urn:uuid:me</UUID></TiffData>' +
      '<TiffData FirstC="1" IFD="4" PlaneCount="2"><UUID FileName="b.ome.tif">urn:uuid:you</UUID></TiffData>',
    is: [
      "0: z0 c0 t0",
      "1: z1 c0 t0",
      "2: z2 c0 t0",
      "4: z0 c1 t0 in b.ome.tif",
      "5: z1 c1 t0 in b.ome.tif",
    ],
  },
  {
    name: "a file that does not say who it is",
    inside: '<TiffData IFD="0"><UUID FileName="a.ome.tif">urn:uuid:me</UUID></TiffData>',
    is: ["0: z0 c0 t0 in a.ome.tif"],
  },
  {
    name: "more images than there are",
    inside: '<TiffData IFD="2" PlaneCount="3"/>',
    is: ["2: z0 c0 t0", "3: z1 c0 t0", "4: z2 c0 t0"],
  },
];
for (const { name, inside, is, root } of tiffData) {
  Deno.test(`tiff reads OME's ${name}`, async () => {
    deepEqual(places(await describe(stack(3, ome(SIZES, inside, root)))), is);
  });
}

Deno.test("tiff reads several OME series, and namespaces with a prefix", async () => {
  const second =
    '<Image ID="Image:1"><Pixels DimensionOrder="XYZCT" SizeX="7" SizeY="5" SizeZ="1" ' +
    'SizeC="1" SizeT="2"><TiffData IFD="6" PlaneCount="2"/></Pixels></Image>' +
    '<Image ID="Image:2"><Pixels DimensionOrder="XYZCT" SizeX="9" SizeY="9" SizeZ="1" SizeC="1" ' +
    'SizeT="1"><MetadataOnly/></Pixels></Image>';
  const text = ome(SIZES, '<TiffData IFD="0" PlaneCount="6"/>', "", second);
  for (const spelling of [text, text.replaceAll(/<(\/?)([A-Z])/g, "<$1o:$2")]) {
    const file = await describe(stack(8, spelling));
    deepEqual(file.series!.map(({ name }) => name), ["cells & more", "Image:1"]);
    deepEqual(places(file, 1), ["6: z0 c0 t0", "7: z0 c0 t1"]);
  }
});

Deno.test("tiff checks each OME series against pages of its own", async () => {
  const second =
    '<Image ID="Image:1"><Pixels DimensionOrder="XYZCT" SizeX="5" SizeY="4" SizeZ="1" ' +
    'SizeC="3" SizeT="1"><TiffData IFD="1" PlaneCount="1"/></Pixels></Image>';
  const text = ome(SIZES, '<TiffData IFD="0"/>', "", second);
  const rgb = { width: 5, height: 4, sampleBytes: 1, samples: 3, pixels: new Uint8Array(60) };
  const file = await describe(makeTiff([page(0, [270, 2, text]), rgb]));
  deepEqual([sizes(file, 0), sizes(file, 1)], [[3, 2, 1], [1, 1, 1]]);
  deepEqual(places(file, 1), ["1: z0 c0 t0"]);
});

Deno.test("tiff counts an OME channel of three samples once", async () => {
  const rgb: TestPage = {
    ...page(0),
    sampleBytes: 1,
    samples: 3,
    pixels: new Uint8Array(WIDTH * HEIGHT * 3),
  };
  const counts = 'DimensionOrder="XYCZT" SizeZ="2" SizeC="3" SizeT="1"';
  for (const channel of ['<Channel ID="Channel:0" SamplesPerPixel="3"/>', ""]) {
    const text = ome(counts, `${channel}<TiffData/>`);
    const file = await describe(makeTiff([{ ...rgb, fields: [[270, 2, text]] }, rgb]));
    deepEqual(sizes(file), [2, 1, 1]);
    deepEqual(places(file), ["0: z0 c0 t0", "1: z1 c0 t0"]);
  }
});

const physical = [
  {
    attributes: 'PhysicalSizeX="0.5" PhysicalSizeY="0.25"',
    is: { x: 0.5, y: 0.25, unit: "micrometer" },
  },
  {
    attributes:
      'PhysicalSizeX="4" PhysicalSizeXUnit="nm" PhysicalSizeY="4" PhysicalSizeYUnit="nm" PhysicalSizeZ="0.05"',
    is: { x: 4, y: 4, z: 50, unit: "nanometer" },
  },
  {
    attributes:
      'PhysicalSizeX="1" PhysicalSizeXUnit="pixel" PhysicalSizeY="1" PhysicalSizeYUnit="pixel"',
    is: undefined,
  },
  { attributes: 'PhysicalSizeX="0" PhysicalSizeY="0"', is: undefined },
] as const;
for (const { attributes, is } of physical) {
  Deno.test(`tiff reads OME's ${attributes}`, async () => {
    const file = await describe(stack(6, ome(`${SIZES} ${attributes}`, "<TiffData/>")));
    deepEqual([file.voxelSize, file.series![0].voxelSize], [is, is]);
  });
}

Deno.test("tiff counts OME's directories, not the images that are left", async () => {
  const text = ome(SIZES, '<TiffData IFD="2"/>');
  const pages = [page(0, [270, 2, text]), page(1, [254, 4, [1]]), page(2)];
  deepEqual(places(await describe(makeTiff(pages))), ["1: z0 c0 t0"]);
  const reduced = ome(SIZES, '<TiffData IFD="1"/>');
  await refuses(makeTiff([page(0, [270, 2, reduced]), pages[1]]), /directory 1, a reduced copy/);
});

Deno.test("tiff leaves pages as they are where OME's metadata lies in another file", async () => {
  const text =
    '<OME xmlns="x"><BinaryOnly MetadataFile="set.companion.ome" UUID="urn:uuid:1"/></OME>';
  const file = await describe(stack(3, text));
  deepEqual([file.images.length, file.series], [3, undefined]);
});

const bomb = "<!DOCTYPE OME [" +
  Array.from({ length: 9 }, (_, i) => `<!ENTITY e${i + 1} "${`&e${i};`.repeat(10)}">`).join("") +
  "]>";
const wrong = [
  { name: "XML that is cut", text: ome(SIZES, "<TiffData>"), says: /not well-formed/ },
  {
    name: "entities that grow",
    text: ome(SIZES, "<TiffData/>&e9;").replace("<OME", `${bomb}<OME`),
    says: /not well-formed/,
  },
  {
    name: "entities from outside",
    text: ome(SIZES, "<TiffData/>&x;").replace(
      "<OME",
      '<!DOCTYPE OME [<!ENTITY x SYSTEM "file:///etc/passwd">]><OME',
    ),
    says: /not well-formed/,
  },
  { name: "a size of 0", text: ome(SIZES.replace('"3"', '"0"'), ""), says: /SizeZ "0" in Pixels/ },
  { name: "a size of words", text: ome(SIZES.replace('"3"', '"many"'), ""), says: /SizeZ "many"/ },
  {
    name: "more planes than places",
    text: ome(SIZES, '<TiffData IFD="0" PlaneCount="7"/>'),
    says: /7 planes for 6 places/,
  },
  { name: "a plane out of place", text: ome(SIZES, '<TiffData FirstZ="3"/>'), says: /z 3 of 3/ },
  {
    name: "more planes than anyone has",
    text: ome(SIZES.replace('"3"', '"99999999"'), "<TiffData/>"),
    says: /names 199999998 planes|names \d{9} planes/,
  },
  { name: "an unknown order", text: ome(SIZES.replace("XYZCT", "XYZZZ"), ""), says: /"XYZZZ"/ },
  {
    name: "pixels of another size",
    text: ome(SIZES, "<TiffData/>").replace('SizeX="7"', 'SizeX="8"'),
    says: /says 8 x 5 pixels and it has 7 x 5/,
  },
];
for (const { name, text, says } of wrong) {
  Deno.test(`tiff refuses OME-XML with ${name}`, () => refuses(stack(6, text), says));
}
