import { deepEqual, equal } from "node:assert/strict";
import { countPhaseTasks, countTasks, dependents, type Plan } from "../../core/plan.ts";
import { dependentRanges } from "../../ledgers/_dependents.ts";
import {
  changeRows,
  clipRanges,
  compareRows,
  holdsTask,
  mergeRanges,
  type RangeRow,
  rangesOf,
  renew,
} from "../../ledgers/_ranges.ts";
import { fc } from "../_fast_check.ts";
import { makePlan } from "./_plan.ts";

const WAITING: RangeRow = {
  first: 0,
  end: 10,
  phase: 0,
  state: "waiting",
  attempts: 0,
  lapses: 0,
  fence: 0,
  reason: "",
  died: 0,
};

Deno.test("mergeRanges() joins ranges that touch, overlap, or lie within another", () => {
  deepEqual(mergeRanges([[5, 7], [0, 2], [2, 3], [6, 6], [10, 20], [12, 13]]), [[0, 3], [5, 7], [
    10,
    20,
  ]]);
  deepEqual(rangesOf([4, 2, 3, 9, 2]), [[2, 5], [9, 10]]);
  deepEqual(clipRanges([[0, 3], [5, 7]], [2, 6]), [[2, 3], [5, 6]]);
});

Deno.test("holdsTask() finds a task by halving", () => {
  const ranges = [[2, 4], [7, 8], [10, 20]] as const;
  const held = [...Array(25).keys()].filter((task) => holdsTask(ranges, task));
  deepEqual(held, [2, 3, 7, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
});

Deno.test("changeRows() splits where a change begins and ends, and merges what is alike", () => {
  const done = (row: RangeRow) => renew(row, "done");
  const split = changeRows([WAITING], [3, 5], done);
  deepEqual(split.map(({ first, end, state }) => [first, end, state]), [
    [0, 3, "waiting"],
    [3, 5, "done"],
    [5, 10, "waiting"],
  ]);
  deepEqual(changeRows(split, [5, 10], done).map(({ first, end }) => [first, end]), [[0, 3], [
    3,
    10,
  ]]);
  deepEqual(compareRows([WAITING], split), {
    removed: [],
    moved: [split[0]],
    written: split.slice(1),
  });
  deepEqual(compareRows(split, changeRows(split, [0, 10], done)), {
    removed: [3, 5],
    moved: [],
    written: [{ ...WAITING, state: "done" }],
  });
});

const plans: { name: string; plan: Plan }[] = [
  { name: "tasks that nest", plan: makePlan({ tasks: [5, 4, 3], coarser: 2 }) },
  {
    name: "tasks that straddle those above",
    plan: makePlan({ tasks: [5, 4, 3], coarser: 2, cell: 6 }),
  },
  { name: "a single row", plan: makePlan({ tasks: [9, 1, 1], coarser: 1, cell: 6 }) },
  { name: "channels and times", plan: withChannels(makePlan({ tasks: [3, 2, 2], coarser: 1 })) },
];
for (const { name, plan } of plans) {
  Deno.test(`dependentRanges() is what dependents() say one by one: ${name}`, () => {
    const count = countTasks(plan);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(count - 1), fc.nat(count - 1)), { maxLength: 3 }),
        (pairs) => {
          const asked = pairs.map(([a, b]) => [Math.min(a, b), Math.max(a, b) + 1] as const);
          const found = new Set<number>();
          const open = asked.flatMap(([first, end]) =>
            [...Array(end - first).keys()].map((i) => first + i)
          );
          for (let task = open.pop(); task !== undefined; task = open.pop()) {
            for (const [first, end] of dependents(plan, task)) {
              for (let above = first; above < end; above++) {
                if (!found.has(above)) open.push(above);
                found.add(above);
              }
            }
          }
          deepEqual(dependentRanges(plan, asked), rangesOf([...found]));
        },
      ),
      { seed: 3, numRuns: 300 },
    );
  });
}

Deno.test("dependentRanges() of 10^9 tasks are as many as there are later tasks", () => {
  const plan = makePlan({ tasks: [1000, 1000, 1000], coarser: 3 });
  const later = plan.phases.slice(1).reduce((sum, phase) => sum + countPhaseTasks(phase), 0);
  const [[first, end], ...rest] = dependentRanges(plan, [[0, 1e9]]);
  equal(end - first, later);
  deepEqual(rest, []);
});

/** The same plan with two channels and three times. */
function withChannels(plan: Plan): Plan {
  let first = 0;
  const phases = plan.phases.map((phase) => {
    const [x, y, z] = phase.counts;
    const counts = phase.kind === "finish" ? phase.counts : [x, y, z, 2, 3] as const;
    const moved = { ...phase, first, counts };
    first += countPhaseTasks(moved);
    return moved;
  });
  const scales = plan.layout.scales.map((scale) => {
    const [x, y, z] = scale.size;
    return { ...scale, size: [x, y, z, 2, 3] as const };
  });
  return { ...plan, phases, layout: { ...plan.layout, scales } };
}
