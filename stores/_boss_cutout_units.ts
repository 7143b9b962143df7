/** Where the units of a plan lie in a channel of a Boss: each is a cuboid, cut off where the volume ends. */
import type { BossAddress } from "../boss/cutout_address.ts";
import type { BossChannel } from "../boss/cutout_channel.ts";
import { type Box, boxSize } from "../core/box.ts";
import { cellsOf, eachCell, type Layout, type Unit, unitBox } from "../core/layout.ts";
import type { Plan } from "../core/plan.ts";
import { mapPoint, type Point } from "../core/point.ts";
import type { Blobs } from "./blobs/blobs.ts";
import { readJson, writeDocument } from "./job_folder.ts";
import type { VolumeState } from "./volume.ts";

/** Key of a cutout. @param of In voxels of the resolution, from the origin of its coordinate frame. */
export function cutoutKey(resolution: number, { min, max }: Box): string {
  const ranges = [0, 1, 2, 4].map((axis) => `${min[axis]}:${max[axis]}`);
  return ["cutout", resolution, ...ranges].join("/");
}

/** What a job keeps of its channel beside it, for which a Boss has no room. */
export interface CutoutState extends VolumeState {
  /** Where its first voxel lies in the channel. */
  readonly origin: Point;
}

const STATE_KEY = ".sluice/state.json";

/** Reads what the last job kept; undefined where there was none. @param blobs Those beside the channel will do. */
export async function readState(
  blobs: Pick<Blobs, "get" | "url">,
): Promise<CutoutState | undefined> {
  return await readJson(blobs, STATE_KEY) as CutoutState | undefined;
}

/** Keeps how far a job is. */
export async function writeState(blobs: Blobs, state: CutoutState): Promise<void> {
  await writeDocument(blobs, STATE_KEY, state);
}

/** Where the first voxel of a planned volume is to lie in the channel. */
export function originOf(plan: Plan, { at }: Pick<BossAddress, "at">): Point {
  const { source, origin = source.crop.min } = plan;
  const [x, y, z] = at ?? origin;
  return [x, y, z, 0, 0];
}

/** Where a unit lies in the channel. */
export function unitCutout(layout: Layout, unit: Unit, origin: Point): Box {
  const { min, max } = unitBox(layout, unit);
  return {
    min: mapPoint(min, (value, axis) => value + origin[axis]),
    max: mapPoint(max, (value, axis) => value + origin[axis]),
  };
}

/** Voxels along x, y and z of a unit. */
export function unitSides(layout: Layout, unit: Unit): Point {
  return boxSize(unitBox(layout, unit));
}

/** The key of every unit of a plan. */
export function* cutoutKeys(
  { layout }: Plan,
  { levels: [{ resolution }] }: BossChannel,
  origin: Point,
): Generator<string> {
  const { size, shard } = layout.scales[0];
  for (const index of eachCell(cellsOf({ min: [0, 0, 0, 0, 0], max: size }, shard))) {
    yield cutoutKey(resolution, unitCutout(layout, { scale: 0, index }, origin));
  }
}
