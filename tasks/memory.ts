/**
 * How a budget of memory is shared out.
 * @module
 */
import process from "node:process";
import { UsageError } from "../core/errors.ts";
import type { Plan } from "../core/plan.ts";
import { VOXEL_BYTES } from "../core/dtype.ts";
import { leastCommonMultiple } from "../core/integers.ts";

/** What one process may hold, by purpose. */
export interface MemoryShares {
  /** Tasks that are worked on at once. */
  readonly tasks: number;
  /** A band grows to this many bytes. */
  readonly bandBytes: number;
  /** Decoded bytes that the images of one task may hold. */
  readonly wholeBytes: number;
}

const MIB = 1 << 20;
/** A larger band gains nothing: its work is spread over the threads long before. */
const LARGEST_BAND = 16 * MIB;
/** Streamed images decode as fast as whole ones; only where they are small is it worth to hold them whole. */
const MOST_WHOLE = 64 * MIB;

/**
 * Half of what the machine, or the control group the process runs in, has free now.
 * @example Half of what is free, but no more than 8 GiB
 * ```ts
 * import { defaultMemory } from "@sluice/sluice";
 * import { ok } from "node:assert/strict";
 * const memory = Math.min(defaultMemory(), 8 * 2 ** 30);
 * ok(memory > 0 && Number.isInteger(memory));
 * ```
 */
export function defaultMemory(): number {
  const free = Deno.systemMemoryInfo().available;
  const limit = process.constrainedMemory();
  const used = process.memoryUsage().rss;
  const allowed = limit > 0 && limit < 2 ** 50 ? limit - used : free;
  return Math.floor(Math.min(free, allowed) / 2);
}

/**
 * Shares a budget out for the largest task of a plan: bands of the scale that is read (one being read, one in use, one
 * being encoded), two gathered bands of every coarser scale, images that are held decoded, and chunks on their way.
 * @param mostTasks Tasks at once at most: two keep threads busy, more hide the way to a bucket.
 * @throws {UsageError} If the budget is too small for one task.
 * @example Options for the stages of a plan, within 1 GiB
 * ```ts
 * import { encodePng, planIngest, shareMemory, WorkerPool } from "@sluice/sluice";
 * import { ok } from "node:assert/strict";
 * const path = await Deno.makeTempFile({ suffix: ".png" });
 * const data = new Uint8Array(35);
 * await Deno.writeFile(path, encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data }));
 * const { plan } = await planIngest([path]);
 * await using pool = new WorkerPool({ size: 2 });
 * const { tasks, bandBytes, wholeBytes } = shareMemory(plan, 2 ** 30, pool.size);
 * ok(tasks * (4 * bandBytes + wholeBytes) < 2 ** 30);
 * await Deno.remove(path);
 * ```
 */
export function shareMemory(
  plan: Plan,
  memory: number,
  threads: number,
  { mostTasks = 2 }: { readonly mostTasks?: number } = {},
): MemoryShares {
  const { layout } = plan;
  const voxelBytes = VOXEL_BYTES[layout.dtype];
  const leastBands = plan.phases.map((phase) => {
    if (phase.kind === "finish") return 0;
    const scale = layout.scales[phase.kind === "scales" ? phase.reads : 0];
    const rows = Math.min(
      scale.size[1],
      phase.makes.length > 1 ? leastCommonMultiple(scale.chunk[1], 2) : scale.chunk[1],
    );
    const [x, , z, c] = phase.cell;
    return x * rows * Math.min(z, scale.size[2]) * c * voxelBytes;
  });
  const least = Math.max(...leastBands);
  const chunk = layout.scales[0].chunk.reduce((product, side) => product * side, voxelBytes);
  const chunks = chunk * 8 * (threads + 1) * 3;
  const need = 6 * least + chunks;
  if (need > memory) {
    throw new UsageError(
      `Cannot work with ${mebibytes(memory)} of memory: one row of chunks of this plan needs ${
        mebibytes(need)
      }; give --memory ${Math.ceil(need / MIB)}MiB or more, or plan with a smaller --chunk`,
    );
  }
  const fits = Math.floor((memory - 64 * MIB) / need);
  const tasks = Math.max(1, Math.min(mostTasks, fits));
  const share = (memory - chunks * tasks) / tasks;
  const bandBytes = Math.max(least, Math.min(LARGEST_BAND, share / 8));
  return {
    tasks,
    bandBytes,
    wholeBytes: Math.max(0, Math.min(MOST_WHOLE, Math.floor(share - 6 * bandBytes) / 2)),
  };
}

/** Bytes as people read them. */
export function mebibytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let at = 0;
  while (bytes >= 1024 && at < units.length - 1) [bytes, at] = [bytes / 1024, at + 1];
  return `${bytes < 10 && at > 0 ? bytes.toFixed(1) : Math.round(bytes)} ${units[at]}`;
}

/**
 * Reads `512MiB`, `4GB`, `2G`: a number with a unit.
 * @throws {UsageError} If it is none.
 */
export function parseBytes(text: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?\s*$/i.exec(text);
  if (match === null) {
    throw new UsageError(
      `Cannot read "${text}" as a size: write a number with a unit, such as 512MiB or 4GiB`,
    );
  }
  const [, number, prefix, binary] = match;
  const base = binary === "" && /b\s*$/i.test(text) && prefix !== "" ? 1000 : 1024;
  return Math.floor(
    Number(number) * base ** ["", "k", "m", "g", "t"].indexOf(prefix.toLowerCase()),
  );
}
