import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { box } from "../core/box.ts";
import { gatherVoxels } from "../core/gather_voxels.ts";
import { arraySource } from "../plugins/array_source.ts";
import { WorkerPool } from "../pool/worker_pool.ts";
import { buildScales } from "../stages/build_scales.ts";
import { leaseTasks } from "../stages/lease_tasks.ts";
import { pipeline } from "../stages/pipeline.ts";
import { readSlabs } from "../stages/read_slabs.ts";
import { splitChunks } from "../stages/split_chunks.ts";
import { stage, StageError } from "../stages/stage.ts";
import { upload } from "../stages/upload.ts";
import { planIngest } from "../tasks/plan.ts";
import { MemoryStore, openMemoryLedger, runStage, testSlab, testTask } from "../testing.ts";

const halve = stage("halve", (value: number) => {
  if (value % 2 === 1) throw new RangeError("it is odd");
  return value / 2;
});

Deno.test("runStage() gives what a stage makes of each value, in order", async () => {
  deepEqual(await runStage(halve, [2, 4, 6]), [1, 2, 3]);
  deepEqual(await runStage(halve, []), []);
});

Deno.test("runStage() throws the first failure, which names its task and keeps its cause", async () => {
  await rejects(runStage(halve, [2, 3, 4, 5]), (error) => {
    ok(error instanceof StageError && error.cause instanceof RangeError);
    deepEqual([error.stage, error.task.index, error.cause.message], ["halve", 1, "it is odd"]);
    return true;
  });
});

Deno.test("runStage() goes on where onFailure returns", async () => {
  const failed: number[] = [];
  const onFailure = (error: StageError) => void failed.push(error.task.index);
  deepEqual(await runStage(halve, [2, 3, 4, 5], { onFailure }), [1, 2]);
  deepEqual(failed, [1, 3]);
});

Deno.test("runStage() ends with the very reason of an abort", async () => {
  const reason = new Error("stopped");
  await rejects(
    runStage(halve, [2], { signal: AbortSignal.abort(reason) }),
    (error) => error === reason,
  );
});

Deno.test("runStage() gives each value a task of its own, or the one it is told", async () => {
  const name = stage("name", (_: string, { task }) => [task.index, task.lease.first, task.makes]);
  deepEqual(await runStage(name, ["a", "b"]), [[0, 0, [0]], [1, 1, [0]]]);
  const tasks = [testTask({ index: 7, makes: [1, 2] })];
  deepEqual(await runStage(name, ["a"], { tasks }), [[7, 7, [1, 2]]]);
  await rejects(runStage(name, ["a", "b"], { tasks }), {
    name: "RangeError",
    message: "Cannot run 2 values in 1 tasks: give each a task",
  });
});

Deno.test("testSlab() is what it is given, in bands of any height", async () => {
  const of = box([4, 3, 2], [11, 8, 5]);
  const voxels = Uint16Array.from({ length: 7 * 5 * 3 }, (_, i) => i * 257);
  const slab = testSlab(of, voxels);
  deepEqual([slab.dtype, slab.box, slab.scale], ["uint16", of, 0]);
  deepEqual(await gatherVoxels(slab), voxels);
  throws(() => testSlab(of, new Uint8Array(3)), {
    name: "RangeError",
    message: "Cannot make a slab of 3 voxels: its box has 105",
  });
});

const name = "a whole job runs in memory, without any permission";
Deno.test({ name, permissions: "none" }, async () => {
  await using ledger = await openMemoryLedger();
  await using pool = new WorkerPool({ size: 0 });
  const source = arraySource({ name: "x", size: [37, 29, 11], dtype: "uint8" }, (part, voxels) => {
    const width = part.max[0] - part.min[0];
    for (let i = 0; i < voxels.length; i++) voxels[i] = part.min[0] + i % width;
  });
  const { plan } = await planIngest(source, { chunk: [8, 8, 4], shard: [16, 16, 4], levels: 3 });
  const job = await ledger.create(plan, { target: "memory:" });
  await using store = new MemoryStore(plan.layout);
  const run = pipeline(leaseTasks(ledger, { job }))
    .through(readSlabs(store, { sources: source, pool }))
    .through(buildScales(store.layout, { pool }))
    .through(splitChunks(store.layout))
    .through(upload(store, { pool, ledger }));
  for await (const { task, value } of run) await ledger.acknowledge(task.lease, [value]);

  equal((await ledger.status(job)).state, "done");
  equal(store.isComplete, true);
  const row = await store.read(box([30, 28, 10], [37, 29, 11]));
  deepEqual(await gatherVoxels(row), new Uint8Array([30, 31, 32, 33, 34, 35, 36]));
  const coarse = await store.read(box([0, 7, 2], [10, 8, 3]), { scale: 2 });
  // 0.5, 2.5 … rounded half to even are 0, 2 …, whose means are these.
  deepEqual(await gatherVoxels(coarse), new Uint8Array([1, 5, 9, 13, 17, 21, 25, 29, 33, 36]));
});

Deno.test("a store in memory is not complete where the guard of finish() throws", async () => {
  const { plan } = await planIngest(
    arraySource({ name: "x", size: [7, 5, 3], dtype: "uint8" }, () => {}),
  );
  const store = new MemoryStore(plan.layout);
  const lost = new Error("the lease is lost");
  await rejects(store.finish({ guard: () => Promise.reject(lost) }), (error) => error === lost);
  equal(store.isComplete, false);
  await store.finish({ guard: () => Promise.resolve() });
  equal(store.isComplete, true);
});
