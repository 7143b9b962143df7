/**
 * What OME-XML in the description of a TIFF says of its images (the OME-TIFF specification, and the
 * OME data model from 2008 on).
 * @module
 */
import { convertVoxelSize, lengthUnit, toNanometres, type VoxelSize } from "../core/units.ts";
import { messageOf } from "../core/errors.ts";
import { type Element, parseXml } from "./_xml.ts";
import { brokenTiff } from "./_tiff_directory.ts";
import type { ImageFile, ImageHeader, StackLayout } from "./image.ts";

/** A layout is a list of its planes: one of more than this many is taken for an error. */
const MOST_PLANES = 10_000_000;
const WAY_OUT = "export the file again, or mend or remove its ImageDescription";

type Series = NonNullable<ImageFile["series"]>;

/** What the file itself holds. */
export interface OmePages {
  readonly images: readonly ImageHeader[];
  /** Of each directory of the main chain the image it is, -1 for one that is left out. */
  readonly order: readonly number[];
}

/**
 * Reads OME-XML.
 * @returns Undefined where it says that the metadata lies in another file.
 * @throws {ImageError} Of kind `broken` if it is not well-formed, or contradicts itself or the file.
 */
export function readOme(description: string, pages: OmePages): Series | undefined {
  let root: Element;
  try {
    root = parseXml(description);
  } catch (error) {
    throw brokenTiff(`its OME-XML is not well-formed (${messageOf(error)})`, WAY_OUT, {
      cause: error,
    });
  }
  if (root.children.some(({ name }) => name === "BinaryOnly")) return undefined;
  const series = root.children.filter(({ name }) => name === "Image").flatMap((image, index) => {
    const pixels = image.children.find(({ name }) => name === "Pixels");
    if (pixels === undefined) return [];
    const voxelSize = voxelSizeOf(pixels);
    return [{
      name: image.attributes.Name ?? image.attributes.ID ?? `Image:${index}`,
      layout: layoutOf(pixels, root.attributes.UUID, pages),
      ...(voxelSize === undefined ? {} : { voxelSize }),
    }];
  });
  const held = series.filter(({ layout }) => layout.planes.length > 0);
  return held.length > 0 ? held : undefined;
}

function layoutOf(pixels: Element, ownUuid: string | undefined, pages: OmePages): StackLayout {
  const sizeZ = count(pixels, "SizeZ");
  const sizeT = count(pixels, "SizeT");
  const tiffData = pixels.children.filter(({ name }) => name === "TiffData");
  const own = tiffData.find((data) => otherFile(data, ownUuid) === undefined);
  const first = pages.images[pages.order[own === undefined ? 0 : count(own, "IFD", 0)]];
  const allSamples = count(pixels, "SizeC");
  const sizeC = allSamples / samplesOfChannel(pixels, allSamples, first?.samples ?? 1);
  const order = (pixels.attributes.DimensionOrder ?? "XYZCT").slice(2).toLowerCase();
  if (!/^(?:zct|ztc|czt|ctz|tzc|tcz)$/.test(order)) {
    throw brokenTiff(`its OME-XML has DimensionOrder "XY${order.toUpperCase()}"`, WAY_OUT);
  }
  const places: Places = {
    axes: [...order] as Axis[],
    sizes: { z: sizeZ, c: sizeC, t: sizeT },
    total: sizeZ * sizeC * sizeT,
  };
  const placed = new Map<number, StackLayout["planes"][number]>();
  let named = places.total;
  for (const data of tiffData) {
    const { start, planes } = runOf(data, places, pages);
    named += planes;
    if (named > MOST_PLANES) {
      throw brokenTiff(`its OME-XML names ${named} planes; ${MOST_PLANES} are read`, WAY_OUT);
    }
    const file = otherFile(data, ownUuid);
    const firstIfd = count(data, "IFD", 0);
    for (let step = 0; step < planes; step++) {
      const place = placeOf(start + step, places);
      const ifd = firstIfd + step;
      if (file === undefined) placed.set(start + step, { image: ownImage(ifd, pages), ...place });
      else placed.set(start + step, { image: ifd, ...place, file });
    }
  }
  const planes = [...placed.values()];
  for (const { image, file } of planes) {
    if (file === undefined && image < pages.images.length) checkSides(pixels, pages.images[image]);
  }
  return { sizeZ, sizeC, sizeT, planes };
}

type Axis = "z" | "c" | "t";

/** Where planes may be, the fastest axis first. */
interface Places {
  readonly axes: readonly Axis[];
  readonly sizes: Readonly<Record<Axis, number>>;
  readonly total: number;
}

