import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { box } from "../../core/box.ts";
import type { Layout } from "../../core/layout.ts";
import { planTask } from "../../core/plan.ts";
import { planLayout } from "../../core/plan_layout.ts";
import type { Slab } from "../../core/slab.ts";
import { openMemoryLedger } from "../../ledgers/memory_ledger.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { buildScales } from "../../stages/build_scales.ts";
import { decode } from "../../stages/decode.ts";
import { leaseTasks } from "../../stages/lease_tasks.ts";
import { mapBands } from "../../stages/map_bands.ts";
import { collect, pipeline } from "../../stages/pipeline.ts";
import { readSlabs } from "../../stages/read_slabs.ts";
import { type ResolvedImages, resolvePaths } from "../../stages/resolve_paths.ts";
import { type ChunkedSlab, splitChunks } from "../../stages/split_chunks.ts";
import { upload } from "../../stages/upload.ts";
import type { Store, UnitWriter } from "../../stores/store.ts";
import { makePlan } from "../ledgers/_plan.ts";
import { testFailures, testStage } from "./conformance.ts";

const pool = new WorkerPool({ size: 0 });
const { layout } = planLayout({
  size: [7, 5, 8, 1, 1],
  dtype: "uint8",
  axes: ["z", "y", "x"],
  kind: "image",
  encoding: { codec: "none", crc32c: true },
  chunk: [4, 4, 1],
  levels: 1,
  samples: 1,
}) as { layout: Layout };

/** A slab whose bands are counted, and closed. */
function slabAt(z: number, fails = false): Slab {
  const of = box([0, 0, z], [7, 5, z + 1]);
  return {
    box: of,
    scale: 0,
    dtype: "uint8",
    losses: [],
    async *bands() {
      if (fails) throw new RangeError("these voxels cannot be had");
      yield await Promise.resolve({ scale: 0, box: of, data: new Uint8Array(35).fill(z + 1) });
    },
  };
}

/** A store that keeps what it is told, and says what was left open. */
class RecordingStore implements Store {
  readonly layout = layout;
  readonly committed: string[] = [];
  open_ = 0;

  open(unit: { index: readonly number[] }): Promise<UnitWriter> {
    this.open_++;
    const name = unit.index.join();
    let chunks = 0;
    return Promise.resolve({
      chunks: 4,
      put: () => void chunks++,
      commit: async (guard) => {
        await guard?.();
        this.open_--;
        equal(chunks, 4);
        this.committed.push(name);
        return { unit: name, bytes: 1, crc: 1, voxels: 1, min: 0, max: 0 };
      },
      [Symbol.asyncDispose]: () => {
        this.open_--;
        return Promise.resolve();
      },
    });
  }
  read = (of: Slab["box"]) => Promise.resolve(slabAt(of.min[2]));
  place = () => "nowhere";
  [Symbol.asyncDispose] = () => Promise.resolve();
}

const all = [0, 1, 2, 3, 4, 5, 6, 7];
const nothing: ResolvedImages = { images: [], losses: [], sources: 0 };
const noImages = { root: "/", locate: () => [] };
const one = { concurrency: 1, ordered: true };

testStage({ name: "resolvePaths()", make: () => resolvePaths(noImages), values: all, ...one });
testStage({
  name: "decode()",
  make: () => decode({ pool, dtype: "uint8" }),
  values: all.map(() => nothing),
  ...one,
});
testStage({
  name: "readSlabs()",
  make: () => readSlabs(new RecordingStore(), { pool, sources: noImages }),
  values: all,
  ...one,
});
testStage({
  name: "mapBands()",
  make: () => mapBands("look at", () => {}),
  values: all.map((z) => slabAt(z)),
  ...one,
});
testStage({
  name: "buildScales()",
  make: () => buildScales(layout, { pool }),
  values: all.map((z) => slabAt(z)),
  ...one,
});
testStage({
  name: "splitChunks()",
  make: () => splitChunks(layout),
  values: all.map((z) => slabAt(z)),
  ...one,
});

