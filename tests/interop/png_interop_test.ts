import { deepEqual, equal, ok } from "node:assert/strict";
import { png } from "../../codecs/png.ts";
import { encodePng, type PngImage } from "../../codecs/png_encode.ts";
import { diskSource } from "../codecs/_png_reading.ts";
import { seeded } from "../codecs/_png_writer.ts";
import { withFolder } from "../_stack.ts";
import { python, runPython } from "./_python.ts";

interface Entry {
  readonly name: string;
  readonly file: string;
  readonly pixels: string;
  readonly width: number;
  readonly height: number;
  readonly samples: 1 | 2 | 3 | 4;
  readonly dtype: "uint8" | "uint16";
}

Deno.test({
  name: "png decodes every pixel of every kind of PNG that Pillow, pypng and libpng write",
  ignore: python === undefined,
  fn: () =>
    withFolder(async (folder) => {
      await runPython("png_corpus.py", "write", folder);
      const entries: Entry[] = JSON.parse(await Deno.readTextFile(`${folder}/manifest.json`));
      ok(entries.length > 1600, `only ${entries.length}`);
      for (const { name, file, pixels, width, height, samples, dtype } of entries) {
        await using source = diskSource(`${folder}/${file}`);
        const described = await png.describe(source);
        const header = { width, height, samples, dtype, rowGroup: height, at: {} };
        deepEqual(described.images, [header], name);
        if (name.includes("4 nm")) {
          deepEqual(described.voxelSize, { x: 4, y: 4, unit: "nanometer" });
        }
        const expected = await Deno.readFile(`${folder}/${pixels}`);
        for (const wholeBytes of [0, 1 << 30]) {
          await using reader = await png.open(source, {}, { wholeBytes });
          const out = new Uint8Array(expected.length);
          const half = height >> 1, halfBytes = half * expected.length / height;
          await reader.readRows(0, half, out.subarray(0, halfBytes));
          await reader.readRows(half, height, out.subarray(halfBytes));
          ok(out.every((byte, i) => byte === expected[i]), `${name}, wholeBytes ${wholeBytes}`);
        }
      }
    }),
});

Deno.test({
  name: "encodePng() writes what Pillow and libpng read",
  ignore: python === undefined,
  fn: () =>
    withFolder(async (folder) => {
      const random = seeded(11);
      const entries: (Entry & { readonly perMetre?: readonly number[] })[] = [];
      for (const [width, height] of [[7, 5], [1, 1], [33, 3], [130, 67]]) {
        for (const dtype of ["uint8", "uint16"] as const) {
          for (const samples of [1, 2, 3, 4] as const) {
            for (const level of [0, 1, 6, 9]) {
              const length = width * height * samples * (dtype === "uint16" ? 2 : 1);
              const flat = level === 6 && samples % 2 === 0;
              const data = Uint8Array.from({ length }, (_, i) =>
                flat ? i >> 6 : i / 9 + random() * 40);
              const image: PngImage = { width, height, samples, dtype, data, level };
              const pixelSize = { x: 4, y: 8, unit: "nanometer" } as const;
              const name = `${entries.length}`;
              await Deno.writeFile(`${folder}/${name}.png`, encodePng({ ...image, pixelSize }));
              await Deno.writeFile(`${folder}/${name}.bin`, data);
              entries.push({
                name,
                file: `${name}.png`,
                pixels: `${name}.bin`,
                width,
                height,
                samples,
                dtype,
                perMetre: [250_000_000, 125_000_000],
              });
            }
          }
        }
      }
      await Deno.writeTextFile(`${folder}/manifest.json`, JSON.stringify(entries));
      equal(await runPython("png_corpus.py", "check", folder), `${entries.length}`);
    }),
});
