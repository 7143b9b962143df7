import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { tiff } from "../../codecs/tiff.ts";
import { ImageError } from "../../core/errors.ts";
import { JPEG_FILES } from "./_jpeg_files.ts";
import { memorySource } from "./_png_reading.ts";
import { seeded } from "./_png_writer.ts";
import { makeTiff, type TestField, type TestPage, type TestTiff } from "./_tiff_writer.ts";

const PIXELS = Uint8Array.from({ length: 7 * 5 * 2 }, (_, i) => i * 31);
const PAGE: TestPage = { width: 7, height: 5, sampleBytes: 2, pixels: PIXELS, rowsPerStrip: 2 };

/** A good file, with the directory's offset and that of the field with this tag. */
function good(page: Partial<TestPage> = {}, kind: TestTiff = {}) {
  const file = makeTiff([{ ...PAGE, ...page }], kind);
  const view = new DataView(file.buffer);
  const ifd = view.getUint32(kind.big ? 8 : 4, true);
  const count = view.getUint16(ifd, true);
  const field = (tag: number) => {
    for (let at = ifd + 2; at < ifd + 2 + count * 12; at += 12) {
      if (view.getUint16(at, true) === tag) return at;
    }
    throw new Error(`there is no field ${tag}`);
  };
  return { file, view, ifd, next: ifd + 2 + count * 12, field };
}

function withField(...fields: TestField[]): Uint8Array {
  return good({ fields }).file;
}

function changed(change: (made: ReturnType<typeof good>) => void, page: Partial<TestPage> = {}) {
  const made = good(page);
  change(made);
  return made.file;
}

async function everyRow(file: Uint8Array, wholeBytes: number): Promise<void> {
  const source = memorySource(file);
  for (const { at, width, height, samples } of (await tiff.describe(source)).images) {
    await using reader = await tiff.open(source, at, { wholeBytes });
    await reader.readRows(0, height, new Uint8Array(width * height * samples * 2));
  }
}

