import { deepEqual, equal, notEqual } from "node:assert/strict";
import { box } from "../../core/box.ts";
import { type Band, BandBuffers } from "../../core/slab.ts";
import { bandBoxes, readBands } from "../../pool/bands.ts";

/** Ten rows of 4 voxels, two rows a band, each voxel the number of its row. */
function rows(buffers: BandBuffers, hold: boolean): AsyncGenerator<Band> {
  return readBands({
    box: box([0, 0, 0], [4, 10, 1]),
    scale: 0,
    dtype: "uint8",
    rows: 2,
    bandBytes: 8,
    buffers,
    hold,
    fill: ({ min }, data) => {
      for (let i = 0; i < data.length; i++) data[i] = min[1] + (i >> 2);
      return Promise.resolve();
    },
  });
}

Deno.test("bands that are not held take turns in two buffers", async () => {
  const memory = new Set<ArrayBufferLike>();
  for await (const { data, release } of rows(new BandBuffers(), false)) {
    memory.add(data.buffer);
    equal(release, undefined);
  }
  equal(memory.size, 2);
});

Deno.test("a held band keeps its voxels until it is released, however many follow", async () => {
  const held: Band[] = [];
  for await (const band of rows(new BandBuffers(), true)) held.push(band);
  deepEqual(held.map(({ data }) => [data[0], data[7]]), [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]);
  equal(new Set(held.map(({ data }) => data.buffer)).size, 5);
});

Deno.test("a band that is released one behind makes three buffers go round", async () => {
  const memory = new Set<ArrayBufferLike>();
  let last: Band | undefined;
  for await (const band of rows(new BandBuffers(), true)) {
    memory.add(band.data.buffer);
    notEqual(band.data.buffer, last?.data.buffer);
    last?.release?.();
    last = band;
  }
  equal(memory.size, 3);
});

Deno.test("whoever leaves early gives back what is being read and what was not held", async () => {
  const buffers = new BandBuffers();
  let used: ArrayBufferLike | undefined;
  for await (const { data } of rows(buffers, false)) {
    used = data.buffer;
    break;
  }
  const again = [0, 1].map(() => buffers.take("uint8", box([0, 0, 0], [4, 2, 1])).buffer);
  equal(again.includes(used as SharedArrayBuffer), true);
});

Deno.test("bands begin at multiples of their rows, counted from where a crop begins", () => {
  const cut = { box: box([0, 3, 0], [4, 20, 1]), dtype: "uint8", rows: 4, bandBytes: 16 } as const;
  const starts = (rowsFrom?: number) =>
    [...bandBoxes({ ...cut, rowsFrom })].map(({ min, max }) => [min[1], max[1]]);
  deepEqual(starts(), [[3, 4], [4, 8], [8, 12], [12, 16], [16, 20]]);
  deepEqual(starts(3), [[3, 7], [7, 11], [11, 15], [15, 19], [19, 20]]);
  deepEqual(starts(1), [[3, 5], [5, 9], [9, 13], [13, 17], [17, 20]]);
});
