/**
 * What lies at an address, in words.
 * @module
 */
import { boxSize } from "../core/box.ts";
import { VOXEL_BYTES } from "../core/dtype.ts";
import { countCells } from "../core/layout.ts";
import { type Point, product } from "../core/point.ts";
import { formatVoxelSize, type VoxelSize } from "../core/units.ts";
import type {
  DatasetDescription,
  DatasetsDescription,
  Description,
  ImagesDescription,
  ReaderReport,
  ScaleDescription,
  VolumeDescription,
  WrittenBySluice,
} from "../tasks/describe_volume.ts";
import { mebibytes } from "../tasks/memory.ts";
import { formatCount, formatSize, plural, quote, table } from "./text.ts";

/** How words stand out. */
interface Style {
  readonly bold: (text: string) => string;
}

/** All that people want to know of it. */
export function describeInfo(description: Description, style: Style): string {
  switch (description.is) {
    case "volume":
      return describeVolumeInfo(description, style);
    case "datasets":
      return describeDatasets(description, style);
    case "images":
      return describeImages(description, style);
    default:
      return description satisfies never;
  }
}

function describeVolumeInfo(volume: VolumeDescription, { bold }: Style): string {
  const { address, formatName, kind, dtype, axes, extent, voxelSize, contrast, written } = volume;
  const { about = [], readers } = volume;
  const hasOrigin = extent.min.some((value) => value !== 0);
  return [
    bold(`${formatName}: ${address}`),
    ...table([
      [
        "extent",
        `${formatSize(boxSize(extent))} voxels of ${dtype}${kind === undefined ? "" : `, ${kind}`}`,
      ],
      ["axes", axes.join(", ")],
      ["voxel size", voxelSize === undefined ? "not known" : formatVoxelSize(voxelSize)],
      ["origin", hasOrigin ? `${spell(extent.min, ", ")} voxels` : "0, 0, 0"],
      ["fill value", String(volume.fill)],
      ...(kind === "labels" ? [] : [["contrast", spellContrast(contrast)]]),
      ["written", spellWritten(written, address)],
    ]),
    ...(about.length === 0 ? [] : ["", bold("Said of it"), ...table(about.map(spellRemark))]),
    "",
    bold("Scales"),
    ...describeScales(volume),
    ...(readers.length === 0 ? [] : ["", bold("Read by"), ...describeReaders(readers)]),
  ].join("\n");
}

/** Characters of what people have said that are shown in one line; all are in the JSON. */
const REMARK_LENGTH = 200;

function spellRemark({ name, value }: { readonly name: string; readonly value: string }): string[] {
  // deno-lint-ignore no-control-regex
  const line = value.replace(/[\x00-\x1f\x7f]+/g, " ").trim();
  return [name, line.length > REMARK_LENGTH ? `${line.slice(0, REMARK_LENGTH)} …` : line];
}

function spellContrast(contrast: VolumeDescription["contrast"]): string {
  return contrast === undefined
    ? "not known"
    : contrast.map(([low, high]) => `${low} to ${high}`).join(", ");
}

