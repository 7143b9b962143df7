import { deepEqual, ok, rejects } from "node:assert/strict";
import { deflateSync } from "node:zlib";
import { png } from "../../codecs/png.ts";
import { ImageError } from "../../core/errors.ts";
import { decode, memorySource } from "./_png_reading.ts";
import {
  chunk,
  expectedBytes,
  ihdr,
  join,
  makePng,
  makeSamples,
  rawRows,
  SIGNATURE,
  type TestPng,
  wrapPng,
} from "./_png_writer.ts";

const WAYS = [{ way: "whole", wholeBytes: 1 << 30 }, { way: "streamed", wholeBytes: 0 }] as const;

const small: TestPng = {
  colour: 0,
  bitDepth: 8,
  width: 7,
  height: 5,
  filter: (row) => row % 5,
  idatBytes: 20,
};
const smallSamples = makeSamples(small);
const smallFile = makePng(small, smallSamples);

Deno.test("png.describe() and readRows() refuse a file cut at any byte", async () => {
  for (let length = 0; length < smallFile.length; length++) {
    const cut = smallFile.subarray(0, length);
    await rejects(png.describe(memorySource(cut)), isBroken, `describe, ${length} bytes`);
    // Up to the last IDAT chunk with its CRC, the pixels are not there either.
    if (length >= smallFile.length - 12) continue;
    for (const { wholeBytes } of WAYS) {
      await rejects(decode(cut, wholeBytes), isBroken, `readRows, ${length} bytes`);
    }
  }
});

Deno.test("png never gives wrong pixels for a file with one byte changed", async () => {
  const expected = expectedBytes(small, smallSamples);
  let refused = 0;
  for (let at = 0; at < smallFile.length; at++) {
    for (const flip of [1, 0x20, 255]) {
      const changed = smallFile.slice();
      changed[at] ^= flip;
      for (const { way, wholeBytes } of WAYS) {
        try {
          deepEqual(await decode(changed, wholeBytes), expected, `byte ${at} ^ ${flip}, ${way}`);
        } catch (error) {
          ok(isBroken(error), `byte ${at} ^ ${flip}, ${way}: ${error}`);
          refused++;
        }
      }
    }
  }
  ok(refused >= (smallFile.length - 12) * 6 * 0.9, `only ${refused} were refused`);
});

