/**
 * Gives every image its place in the volume, and names each fault on the way.
 * @module
 */
import type { ImageAt, ImageHeader } from "../codecs/image.ts";
import type { Point } from "../core/point.ts";
import { chooseSeries, type FileLayout, type LaidOut, layOut, type Plane } from "./_file_layout.ts";
import type { FileSet } from "./_file_set.ts";
import type { Described } from "./_headers.ts";
import { compareHeaders, expectedAt, type TileNorm, Votes } from "./_norm.ts";
import type { Fault, SourceImage } from "./source.ts";

/** One place of a row or a grid of files. */
export interface Slot {
  readonly path: string;
  /** Indexes along x, y, z, c and t, from 0. */
  readonly at: Point;
  /** Absent where there is no file. */
  readonly described?: Described;
  /** Why there is none. */
  readonly reason?: string;
  readonly set?: FileSet;
}

/** Files in their places. */
export interface Arrangement {
  /** In a row each file begins at the z where the one before ends; in a grid all have their cell. */
  readonly kind: "row" | "grid";
  readonly slots: readonly Slot[];
  /** Places along x, y, z, c and t. */
  readonly counts: Point;
  readonly norm: TileNorm;
}

/** How losses are taken. */
export interface PlaceOptions {
  readonly missing: "error" | "fill" | "close";
  readonly onError: "error" | "fill";
  readonly series?: number | string;
}

/** Images in their places. */
export interface Placement {
  readonly images: SourceImage[];
  readonly faults: Fault[];
  readonly notes: string[];
  /** Voxels along x, y, z, c and t. */
  readonly size: Point;
  readonly laidOut: readonly LaidOut[];
}

type Trouble = { readonly kind: Fault["kind"]; readonly reason: string };

/** Places the images of all slots. */
export function placeImages(arrangement: Arrangement, options: PlaceOptions): Placement {
  const { slots, counts, norm, kind } = arrangement;
  const laid = layOutAll(slots, options.series);
  const { block, layout: whole, isMajority } = commonBlock(laid, norm.tile.samples);
  const placement = new Placing(norm, options);
  let z = 0;
  let sizeZ = 0;
  const lengths = new Set<number>();
  for (const [at, slot] of slots.entries()) {
    const own = laid[at];
    const isLast = counts[2] > 1 && slot.at[2] === counts[2] - 1;
    const trouble = slot.described === undefined
      ? { kind: "missing", reason: slot.reason ?? "is not there" } as const
      : slot.described.fault ??
        (own === undefined ? undefined : troubleOf(
          own.layout,
          block,
          kind === "row" ? isMajority : isLast ? "shorter" : "equal",
        ));
    const first = kind === "row" ? z : slot.at[2] * block[0];
    const used = trouble === undefined && own !== undefined ? own : undefined;
    const layout = used?.layout ?? whole;
    const origin: Point = [
      slot.at[0] * norm.tile.width,
      slot.at[1] * norm.tile.height,
      first,
      slot.at[3] * block[1],
      slot.at[4] * block[2],
    ];
    const oddHeader = trouble !== undefined && slot.described?.file !== undefined
      ? compareHeaders(slot.described.file.images[0], expectedAt(norm, slot.at[0], slot.at[1]))
      : undefined;
    if (used === undefined) placement.lose(slot, origin, layout, oddHeader ?? trouble!);
    else placement.put(slot, origin, used);
    if (used !== undefined) lengths.add(layout.sizeZ);
    z += layout.sizeZ;
    sizeZ = Math.max(sizeZ, kind === "row" ? z : first + layout.sizeZ);
  }
  const notes = lengths.size > 1 && kind === "row"
    ? [`files hold from ${Math.min(...lengths)} to ${Math.max(...lengths)} sections each`]
    : [];
  const { lastColumn, lastRow } = norm;
  const corner = expectedAt(norm, lastColumn, lastRow);
  return {
    images: placement.images.sort(byPlace),
    faults: [...placement.faults, ...findOverlaps(placement.images)],
    notes,
    size: [
      lastColumn * norm.tile.width + corner.width,
      lastRow * norm.tile.height + corner.height,
      sizeZ,
      counts[3] * block[1],
      counts[4] * block[2],
    ],
    laidOut: laid.filter((one) => one !== undefined),
  };
}