function spellWritten(written: WrittenBySluice | undefined, address: string): string {
  if (written === undefined) return "by another program";
  const { complete, losses = 0 } = written;
  if (!complete) return `by sluice, not complete; see \`sluice status ${quote(address)}\``;
  return `by sluice, complete, ${
    losses === 0 ? "nothing lost" : `${plural(losses, "image")} lost; see \`sluice status\``
  }`;
}

/** Edges along x, y and z; c and t only where they say something. */
function spell([x, y, z, c, t]: Point, between = "x"): string {
  const rest = t > 1 ? [c, t] : c > 1 ? [c] : [];
  return [x, y, z, ...rest].join(between);
}

function describeScales({ scales, dtype }: VolumeDescription): string[] {
  const sizes = new Set(scales.map(({ voxelSize }) => voxelSize && formatVoxelSize(voxelSize)));
  const hasOffset = scales.some(({ offset }) => offset.some((value) => value !== 0));
  const hasNames = scales.some(({ name }, i) => name !== "" && name !== String(i));
  const columns: readonly (readonly [string, (scale: ScaleDescription, i: number) => string])[] = [
    ["scale", (_, i) => String(i)],
    ...(hasNames ? [["name", ({ name }: ScaleDescription) => name] as const] : []),
    ["voxels", ({ size }) => formatSize(size)],
    ["factor", ({ factor }) => spell(factor)],
    ...(sizes.size > 1
      ? [["voxel size", ({ voxelSize }: ScaleDescription) => spellSize(voxelSize)] as const]
      : []),
    ...(hasOffset
      ? [["offset", ({ offset }: ScaleDescription) => spell(offset, ",")] as const]
      : []),
    ["chunk", ({ chunk }) => chunk === undefined ? "none" : spell(chunk)],
    ["shard", ({ shard }) => shard === undefined ? "none" : spell(shard)],
    [
      "chunks",
      ({ size, chunk }) => chunk === undefined ? "" : formatCount(product(countCells(size, chunk))),
    ],
    ["bytes", ({ size }) => mebibytes(product(size) * VOXEL_BYTES[dtype])],
    ["codec", ({ codec }) => codec],
  ];
  const right = ["chunks", "bytes"].map((title) => columns.findIndex(([name]) => name === title));
  return table(
    [
      columns.map(([title]) => title),
      ...scales.map((scale, i) => columns.map(([, cell]) => cell(scale, i))),
    ],
    { right },
  );
}

function spellSize(size: VoxelSize | undefined): string {
  return size === undefined ? "" : formatVoxelSize(size);
}

/** Programs, those that read it first. */
export function describeReaders(readers: readonly ReaderReport[]): string[] {
  return table(
    readers.toSorted((a, b) => Number(b.opens) - Number(a.opens)).map((
      { reader, opens, remarks },
    ) => [opens ? "yes" : "no", reader, remarks.join("; ")]),
  );
}

function describeDatasets({ address, datasets, isWhole }: DatasetsDescription, { bold }: Style) {
  const volumes = datasets.filter(({ isVolume }) => isVolume);
  const [first] = volumes;
  return [
    bold(`HDF5: ${address}`),
    ...(datasets.length === 0 ? ["  no dataset"] : table(datasets.map(datasetRow))),
    ...(isWhole ? [] : ["  and more: it holds too many to list"]),
    ...(first === undefined
      ? []
      : ["", `For one of them: sluice info ${quote(`${address}:${first.path}`)}`]),
  ].join("\n");
}

function datasetRow({ path, shape, type, isVolume, fault }: DatasetDescription): string[] {
  if (fault !== undefined) return [path, "broken", fault];
  const size = shape === undefined || shape.length === 0 ? "one value" : shape.join(" x ");
  return [path, size, type ?? "", ...(isVolume ? [] : ["no volume"])];
}

function describeImages(images: ImagesDescription, { bold }: Style): string {
  const { address, root, formats, extent, dtype, voxelSize, faultCounts, faults, notes } = images;
  const count = Object.values(faultCounts).reduce((sum, one) => sum + one, 0);
  const kinds = Object.entries(faultCounts).map(([kind, one]) => `${formatCount(one)} ${kind}`);
  return [
    bold(`Images: ${address}`),
    ...table([
      ["images", `${plural(images.images, "image")} (${formats.join(", ")}) in "${root}"`],
      ["extent", `${formatSize(boxSize(extent))} voxels of ${dtype}`],
      ["voxel size", voxelSize === undefined ? "not known" : formatVoxelSize(voxelSize)],
      ["faults", count === 0 ? "none" : kinds.join(", ")],
    ]),
    ...faults.map(({ kind, path, reason }) => `    ${kind}: "${path}" ${reason}`),
    ...(count > faults.length ? [`    and ${formatCount(count - faults.length)} more`] : []),
    ...notes.map((note) => `  ${note}`),
  ].join("\n");
}