const raw = rawRows(small, smallSamples);
const packed = deflateSync(raw);
const wrongSum = packed.with(packed.length - 1, packed[packed.length - 1] ^ 1);
const wrongData = packed.with(0, 0);
const pixel: TestPng = { colour: 0, bitDepth: 8, width: 1, height: 1 };
const badFilter = raw.with(8 * 2, 9);
const file = (...chunks: Uint8Array[]) => join(SIGNATURE, ...chunks, chunk("IEND", []));
const idat = chunk("IDAT", deflateSync(new Uint8Array([0, 0])));
const indexed: TestPng = { colour: 3, bitDepth: 8, width: 1, height: 1 };
const bad: readonly { name: string; bytes: Uint8Array; says: RegExp; late?: true }[] = [
  { name: "an empty file", bytes: new Uint8Array(0), says: /file is empty \(0 bytes\)/ },
  {
    name: "a JPEG",
    bytes: new Uint8Array([255, 216, 255, 224, 0, 16]),
    says: /not a PNG, as it starts with ff d8/,
  },
  { name: "a text-mode transfer", bytes: smallFile.slice().fill(10, 4, 5), says: /binary mode/ },
  { name: "nothing but a signature", bytes: SIGNATURE, says: /truncated/ },
  {
    name: "a hole where a chunk should be",
    bytes: smallFile.slice().fill(0, 33),
    says: /byte 33.*there is none/,
  },
  {
    name: "another first chunk",
    bytes: file(chunk("CgBI", [0, 0, 0, 0]), ihdr(small)),
    says: /first chunk is "CgBI"/,
  },
  { name: "a zero width", bytes: file(ihdr({ ...pixel, width: 0 }), idat), says: /width is 0/ },
  { name: "a zero height", bytes: file(ihdr({ ...pixel, height: 0 }), idat), says: /height is 0/ },
  {
    name: "a huge height",
    bytes: file(ihdr({ ...pixel, height: 2 ** 31 }), idat),
    says: /height is 2147483648/,
  },
  {
    name: "RGB of 4 bits",
    bytes: file(ihdr({ ...pixel, colour: 2, bitDepth: 4 }), idat),
    says: /colour type 2 with a bit depth of 4/,
  },
  {
    name: "an unknown colour type",
    bytes: file(ihdr({ ...pixel, colour: 5 as 6 }), idat),
    says: /colour type 5/,
  },
  {
    name: "an unknown compression",
    bytes: file(ihdr(pixel, [1, 0]), idat),
    says: /compression method 1/,
  },
  {
    name: "an unknown filter method",
    bytes: file(ihdr(pixel, [0, 64]), idat),
    says: /filter method 64/,
  },
  { name: "no image data", bytes: file(ihdr(pixel)), says: /no image data/ },
  {
    name: "an unknown critical chunk",
    bytes: file(ihdr(pixel), chunk("FOOB", []), idat),
    says: /"FOOB".*may not be skipped/,
  },
  {
    name: "a palette image with no palette",
    bytes: file(ihdr(indexed), idat),
    says: /without a palette/,
  },
  {
    name: "a palette of 4 bytes",
    bytes: file(ihdr(indexed), chunk("PLTE", [1, 2, 3, 4]), idat),
    says: /has 4 bytes, not three a colour/,
  },
  {
    name: "a palette of 300 colours",
    bytes: file(ihdr(indexed), chunk("PLTE", new Uint8Array(900)), idat),
    says: /900 bytes, not at most 768/,
  },
  {
    name: "more transparencies than colours",
    bytes: file(ihdr(indexed), chunk("PLTE", [1, 2, 3]), chunk("tRNS", [1, 2]), idat),
    says: /2 transparencies.*1 colours/,
  },
  {
    name: "a header with a wrong CRC",
    bytes: smallFile.slice().fill(0, 19, 20),
    says: /"IHDR" at byte 8 does not match its CRC/,
  },
  {
    name: "a palette with a wrong CRC",
    bytes: file(ihdr(indexed), chunk("PLTE", [1, 2, 3], 1), idat),
    says: /"PLTE".*CRC/,
  },
  {
    name: "a pixel size with a wrong CRC",
    bytes: file(ihdr(pixel), chunk("pHYs", new Uint8Array(9), 1), idat),
    says: /"pHYs".*CRC/,
  },
  {
    name: "more pixels than the file can hold",
    bytes: file(ihdr({ ...pixel, width: 9999, height: 9999 }), idat),
    says: /99990000 bytes, more than the \d+ bytes/,
  },
  {
    name: "IDAT with a wrong CRC",
    bytes: smallFile.slice().fill(0, 50, 51),
    says: /"IDAT" at byte 33 does not match its CRC/,
    late: true,
  },
  {
    name: "a palette index too high",
    bytes: file(
      ihdr(indexed),
      chunk("PLTE", [1, 2, 3]),
      chunk("IDAT", deflateSync(new Uint8Array([0, 1]))),
    ),
    says: /colour 1 of a palette of 1/,
    late: true,
  },
  {
    name: "wrong compressed data",
    bytes: wrapPng(small, wrongData),
    says: /data are damaged \(incorrect header check\)/,
    late: true,
  },
  {
    name: "a wrong checksum of all data",
    bytes: wrapPng(small, wrongSum),
    says: /data are damaged \(incorrect data check\)/,
    late: true,
  },
  {
    name: "data without their checksum",
    bytes: wrapPng(small, packed.slice(0, -4)),
    says: /damaged \(unexpected end of file\)/,
    late: true,
  },
  {
    name: "too little data",
    bytes: wrapPng(small, deflateSync(raw.slice(0, -3))),
    says: /end after 37 of the 40 bytes/,
    late: true,
  },
  {
    name: "too much data",
    bytes: wrapPng(small, deflateSync(join(raw, raw))),
    says: /more than the 40 bytes of 7 x 5 pixels/,
    late: true,
  },
  {
    name: "one byte too much",
    bytes: wrapPng(small, deflateSync(join(raw, raw.slice(0, 1)))),
    says: /more than the 40 bytes/,
    late: true,
  },
  {
    name: "no data in IDAT",
    bytes: file(ihdr(small), chunk("IDAT", [])),
    says: /damaged|end after 0 of|more than the \d+ bytes/,
    late: true,
  },
  {
    name: "an unknown row filter",
    bytes: wrapPng(small, deflateSync(badFilter)),
    says: /row 2 has filter type 9/,
    late: true,
  },
];
for (const { name, bytes, says, late = false } of bad) {
  Deno.test(`png refuses ${name}`, async () => {
    const refused = (error: unknown) => isBroken(error) && says.test(error.message);
    if (!late) await rejects(png.describe(memorySource(bytes)), refused);
    for (const { wholeBytes } of WAYS) await rejects(decode(bytes, wholeBytes), refused);
  });
}

Deno.test("png names a bad row of an interlaced image, whole and streamed", async () => {
  const image: TestPng = { colour: 0, bitDepth: 8, width: 9, height: 9, interlaced: true };
  const data = rawRows(image, makeSamples(image));
  data[data.length - 10] = 5;
  for (const { wholeBytes } of WAYS) {
    await rejects(decode(wrapPng(image, deflateSync(data)), wholeBytes), /row 7 has filter type 5/);
  }
});

function isBroken(error: unknown): error is ImageError {
  return error instanceof ImageError && error.kind === "broken" &&
    /^Cannot decode the PNG as an image: .+; .+[^.]$/.test(error.message);
}