const cases: readonly { name: string; file: Uint8Array; says: RegExp }[] = [
  { name: "an empty file", file: new Uint8Array(), says: /8 bytes or more.*has 0/ },
  { name: "another format", file: new Uint8Array(100).fill(65), says: /II or MM/ },
  { name: "an unknown version", file: changed(({ file }) => file[2] = 44), says: /version is 44/ },
  { name: "no directory", file: changed(({ view }) => view.setUint32(4, 0)), says: /no directory/ },
  {
    name: "a directory past the end",
    file: changed(({ view }) => view.setUint32(4, 99999, true)),
    says: /directory at byte 99999 ends at byte 100001 and the file has/,
  },
  {
    name: "a directory of too many fields",
    file: changed(({ view, ifd }) => view.setUint16(ifd, 60000, true)),
    says: /directory of 60000 fields/,
  },
  {
    name: "a BigTIFF with other offsets",
    file: (() => {
      const { file, view } = good({}, { big: true });
      view.setUint16(4, 4, true);
      return file;
    })(),
    says: /BigTIFF header/,
  },
  {
    name: "a chain that leads back",
    file: changed(({ view, ifd, next }) => view.setUint32(next, ifd, true)),
    says: /leads back/,
  },
  {
    name: "a chain that leads past the end",
    file: changed(({ view, next }) => view.setUint32(next, 50000, true)),
    says: /directory at byte 50000/,
  },
  {
    name: "a count that lies",
    file: changed(({ view, field }) => view.setUint32(field(273) + 4, 2 ** 31, true)),
    says: /field 273 of 2147483648 values/,
  },
  {
    name: "offsets of text",
    file: changed(({ view, field }) => view.setUint16(field(273) + 2, 2, true)),
    says: /field 273 has type 2/,
  },
  { name: "no width", file: good({ without: [256] }).file, says: /width is absent/ },
  { name: "no height", file: good({ without: [257] }).file, says: /height is absent/ },
  { name: "no offsets", file: good({ without: [273] }).file, says: /3 strips and lists 0/ },
  { name: "no counts", file: good({ without: [279] }).file, says: /3 strips and lists 0/ },
  { name: "a width of 0", file: withField([256, 4, [0]]), says: /width is 0/ },
  { name: "a height of 0", file: withField([257, 4, [0]]), says: /height is 0/ },
  {
    name: "rows that no strip holds",
    file: withField([257, 4, [2_000_000_000]]),
    says: /needs 1000000000 strips and lists 3/,
  },
  {
    name: "a width that no strip holds",
    file: withField([256, 4, [0x7fffffff]]),
    says: /strip 0 of 3 has 28 bytes and its pixels need 8589934588 or more/,
  },
  {
    name: "a bomb of deflate",
    file: good({ packing: "deflate", fields: [[256, 4, [0x7fffffff]]] }).file,
    says: /strip 0 of 3 has \d+ bytes and its pixels need \d+ or more/,
  },
  {
    name: "a strip past the end",
    file: withField([273, 4, [8, 36, 90000]]),
    says: /strip 2 of 3 ends at byte 90014 and the file has/,
  },
  {
    name: "a strip left empty",
    file: withField([279, 4, [28, 0, 14]]),
    says: /strip 1 of 3 is empty/,
  },
  {
    name: "tiles of no width",
    file: good({ tile: [16, 16], fields: [[322, 3, [0]]] }).file,
    says: /tile width is 0/,
  },
  { name: "12 bits", file: withField([258, 3, [12]]), says: /samples are uint12/ },
  { name: "float16", file: withField([339, 3, [3]]), says: /samples are float16, and uint8/ },
  { name: "complex numbers", file: withField([339, 3, [6]]), says: /format 6/ },
  {
    name: "float64",
    file: good({ sampleBytes: 8, pixels: new Uint8Array(280), fields: [[339, 3, [3]]] }).file,
    says: /float64/,
  },
  {
    name: "int64",
    file: good({ sampleBytes: 8, pixels: new Uint8Array(280), fields: [[339, 3, [2]]] }).file,
    says: /int64/,
  },
  {
    name: "samples that differ",
    file: good({
      samples: 3,
      sampleBytes: 1,
      pixels: new Uint8Array(105),
      fields: [[258, 3, [8, 8, 16]]],
    }).file,
    says: /samples differ: 8,8,16 bits/,
  },
  { name: "CCITT", file: withField([259, 3, [4]]), says: /CCITT Group 4 \(4\)/ },
  { name: "old-style JPEG", file: withField([259, 3, [6]]), says: /old-style JPEG \(6\)/ },
  { name: "JPEG 2000", file: withField([259, 3, [34712]]), says: /JPEG 2000 \(34712\)/ },
  { name: "an unknown compression", file: withField([259, 3, [9999]]), says: /unknown \(9999\)/ },
  { name: "FillOrder 2", file: withField([266, 3, [2]]), says: /FillOrder 2/ },
  {
    name: "a predictor without packing",
    file: withField([317, 3, [2]]),
    says: /names predictor 2/,
  },
  {
    name: "an unknown predictor",
    file: good({ packing: "lzw", fields: [[317, 3, [34892]]] }).file,
    says: /predictor is 34892 on 16-bit/,
  },
  {
    name: "predictor 3 on integers",
    file: good({ packing: "lzw", fields: [[317, 3, [3]]] }).file,
    says: /predictor is 3 on 16-bit samples of uint16/,
  },
  { name: "YCbCr that is not JPEG", file: withField([262, 3, [6]]), says: /YCbCr/ },
  {
    name: "JPEG of 16 bits",
    file: good({ packing: "jpeg", blocks: [JPEG_FILES.grey], rowsPerStrip: 5 }).file,
    says: /JPEG has 1 samples of 16 bits/,
  },
  {
    name: "only reduced copies",
    file: withField([254, 4, [1]]),
    says: /reduced copies or masks/,
  },
];

for (const { name, file, says } of cases) {
  Deno.test(`tiff refuses ${name} by name`, async () => {
    await rejects(tiff.describe(memorySource(file)), (error) => {
      ok(error instanceof ImageError, String(error));
      equal(error.kind, "broken");
      ok(says.test(error.message), error.message);
      ok(
        /^Cannot decode the TIFF as an image: [^;]+; [^;]+[^.]$/.test(error.message),
        error.message,
      );
      return true;
    });
  });
}

