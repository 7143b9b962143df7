/** Where the units of a plan lie in a channel of a Boss: each is a cuboid, cut off where the volume ends. */
import type { BossChannel } from "../boss/cutout_channel.ts";
import { type Box, boxSize } from "../core/box.ts";
import { cellsOf, eachCell, type Layout, type Unit, unitBox } from "../core/layout.ts";
import type { Plan } from "../core/plan.ts";
import { mapPoint, type Point } from "../core/point.ts";

/** Key of a cutout. @param of In voxels of the resolution, from the origin of its coordinate frame. */
export function cutoutKey(resolution: number, { min, max }: Box): string {
  const ranges = [0, 1, 2, 4].map((axis) => `${min[axis]}:${max[axis]}`);
  return ["cutout", resolution, ...ranges].join("/");
}

/** Where voxel 0 of a planned volume lies in the channel; the channel itself is the finest of its levels. */
export function originOf(plan: Plan, { address }: Pick<BossChannel, "address">): Point {
  const { source, origin = source.crop.min } = plan;
  const [x, y, z] = address.at ?? origin;
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
export function* cutoutKeys(plan: Plan, channel: BossChannel): Generator<string> {
  const { layout } = plan;
  const origin = originOf(plan, channel);
  const [{ resolution }] = channel.levels;
  const { size, shard } = layout.scales[0];
  for (const index of eachCell(cellsOf({ min: [0, 0, 0, 0, 0], max: size }, shard))) {
    yield cutoutKey(resolution, unitCutout(layout, { scale: 0, index }, origin));
  }
}
