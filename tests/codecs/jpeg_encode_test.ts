import { equal, ok, throws } from "node:assert/strict";
import { jpeg } from "../../codecs/jpeg.ts";
import { encodeJpeg, type JpegImage } from "../../codecs/jpeg_encode.ts";
import { memorySource, readAll } from "./_png_reading.ts";
import { seeded } from "./_png_writer.ts";

function image(width: number, height: number, samples: 1 | 3, kind: "smooth" | "noise"): JpegImage {
  const random = seeded(width * height);
  const data = Uint8Array.from({ length: width * height * samples }, (_, i) => {
    const pixel = Math.floor(i / samples), x = pixel % width, y = Math.floor(pixel / width);
    return kind === "noise"
      ? random() * 256
      : 128 + 60 * Math.sin(x / 9 + i % samples) + 50 * Math.cos(y / 11);
  });
  return { width, height, samples, data };
}

async function decode(file: Uint8Array) {
  const source = memorySource(file);
  const { images: [header] } = await jpeg.describe(source);
  await using reader = await jpeg.open(source, {});
  return { header, data: await readAll(reader) };
}

function meanDistance(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / a.length;
}

function farthest(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}

const SIZES = [[7, 15], [1, 1], [8, 8], [33, 3], [1, 70], [129, 65]] as const;
for (const samples of [1, 3] as const) {
  for (const kind of ["smooth", "noise"] as const) {
    Deno.test(`encodeJpeg() writes ${kind} images of ${samples} samples that libjpeg-turbo reads`, async () => {
      for (const [width, height] of SIZES) {
        const source = image(width, height, samples, kind);
        for (const [quality, most] of [[100, 1.5], [90, 14], [30, 50]]) {
          const { header, data } = await decode(encodeJpeg({ ...source, quality }));
          equal(
            `${header.width} x ${header.height} x ${header.samples}`,
            `${width} x ${height} x ${samples}`,
          );
          const found = meanDistance(data, source.data);
          ok(
            found <= (kind === "smooth" ? most / 14 + 1 : most),
            `${width} x ${height}, ${quality}: ${found}`,
          );
        }
      }
    });
  }
}

Deno.test("encodeJpeg() makes smaller files of lower quality, the same ones each time, from shared memory too", () => {
  const source = image(64, 200, 3, "smooth");
  const shared = new Uint8Array(new SharedArrayBuffer(source.data.length + 1), 1);
  shared.set(source.data);
  let last = Infinity;
  for (const quality of [100, 85, 50, 25, 1]) {
    const file = encodeJpeg({ ...source, quality });
    ok(file.length < last, `${quality}: ${file.length}`);
    last = file.length;
    equal(encodeJpeg({ ...source, data: shared, quality }).toHex(), file.toHex());
    equal(file.length, file.buffer.byteLength);
  }
  equal(encodeJpeg(source).toHex(), encodeJpeg({ ...source, quality: 85 }).toHex());
});

Deno.test("encodeJpeg() makes more bytes than an image has where that must be", async () => {
  const source = image(512, 512, 1, "noise");
  const file = encodeJpeg({ ...source, quality: 100 });
  ok(file.length > 512 * 512);
  ok(farthest((await decode(file)).data, source.data) <= 4);
});

const misuses = [
  {
    name: "no rows",
    image: { ...image(7, 5, 1, "noise"), height: 0 },
    says: /height must be 1 to 65500/,
  },
  {
    name: "too wide a row",
    image: { ...image(7, 5, 1, "noise"), width: 65501 },
    says: /width must be 1 to 65500/,
  },
  {
    name: "too few samples",
    image: { ...image(7, 5, 1, "noise"), samples: 3 },
    says: /35 bytes as a JPEG .* it needs 105/,
  },
  {
    name: "quality 0",
    image: { ...image(7, 5, 1, "noise"), quality: 0 },
    says: /quality 0: qualities are 1 to 100/,
  },
  {
    name: "half a quality",
    image: { ...image(7, 5, 1, "noise"), quality: 1.5 },
    says: /quality 1.5/,
  },
] as const;
for (const { name, image, says } of misuses) {
  Deno.test(`encodeJpeg() refuses ${name}`, () => {
    throws(() => encodeJpeg(image), (error) => {
      ok(error instanceof RangeError && says.test(error.message), String(error));
      return true;
    });
  });
}
