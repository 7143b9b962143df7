/** Volumes become volumes of another format, cut and not, whatever their extent, and hold the same voxels. */
import { deepEqual, equal } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { type Box, box, boxSize } from "../../core/box.ts";
import { copyBox } from "../../core/copy_box.ts";
import { type Dtype, viewBytes, viewVoxels, VOXEL_BYTES } from "../../core/dtype.ts";
import { gatherVoxels } from "../../core/gather_voxels.ts";
import { type Point, product } from "../../core/point.ts";
import { openLedger } from "../../ledgers/open_ledger.ts";
import { arraySource } from "../../plugins/array_source.ts";
import { makeSlab } from "../../pool/make_slab.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { openVolume } from "../../stores/volume.ts";
import { ingest, type IngestOptions } from "../../tasks/ingest.ts";
import { fc } from "../_fast_check.ts";
import { withFolder } from "../_stack.ts";

const FORMATS = ["0.5", "0.4", "precomputed"] as const;
const voxelSize = { x: 4, y: 4.5, z: 40, unit: "nanometer" } as const;

const side = (most: number) => fc.integer({ min: 1, max: most });
/** A form of a volume: its format, and how it is cut. */
const form = fc.record({
  format: fc.constantFrom(...FORMATS),
  chunk: fc.tuple(side(9), side(9), side(5)),
  sharded: fc.boolean(),
});
const trips = fc.record({
  dtype: fc.constantFrom(...Object.keys(VOXEL_BYTES) as Dtype[]),
  size: fc.tuple(side(40), side(40), side(9), side(2)),
  forms: fc.array(form, { minLength: 2, maxLength: 3 }),
  /** First voxel of the crop that each step takes, and what is left away at the far end. */
  cuts: fc.array(fc.tuple(side(3), side(3)), { minLength: 3, maxLength: 3 }),
  seed: fc.integer(),
});

function optionsOf(
  { format, chunk, sharded }: typeof form extends fc.Arbitrary<infer T> ? T : never,
): Partial<IngestOptions> {
  return {
    ...(format === "precomputed" ? { format } : { zarr: format }),
    chunk,
    shard: sharded && format !== "0.4" ? [chunk[0] * 2, chunk[1] * 2, chunk[2]] : "none",
    levels: 2,
  };
}

Deno.test("voxels survive any chain of formats, chunks, shards and crops", async () => {
  await using pool = new WorkerPool({ size: 0 });
  await fc.assert(
    fc.asyncProperty(
      trips,
      ({ dtype, size: [x, y, z, c], forms, cuts, seed }) =>
        withFolder(async (folder) => {
          const whole = box([0, 0, 0, 0, 0], [x, y, z, c, 1]);
          const all = viewVoxels(dtype, new Uint8Array(product(whole.max) * VOXEL_BYTES[dtype]));
          const bytes = viewBytes(all);
          let state = seed;
          for (let i = 0; i < bytes.length; i++) {
            state = Math.imul(state, 1664525) + 1013904223 | 0;
            // A NaN may lose its bits on the way through a mean.
            bytes[i] = dtype === "float32" && i % 4 === 3 ? 66 : state >>> 24;
          }
          const source = arraySource(
            { name: "it", size: [x, y, z, c], dtype, voxelSize },
            (part, voxels) => copyBox(all, whole, voxels, part, part),
          );
          let last: Parameters<typeof ingest>[0] = source;
          let kept = whole;
          for (const [i, form] of forms.entries()) {
            const [first, less] = cuts[i];
            const cut = cropOf(kept, first - 1, less - 1);
            await using ledger = await openLedger("memory:");
            const spans = {
              x: spanOf(cut, kept, 0),
              y: spanOf(cut, kept, 1),
              z: spanOf(cut, kept, 2),
            };
            const failures: string[] = [];
            const { created, status, verified } = await ingest(last, join(folder, `${i}`), {
              ...optionsOf(form),
              ...spans,
              kind: "image",
              // A volume of one section does not keep how thick that is.
              voxelSize,
              ledger,
              pool,
              onFailure: (error) => void failures.push(String(error)),
            });
            deepEqual([status.state, failures, verified?.faults], ["done", [], []]);
            kept = cut;
            last = [created.volume];
            await using volume = await openVolume(created.volume, { pool });
            const { size } = volume.layout.scales[0];
            deepEqual(size, boxSize(kept));
            const found = await gatherVoxels(await volume.read(box([0, 0, 0, 0, 0], size)));
            const expected = viewVoxels(dtype, new Uint8Array(product(size) * VOXEL_BYTES[dtype]));
            copyBox(all, whole, expected, kept, kept);
            equal(Buffer.compare(viewBytes(found), viewBytes(expected)), 0, JSON.stringify(form));
          }
        }),
    ),
    { numRuns: 40 },
  );
});

function cropOf({ min, max }: Box, first: number, less: number): Box {
  const cut = (axis: number) => {
    const from = Math.min(min[axis] + first, max[axis] - 1);
    return [from, Math.max(from + 1, max[axis] - less)];
  };
  const sides = [cut(0), cut(1), cut(2)];
  return {
    min: [sides[0][0], sides[1][0], sides[2][0], min[3], min[4]],
    max: [sides[0][1], sides[1][1], sides[2][1], max[3], max[4]],
  };
}

function spanOf(cut: Box, { min }: Box, axis: 0 | 1 | 2): readonly [number, number] {
  return [cut.min[axis] - min[axis], cut.max[axis] - min[axis]];
}

for (const first of [0, 1, 5]) {
  Deno.test(`a crop from row ${first} on that is read in many bands has the scales that it has in one`, () =>
    withFolder(async (folder) => {
      await using pool = new WorkerPool({ size: 0 });
      const size: Point = [13, 101, 3, 1, 1];
      const found: Uint8Array[][] = [];
      for (const bandBytes of [1, 1 << 20]) {
        const plain = arraySource(
          { name: "it", size: [13, 101, 3], dtype: "uint16", voxelSize },
          () => {},
        );
        const source = {
          ...plain,
          read: (of: Box) =>
            Promise.resolve(makeSlab({ box: of, dtype: "uint16", bandBytes }, (part, voxels) => {
              const [x, y] = boxSize(part);
              for (let i = 0; i < voxels.length; i++) {
                const row = part.min[1] + Math.floor(i / x) % y;
                voxels[i] = row * 601 + (part.min[0] + i % x) * 7 + Math.floor(i / x / y);
              }
            })),
        };
        await using ledger = await openLedger("memory:");
        const { created, verified } = await ingest(source, join(folder, `${bandBytes}`), {
          ledger,
          pool,
          chunk: [8, 8, 2],
          shard: [16, 16, 2],
          levels: 3,
          y: [first, size[1] - 2],
        });
        deepEqual(verified?.faults, []);
        await using volume = await openVolume(created.volume, { pool });
        found.push(
          await Promise.all(volume.layout.scales.map(async ({ size }, scale) => {
            const slab = await volume.read(box([0, 0, 0, 0, 0], size), { scale });
            return viewBytes(await gatherVoxels(slab));
          })),
        );
      }
      equal(found[0].length, 3);
      for (const [scale, bytes] of found[0].entries()) {
        equal(Buffer.compare(bytes, found[1][scale]), 0, `scale ${scale}`);
      }
    }));
}
