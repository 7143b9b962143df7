/**
 * Tasks without a ledger: those of a plan, or one a box.
 * @module
 */
import type { Box } from "../core/box.ts";
import {
  countTasks,
  type Lease,
  type LeaseId,
  type Plan,
  planTask,
  type Task,
} from "../core/plan.ts";
import type { Item, TaskFeed } from "./stage.ts";

/**
 * Feeds every task of a plan, in order, or one task for each box; nobody leases them, so that one process must do
 * them all.
 * @example Boxes of one's own
 * ```ts
 * import { box, boxVolume, collect, enumerate, pipeline, stage } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const boxes = [box([0, 0, 0], [7, 5, 3]), box([0, 0, 3], [7, 5, 4])];
 * const run = pipeline(enumerate(boxes)).through(stage("measure", (_: unknown, { task }) => boxVolume(task.box)));
 * deepEqual((await collect(run)).map(({ value }) => value), [105, 35]);
 * ```
 */
export function enumerate(what: Plan | readonly Box[]): TaskFeed<undefined> {
  return async function* ({ signal }) {
    for (const item of items(what)) {
      signal.throwIfAborted();
      yield item;
    }
  };
}

function* items(what: Plan | readonly Box[]): Generator<Item<undefined>> {
  const boxes = Array.isArray(what) ? what as readonly Box[] : undefined;
  const end = boxes?.length ?? countTasks(what as Plan);
  const lease: Lease = { id: "none" as LeaseId, job: 0, fence: 0, first: 0, end };
  for (let index = 0; index < end; index++) {
    const task: Task = boxes === undefined
      ? planTask(what as Plan, index, lease)
      : { index, phase: 0, kind: "source", scale: 0, box: boxes[index], makes: [0], lease };
    yield { task, value: undefined };
  }
}
