import { deepEqual, equal, ok, throws } from "node:assert/strict";
import type { Box } from "../../core/box.ts";
import { boxVolume, intersect } from "../../core/box.ts";
import { UsageError } from "../../core/errors.ts";
import { countCells, eachCell, unitBox, unitName, unitsOf } from "../../core/layout.ts";
import {
  baseScale,
  countPhaseTasks,
  countTasks,
  dependents,
  phaseOf,
  type Plan,
  taskBox,
  tasksTouching,
  taskUnits,
} from "../../core/plan.ts";
import { chooseChunk, planLayout, type PlanLayoutOptions } from "../../core/plan_layout.ts";
import { mapPoint, type Point, product } from "../../core/point.ts";
import { parseVoxelSize } from "../../core/units.ts";
import { fc } from "../_fast_check.ts";

const ORIGIN: Point = [0, 0, 0, 0, 0];
const BASE: Omit<PlanLayoutOptions, "size"> = {
  dtype: "uint8",
  axes: ["t", "c", "z", "y", "x"],
  kind: "image",
  encoding: { codec: "none", crc32c: false },
  samples: 1,
};

/** As much of a plan as tasks need. */
function planOf(options: PlanLayoutOptions): Plan {
  const { layout, phases } = planLayout(options);
  return {
    format: "sluice-plan",
    formatVersion: 1,
    id: "",
    versions: {},
    source: { kind: "images", list: "", images: 0, crop: { min: ORIGIN, max: options.size } },
    store: { kind: "ome-zarr", zarr: "0.5" },
    kind: options.kind,
    policies: { missing: "error", onError: "error" },
    layout,
    phases,
  };
}

const power = (most: number) => fc.integer({ min: 0, max: most }).map((bits) => 2 ** bits);
const edge = fc.constantFrom(0.5, 1, 4, 4.6, 7, 10, 45, 300);
const options = fc.record({
  size: fc.tuple(
    fc.integer({ min: 1, max: 70 }),
    fc.integer({ min: 1, max: 60 }),
    fc.integer({ min: 1, max: 150 }),
    fc.integer({ min: 1, max: 3 }),
    fc.integer({ min: 1, max: 2 }),
  ),
  voxelSize: fc.option(
    fc.record({ x: edge, y: edge, z: edge, unit: fc.constant("nanometer" as const) }),
    { nil: undefined },
  ),
  chunk: fc.tuple(power(4), power(4), power(3)).map((sides): [number, number, number] => // A volume of thousands of chunks says no more than one of a few hundred.
  [Math.max(4, sides[0]), Math.max(4, sides[1]), Math.max(2, sides[2])]),
  odd: fc.constantFrom(0, 1, 3),
  shardChunks: fc.option(
    fc.tuple(
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 3 }),
    ),
    { nil: undefined },
  ),
  levels: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
  blocks: fc.option(
    fc.tuple(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 40 }),
    ),
    { nil: undefined },
  ),
  kind: fc.constantFrom("image" as const, "labels" as const),
}).map(({ chunk: sides, odd, shardChunks, size, ...rest }): PlanLayoutOptions => {
  const chunk = [sides[0] + odd, sides[1], sides[2] + odd] as const;
  return {
    ...BASE,
    ...rest,
    size,
    samples: size[3],
    chunk,
    shard: shardChunks === undefined
      ? "none"
      : [chunk[0] * shardChunks[0], chunk[1] * shardChunks[1], chunk[2] * shardChunks[2]],
  };
});

const forAll = (check: (plan: Plan, options: PlanLayoutOptions) => void, numRuns = 60) =>
  fc.assert(fc.property(options, (given) => check(planOf(given), given)), { numRuns });

Deno.test("every unit of every scale is owned by one task", () => {
  forAll((plan) => {
    const owned = new Set<string>();
    for (let task = 0; task < countTasks(plan); task++) {
      for (const unit of taskUnits(plan, task)) {
        const name = unitName(unit);
        ok(!owned.has(name), `${name} is owned twice`);
        owned.add(name);
      }
    }
    let units = 0;
    plan.layout.scales.forEach(({ size, shard }, scale) => {
      units += product(countCells(size, shard));
      for (const unit of unitsOf(plan.layout, scale, { min: ORIGIN, max: size })) {
        ok(owned.has(unitName(unit)), `${unitName(unit)} is nobody's`);
      }
    });
    equal(owned.size, units);
  });
});

