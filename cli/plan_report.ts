/**
 * A plan in words.
 * @module
 */
import { boxSize } from "../core/box.ts";
import { VOXEL_BYTES } from "../core/dtype.ts";
import { type ChunkEncoding, countCells } from "../core/layout.ts";
import { countPhaseTasks, countTasks, type Phase, type Plan } from "../core/plan.ts";
import { product } from "../core/point.ts";
import { formatVoxelSize } from "../core/units.ts";
import type { Fault } from "../plugins/source.ts";
import { mebibytes } from "../tasks/memory.ts";
import type { PlanReport } from "../tasks/plan.ts";
import { formatCount, formatDuration, formatSize, plural, table } from "./text.ts";

/** Bytes of voxels that a thread is taken to read, downsample and write in a second: measured, on one machine. */
const GUESSED_RATE = 60e6;
/** Losses that are named; the rest is counted. */
const NAMED = 20;

/** All that people want to know of a plan. */
export function describePlan(
  { plan, stack, volume, losses, warnings, estimate }: PlanReport,
  { threads, bold }: { readonly threads: number; readonly bold: (text: string) => string },
): string {
  const { layout, source, store, policies } = plan;
  const size = boxSize(source.crop);
  const cropped = stack.info.extent.max.some((value, axis) => value !== size[axis]);
  const milliseconds = 1000 + estimate.voxelBytes / (GUESSED_RATE * Math.max(1, threads)) * 1000;
  return [
    ...(volume === undefined
      ? [
        bold("Images"),
        ...table([
          [
            plural(estimate.images, "image"),
            `${mebibytes(estimate.sourceBytes)} in "${stack.root}"`,
          ],
        ]),
      ]
      : [bold("Source"), ...table([[`scale ${volume.scale}`, `of "${volume.address}"`]])]),
    ...(cropped
      ? [
        `  cropped from ${formatSize(boxSize(stack.info.extent))} at ${
          source.crop.min.slice(0, 3)
        }`,
      ]
      : []),
    "",
    bold("Volume"),
    ...table([
      ["extent", `${formatSize(size)} voxels of ${layout.dtype}, ${plan.kind}`],
      ["voxel size", plan.voxelSize === undefined ? "not known" : formatVoxelSize(plan.voxelSize)],
      [
        "format",
        store.kind === "bossdb"
          ? "channel of a Boss, in blosc"
          : `${store.kind === "ome-zarr" ? `OME-Zarr ${store.zarr}` : "precomputed"}, ${
            spellEncoding(layout.encoding)
          }`,
      ],
      ...(policies.window === undefined
        ? []
        : [["window", `${policies.window.join(" to ")} spread over ${layout.dtype}`]]),
    ]),
    "",
    bold("Scales"),
    ...describeScales(plan),
    "",
    bold("Work"),
    ...plan.phases.map((phase) => `  ${describePhase(phase)}`),
    `  ${plural(countTasks(plan), "task")}, at most ${formatCount(estimate.files)} files, ${
      mebibytes(estimate.voxelBytes)
    } of voxels before compression`,
    `  memory of a process: ${mebibytes(estimate.workerBytes)} or more`,
    `  time: about ${formatDuration(milliseconds)} with ${
      plural(threads, "thread")
    }, a rough guess at ${GUESSED_RATE / 1e6} MB/s a thread`,
    ...describeLosses(losses),
    ...(warnings.length === 0 ? [] : ["", bold("Notes"), ...warnings.map((text) => `  ${text}`)]),
  ].join("\n");
}

/** A plan as JSON: the plan itself, and the figures. */
export function planDocument(
  { plan, stack, volume, losses, warnings, estimate }: PlanReport,
): unknown {
  return { plan, root: stack.root, volume, losses, warnings, estimate };
}

function describeScales({ layout }: Plan): string[] {
  const voxelBytes = VOXEL_BYTES[layout.dtype];
  const rows = layout.scales.map(({ size, chunk, shard }, i) => [
    String(i),
    formatSize(size),
    chunk.slice(0, 3).join("x"),
    shard.every((side, axis) => side === chunk[axis]) ? "none" : shard.slice(0, 3).join("x"),
    formatCount(product(countCells(size, shard))),
    mebibytes(product(size) * voxelBytes),
  ]);
  return table([["scale", "voxels", "chunk", "shard", "files", "bytes"], ...rows], {
    right: [4, 5],
  });
}

function describePhase(phase: Phase): string {
  const tasks = plural(countPhaseTasks(phase), "task").padEnd(10);
  if (phase.kind === "finish") return `${tasks} the metadata`;
  const makes = phase.makes.length === 1
    ? `scale ${phase.makes[0]}`
    : `scales ${phase.makes[0]} to ${phase.makes.at(-1)}`;
  const from = phase.kind === "source" ? "the source" : `scale ${phase.reads}`;
  return `${tasks} ${makes} from ${from}, ${phase.cell.slice(0, 3).join("x")} voxels each`;
}

/** Losses that are known before a voxel is read. */
export function describeLosses(losses: readonly Fault[]): string[] {
  if (losses.length === 0) return [];
  return [
    "",
    `${plural(losses.length, "image")} will be fill value, and count as lost:`,
    ...losses.slice(0, NAMED).map(({ kind, path, reason }) => `  ${kind}: "${path}" ${reason}`),
    ...(losses.length > NAMED ? [`  and ${formatCount(losses.length - NAMED)} more`] : []),
  ];
}

/** An encoding as `--codec` spells it. */
export function spellEncoding(encoding: ChunkEncoding): string {
  switch (encoding.codec) {
    case "none":
      return "not compressed";
    case "blosc":
      return `blosc:${encoding.cname}:${encoding.level}`;
    case "precomputed":
      return encoding.form.codec + (encoding.gzip === undefined ? "" : " in gzip");
    default:
      return `${encoding.codec}:${encoding.level}`;
  }
}
