/**
 * Coarser scales, made from the bands of the scale below as they pass.
 * @module
 */
import { type Box, boxSize } from "../core/box.ts";
import type { VoxelArray } from "../core/dtype.ts";
import { boxAtScale, type Layout } from "../core/layout.ts";
import { type Band, BandBuffers, type Slab } from "../core/slab.ts";
import { allSettled } from "../core/abort.ts";
import { leastCommonMultiple } from "../core/integers.ts";
import type { WorkerPool } from "../pool/worker_pool.ts";
import { type Stage, stage } from "./stage.ts";

/** How scales are built. */
export interface BuildScalesOptions {
  /** Does the work. */
  readonly pool: WorkerPool;
  /** Buffers to share with other stages. @default Its own. */
  readonly buffers?: BandBuffers;
}

/**
 * Adds bands of the coarser scales that the task makes to its slab: each is made from the one below it, by the rule
 * of the layout. The slab's own scale passes only if the task makes it, too.
 * @example Means of two voxels
 * ```ts
 * import { box, buildScales, makeSlab, planLayout, WorkerPool } from "@sluice/sluice";
 * import { runStage, testTask } from "@sluice/sluice/testing";
 * import { deepEqual } from "node:assert/strict";
 * const { layout } = planLayout({
 *   size: [5, 1, 1, 1, 1], dtype: "uint8", axes: ["y", "x"], kind: "image", levels: 2, samples: 1,
 *   encoding: { codec: "none", crc32c: false },
 * });
 * const row = makeSlab({ box: box([0, 0, 0], [5, 1, 1]), dtype: "uint8" }, (_, voxels) => {
 *   for (const i of voxels.keys()) voxels[i] = 10 * i;
 * });
 * await using pool = new WorkerPool({ size: 0 });
 * const tasks = [testTask({ box: row.box, makes: [0, 1] })];
 * const [slab] = await runStage(buildScales(layout, { pool }), [row], { tasks });
 * const scales: number[][] = [];
 * for await (const { data } of slab.bands()) scales.push(Array.from(data, Number));
 * deepEqual(scales, [[0, 10, 20, 30, 40], [5, 25, 40]]);
 * ```
 */
export function buildScales(
  layout: Layout,
  { pool, buffers = new BandBuffers() }: BuildScalesOptions,
): Stage<Slab, Slab> {
  return stage("downsample", (slab, { task, signal }): Slab => {
    const wanted = task.makes;
    const coarser = wanted.filter((scale) => scale !== slab.scale);
    // As it is: whoever knows of its stored chunks knows them by the slab itself.
    if (coarser.length === 0 && wanted.includes(slab.scale)) return slab;
    return {
      ...slab,
      async *bands({ rows = 1, hold = false } = {}) {
        const steps = coarser.map((scale, i) =>
          new ScaleStep(layout, slab, coarser[i - 1] ?? slab.scale, scale, pool, buffers, signal)
        );
        try {
          const even = leastCommonMultiple(
            rows,
            leastCommonMultiple(layout.scales[slab.scale].chunk[1], 2),
          );
          const finest = slab.bands({ rows: coarser.length === 0 ? rows : even, hold });
          for await (const band of finest) {
            const made = await climb(steps, band);
            if (wanted.includes(slab.scale)) yield band;
            else band.release?.();
            for (const { release, ...ready } of made) {
              yield hold ? { ...ready, release } : ready;
              if (!hold) release!();
            }
          }
        } finally {
          for (const step of steps) step.close();
        }
      },
    };
  });
}

/** Adds a band to the coarser scales; gives the bands that became full, each made from the one before. */
async function climb(steps: readonly ScaleStep[], band: Band): Promise<Band[]> {
  const made: Band[] = [];
  for (const step of steps) {
    const ready = await step.add(made.at(-1) ?? band);
    if (ready === undefined) break;
    made.push(ready);
  }
  return made;
}