Deno.test("a task reads what its units are made from, and reads it from whole units", () => {
  forAll((plan) => {
    for (const [at, phase] of plan.phases.entries()) {
      if (phase.kind === "finish") continue;
      ok(at === 0 || plan.phases[at - 1].kind !== "finish");
      for (let i = 0; i < countPhaseTasks(phase); i++) {
        const base = baseScale(phase);
        const reads = taskBox(plan, phase.first + i);
        for (const unit of taskUnits(plan, phase.first + i)) {
          const { factor } = plan.layout.scales[unit.scale];
          const from = plan.layout.scales[base];
          const made = unitBox(plan.layout, unit);
          const step = (axis: number) => factor[axis] / from.factor[axis];
          const needs: Box = {
            min: mapPoint(made.min, (value, axis) => value * step(axis)),
            max: mapPoint(made.max, (value, axis) => Math.min(value * step(axis), from.size[axis])),
          };
          equal(boxVolume(intersect(needs, reads)!), boxVolume(needs), unitName(unit));
        }
      }
    }
  }, 30);
});

Deno.test("phases count tasks without gaps, and make every scale once, each after what it is made from", () => {
  forAll((plan) => {
    let first = 0;
    const made: number[] = [];
    for (const [at, phase] of plan.phases.entries()) {
      equal(phase.first, first);
      for (const task of [first, first + countPhaseTasks(phase) - 1]) {
        equal(phaseOf(plan, task), at);
      }
      first += countPhaseTasks(phase);
      if (phase.kind === "finish") continue;
      if (phase.kind === "scales") equal(phase.reads, made.at(-1));
      made.push(...phase.makes);
    }
    equal(first, countTasks(plan));
    deepEqual(made, plan.layout.scales.map((_, scale) => scale));
    deepEqual([plan.phases[0].kind, plan.phases.at(-1)?.kind], ["source", "finish"]);
    throws(() => phaseOf(plan, first), /Cannot find task/);
    throws(() => phaseOf(plan, -1), /Cannot find task/);
  });
});

Deno.test("dependents() are the tasks whose boxes touch a unit of the task, by brute force", () => {
  forAll((plan) => {
    for (const [at, phase] of plan.phases.entries()) {
      const next = plan.phases[at + 1];
      for (let task = phase.first; task < phase.first + countPhaseTasks(phase); task++) {
        const listed = dependents(plan, task).flatMap(([a, b]) =>
          Array.from({ length: b - a }, (_, i) => a + i)
        );
        if (next === undefined) {
          deepEqual(listed, []);
          continue;
        }
        const units = [...taskUnits(plan, task)].filter(({ scale }) => scale === baseScale(next));
        const touched = Array.from({ length: countPhaseTasks(next) }, (_, i) => next.first + i)
          .filter((other) =>
            next.kind === "finish" ||
            units.some((unit) => intersect(unitBox(plan.layout, unit), taskBox(plan, other)))
          );
        deepEqual(listed, touched);
        for (const other of touched) {
          if (next.kind === "finish") continue;
          const back = tasksTouching(plan, at, boxAtBase(plan, at, taskBox(plan, other)));
          ok(back.some(([a, b]) => task >= a && task < b));
        }
      }
    }
  }, 30);
});

/** The voxels, at the scale that phase `at` reads, under a box of the scale that the next phase reads. */
function boxAtBase(plan: Plan, at: number, of: Box): Box {
  const from = plan.layout.scales[baseScale(plan.phases[at])];
  const to = plan.layout.scales[baseScale(plan.phases[at + 1])];
  const step = (axis: number) => to.factor[axis] / from.factor[axis];
  return {
    min: mapPoint(of.min, (value, axis) => value * step(axis)),
    max: mapPoint(of.max, (value, axis) => Math.min(value * step(axis), from.size[axis])),
  };
}

Deno.test("scales halve what is not longer than its neighbours, and round up", () => {
  forAll((plan, { size, levels }) => {
    const { scales } = plan.layout;
    deepEqual(scales[0].size, size);
    if (levels !== undefined) ok(scales.length <= levels);
    for (const [i, { size, factor, chunk, shard }] of scales.entries()) {
      deepEqual(size, mapPoint(scales[0].size, (side, axis) => Math.ceil(side / factor[axis])));
      if (i > 0) {
        const steps = mapPoint(factor, (value, axis) => value / scales[i - 1].factor[axis]);
        ok(steps.every((step, axis) => step === 1 || (step === 2 && axis < 3)), `${steps}`);
        ok(steps.includes(2));
      }
      deepEqual(mapPoint(shard, (side, axis) => side % chunk[axis]), ORIGIN);
      for (const cell of eachCell({ min: ORIGIN, max: countCells(size, shard) })) {
        ok(boxVolume(unitBox(plan.layout, { scale: i, index: cell })) > 0);
      }
    }
  }, 30);
});

