/**
 * A receipt as a line: a JSON object with short keys: `t` task, `f` fence, `u` units, each as
 * `[unit, bytes, crc, voxels, min, max]`, and, where there is something to say, `l` losses, each as
 * `[image, kind, min, max, reason]` with the two corners of the box, and `s` the checksum of the sources.
 */
import type { Point } from "../core/point.ts";
import type { Loss, Receipt, UnitReceipt } from "../core/receipt.ts";

/** A receipt as one line, without its end. */
export function formatReceipt({ task, fence, units, losses, sources }: Receipt): string {
  return JSON.stringify({
    t: task,
    f: fence,
    u: units.map((one) => [one.unit, one.bytes, one.crc, one.voxels, one.min, one.max]),
    ...(losses.length === 0
      ? {}
      : { l: losses.map((one) => [one.image, one.kind, one.box.min, one.box.max, one.reason]) }),
    ...(sources === undefined ? {} : { s: sources }),
  });
}

interface Line {
  readonly t: number;
  readonly f: number;
  readonly u: readonly [string, number, number, number, number | string, number | string][];
  readonly l?: readonly [string, Loss["kind"], Point, Point, string][];
  readonly s?: number;
}

/** The receipt of a line, or undefined where the line was torn. */
export function parseReceipt(line: string): Receipt | undefined {
  let parsed: Line;
  try {
    parsed = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (parsed === null || typeof parsed !== "object" || !Array.isArray(parsed.u)) return undefined;
  const { t: task, f: fence, u: units, l: losses = [], s: sources } = parsed;
  return {
    task,
    fence,
    units: units.map(([unit, bytes, crc, voxels, min, max]): UnitReceipt => (
      { unit, bytes, crc, voxels, min, max }
    )),
    losses: losses.map(([image, kind, min, max, reason]): Loss => (
      { image, kind, box: { min, max }, reason }
    )),
    ...(sources === undefined ? {} : { sources }),
  };
}
