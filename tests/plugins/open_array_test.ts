import { deepEqual, equal, rejects } from "node:assert/strict";
import { join } from "node:path";
import { openArray } from "../../plugins/open_array.ts";
import { withFolder } from "../_stack.ts";

const INFO = {
  type: "image",
  data_type: "uint8",
  num_channels: 1,
  scales: [{
    key: "s0",
    size: [7, 5, 3],
    chunk_sizes: [[4, 4, 4]],
    resolution: [4, 4, 40],
    encoding: "raw",
  }],
};
const ARRAY = {
  zarr_format: 2,
  shape: [3, 5, 7],
  chunks: [2, 2, 2],
  dtype: "|u1",
  compressor: null,
  fill_value: 0,
  filters: null,
  order: "C",
};
const DATASET = {
  dimensions: [7, 5, 3],
  blockSize: [2, 2, 2],
  dataType: "uint8",
  compression: { type: "raw" },
};

for (
  const [format, file, document] of [
    ["precomputed", "info", INFO],
    ["zarr", ".zarray", ARRAY],
    ["n5", "attributes.json", DATASET],
  ] as const
) {
  Deno.test(`openArray() tells ${format} by what lies there, and by its address`, () =>
    withFolder(async (folder) => {
      await Deno.writeTextFile(join(folder, file), JSON.stringify(document));
      for (const address of [folder, `${format}://${folder}`, `${format}://file://${folder}`]) {
        const volume = await openArray(address);
        equal(volume?.format, format, address);
        deepEqual(volume.scales[0].size, [7, 5, 3, 1, 1]);
      }
    }));
}

Deno.test("openArray() tells nothing of what is no volume", () =>
  withFolder(async (folder) => {
    equal(await openArray(folder), undefined);
    equal(await openArray(join(folder, "*.png")), undefined);
    equal(await openArray(join(folder, "section_<p:4>.tif")), undefined);
  }));

Deno.test("openArray() refuses what is neither a format nor a place, and an address with a password", async () => {
  await rejects(openArray("zar://x"), /neither a format nor a place; did you mean "zarr"\?/);
  await rejects(openArray("precomputed://https://me:secret@host/em"), (error: Error) => {
    equal(error.message.includes("secret"), false);
    return /leave them away/.test(error.message);
  });
  for (const behind of ["?X-Amz-Signature=secret", "#secret"]) {
    await rejects(openArray(`precomputed://https://host/em${behind}`), (error: Error) => {
      equal(error.message.includes("secret"), false);
      return /"precomputed:\/\/https:\/\/host\/em" with a query.*leave it away/.test(error.message);
    });
  }
});
