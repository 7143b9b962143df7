/**
 * What a job will do, from headers alone: nothing is written.
 * @module
 */
import { createHash } from "node:crypto";
import { type Box, box, boxSize, boxVolume } from "../core/box.ts";
import { type Dtype, dtypeRange, isDtype, VOXEL_BYTES } from "../core/dtype.ts";
import { SluiceError, UsageError } from "../core/errors.ts";
import { type ChunkEncoding, countCells } from "../core/layout.ts";
import { didYouMean } from "../core/nearest.ts";
import { countTasks, type Plan, type PlannedCopy } from "../core/plan.ts";
import { planLayout, WANTED_TASKS } from "../core/plan_layout.ts";
import { type Axis, mapPoint, type Point, product } from "../core/point.ts";
import type { VoxelSize } from "../core/units.ts";
import type { ArraySource } from "../plugins/array_source.ts";
import {
  type ImageStack,
  readImageStack,
  type ReadImageStackOptions,
} from "../plugins/image_stack.ts";
import type { Fault } from "../plugins/source.ts";
import { hashSourceList } from "../plugins/source_list.ts";
import { findArray } from "./_open_sources.ts";
import { planFormats } from "./_plan_format.ts";
import { versionsOf } from "./_versions.ts";

/** A half-open stretch of one axis. */
export type Span = readonly [first: number, end: number];

/** What may be said of a job. */
export interface PlanOptions {
  /** Edge lengths of a voxel. @default What the images say */
  readonly voxelSize?: VoxelSize;
  /** Must be said for uint32 and uint64. @default "image" */
  readonly kind?: "image" | "labels";
  /** Voxels of a chunk along x, y and z. */
  readonly chunk?: readonly [x: number, y: number, z: number];
  /** Voxels of a shard along x, y and z, or `none` for a file a chunk. */
  readonly shard?: readonly [x: number, y: number, z: number] | "none";
  /** How chunks become bytes. @default zstd of level 3 */
  readonly codec?: ChunkEncoding;
  /** Scales of the pyramid, the finest included. */
  readonly levels?: number;
  /** What the volume is to be. @default "ome-zarr" */
  readonly format?: Plan["store"]["kind"];
  /** Further volumes that are written in the same pass, cut alike. @default None */
  readonly copies?: readonly Plan["store"]["kind"][];
  /** OME-Zarr version. @default "0.5" */
  readonly zarr?: "0.5" | "0.4";
  /** Spread the values of a window over this dtype. */
  readonly cast?: Dtype;
  /** Values that become the least and the greatest of `cast`; what lies outside is cut off. */
  readonly window?: readonly [low: number, high: number];
  /**
   * Crop, in voxels of the source. Of a template over HTTP, where nothing can be listed: which numbers its token for
   * this axis stands for, and nothing is cropped.
   */
  readonly x?: Span;
  /** As `x`. */
  readonly y?: Span;
  /** As `x`, in sections. */
  readonly z?: Span;
  /** What an absent section means. `close`: the others move together. @default "error" */
  readonly missing?: "error" | "fill" | "close";
  /** What a broken image costs: the job or task, or its own voxels. @default "error" */
  readonly onError?: "error" | "fill";
  /** Scale of a volume that is read; 0 is the finest. @default 0 */
  readonly scale?: number;
  /** Series of an OME file, by number or name. */
  readonly series?: number | string;
  /** Ends the planning with its reason. */
  readonly signal?: AbortSignal;
  /** Told how many files have been looked at. */
  readonly onProgress?: (read: number, total: number) => void;
}

/** A plan with all that people want to know of it before it is carried out. */
export interface PlanReport {
  /** The plan itself. */
  readonly plan: Plan;
  /** The images, for the list beside the plan; none of an array source. */
  readonly stack: ImageStack;
  /** Where the volume lies that is read, if it is one, and its scale. */
  readonly volume?: { readonly address: string; readonly scale: number };
  /** What the policies let pass: these voxels will be fill value. */
  readonly losses: readonly Fault[];
  /** What to know or to mend. */
  readonly warnings: readonly string[];
  /** Figures that follow from it. */
  readonly estimate: PlanEstimate;
}