/** The planes that one element speaks of, counted in the order of dimensions. */
function runOf(
  data: Element,
  { axes, sizes, total }: Places,
  { order }: OmePages,
): { start: number; planes: number } {
  const start = axes.reduceRight((before, axis) => {
    const at = count(data, `First${axis.toUpperCase()}`, 0);
    if (at < sizes[axis]) return before * sizes[axis] + at;
    throw brokenTiff(`its OME-XML puts a plane at ${axis} ${at} of ${sizes[axis]}`, WAY_OUT);
  }, 0);
  const { PlaneCount, NumPlanes, IFD } = data.attributes;
  // Without a count it is one directory, where that is named, or else all of them.
  const planes = PlaneCount !== undefined
    ? count(data, "PlaneCount")
    : NumPlanes !== undefined
    ? count(data, "NumPlanes")
    : IFD !== undefined
    ? 1
    : Math.min(order.length, total - start);
  if (start + planes <= total) return { start, planes };
  throw brokenTiff(`its OME-XML has ${start + planes} planes for ${total} places`, WAY_OUT);
}

function placeOf(index: number, { axes: [i, j, k], sizes }: Places): Record<Axis, number> {
  const place = { z: 0, c: 0, t: 0 };
  place[i] = index % sizes[i];
  place[j] = Math.floor(index / sizes[i]) % sizes[j];
  place[k] = Math.floor(index / (sizes[i] * sizes[j]));
  return place;
}

/** SizeC counts samples, of which a channel of colours has three. */
function samplesOfChannel(pixels: Element, sizeC: number, pageSamples: number): number {
  const channels = pixels.children.filter(({ name }) => name === "Channel");
  const said = channels.map((channel) => count(channel, "SamplesPerPixel", 1));
  if (said.some((samples) => samples !== said[0])) {
    throw brokenTiff(`its OME-XML has channels of ${said} samples`, "store each apart");
  }
  const samples = channels.some(({ attributes }) => "SamplesPerPixel" in attributes)
    ? said[0]
    : pageSamples;
  return samples > 0 && sizeC % samples === 0 ? samples : 1;
}

function checkSides(pixels: Element, { width, height }: ImageHeader): void {
  const [x, y] = [count(pixels, "SizeX"), count(pixels, "SizeY")];
  if (x === width && y === height) return;
  throw brokenTiff(`its OME-XML says ${x} x ${y} pixels and it has ${width} x ${height}`, WAY_OUT);
}

/** Directories that are left out hold no plane; those past the end of the chain are for the caller to see. */
function ownImage(ifd: number, { images, order }: OmePages): number {
  if (ifd >= order.length) return ifd - order.length + images.length;
  if (order[ifd] < 0) {
    throw brokenTiff(
      `its OME-XML has a plane in directory ${ifd}, a reduced copy or a mask`,
      WAY_OUT,
    );
  }
  return order[ifd];
}

/** The name of the file that holds the planes, where it is not this one. */
function otherFile(data: Element, ownUuid: string | undefined): string | undefined {
  const uuid = data.children.find(({ name }) => name === "UUID");
  const file = uuid?.attributes.FileName;
  const isOwn = ownUuid !== undefined && uuid?.text.trim() === ownUuid.trim();
  return file === undefined || isOwn ? undefined : file;
}

/** A whole number of an element. */
function count({ name, attributes }: Element, key: string, absent = 1): number {
  const text = attributes[key];
  if (text === undefined) return absent;
  const value = Number(text);
  const least = key.startsWith("Size") ? 1 : 0;
  if (text.trim() !== "" && Number.isSafeInteger(value) && value >= least) return value;
  throw brokenTiff(`its OME-XML has ${key} "${text}" in ${name}`, WAY_OUT);
}

/** Edges are in micrometres unless they say otherwise; z is left out where its unit is no length. */
function voxelSizeOf({ attributes }: Element): VoxelSize | undefined {
  const edge = (axis: "X" | "Y" | "Z") => {
    const length = Number(attributes[`PhysicalSize${axis}`]);
    const unit = lengthUnit(attributes[`PhysicalSize${axis}Unit`] ?? "µm");
    return unit === undefined || !(length > 0) || !Number.isFinite(length)
      ? undefined
      : { length, unit };
  };
  const [x, y, z] = [edge("X"), edge("Y"), edge("Z")];
  if (x === undefined || y === undefined) return undefined;
  if (x.unit === y.unit && (z === undefined || z.unit === x.unit)) {
    return { x: x.length, y: y.length, ...(z === undefined ? {} : { z: z.length }), unit: x.unit };
  }
  const nm = ({ length, unit }: typeof x) => toNanometres(length, unit);
  const size = { x: nm(x), y: nm(y), ...(z === undefined ? {} : { z: nm(z) }) };
  return convertVoxelSize({ ...size, unit: "nanometer" }, x.unit);
}