/** Gathers the rows of one scale until they make a band. */
class ScaleStep {
  readonly #scale: number;
  readonly #box: Box;
  readonly #factor: readonly [1 | 2, 1 | 2, 1 | 2];
  #data: VoxelArray | undefined;
  #capacity = 0;
  #first: number;
  #rows = 0;

  constructor(
    readonly layout: Layout,
    readonly slab: Slab,
    from: number,
    scale: number,
    readonly pool: WorkerPool,
    readonly buffers: BandBuffers,
    readonly signal: AbortSignal,
  ) {
    this.#scale = scale;
    this.#box = boxAtScale(layout, slab.box, slab.scale, scale);
    const step = (axis: number) =>
      layout.scales[scale].factor[axis] === layout.scales[from].factor[axis] ? 1 : 2;
    this.#factor = [step(0), step(1), step(2)];
    this.#first = this.#box.min[1];
  }

  /** Downsamples a band of the scale below; gives the gathered band, with its memory, once it is full. */
  async add(band: Band): Promise<Band | undefined> {
    const { downsample: method, fill } = this.layout;
    const [x, y, z, c, t] = boxSize(band.box);
    const made = Math.ceil(y / this.#factor[1]);
    this.#data ??= this.#allocate(made);
    const target = this.#bandBox(this.#first + this.#capacity);
    const targetSize = boxSize(target);
    const total = targetSize[3] * targetSize[4] * targetSize[2] * made;
    const parts = Math.max(
      1,
      Math.min(this.pool.size * 2, Math.floor(total * targetSize[0] / 65536)),
    );
    await allSettled(Array.from({ length: parts }, (_, part) =>
      this.pool.run("downsample", {
        method,
        fill,
        source: band.data,
        sourceSize: [x, y, z, c * t],
        factor: this.#factor,
        target: this.#data!,
        targetSize: [targetSize[0], this.#capacity, targetSize[2], targetSize[3] * targetSize[4]],
        targetRow: this.#rows,
        first: Math.floor(total * part / parts),
        end: Math.floor(total * (part + 1) / parts),
      }, { signal: this.signal })));
    this.#rows += made;
    const end = this.#first + this.#rows;
    if (this.#rows < this.#capacity && end < this.#box.max[1]) return undefined;
    const box = this.#bandBox(end);
    const whole = this.#data;
    const full = this.#rows < this.#capacity ? this.#compact(box) : whole;
    this.#first = end;
    this.#rows = 0;
    this.#data = undefined;
    return { scale: this.#scale, box, data: full, release: () => this.buffers.give(whole) };
  }

  /** Room for whole rows of chunks, and for whole bands of the scale below. */
  #allocate(made: number): VoxelArray {
    const rows = leastCommonMultiple(
      made,
      leastCommonMultiple(this.layout.scales[this.#scale].chunk[1], 2),
    );
    this.#capacity = Math.min(rows, this.#box.max[1] - this.#box.min[1]);
    return this.buffers.take(this.slab.dtype, this.#bandBox(this.#first + this.#capacity));
  }

  #bandBox(end: number): Box {
    const { min, max } = this.#box;
    return {
      min: [min[0], this.#first, min[2], min[3], min[4]],
      max: [max[0], end, max[2], max[3], max[4]],
    };
  }

  /** A band that ends before its buffer does: its planes move together. */
  #compact(box: Box): VoxelArray {
    const data = this.#data!;
    const [x, rows, z, c, t] = boxSize(box);
    for (let plane = 1; plane < z * c * t; plane++) {
      data.copyWithin(
        plane * rows * x,
        plane * this.#capacity * x,
        (plane * this.#capacity + rows) * x,
      );
    }
    return data.subarray(0, z * c * t * rows * x) as VoxelArray;
  }

  close(): void {
    if (this.#data !== undefined) this.buffers.give(this.#data);
    this.#data = undefined;
  }
}