/** Figures that follow from a plan; none of them is part of its identity. */
export interface PlanEstimate {
  /** Tasks of all phases. */
  readonly tasks: number;
  /** Images of the stack. */
  readonly images: number;
  /** Bytes of all source files. */
  readonly sourceBytes: number;
  /** Bytes of the voxels of all scales before compression: the volume is smaller. */
  readonly voxelBytes: number;
  /** Most files the volume can have, metadata included. */
  readonly files: number;
  /** Least memory of one worker process, above what the program itself takes. */
  readonly workerBytes: number;
}

/**
 * The inputs have faults that no policy lets pass.
 * @example Sections that are missing
 * ```ts
 * import { encodePng, PlanError, planIngest } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * const data = new Uint8Array(35);
 * const section = encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data });
 * for (const z of [8, 9, 11]) await Deno.writeFile(`${folder}/s_${z}.png`, section);
 * const error: unknown = await planIngest([`${folder}/*.png`]).catch((error) => error);
 * if (!(error instanceof PlanError)) throw error;
 * deepEqual(error.faults.map(({ kind, path }) => [kind, path]), [["missing", "s_10.png"]]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export class PlanError extends SluiceError {
  /** Says which class it is. */
  override readonly name = "PlanError";
  /** Names every fault. */
  constructor(message: string, readonly faults: readonly Fault[]) {
    super(message);
  }
}

/** Attributes faults to people: twenty of a kind are named, the rest counted. */
const NAMED = 20;

/**
 * Plans the ingest of a stack of images, or of an array source.
 * @param source A glob, a template, a folder, or files; or voxels that a script brings.
 * @throws {PlanError} If the inputs have faults that the policies do not let pass; it names them all.
 * @throws {UsageError} If the options do not fit the inputs.
 * @example What would become of three sections
 * ```ts
 * import { encodePng, parseVoxelSize, planIngest } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * const data = new Uint8Array(35);
 * const section = encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data });
 * for (const z of [0, 1, 2]) await Deno.writeFile(`${folder}/s_${z}.png`, section);
 * const voxelSize = parseVoxelSize("4x4x40nm");
 * const { plan, estimate } = await planIngest([`${folder}/*.png`], { voxelSize, levels: 2 });
 * deepEqual(plan.layout.scales.map(({ size }) => size.slice(0, 3)), [[7, 5, 3], [4, 3, 3]]);
 * deepEqual([estimate.images, estimate.voxelBytes], [3, 105 + 36]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function planIngest(
  source: readonly string[] | ArraySource,
  options: PlanOptions = {},
): Promise<PlanReport> {
  const { missing = "error", onError = "error", series, signal, onProgress } = options;
  const array = "kind" in source ? source : await findArray(source, options.scale);
  if (array?.address === undefined && options.scale !== undefined) {
    throw new UsageError("Cannot use --scale with images: they have no pyramid; leave it away");
  }
  const stack = array !== undefined
    ? await describeArray(array, options)
    : await readImageStack(source as readonly string[], {
      missing,
      onError,
      series,
      signal,
      onProgress,
      spans: spansOf(options),
    });
  const [losses, fatal] = sortFaults(stack.faults, missing, onError);
  if (fatal.length > 0) {
    throw new PlanError(describeFaults(source as readonly string[], fatal), fatal);
  }
  const { info } = stack;
  const warnings = [...stack.notes];

  const kind = chooseKind(info.dtype, options.kind ?? info.kind);
  const { dtype, window } = chooseCast(info.dtype, kind, options);
  const crop = chooseCrop(info.extent, leaveOut(options, stack.spanned));
  const size = boxSize(crop);
  const voxelSize = options.voxelSize ?? info.voxelSize;
  if (voxelSize === undefined || voxelSize.z === undefined) {
    warnings.push(
      `The ${array !== undefined ? "source does" : "images do"} not say how large a voxel is${
        voxelSize === undefined ? "" : " along z"
      }: scale 1 is written. ` +
        "Give --voxel-size 4x4x40nm, or set it later with `sluice set TARGET --voxel-size 4x4x40nm`",
    );
  }
  const axes = [
    ...(info.hasTime ? ["t"] : []),
    ...(info.hasChannels ? ["c"] : []),
    ...(info.extent.max[2] > 1 ? ["z"] : []),
    "y",
    "x",
  ] as Axis[];
  const { hasTime } = info;
  const format = planFormats(options, { dtype, kind, channels: size[3], hasTime, voxelSize });
  const { encoding } = format;
  const samples = stack.images.reduce((most, image) => Math.max(most, image.samples), 1);
  const { layout, phases } = planLayout({
    size,
    dtype,
    axes,
    kind,
    voxelSize: voxelSize?.z === undefined ? undefined : voxelSize,
    encoding,
    chunk: format.chunk ?? options.chunk,
    shard: format.shard,
    shapeShard: format.shapeShard,
    joinsChannels: format.joinsChannels,
    levels: format.levels ?? options.levels,
    samples,
    blocks: info.blocks,
  });
  const unidentified: Omit<Plan, "id"> = {
    format: "sluice-plan",
    formatVersion: 1,
    versions: versionsOf([encoding, ...format.copies.map(({ encoding }) => encoding)]),
    source: array !== undefined
      ? { kind: "array", name: array.name, crop }
      : { kind: "images", list: hashSourceList(stack), images: stack.images.length, crop },
    store: format.store(layout),
    ...(info.offset === undefined ? {} : { origin: addPoints(crop.min, info.offset) }),
    kind,
    ...(voxelSize?.z === undefined ? {} : { voxelSize }),
    policies: {
      missing: missing === "close" ? "error" : missing,
      onError,
      ...(window === undefined ? {} : { window }),
    },
    layout,
    phases,
  };
  const copies = format.copies.map(({ encoding, store }): PlannedCopy => {
    const own = { ...unidentified, store: store(layout), layout: { ...layout, encoding } };
    return { id: identify(own), store: own.store, encoding };
  });
  const whole = copies.length === 0 ? unidentified : { ...unidentified, copies };
  const plan: Plan = { ...whole, id: identify(whole) };
  const tasks = countTasks(plan) - 1;
  if (tasks < WANTED_TASKS) {
    const depth = layout.scales[0].shard[2];
    const why = info.blocks === undefined
      ? `, as ${size[2]} sections make ${Math.ceil(size[2] / depth)} shards along z`
      : "";
    warnings.push(
      `${tasks} ${tasks === 1 ? "task" : "tasks"}${why}: more processes than tasks will wait`,
    );
  }
  return {
    plan,
    stack,
    ...(array?.address === undefined
      ? {}
      : { volume: { address: array.address, scale: options.scale ?? 0 } }),
    losses,
    warnings,
    estimate: estimate(plan, stack),
  };
}

/** A stack without images: what an array source says of itself. */
async function describeArray(source: ArraySource, options: PlanOptions): Promise<ImageStack> {
  const refused = source.address === undefined
    ? ["cast", "window", "missing", "onError", "series"] as const
    : ["missing", "series"] as const;
  for (const name of refused) {
    if (options[name] === undefined) continue;
    throw new UsageError(
      source.address === undefined
        ? `Cannot use "${name}" with the array source "${source.name}": it is about images; let the source give the voxels as they shall be`
        : `Cannot use --${name} with "${source.address}": it is about stacks of images; leave it away`,
    );
  }
  const info = await source.describe({ signal: options.signal });
  return { root: "", images: [], info, faults: [], notes: [] };
}

