/**
 * Where the images of one file lie along z, c and t.
 * @module
 */
import type { ImageFile, StackLayout } from "../codecs/image.ts";
import { UsageError } from "../core/errors.ts";
import { didYouMean } from "../core/nearest.ts";
import type { VoxelSize } from "../core/units.ts";
import { baseOf } from "./_folder.ts";
import type { Described } from "./_headers.ts";

/** One image, by its place in the file or in the set of files. */
export interface Plane {
  /** Position in the images of its file. */
  readonly image: number;
  readonly z: number;
  /** Of its first sample: an RGB image takes three. */
  readonly c: number;
  readonly t: number;
  /** The file it is in, where that is not the one asked. */
  readonly of?: Described;
}

/** The stack that a file, or a set of files, is by itself. */
export interface FileLayout {
  readonly sizeZ: number;
  /** Samples of all channels. */
  readonly sizeC: number;
  readonly sizeT: number;
  readonly planes: readonly Plane[];
}

/** One series of a file. */
export type Series = NonNullable<ImageFile["series"]>[number];

/** A file, its layout, and the images that its metadata names in vain. */
export interface LaidOut {
  readonly layout: FileLayout;
  readonly voxelSize?: VoxelSize;
  /** Present if the metadata speaks of images that the file does not hold. */
  readonly short?: string;
}

/**
 * The series that a person chose, or the only one; undefined where the file speaks of none.
 * @throws {UsageError} If there are several and none is chosen, or the one that is chosen is not there.
 */
export function chooseSeries(
  path: string,
  { series = [] }: ImageFile,
  wanted: number | string | undefined,
): Series | undefined {
  const list = series.map(({ name }, at) => `${at} "${name}"`).join(", ");
  if (wanted === undefined || series.length === 0 && Number(wanted) === 0) {
    if (series.length < 2) return series[0];
    throw new UsageError(
      `Cannot read "${path}" as one stack: it holds ${series.length} series (${list}); ` +
        `choose one with --series, such as --series 0`,
    );
  }
  const found = series.find(({ name }) => name === String(wanted)) ??
    (/^\d+$/.test(String(wanted)) ? series[Number(wanted)] : undefined);
  if (found !== undefined) return found;
  const cannot = `Cannot find series "${wanted}" in "${path}":`;
  if (series.length === 0) {
    throw new UsageError(`${cannot} it says nothing of series; leave --series out`);
  }
  const near = didYouMean(String(wanted), series.map(({ name }) => name));
  throw new UsageError(`${cannot} it holds ${list}${near || "; choose one of these"}`);
}

/** Whether a series speaks of other files than the one that holds it. */
export function namesOthers(path: string, series: Series | undefined): boolean {
  return series?.layout.planes.some(({ file }) => file !== undefined && file !== baseOf(path)) ??
    false;
}

/** Where the images of one file lie; what its series says of other files is left out. */
export function layOut(path: string, file: ImageFile, series: Series | undefined): LaidOut {
  const voxelSize = series?.voxelSize ?? file.voxelSize;
  const sized = voxelSize === undefined ? {} : { voxelSize };
  const { samples } = file.images[0];
  if (series === undefined) {
    const planes = file.images.map((_, image) => ({ image, z: image, c: 0, t: 0 }));
    return { layout: { sizeZ: planes.length, sizeC: samples, sizeT: 1, planes }, ...sized };
  }
  const { layout } = series;
  const named = namesOthers(path, series) ? ownPart(layout, baseOf(path)) : layout;
  const planes = named.planes.map(({ image, z, c, t }) => ({ image, z, c: c * samples, t }));
  const held = planes.filter(({ image }) => image < file.images.length);
  return {
    layout: {
      sizeZ: named.sizeZ,
      sizeC: named.sizeC * samples,
      sizeT: named.sizeT,
      planes: held,
    },
    ...sized,
    ...held.length === planes.length ? {} : {
      short: `holds ${file.images.length} images where its metadata names ${
        planes.reduce((most, { image }) => Math.max(most, image + 1), 0)
      }`,
    },
  };
}

/** Of a series that spans several files the part in one of them, counted from its own first plane. */
function ownPart(layout: StackLayout, base: string): StackLayout {
  const planes = layout.planes.filter(({ file }) => file === undefined || file === base);
  const used = planes.length > 0 ? planes : layout.planes.slice(0, 1);
  const least = (axis: "z" | "c" | "t") =>
    used.reduce((low, plane) => Math.min(low, plane[axis]), Infinity);
  const most = (axis: "z" | "c" | "t") =>
    used.reduce((high, plane) => Math.max(high, plane[axis]), 0);
  const [z0, c0, t0] = [least("z"), least("c"), least("t")];
  return {
    sizeZ: most("z") - z0 + 1,
    sizeC: most("c") - c0 + 1,
    sizeT: most("t") - t0 + 1,
    planes: used.map(({ image, z, c, t }) => ({ image, z: z - z0, c: c - c0, t: t - t0 })),
  };
}