function layOutAll(
  slots: readonly Slot[],
  series: number | string | undefined,
): (LaidOut | undefined)[] {
  const plain = new WeakMap<object, LaidOut>();
  return slots.map(({ path, described, set }) => {
    if (set !== undefined) {
      const { file } = set.lead;
      const own = file === undefined ? undefined : chooseSeries(path, file, series);
      const voxelSize = own?.voxelSize ?? file?.voxelSize;
      return { layout: set.layout, ...voxelSize === undefined ? {} : { voxelSize } };
    }
    const file = described?.file;
    if (file === undefined) return undefined;
    if (file.series !== undefined || series !== undefined) {
      return layOut(path, file, chooseSeries(path, file, series));
    }
    const known = plain.get(file) ?? layOut(path, file, undefined);
    plain.set(file, known);
    return known;
  });
}

/** Sections, samples and times that most files hold; and the layout of a file that holds just these. */
function commonBlock(
  laid: readonly (LaidOut | undefined)[],
  samples: number,
): {
  block: readonly [z: number, c: number, t: number];
  layout: FileLayout;
  isMajority: boolean;
} {
  const votes = new Votes<FileLayout>();
  for (const one of laid) {
    if (one === undefined) continue;
    const { sizeZ, sizeC, sizeT } = one.layout;
    votes.add(`${sizeZ}/${sizeC}/${sizeT}`, one.layout);
  }
  const winner = votes.winner!;
  const { sizeZ, sizeC, sizeT } = winner;
  const images = new Map(winner.planes.map((plane) => [cellOf(winner, plane), plane.image]));
  const full: Plane[] = [];
  for (let t = 0; t < sizeT; t++) {
    for (let z = 0; z < sizeZ; z++) {
      for (let c = 0; c < sizeC; c += samples) {
        const plane = { z, c, t };
        full.push({ image: images.get(cellOf(winner, plane)) ?? full.length, ...plane });
      }
    }
  }
  return {
    block: [sizeZ, sizeC, sizeT],
    layout: { sizeZ, sizeC, sizeT, planes: full },
    isMajority: votes.isMajority,
  };
}

/** What keeps a file that can be read from taking its place. */
function troubleOf(
  { sizeZ, sizeC, sizeT }: FileLayout,
  [z, c, t]: readonly [number, number, number],
  lengths: boolean | "equal" | "shorter",
): Trouble | undefined {
  const tell = (found: number, expected: number, what: string): Trouble => ({
    kind: "size",
    reason: `holds ${found} ${what}${found === 1 ? "" : "s"} where the others hold ${expected}`,
  });
  if (sizeC !== c) return tell(sizeC, c, "channel");
  if (sizeT !== t) return tell(sizeT, t, "time");
  const isOdd = typeof lengths === "boolean"
    ? lengths && z === 1 && sizeZ > 1
    : lengths === "shorter"
    ? sizeZ > z
    : sizeZ !== z;
  return isOdd ? tell(sizeZ, z, "image") : undefined;
}

class Placing {
  readonly images: SourceImage[] = [];
  readonly faults: Fault[] = [];

  constructor(readonly norm: TileNorm, readonly options: PlaceOptions) {}

