import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { jpeg } from "../../codecs/jpeg.ts";
import { ImageError } from "../../core/errors.ts";
import { drawn, JPEG_FILES } from "./_jpeg_files.ts";
import { memorySource, readAll, sameBytes } from "./_png_reading.ts";

const files = [
  { name: "grey", samples: 1 },
  { name: "greyProgressive", samples: 1 },
  { name: "colour", samples: 3 },
  { name: "colourProgressive", samples: 3 },
] as const;
for (const { name, samples } of files) {
  Deno.test(`jpeg decodes ${name}, whole and in any bands`, async () => {
    const source = memorySource(JPEG_FILES[name]);
    const { images, voxelSize } = await jpeg.describe(source);
    deepEqual(images, [{ width: 33, height: 19, samples, dtype: "uint8", rowGroup: 19, at: {} }]);
    equal(voxelSize, undefined);
    await using reader = await jpeg.open(source, images[0].at);
    const out = await readAll(reader);
    const wanted = drawn(samples);
    ok(out.every((value, i) => Math.abs(value - wanted[i]) < 12));
    for (const [first, end] of [[18, 19], [0, 1], [3, 17], [2, 9]]) {
      const band = new Uint8Array(new SharedArrayBuffer((end - first) * 33 * samples));
      await reader.readRows(first, end, band);
      ok(sameBytes(band, out.subarray(first * 33 * samples, end * 33 * samples)));
    }
  });
}

/** A JPEG with other bytes from `find` on, `skip` bytes after it. */
function changed(file: Uint8Array, find: number[], skip: number, ...bytes: number[]): Uint8Array {
  const copy = file.slice();
  const at = copy.findIndex((_, i) => find.every((byte, j) => copy[i + j] === byte));
  copy.set(bytes, at + skip);
  return copy;
}

const { grey, colour } = JPEG_FILES;
const FRAME = [0xff, 0xc0, 0];
const refused = [
  { name: "an empty file", file: new Uint8Array(), says: /start with the marker FF D8/ },
  { name: "another format", file: new Uint8Array(50).fill(9), says: /start with the marker FF D8/ },
  { name: "a file cut in its header", file: grey.slice(0, 60), says: /ends before its pixels/ },
  {
    name: "a file cut in its pixels",
    file: grey.slice(0, -40),
    says: /end marker FF D9 is absent/,
  },
  { name: "lossless coding", file: changed(grey, FRAME, 1, 0xc3), says: /lossless, and baseline/ },
  { name: "arithmetic coding", file: changed(grey, FRAME, 1, 0xc9), says: /arithmetic, and/ },
  { name: "12 bits", file: changed(grey, FRAME, 4, 12), says: /12 bits, and 8/ },
  { name: "CMYK", file: changed(grey, FRAME, 9, 4), says: /CMYK/ },
  { name: "two samples", file: changed(grey, FRAME, 9, 2), says: /2 samples a pixel/ },
  { name: "no height", file: changed(grey, FRAME, 5, 0, 0), says: /size is 33 x 0/ },
  {
    name: "more pixels than are decoded",
    file: changed(grey, FRAME, 5, 0xff, 0xff, 0xff, 0xff),
    says: /65535 x 65535 pixels take 4294836225 bytes/,
  },
  {
    name: "no marker where one must be",
    file: changed(grey, [0xff, 0xdb], 0, 0),
    says: /no marker at byte 20/,
  },
];
for (const { name, file, says } of refused) {
  Deno.test(`jpeg refuses ${name} by name`, async () => {
    await rejects(jpeg.describe(memorySource(file)), (error) => {
      ok(error instanceof ImageError && error.kind === "broken", String(error));
      ok(says.test(error.message), error.message);
      ok(/^Cannot decode the JPEG as an image: [^;]+; [^;]+[^.]$/.test(error.message));
      return true;
    });
  });
}

Deno.test("jpeg refuses damaged pixels, and decodes the next image all the same", async () => {
  const damaged = colour.slice();
  damaged.fill(0x55, damaged.length - 300, damaged.length - 100);
  damaged[damaged.length - 200] = 0xff;
  damaged[damaged.length - 199] = 0xd3;
  await using broken = await jpeg.open(memorySource(damaged), {});
  await rejects(readAll(broken), (error) => {
    ok(error instanceof ImageError && error.kind === "broken", String(error));
    ok(/truncated or damaged/.test(error.message), error.message);
    return true;
  });
  await using reader = await jpeg.open(memorySource(colour), {});
  equal((await readAll(reader)).length, 33 * 19 * 3);
});

Deno.test("jpeg takes dots a centimetre for a voxel size, but for those of printers", async () => {
  const density = (unit: number, x: number) =>
    changed(grey, [0x4a, 0x46, 0x49, 0x46], 7, unit, x >> 8, x & 255, x >> 8, x & 255);
  const cases = [
    { file: density(2, 20_000), is: { x: 500, y: 500, unit: "nanometer" } },
    { file: density(2, 2500), is: { x: 4, y: 4, unit: "micrometer" } },
    { file: density(2, 28), is: undefined },
    { file: density(2, 118), is: undefined },
    { file: density(1, 20_000), is: undefined },
    { file: density(0, 1), is: undefined },
  ];
  for (const { file, is } of cases) {
    deepEqual((await jpeg.describe(memorySource(file))).voxelSize, is);
  }
});

Deno.test("jpeg finds the frame behind long profiles and reads little to do so", async () => {
  const filling = Array.from(
    { length: 3 },
    () => [0xff, 0xe2, 0xff, 0xff, ...Array(65533).fill(1)],
  );
  const file = Uint8Array.from([...grey.subarray(0, 2), ...filling.flat(), ...grey.subarray(2)]);
  const source = memorySource(file);
  equal((await jpeg.describe(source)).images[0].width, 33);
  const long = memorySource(
    Uint8Array.from([...grey.subarray(0, -2), ...Array(50_000).fill(1), 0xff, 0xd9]),
  );
  await jpeg.describe(long);
  ok(long.reads.reduce((sum, length) => sum + length) < 9000);
});

Deno.test("jpeg decodes the same pixels with no permission at all", async () => {
  const program = `
    import { jpeg } from ${JSON.stringify(new URL("../../codecs/jpeg.ts", import.meta.url).href)};
    const bytes = Uint8Array.fromHex("${grey.toHex()}");
    const source = {
      size: bytes.length,
      read: (offset, into) => Promise.resolve(void into.set(bytes.subarray(offset, offset + into.length))),
    };
    const reader = await jpeg.open(source, {});
    const out = new Uint8Array(33 * 19);
    await reader.readRows(0, 19, out);
    console.log(out.toHex());
  `;
  const path = await Deno.makeTempFile({ suffix: ".js" });
  try {
    await Deno.writeTextFile(path, program);
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--no-check", path],
    }).output();
    ok(success, new TextDecoder().decode(stderr));
    await using reader = await jpeg.open(memorySource(grey), {});
    equal(new TextDecoder().decode(stdout).trim(), (await readAll(reader)).toHex());
  } finally {
    await Deno.remove(path);
  }
});