function addPoints(a: Point, b: Point): Point {
  return mapPoint(a, (value, axis) => value + b[axis]);
}

/** SHA-256 of what is written. */
function identify(plan: Omit<Plan, "id">): string {
  return createHash("sha256").update(JSON.stringify(plan)).digest("hex");
}

function sortFaults(
  faults: readonly Fault[],
  missing: "error" | "fill" | "close",
  onError: "error" | "fill",
): [losses: Fault[], fatal: Fault[]] {
  const passes = ({ policy }: Fault) =>
    policy === "missing" ? missing === "fill" : policy === "on-error" ? onError === "fill" : false;
  return [faults.filter(passes), faults.filter((fault) => !passes(fault))];
}

function describeFaults(patterns: readonly string[], faults: readonly Fault[]): string {
  const kinds = Map.groupBy(faults, ({ kind }) => kind);
  const lines = [...kinds].flatMap(([kind, of]) => [
    ...of.slice(0, NAMED).map(({ path, reason }) => `  ${kind}: "${path}" ${reason}`),
    ...(of.length > NAMED ? [`  ${kind}: ${of.length - NAMED} more`] : []),
  ]);
  const ways = [
    ...(faults.some(({ policy }) => policy === "missing")
      ? ["--missing fill to leave absent sections as fill value"]
      : []),
    ...(faults.some(({ policy }) => policy === "on-error")
      ? ["--on-error fill to leave broken images as fill value"]
      : []),
  ];
  return `Cannot plan "${patterns.slice(0, 3).join(" ")}${
    patterns.length > 3 ? " …" : ""
  }" as a volume: ${faults.length} ${faults.length === 1 ? "fault" : "faults"}; mend the files${
    ways.map((way) => `, or give ${way}`).join("")
  }\n${lines.join("\n")}`;
}

