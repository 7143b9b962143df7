import { deepEqual, ok, rejects } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { type Dtype, viewBytes, VOXEL_BYTES } from "../../core/dtype.ts";
import { SluiceError } from "../../core/errors.ts";
import { gatherVoxels } from "../../core/gather_voxels.ts";
import { AXES, mapPoint, type Point } from "../../core/point.ts";
import { readChunked } from "../../plugins/chunked_array.ts";
import { type Hdf5Array, openHdf5Array, openHdf5Datasets } from "../../plugins/hdf5_array.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { withFolder } from "../_stack.ts";
import { python, runPython } from "./_python.ts";

type Entry =
  & { readonly label: string; readonly file: string; readonly path: string }
  & (
    | {
      /** Words of the error. */
      readonly refused: string;
    }
    | {
      readonly refused?: undefined;
      /** Holds the voxels in C order. */
      readonly bin: string;
      readonly dtype: Dtype;
      readonly shape: readonly number[];
      /** Slowest first. */
      readonly axes: string;
      /** Whether whoever opens it must say what the axes are. */
      readonly given: boolean;
    }
  );

/** Numbers from 0 to 1, the same in every run. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = Math.imul(state ^ state >>> 15, 0x2c1b3c6d) + 0x9e3779b9 | 0;
    return (Math.imul(state ^ state >>> 13, 0x297a2d39) >>> 0) / 2 ** 32;
  };
}

/** A box with some tens of thousands of voxels at most. */
function someBox(size: Point, random: () => number) {
  const most = size.map((length) => Math.min(length, Math.max(1, Math.round(random() * 47))));
  const sides = mapPoint(size, (_, axis) => Math.max(1, Math.round(random() * most[axis])));
  const min = mapPoint(size, (length, axis) => Math.floor(random() * (length - sides[axis] + 1)));
  return { min, max: mapPoint(min, (value, axis) => value + sides[axis]) };
}

/** The voxels of a box as h5py has them: in the order t, c, z, y, x. */
function expected(
  whole: Uint8Array,
  { dtype, axes, shape }: Extract<Entry, { dtype: Dtype }>,
  { min, max }: ReturnType<typeof someBox>,
): Uint8Array {
  const size = VOXEL_BYTES[dtype];
  const steps = AXES.map((axis) => {
    const at = axes.indexOf(axis);
    return at < 0 ? 0 : shape.slice(at + 1).reduce((product, side) => product * side, size);
  });
  const part = new Uint8Array(max.reduce((n, end, axis) => n * (end - min[axis]), size));
  let to = 0;
  for (let t = min[4]; t < max[4]; t++) {
    for (let c = min[3]; c < max[3]; c++) {
      for (let z = min[2]; z < max[2]; z++) {
        for (let y = min[1]; y < max[1]; y++) {
          for (let x = min[0]; x < max[0]; x++, to += size) {
            const from = x * steps[0] + y * steps[1] + z * steps[2] + c * steps[3] + t * steps[4];
            for (let i = 0; i < size; i++) part[to + i] = whole[from + i];
          }
        }
      }
    }
  }
  return part;
}

async function readBox(array: Hdf5Array, box: ReturnType<typeof someBox>, pool: WorkerPool) {
  return viewBytes(await gatherVoxels(readChunked(array, box, { pool, bandBytes: 1 << 16 })));
}

/** Each entry with its file, which is opened once. */
async function* opened<E extends Entry>(folder: string, entries: readonly E[]) {
  for (const [file, of] of Map.groupBy(entries, ({ file }) => file)) {
    using datasets = await openHdf5Datasets(`${folder}/${file}`);
    for (const entry of of) yield { entry, datasets };
  }
}

Deno.test({
  name: "openHdf5Array() reads what h5py writes, whatever the layout, index, filters and sizes",
  ignore: python === undefined,
  fn: (test) =>
    withFolder(async (folder) => {
      await runPython("hdf5_corpus.py", folder);
      const entries: Entry[] = JSON.parse(await Deno.readTextFile(`${folder}/manifest.json`));
      const readable = entries.filter((entry) => entry.refused === undefined);
      ok(readable.length > 1500, `only ${readable.length}`);
      const random = randomFrom(5);
      for (const threads of [0, 2]) {
        await test.step(`with ${threads} threads`, async () => {
          await using pool = new WorkerPool({ size: threads });
          for await (const { entry, datasets } of opened(folder, readable)) {
            // The threads read what is read without them.
            if (threads > 0 && random() < 0.8) continue;
            const array = await datasets.open({
              dataset: entry.path,
              ...(entry.given ? { axes: entry.axes } : {}),
            });
            const whole = await Deno.readFile(`${folder}/${entry.bin}`);
            deepEqual([array.dtype, array.axes.join("")], [entry.dtype, entry.axes], entry.label);
            const all = { min: mapPoint(array.size, () => 0), max: array.size };
            const corner = mapPoint(array.size, (length) => Math.max(0, length - 5));
            const boxes = Array.from({ length: 4 }, () => someBox(array.size, random));
            boxes.push(whole.length < 20_000 ? all : { min: corner, max: array.size });
            for (const box of boxes) {
              const found = await readBox(array, box, pool);
              const wanted = expected(whole, entry, box);
              ok(Buffer.compare(found, wanted) === 0, `${entry.label}: ${JSON.stringify(box)}`);
            }
          }
        });
      }
      await test.step("what is not read is refused by name", async () => {
        const refused = entries.filter((entry) => entry.refused !== undefined);
        ok(refused.length > 20, `only ${refused.length}`);
        for await (const { entry, datasets } of opened(folder, refused)) {
          await rejects(
            datasets.open({ dataset: entry.path }),
            (error) => error instanceof SluiceError && error.message.includes(entry.refused!),
            entry.label,
          );
        }
      });
      await test.step("a file larger than 4 GiB is read at its end", async () => {
        await using pool = new WorkerPool({ size: 0 });
        const array = await openHdf5Array(`${folder}/far.h5`, { dataset: "hole" });
        const min: Point = [1019, 1023, 1023, 5, 0];
        const voxels = await readBox(array, { min, max: [1024, 1024, 1024, 6, 1] }, pool);
        deepEqual([...voxels], [0, 0, 7, 8, 9]);
      });
      await test.step("voxel sizes are those of the attributes", async () => {
        const { voxelSize } = await openHdf5Array(`${folder}/kinds_latest.h5`, {
          dataset: "/many_attributes",
        });
        deepEqual(voxelSize, { x: 0.004, y: 0.004, z: 0.04, unit: "micrometer" });
      });
    }),
});