  /** Places the images of a file that fits. */
  put(slot: Slot, origin: Point, { layout, short }: LaidOut): void {
    const expected = expectedAt(this.norm, slot.at[0], slot.at[1]);
    const seen = new Set<number>();
    const blamed = new Set<Described>();
    const hasPages = layout.planes.some(({ image }) => image > 0);
    if (short !== undefined) {
      this.#blame(slot.path, { kind: "truncated", reason: short }, origin[2]);
    }
    for (const plane of layout.planes) {
      const cell = cellOf(layout, plane);
      const z = origin[2] + plane.z;
      const of = plane.of ?? slot.described!;
      if (seen.has(cell)) {
        this.#blame(of.path, {
          kind: "duplicate",
          reason: `holds another image for z ${plane.z}, c ${plane.c}, t ${plane.t}`,
        }, z);
        continue;
      }
      seen.add(cell);
      const found = of.file?.images[plane.image];
      if (found === undefined) {
        const trouble = of.fault ?? {
          kind: "truncated" as const,
          reason: `holds ${of.file?.images.length} images where its set names ${plane.image + 1}`,
        };
        if (!blamed.has(of)) this.#blame(of.path, trouble, z);
        blamed.add(of);
        this.#fill(of.path, of, plane, origin, expected, trouble, hasPages);
        continue;
      }
      const trouble = compareHeaders(found, expected);
      if (trouble === undefined) this.#add(of, plane, origin, found);
      else {
        const { length } = of.file!.images;
        const reason = length > 1
          ? `has a page, ${plane.image + 1} of ${length}, that ${trouble.reason}`
          : trouble.reason;
        this.#blame(of.path, { kind: trouble.kind, reason }, z);
        this.#fill(
          of.path,
          of,
          plane,
          origin,
          expected,
          { kind: trouble.kind, reason },
          length > 1,
        );
      }
    }
    const { sizeZ, sizeC, sizeT } = layout;
    if (seen.size * expected.samples >= sizeZ * sizeC * sizeT) return;
    for (let t = 0; t < sizeT; t++) {
      for (let z = 0; z < sizeZ; z++) {
        for (let c = 0; c < sizeC; c += expected.samples) {
          if (seen.has(cellOf(layout, { z, c, t }))) continue;
          const trouble: Trouble = short === undefined
            ? { kind: "missing", reason: `has no image for z ${z}, c ${c}, t ${t}` }
            : { kind: "truncated", reason: short };
          if (short === undefined) this.#blame(slot.path, trouble, origin[2] + z);
          this.#fill(slot.path, undefined, { image: 0, z, c, t }, origin, expected, trouble, false);
        }
      }
    }
  }

  /** Counts a file that is absent or cannot be used as a fault, and its images as lost. */
  lose(slot: Slot, origin: Point, layout: FileLayout, trouble: Trouble): void {
    this.#blame(slot.path, trouble, origin[2]);
    const expected = expectedAt(this.norm, slot.at[0], slot.at[1]);
    const isOne = layout.planes.length === 1;
    for (const plane of layout.planes) {
      this.#fill(slot.path, slot.described, plane, origin, expected, trouble, !isOne);
    }
  }

  #blame(path: string, { kind, reason }: Trouble, z: number): void {
    const policy = kind === "duplicate" || kind === "overlap"
      ? {}
      : { policy: kind === "missing" ? "missing" as const : "on-error" as const };
    this.faults.push({ kind, path, reason, z, ...policy });
  }

  #add(of: Described, plane: Plane, origin: Point, found: ImageHeader & { at: ImageAt }): void {
    this.images.push(
      imageAt(of.path, of, plane, origin, found, found.at, of.file!.images.length > 1),
    );
  }

  #fill(
    path: string,
    of: Described | undefined,
    plane: Plane,
    origin: Point,
    expected: ImageHeader,
    { kind, reason }: Trouble,
    hasPage: boolean,
  ): void {
    const isMissing = kind === "missing";
    if (isMissing ? this.options.missing !== "fill" : this.options.onError !== "fill") return;
    const image = imageAt(path, of, plane, origin, expected, {}, hasPage);
    this.images.push({ ...image, lost: { kind: isMissing ? "missing" : "broken", reason } });
  }
}

function cellOf(
  { sizeZ, sizeC }: FileLayout,
  { z, c, t }: { readonly z: number; readonly c: number; readonly t: number },
): number {
  return (t * sizeC + c) * sizeZ + z;
}

function imageAt(
  path: string,
  of: Described | undefined,
  plane: Plane,
  origin: Point,
  { width, height, samples, dtype, rowGroup }: ImageHeader,
  at: ImageAt,
  hasPage: boolean,
): SourceImage {
  return {
    path,
    format: of?.format ?? "",
    at,
    ...hasPage ? { page: plane.image } : {},
    size: of?.size ?? 0,
    mtime: of?.mtime ?? 0,
    ...of?.tag === undefined ? {} : { tag: of.tag },
    width,
    height,
    samples,
    dtype,
    rowGroup,
    x: origin[0],
    y: origin[1],
    z: origin[2] + plane.z,
    c: origin[3] + plane.c,
    t: origin[4] + plane.t,
  };
}

/** Orders images by t, z, c, y and x. */
export function byPlace(a: SourceImage, b: SourceImage): number {
  return a.t - b.t || a.z - b.z || a.c - b.c || a.y - b.y || a.x - b.x;
}

/** Images that claim the voxels of the one before them; `images` are in order. */
function findOverlaps(images: readonly SourceImage[]): Fault[] {
  const faults: Fault[] = [];
  for (let at = 1; at < images.length; at++) {
    const [a, b] = [images[at - 1], images[at]];
    if (a.t !== b.t || a.z !== b.z || a.y !== b.y || a.x !== b.x) continue;
    if (b.c >= a.c + a.samples) continue;
    faults.push({
      kind: a.c === b.c ? "duplicate" : "overlap",
      path: b.path,
      reason: `claims voxels of "${a.path}"`,
      z: b.z,
    });
  }
  return faults;
}