Deno.test("the same inputs give equal plans", () => {
  fc.assert(
    fc.property(
      options,
      (given) => deepEqual(planLayout(given), planLayout(structuredClone(given))),
    ),
    { numRuns: 30 },
  );
});

const chunks: [size: Point, voxelSize: string | undefined, chunk: [number, number, number]][] = [
  [[1024, 1024, 20, 1, 1], "4.6x4.6x45nm", [128, 128, 16]],
  [[2048, 2048, 500, 1, 1], "4x4x40nm", [128, 128, 16]],
  [[2048, 2048, 500, 1, 1], undefined, [64, 64, 64]],
  [[2048, 2048, 500, 1, 1], "8x8x8nm", [64, 64, 64]],
  [[2048, 2048, 500, 1, 1], "40x40x4nm", [32, 32, 256]],
  [[20000, 20000, 1, 1, 1], "4x4x40nm", [512, 512, 1]],
  [[37, 29, 11, 1, 1], undefined, [64, 32, 16]],
  [[1, 1, 1, 1, 1], undefined, [1, 1, 1]],
];
for (const [size, voxelSize, chunk] of chunks) {
  Deno.test(`a volume of ${size.slice(0, 3).join("x")}, ${voxelSize}, gets chunks of ${chunk.join("x")}`, () => {
    deepEqual(
      chooseChunk(size, voxelSize === undefined ? undefined : parseVoxelSize(voxelSize)),
      chunk,
    );
  });
}

Deno.test("serial sections are halved along x and y until voxels are cubes", () => {
  const { layout } = planLayout({
    ...BASE,
    size: [2048, 2048, 100, 1, 1],
    voxelSize: parseVoxelSize("5x5x40nm"),
  });
  deepEqual(layout.scales.map(({ factor }) => factor.slice(0, 3)), [
    [1, 1, 1],
    [2, 2, 1],
    [4, 4, 1],
    [8, 8, 1],
  ]);
});

Deno.test("what cannot be cut is refused", () => {
  const size: Point = [64, 64, 64, 1, 1];
  const refused: [Partial<PlanLayoutOptions>, RegExp][] = [
    [{ chunk: [8, 8, 8], shard: [16, 12, 8] }, /multiple of that of --chunk/],
    [{ chunk: [8, 0, 8] }, /Cannot use --chunk 8x0x8: .*positive integers/],
    [{ chunk: [8, 8.5, 8] }, /--chunk/],
    [{ chunk: [8, 8, 8], shard: [-8, 8, 8] }, /--shard/],
    [{ levels: 0 }, /--levels 0/],
    [{ levels: 1.5 }, /--levels 1.5/],
    [{ size: [64, 0, 64, 1, 1] }, /Cannot cut a volume of 64x0x64x1x1 voxels/],
  ];
  for (const [given, message] of refused) {
    throws(
      () => planLayout({ ...BASE, size, ...given }),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  }
});

Deno.test("a volume in blocks is cut along x and y as well, into whole shards and whole blocks where they fit", () => {
  const { phases } = planLayout({
    ...BASE,
    size: [4096, 4096, 4096, 1, 1],
    axes: ["z", "y", "x"],
    chunk: [64, 64, 64],
    shard: [512, 512, 512],
    blocks: [128, 128, 64],
  });
  const [source, ...later] = phases;
  ok(source.kind === "source");
  deepEqual([source.cell, source.counts, source.makes], [
    [1024, 1024, 1024, 1, 1],
    [4, 4, 4, 1, 1],
    [0, 1],
  ]);
  deepEqual(later.map((phase) => phase.kind === "scales" && phase.makes), [[2], [3, 4], false]);
});

Deno.test("chunks of a volume without z are one voxel deep, whatever was wished for", () => {
  for (const axes of [["y", "x"], ["c", "y", "x"], ["z", "y", "x"]] as const) {
    const { layout } = planLayout({
      size: [70, 50, 1, 1, 1],
      dtype: "uint8",
      axes,
      kind: "image",
      encoding: { codec: "none", crc32c: false },
      chunk: [16, 16, 8],
      shard: [32, 32, 16],
      levels: 2,
      samples: 1,
    });
    const deep = axes[0] === "z" ? 8 : 1;
    for (const { chunk, shard } of layout.scales) deepEqual([chunk[2], shard[2]], [deep, deep]);
  }
});