function chooseKind(dtype: Dtype, kind: "image" | "labels" | undefined): "image" | "labels" {
  if (kind === undefined && (dtype === "uint32" || dtype === "uint64")) {
    throw new UsageError(
      `Cannot tell whether ${dtype} voxels are an image or labels: give --kind labels (never averaged) or --kind image`,
    );
  }
  if (kind === "labels" && dtype === "float32") {
    throw new UsageError(
      "Cannot store float32 voxels as labels: labels are integers; give --kind image",
    );
  }
  return kind ?? "image";
}

function chooseCast(
  from: Dtype,
  kind: "image" | "labels",
  { cast, window }: PlanOptions,
): { dtype: Dtype; window?: readonly [number, number] } {
  if (cast === undefined && window === undefined) return { dtype: from };
  if (cast !== undefined && !isDtype(cast)) {
    throw new UsageError(
      `Cannot cast to "${cast}": it is no dtype${didYouMean(cast, Object.keys(VOXEL_BYTES))}`,
    );
  }
  if (kind === "labels") {
    throw new UsageError(
      "Cannot cast labels: --window changes their values; leave --cast and --window away",
    );
  }
  if (window === undefined) {
    throw new UsageError(
      `Cannot cast ${from} to ${cast} without a window: give --window low:hi, the values that become the least and the greatest`,
    );
  }
  if (!(window[1] > window[0])) {
    throw new UsageError(
      `Cannot use --window ${window.join(":")}: the second value must be greater`,
    );
  }
  const dtype = cast ?? from;
  if (dtype === "float32") {
    throw new UsageError("Cannot spread a window over float32: give --cast with an integer dtype");
  }
  dtypeRange(dtype);
  return { dtype, window };
}

function spansOf({ x, y, z }: PlanOptions): NonNullable<ReadImageStackOptions["spans"]> {
  return {
    ...x === undefined ? {} : { x },
    ...y === undefined ? {} : { y },
    ...z === undefined ? {} : { z },
  };
}

/** What is left to crop: along the others the spans said which images there are. */
function leaveOut(options: PlanOptions, spanned: readonly Axis[] = []): PlanOptions {
  const crop = { ...options };
  for (const axis of ["x", "y", "z"] as const) if (spanned.includes(axis)) delete crop[axis];
  return crop;
}

function chooseCrop(extent: Box, spans: Pick<PlanOptions, "x" | "y" | "z">): Box {
  const min = [...extent.min];
  const max = [...extent.max];
  for (const [axis, name] of (["x", "y", "z"] as const).entries()) {
    const span = spans[name];
    if (span === undefined) continue;
    const end = Math.min(span[1], extent.max[axis]);
    if (!(span[0] >= 0 && span[0] < end)) {
      throw new UsageError(
        `Cannot crop --${name} ${span.join(":")}: the images reach from 0 to ${extent.max[axis]}`,
      );
    }
    [min[axis], max[axis]] = [span[0], end];
  }
  return box(min, max);
}

function estimate(plan: Plan, stack: ImageStack): PlanEstimate {
  const { layout } = plan;
  const voxelBytes = VOXEL_BYTES[layout.dtype];
  const rows = plan.phases.map((phase) => {
    if (phase.kind === "finish") return 0;
    const { chunk, size } = layout.scales[phase.kind === "scales" ? phase.reads : 0];
    return 3 * phase.cell[0] * chunk[1] * Math.min(phase.cell[2], size[2]) * phase.cell[3] *
      voxelBytes;
  });
  const paths = new Map(stack.images.map((image) => [image.path, image.size]));
  return {
    tasks: countTasks(plan),
    images: stack.images.length,
    sourceBytes: [...paths.values()].reduce((sum, size) => sum + size, 0),
    voxelBytes: layout.scales.reduce(
      (sum, { size }) => sum + boxVolume({ min: [0, 0, 0, 0, 0], max: size }) * voxelBytes,
      0,
    ),
    files: layout.scales.reduce(
      (sum, { size, shard }) => sum + 1 + product(countCells(size, shard)),
      1,
    ),
    workerBytes: Math.max(...rows),
  };
}
