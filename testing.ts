/**
 * What makes the parts of a script testable: stages, stores and ledgers, without disk, threads or another process.
 *
 * @example A stage of one's own, tested in two lines
 * ```ts
 * import { box, gatherVoxels, mapBands } from "@sluice/sluice";
 * import { runStage, testSlab } from "@sluice/sluice/testing";
 * import { deepEqual } from "node:assert/strict";
 * const invert = mapBands("invert", ({ data }) => {
 *   for (let i = 0; i < data.length; i++) data[i] = 255 - Number(data[i]);
 * });
 *
 * const slab = testSlab(box([0, 0, 0], [3, 1, 1]), new Uint8Array([0, 5, 255]));
 * deepEqual(await gatherVoxels((await runStage(invert, [slab]))[0]), new Uint8Array([255, 250, 0]));
 * ```
 * @module
 */
import { type Box, box, boxVolume } from "./core/box.ts";
import { copyBox } from "./core/copy_box.ts";
import { dtypeOf, type VoxelArray } from "./core/dtype.ts";
import type { Lease, LeaseId, Task } from "./core/plan.ts";
import type { Slab } from "./core/slab.ts";
import { makeSlab } from "./pool/make_slab.ts";
import { collect } from "./stages/pipeline.ts";
import type { Item, Stage, StageContext } from "./stages/stage.ts";

export { openMemoryLedger } from "./ledgers/memory_ledger.ts";
export { MemoryStore } from "./stores/memory_store.ts";

/** A lease that no ledger granted: of task 0 of job 1, unless something else is said. */
export function testLease(of: Partial<Lease> = {}): Lease {
  return { id: "test" as LeaseId, job: 1, fence: 1, first: 0, end: 1, ...of };
}

/**
 * A task of no job: number 0, which reads 7 x 5 x 3 voxels of the source and makes scale 0, unless something else is
 * said.
 * @example A task of its own box
 * ```ts
 * import { box, stage } from "@sluice/sluice";
 * import { runStage, testTask } from "@sluice/sluice/testing";
 * import { deepEqual } from "node:assert/strict";
 * const depth = stage("measure", (_: unknown, { task: { box } }) => box.max[2] - box.min[2]);
 * const tasks = [testTask({ box: box([0, 0, 4], [7, 5, 8]) })];
 * deepEqual(await runStage(depth, [undefined], { tasks }), [4]);
 * ```
 */
export function testTask(of: Partial<Task> = {}): Task {
  const index = of.index ?? 0;
  return {
    index,
    phase: 0,
    kind: "source",
    scale: 0,
    box: box([0, 0, 0], [7, 5, 3]),
    makes: [0],
    lease: testLease({ first: index, end: index + 1 }),
    ...of,
  };
}

/**
 * A slab of voxels that are there already.
 * @param of Which voxels these are.
 * @param voxels In the order t, c, z, y, x with x fastest; their array says their dtype.
 * @throws {RangeError} If they are not as many as the box has.
 */
export function testSlab(of: Box, voxels: VoxelArray): Slab {
  if (voxels.length !== boxVolume(of)) {
    throw new RangeError(
      `Cannot make a slab of ${voxels.length} voxels: its box has ${boxVolume(of)}`,
    );
  }
  return makeSlab(
    { box: of, dtype: dtypeOf(voxels) },
    (part, band) => copyBox(voxels, of, band, part, part),
  );
}

/** How a stage is tried. */
export interface RunStageOptions extends Partial<StageContext> {
  /** The tasks that bring the values. @default `testTask()` with rising numbers */
  readonly tasks?: readonly Task[];
}

/**
 * Runs some values through a stage, each in a task of its own.
 * @returns What it makes of them, in the order in which it hands them on.
 * @throws {StageError} What fails first, unless `onFailure` says otherwise; `cause` is what the stage threw.
 * @example What a stage does about a value that it cannot use
 * ```ts
 * import { stage } from "@sluice/sluice";
 * import { runStage } from "@sluice/sluice/testing";
 * import { deepEqual, rejects } from "node:assert/strict";
 * const parse = stage("parse", (text: string) => JSON.parse(text));
 * deepEqual(await runStage(parse, ["7", "[1]"]), [7, [1]]);
 * await rejects(runStage(parse, ["7", "["]), { name: "StageError", message: /^Cannot parse task 1: / });
 * ```
 */
export async function runStage<I, O>(
  stage: Stage<I, O>,
  values: readonly I[],
  options: RunStageOptions = {},
): Promise<O[]> {
  const { tasks = values.map((_, index) => testTask({ index })) } = options;
  if (tasks.length !== values.length) {
    throw new RangeError(
      `Cannot run ${values.length} values in ${tasks.length} tasks: give each a task`,
    );
  }
  const context: StageContext = {
    signal: options.signal ?? new AbortController().signal,
    onFailure: options.onFailure ?? ((error) => {
      throw error;
    }),
  };
  const feed = async function* (): AsyncGenerator<Item<I>> {
    for (const [i, value] of values.entries()) {
      yield await Promise.resolve({ task: tasks[i], value });
    }
  };
  return (await collect(stage(feed(), context))).map(({ value }) => value);
}
