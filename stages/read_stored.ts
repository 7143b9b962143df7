/**
 * Tasks that read what earlier phases stored.
 * @module
 */
import { baseScale, type Plan } from "../core/plan.ts";
import type { Slab } from "../core/slab.ts";
import type { Store } from "../stores/store.ts";
import { type Stage, stage } from "./stage.ts";

/** Opens the slab of each task in the store itself, at the scale its phase reads; for `finish`, a slab of no bands. */
export function readStored(store: Store, plan: Plan): Stage<unknown, Slab> {
  return stage("read", (_, { task, signal }): Promise<Slab> | Slab => {
    const phase = plan.phases[task.phase];
    if (phase.kind === "finish") {
      return { box: task.box, scale: 0, dtype: plan.layout.dtype, losses: [], async *bands() {} };
    }
    return store.read(task.box, { scale: baseScale(phase), signal });
  });
}