const chunked = async (slab: Slab): Promise<ChunkedSlab> => {
  const [{ value }] = await collect(
    splitChunks(layout)(
      (async function* () {
        yield await Promise.resolve({ task: planTaskAt(slab.box.min[2]), value: slab });
      })(),
      { signal: new AbortController().signal, onFailure: () => {} },
    ),
  );
  return value;
};
const planTaskAt = (z: number) => ({
  ...planTask(makePlan({ tasks: [1, 1, 8] }), 0, {
    id: "x" as never,
    job: 1,
    fence: 1,
    first: 0,
    end: 8,
  }),
  box: box([0, 0, z], [7, 5, z + 1]),
});
const slabs = await Promise.all(all.map((z) => chunked(slabAt(z))));
for (const concurrency of [1, 3]) {
  const make = () => upload(new RecordingStore(), { pool, concurrency });
  testStage({
    name: `upload(concurrency ${concurrency})`,
    make,
    values: slabs,
    concurrency,
    ordered: true,
  });
}
testFailures(
  "upload()",
  () => upload(new RecordingStore(), { pool }),
  slabs[0],
  await chunked(slabAt(1, true)),
  (cause) => cause instanceof RangeError,
);

Deno.test("decode() without images and without a dtype says what to give it", async () => {
  const feed = () =>
    (async function* () {
      yield await Promise.resolve({ task: planTaskAt(0), value: nothing });
    })();
  await rejects(collect(pipeline(feed).through(decode({ pool }))), /give `decode` a dtype/);
});

Deno.test("upload() asks the ledger before each commit and leaves nothing open when it says no", async () => {
  const store = new RecordingStore();
  const feed = () =>
    (async function* () {
      yield await Promise.resolve({ task: planTaskAt(0), value: slabs[0] });
    })();
  const ledger = { check: () => Promise.reject(new Error("the lease is lost")) };
  await rejects(
    collect(pipeline(feed).through(upload(store, { pool, ledger }))),
    /the lease is lost/,
  );
  deepEqual([store.committed, store.open_], [[], 0]);
});

Deno.test("leaseTasks() feeds every task, polls while others hold them, and ends when all is done", async () => {
  await using ledger = await openMemoryLedger();
  const job = await ledger.create(makePlan({ tasks: [1, 1, 4] }), { target: "t" });
  const other = await ledger.lease(job, { worker: "other", tasks: 1 });
  ok(typeof other !== "string");
  const seen: number[] = [];
  for await (const { task } of pipeline(leaseTasks(ledger, { job, tasks: 2, pollSeconds: 0.01 }))) {
    seen.push(task.index);
    await ledger.acknowledge(task.lease, [{
      task: task.index,
      fence: task.lease.fence,
      units: [],
      losses: [],
    }]);
    if (seen.length === 3) setTimeout(() => ledger.release(other), 30);
  }
  deepEqual(seen, [1, 2, 3, 0, 4]);
  equal((await ledger.status(job)).state, "done");
});

Deno.test("leaseTasks() gives back what it holds when the run is left early, and stops leasing when told", async () => {
  await using ledger = await openMemoryLedger();
  const job = await ledger.create(makePlan({ tasks: [1, 1, 5] }), { target: "t" });
  for await (const _ of pipeline(leaseTasks(ledger, { job, tasks: 3 }))) break;
  deepEqual((await ledger.status(job)).leases, []);
  const stop = new AbortController();
  let count = 0;
  for await (const { task } of pipeline(leaseTasks(ledger, { job, tasks: 2, stop: stop.signal }))) {
    count++;
    stop.abort();
    await ledger.acknowledge(task.lease, [{
      task: task.index,
      fence: task.lease.fence,
      units: [],
      losses: [],
    }]);
  }
  equal(count, 2);
  equal((await ledger.status(job)).done, 2);
});

Deno.test("leaseTasks() extends its leases until they are acknowledged", async () => {
  await using ledger = await openMemoryLedger();
  const job = await ledger.create(makePlan({ tasks: [1, 1, 1] }), { target: "t" });
  for await (const { task } of pipeline(leaseTasks(ledger, { job, leaseSeconds: 0.3 }))) {
    await new Promise((resolve) => setTimeout(resolve, 700));
    await ledger.acknowledge(task.lease, [{
      task: task.index,
      fence: task.lease.fence,
      units: [],
      losses: [],
    }]);
  }
  equal((await ledger.status(job)).state, "done");
});
