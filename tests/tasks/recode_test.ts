/** Chunks that go from stored bytes to stored bytes: what is written is what goes by way of bands, to the byte. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join, relative } from "node:path";
import { box } from "../../core/box.ts";
import { type Dtype, viewBytes, VOXEL_BYTES } from "../../core/dtype.ts";
import { gatherVoxels } from "../../core/gather_voxels.ts";
import { openLedger } from "../../ledgers/open_ledger.ts";
import { arraySource } from "../../plugins/array_source.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { mapBands } from "../../stages/map_bands.ts";
import { openVolume } from "../../stores/volume.ts";
import { ingest, type IngestOptions } from "../../tasks/ingest.ts";
import { fc } from "../_fast_check.ts";
import { withFolder } from "../_stack.ts";

const voxelSize = { x: 4, y: 4, z: 40, unit: "nanometer" } as const;
const QUIET = { kind: "image", voxelSize, levels: 1 } as const;

/** A pool in this thread that counts its jobs. */
class CountingPool extends WorkerPool {
  readonly jobs: Record<string, number> = {};

  constructor() {
    super({ size: 0 });
  }

  override run: WorkerPool["run"] = (name, input, options) => {
    this.jobs[name] = (this.jobs[name] ?? 0) + 1;
    return super.run(name, input, options);
  };
}

/** Every file of a volume but those of the job, by name. */
async function filesOf(volume: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  const walk = async (folder: string) => {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      const path = join(folder, name);
      if (name.startsWith(".sluice") || name === "provenance") continue;
      if (isDirectory) await walk(path);
      else files.set(relative(volume, path), await Deno.readFile(path));
    }
  };
  await walk(volume);
  return files;
}

const side = (most: number) => fc.integer({ min: 1, max: most });
const cases = fc.record({
  dtype: fc.constantFrom(...Object.keys(VOXEL_BYTES) as Dtype[]),
  size: fc.tuple(side(40), side(40), side(9), side(2)),
  chunk: fc.tuple(side(9), side(9), side(5)),
  from: fc.constantFrom("0.5", "0.4", "precomputed"),
  to: fc.constantFrom("0.5", "0.4", "precomputed"),
  fromShard: fc.boolean(),
  toShard: fc.boolean(),
  /** Chunks that are left away at the near end, and voxels at the far one. */
  cut: fc.tuple(fc.nat(1), fc.nat(2)),
  /** Every such voxel is not background: whole chunks of it are not stored. */
  every: fc.constantFrom(1, 3, 400),
});

function formOf(format: string, isSharded: boolean, chunk: [number, number, number]) {
  const shard: [number, number, number] = [chunk[0] * 2, chunk[1] * 2, chunk[2]];
  return {
    ...(format === "precomputed" ? { format: "precomputed" as const } : { zarr: format }),
    chunk,
    shard: isSharded && format !== "0.4" ? shard : "none",
  } as Partial<IngestOptions>;
}

Deno.test("chunks of the same grid are recoded to the bytes that bands give", async () => {
  await fc.assert(
    fc.asyncProperty(
      cases,
      ({ dtype, size: [x, y, z, c], chunk, from, to, fromShard, toShard, cut, every }) =>
        withFolder(async (folder) => {
          const source = arraySource(
            { name: "it", size: [x, y, z, c], dtype, voxelSize },
            (part, voxels) => {
              const bytes = viewBytes(voxels);
              for (let i = 0; i < bytes.length; i++) {
                if ((i + part.min[1]) % every === 0) bytes[i] = (i * 7 + part.min[0]) % 63 + 1;
              }
            },
          );
          await using plain = new WorkerPool({ size: 0 });
          await using ledger = await openLedger("memory:");
          const first = await ingest(source, join(folder, "source"), {
            ...QUIET,
            ...formOf(from, fromShard, chunk),
            ledger,
            pool: plain,
          });
          const span = (axis: 0 | 1 | 2, length: number): readonly [number, number] => {
            const begin = cut[0] * chunk[axis] < length ? cut[0] * chunk[axis] : 0;
            return [begin, Math.max(begin + 1, length - cut[1])];
          };
          const spans = { x: span(0, x), y: span(1, y), z: span(2, z) };
          const volumes: string[] = [];
          for (const [i, transform] of [undefined, mapBands("same", () => {})].entries()) {
            await using pool = new CountingPool();
            const failures: string[] = [];
            const { created, status, verified } = await ingest(
              [first.created.volume],
              join(folder, `${i}`),
              {
                ...QUIET,
                ...formOf(to, toShard, chunk),
                ...spans,
                ledger,
                pool,
                transform,
                onFailure: (error) => void failures.push(String(error)),
              },
            );
            deepEqual([status.state, failures, verified?.faults], ["done", [], []]);
            const { recodeChunks = 0, encodeChunks = 0 } = pool.jobs;
            // Zarr has a chunk for each channel, precomputed one for all of them.
            const isAlike = c === 1 || (from === "precomputed") === (to === "precomputed");
            const isRecoded = i === 0 && isAlike;
            deepEqual([recodeChunks > 0, encodeChunks > 0], [isRecoded, !isRecoded]);
            volumes.push(created.volume);
          }
          const [recoded, banded] = [await filesOf(volumes[0]), await filesOf(volumes[1])];
          deepEqual([...recoded.keys()].sort(), [...banded.keys()].sort());
          for (const [name, bytes] of recoded) {
            equal(Buffer.compare(bytes, banded.get(name)!), 0, name);
          }
        }),
    ),
    { numRuns: 20 },
  );
});

