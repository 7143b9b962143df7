/**
 * The `multiscales` of OME-Zarr, which say where the levels of an image are and how large their voxels.
 *
 * Source of the rules: OME-NGFF 0.1 to 0.5.
 */
import type { Axis } from "../core/point.ts";
import { type ArrayDocument, isObject, keyOf, numbersOf, show } from "./_array_documents.ts";
import { axisNamed } from "./_array_axes.ts";

/** More levels than any image has. */
const MOST_SCALES = 100;

/** One level. */
export interface OmeDataset {
  /** Key of its array below the group. */
  readonly path: string;
  /** Edges of a voxel, in the order of the dimensions. */
  readonly scale?: readonly number[];
  /** Where its first voxel lies, in the same. */
  readonly translation?: readonly number[];
}

/** An image. */
export interface OmeImage {
  /** What its dimensions are; undefined: by their number. */
  readonly axes?: readonly Axis[];
  /** Unit of each dimension. */
  readonly units: readonly unknown[];
  readonly datasets: readonly OmeDataset[];
  readonly kind: "image" | "labels";
  /** Of OME-Zarr, if it says. */
  readonly version?: string;
}

/** Reads the first image of a group; undefined where it has none. @param version Of OME-Zarr, where the group has one. */
export function readOmeImage(attributes: ArrayDocument, version?: unknown): OmeImage | undefined {
  const [image] = attributes.objects("multiscales");
  if (image === undefined) return undefined;
  const said = version ?? image.value.version;
  if (said !== undefined && !/^0\.[1-5](?:\D|$)/.test(String(said))) {
    attributes.fail(
      `it is OME-Zarr ${show(said)}, and 0.1 to 0.5 are read`,
      "export it as 0.5 or 0.4",
    );
  }
  const { axes: list } = image.value;
  const axes: Record<string, unknown>[] = Array.isArray(list)
    ? list.map((axis: unknown) => isObject(axis) ? axis : { name: axis })
    : [];
  const datasets = image.objects("datasets");
  if (datasets.length === 0 || datasets.length > MOST_SCALES) {
    attributes.fail(
      `it has ${datasets.length} datasets, from 1 to ${MOST_SCALES} are read`,
      "check what wrote it",
    );
  }
  const last = readTransformations(image, axes.length);
  return {
    ...(said === undefined ? {} : { version: String(said) }),
    ...(axes.length === 0 ? {} : { axes: readOmeAxes(attributes, axes) }),
    units: axes.map(({ unit }) => unit),
    datasets: datasets.map((dataset) => {
      const path = keyOf(dataset.text("path") ?? "");
      if (path === undefined) {
        return dataset.fail(
          `the path of a dataset is ${show(dataset.value.path)}, nothing below the group`,
          "check what wrote it",
        );
      }
      const { scale, translation } = readTransformations(dataset, axes.length);
      return {
        path,
        scale: scale?.map((edge, i) => edge * (last.scale?.[i] ?? 1)),
        translation: add(
          translation?.map((shift, i) => shift * (last.scale?.[i] ?? 1)),
          last.translation,
        ),
      };
    }),
    kind: attributes.value["image-label"] === undefined ? "image" : "labels",
  };
}

/** The type of an axis comes before its name; spatial ones of other names are z, y and x from the last on. */
function readOmeAxes(
  document: ArrayDocument,
  axes: readonly Readonly<Record<string, unknown>>[],
): Axis[] {
  const isSpace = ({ type, name }: Readonly<Record<string, unknown>>) =>
    type === "space" || type === undefined && ["x", "y", "z"].includes(axisNamed(name) ?? "");
  const spatial = axes.filter(isSpace);
  const names = spatial.map(({ name }) => axisNamed(name));
  const areNamed = names.every((name) => name === "x" || name === "y" || name === "z");
  const read = axes.map((axis) => {
    if (axis.type === "time") return "t";
    if (axis.type === "channel") return "c";
    if (!isSpace(axis)) return axisNamed(axis.name);
    const at = spatial.indexOf(axis);
    return areNamed ? names[at] : (["x", "y", "z"] as const)[spatial.length - 1 - at];
  });
  const known = read.filter((axis) => axis !== undefined);
  if (known.length !== axes.length || new Set(known).size !== known.length) {
    document.fail(
      `its axes are ${show(axes.map(({ name }) => name))}: x, y, z, c and t are read, each once`,
      "write it again with these",
    );
  }
  return known;
}

interface Transformations {
  readonly scale?: readonly number[];
  readonly translation?: readonly number[];
}

function readTransformations(document: ArrayDocument, count: number): Transformations {
  let [scale, translation]: (readonly number[] | undefined)[] = [];
  for (const { value } of document.objects("coordinateTransformations")) {
    const { type } = value;
    if (type === "identity") continue;
    if (type === "scale" || type === "translation") {
      const numbers = numbersOf(value[type], count);
      if (numbers === undefined) {
        document.fail(
          `its ${type} is ${show(value[type] ?? value.path)}, no list of ${count} numbers`,
          "check what wrote it",
        );
      }
      if (type === "scale") {
        translation = translation?.map((shift, i) => shift * numbers![i]);
        scale = numbers!.map((edge, i) => edge * (scale?.[i] ?? 1));
      } else translation = add(translation, numbers);
    } else {document.fail(
        `it is placed by ${show(type)}, which is not read`,
        "place it by scale and translation",
      );}
  }
  return { scale, translation };
}

function add(a?: readonly number[], b?: readonly number[]): readonly number[] | undefined {
  return a === undefined || b === undefined ? a ?? b : a.map((value, i) => value + b[i]);
}