const spoiled: readonly { name: string; page: Partial<TestPage>; says: RegExp }[] = [
  {
    name: "LZW codes that stand for nothing",
    page: { packing: "lzw", blocks: [new Uint8Array([0x80, 0x3f, 0xff, 0xff, 0, 0])] },
    says: /strip 0 is not valid lzw \(an LZW code/,
  },
  {
    name: "LZW from before TIFF 5.0",
    page: { packing: "lzw", blocks: [new Uint8Array([0, 1, 2, 3, 4, 5])] },
    says: /as before TIFF 5.0/,
  },
  {
    name: "LZW that ends too soon",
    page: { packing: "lzw", blocks: [new Uint8Array([0x80, 0x18, 0x60, 0x40, 0x40])] },
    says: /strip 0 unpacks to \d+ bytes and needs 70/,
  },
  {
    name: "PackBits that end too soon",
    page: { packing: "packbits", blocks: [new Uint8Array([0xf0, 9, 3, 1, 2])] },
    says: /strip 0 unpacks to 19 bytes and needs 70/,
  },
  {
    name: "deflate that is none",
    page: { packing: "deflate", blocks: [new Uint8Array(30).fill(7)] },
    says: /strip 0 is not valid deflate \(/,
  },
  {
    name: "zstd that is none",
    page: { packing: "zstd", blocks: [new Uint8Array(30).fill(7)] },
    says: /strip 0 is not valid zstd \(/,
  },
  {
    name: "JPEG that is none",
    page: { sampleBytes: 1, packing: "jpeg", blocks: [new Uint8Array(30).fill(7)] },
    says: /strip 0 is not valid jpeg: /,
  },
  {
    name: "JPEG of another size",
    page: { sampleBytes: 1, packing: "jpeg", blocks: [JPEG_FILES.grey] },
    says: /strip 0 is not valid jpeg: it has 33 x 19 pixels of 1 samples/,
  },
];
for (const { name, page, says } of spoiled) {
  for (const wholeBytes of [0, 1 << 20]) {
    Deno.test(`tiff refuses ${name}, ${wholeBytes ? "whole" : "streamed"}`, async () => {
      const { file } = good({ rowsPerStrip: 5, ...page });
      await rejects(everyRow(file, wholeBytes), (error) => {
        ok(error instanceof ImageError && error.kind === "broken", String(error));
        ok(says.test(error.message), error.message);
        return true;
      });
    });
  }
}

Deno.test("tiff finds every truncation before a row is read", async () => {
  for (const packing of ["none", "lzw", "deflate", "packbits", "zstd"] as const) {
    for (const big of [false, true]) {
      const file = makeTiff([{ ...PAGE, packing }, { ...PAGE, packing }], { big });
      await everyRow(file, 0);
      // What lies behind the last directory and its values is filling.
      const used = file.length;
      for (let length = 0; length < used - 8; length += 3) {
        await rejects(
          tiff.describe(memorySource(file.slice(0, length))),
          (error) => error instanceof ImageError && error.kind === "broken",
        );
      }
    }
  }
});

Deno.test("tiff gives rows or a named error for any damage", async () => {
  const random = seeded(77);
  for (const packing of ["none", "lzw", "deflate", "packbits", "zstd"] as const) {
    const file = makeTiff([{ ...PAGE, packing, rowsPerStrip: 3 }]);
    for (let round = 0; round < 400; round++) {
      const spoilt = file.slice();
      for (let hits = 0; hits < 3; hits++) {
        spoilt[Math.floor(random() * spoilt.length)] = Math.floor(random() * 256);
      }
      const source = memorySource(spoilt);
      try {
        for (const { at, width, height, samples } of (await tiff.describe(source)).images) {
          // A field may say that samples are wider; more than a few MB is not worth the time.
          if (width * height * samples > 1e6) continue;
          await using reader = await tiff.open(source, at, { wholeBytes: round % 2 ? 1 << 20 : 0 });
          await reader.readRows(0, height, new Uint8Array(width * height * samples * 8));
        }
      } catch (error) {
        ok(error instanceof ImageError && error.kind === "broken", `${packing}: ${error}`);
      }
    }
  }
});

Deno.test("tiff tells its files from others by their first bytes", () => {
  const kinds = [
    { first: [0x49, 0x49, 42, 0], is: true },
    { first: [0x4d, 0x4d, 0, 42], is: true },
    { first: [0x49, 0x49, 43, 0], is: true },
    { first: [0x4d, 0x4d, 0, 43], is: true },
    { first: [0x4d, 0x4d, 42, 0], is: false },
    { first: [0x49, 0x49], is: false },
    { first: [], is: false },
  ];
  deepEqual(
    kinds.map(({ first }) => tiff.matches(Uint8Array.from(first))),
    kinds.map(({ is }) => is),
  );
});