const SIZE = [20, 18, 4] as const;
const CHUNK = [8, 8, 4] as const;

/** A volume of nine chunks, one of which was damaged. */
async function damaged(folder: string, pool: WorkerPool): Promise<string> {
  await using ledger = await openLedger("memory:");
  const source = arraySource({ name: "it", size: SIZE, dtype: "uint8", voxelSize }, (_, voxels) => {
    for (const i of voxels.keys()) voxels[i] = i % 200 + 1;
  });
  const { created: { volume } } = await ingest(source, join(folder, "source.ome.zarr"), {
    ...QUIET,
    chunk: CHUNK,
    shard: "none",
    ledger,
    pool,
  });
  const path = join(volume, "0", "c", "0", "1", "1");
  const bytes = await Deno.readFile(path);
  bytes[bytes.length >> 1] ^= 4;
  await Deno.writeFile(path, bytes);
  return volume;
}

Deno.test("a broken chunk costs its task, by name", () =>
  withFolder(async (folder) => {
    await using plain = new WorkerPool({ size: 0 });
    const volume = await damaged(folder, plain);
    await using pool = new CountingPool();
    await using ledger = await openLedger("memory:");
    const failures: string[] = [];
    const { status } = await ingest([volume], join(folder, "out.ome.zarr"), {
      ...QUIET,
      chunk: CHUNK,
      shard: "none",
      ledger,
      pool,
      onFailure: (error) => void failures.push(String(error)),
    });
    ok(status.state !== "done");
    ok(pool.jobs.recodeChunks > 0);
    match(failures[0], /Cannot read the chunk ".*0\/c\/0\/1\/1".*crc32c.*--on-error fill/);
  }));

Deno.test("a broken chunk that may become fill value is counted, and the others are there", () =>
  withFolder(async (folder) => {
    await using plain = new WorkerPool({ size: 0 });
    const volume = await damaged(folder, plain);
    await using pool = new CountingPool();
    await using ledger = await openLedger("memory:");
    const { status, verified } = await ingest([volume], join(folder, "out.ome.zarr"), {
      ...QUIET,
      chunk: CHUNK,
      shard: "none",
      onError: "fill",
      ledger,
      pool,
    });
    deepEqual([status.state, status.losses, verified?.faults], ["done", 1, []]);
    equal(pool.jobs.encodeChunks, undefined);
  }));

Deno.test("chunks of another order of axes and bytes are recoded, without what lies beyond the extent", () =>
  withFolder(async (folder) => {
    const [width, height, depth] = [10, 7, 3];
    const [cx, cy, cz] = [4, 3, 2];
    const volume = join(folder, "a.zarr");
    await Deno.mkdir(volume);
    const zarray = {
      zarr_format: 2,
      shape: [depth, height, width],
      chunks: [cz, cy, cx],
      dtype: ">u2",
      compressor: null,
      fill_value: 7,
      order: "F",
      filters: null,
    };
    await Deno.writeTextFile(join(volume, ".zarray"), JSON.stringify(zarray));
    const valueOf = (x: number, y: number, z: number) => x + 100 * y + 1000 * z + 1;
    for (let z = 0; z < depth; z += cz) {
      for (let y = 0; y < height; y += cy) {
        for (let x = 0; x < width; x += cx) {
          if (x === 4 && y === 3 && z === 0) continue;
          const view = new DataView(new ArrayBuffer(2 * cx * cy * cz));
          for (let i = 0; i < cx * cy * cz; i++) {
            // The first axis of the shape, z, is the fastest.
            const [dz, dy, dx] = [i % cz, Math.floor(i / cz) % cy, Math.floor(i / cz / cy)];
            const isIn = x + dx < width && y + dy < height && z + dz < depth;
            view.setUint16(2 * i, isIn ? valueOf(x + dx, y + dy, z + dz) : 60000);
          }
          await Deno.writeFile(
            join(volume, [z / cz, y / cy, x / cx].join(".")),
            new Uint8Array(view.buffer),
          );
        }
      }
    }
    await using pool = new CountingPool();
    await using ledger = await openLedger("memory:");
    const { created, verified } = await ingest([volume], join(folder, "out.ome.zarr"), {
      ...QUIET,
      chunk: [cx, cy, cz],
      shard: "none",
      ledger,
      pool,
    });
    ok(pool.jobs.recodeChunks > 0);
    deepEqual(verified?.faults, []);
    await using written = await openVolume(created.volume, { pool });
    const found = await gatherVoxels(
      await written.read(box([0, 0, 0], [width, height, depth])),
    );
    const expected = Uint16Array.from({ length: width * height * depth }, (_, i) => {
      const [x, y, z] = [i % width, Math.floor(i / width) % height, Math.floor(i / width / height)];
      const isStored = !(x >= 4 && x < 8 && y >= 3 && y < 6 && z < 2);
      return isStored ? valueOf(x, y, z) : 7;
    });
    deepEqual(found, expected);
  }));
