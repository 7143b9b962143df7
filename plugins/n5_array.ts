/**
 * N5 volumes as sources: datasets, and groups of levels, whatever wrote them.
 *
 * Source of the rules: the file-system specification of N5.
 * @module
 */
import type { Axis } from "../core/point.ts";
import { type ArrayDocument, ArrayDocuments, keyOf, numbersOf, show } from "./_array_documents.ts";
import { type N5Dataset, n5Storage, openDataset, readDataset } from "./_n5_dataset.ts";
import { type N5Around, readPlace } from "./_n5_places.ts";
import type { ArrayReader, VolumeArray, VolumeArrayScale } from "./volume_array.ts";

/** How a volume is opened. */
export interface OpenN5Options {
  /** The axes of its dimensions, in their order. @default What its metadata says; else the first of x, y, z, c, t */
  readonly axes?: readonly Axis[];
  /** Ends the opening with its reason. */
  readonly signal?: AbortSignal;
}

/** More levels than any volume has. */
const MOST_SCALES = 100;

/**
 * Opens the N5 dataset, or the group of the levels s0, s1 and so on, at the root of a reader; reads nothing but
 * metadata.
 * @throws {SluiceError} If there is none, or it uses something that is not read (named).
 */
export async function openN5Array(
  reader: ArrayReader,
  { axes: given, signal }: OpenN5Options = {},
): Promise<VolumeArray> {
  const documents = new ArrayDocuments(reader, "an N5 volume", signal);
  const root = await documents.read("attributes.json");
  const levels = root?.value.dimensions === undefined
    ? await readLevels(documents, root)
    : [{ path: "", document: root, around: {} }];
  const scales = levels.map(({ path, document, around }) => {
    const names = around.group?.value.axes;
    const dataset = readDataset(document, {
      given,
      names: Array.isArray(names) ? names : undefined,
    });
    return { path, document, around, dataset };
  });
  const [{ dataset: { axes, dtype } }] = scales;
  for (const { document, dataset } of scales) checkAlike(document, dataset, { axes, dtype });
  const labels = root?.object("painteraData")?.text("type") === "label";
  return {
    format: "n5",
    url: reader.url,
    ...(labels ? { kind: "labels" } : {}),
    axes: axes.toReversed(),
    scales: scales.map(({ path, document, around, dataset }): VolumeArrayScale => ({
      ...openDataset(reader, dataset, path === "" ? "" : `${path}/`),
      name: path,
      ...readPlace(document, axes, around),
      storage: n5Storage(document),
    })),
    fingerprint: documents.fingerprint(),
  };
}

interface Level {
  readonly path: string;
  readonly document: ArrayDocument;
  readonly around: N5Around;
}

/** The levels of a group: those that it lists, else s0, s1 and so on. */
async function readLevels(
  documents: ArrayDocuments,
  root: ArrayDocument | undefined,
): Promise<Level[]> {
  // Paintera keeps the voxels in a group of their own.
  const folder = root?.object("painteraData") === undefined ? "" : "data/";
  const data = folder === "" ? undefined : await documents.read(`${folder}attributes.json`);
  const group = data === undefined ? root : data.within({ ...root?.value, ...data.value });
  const levels: Level[] = [];
  const listed = listLevels(group);
  for (let i = 0; i < (listed?.length ?? MOST_SCALES); i++) {
    const { path = `${folder}s${i}`, ...around } = listed?.[i] ?? {};
    const document = await documents.read(`${path}/attributes.json`);
    if (document?.value.dimensions === undefined) {
      if (listed === undefined) break;
      (document ?? group!).fail(`its level "${path}" is no dataset`, "copy the volume again");
    } else levels.push({ path, document, around: { group, ...around } });
  }
  if (levels.length > 0) return levels;
  const found = group === undefined ? "there is no attributes.json" : "it is a group without s0";
  return documents.fail(found, "give the folder of a dataset, or the one that holds s0");
}

type Listed = { readonly path?: string } & Omit<N5Around, "group">;

function listLevels(group: ArrayDocument | undefined): readonly Listed[] | undefined {
  const datasets = group?.objects("multiscales")[0]?.objects("datasets") ?? [];
  const { scales, downsamplingFactors } = group?.value ?? {};
  const factors = [scales, downsamplingFactors].find((list): list is unknown[][] =>
    Array.isArray(list) && list.length > 0 && list.every(Array.isArray)
  );
  if (Math.max(datasets.length, factors?.length ?? 0) > MOST_SCALES) {
    group!.fail(`it lists more than ${MOST_SCALES} levels`, "check what wrote it");
  }
  if (datasets.length > 0) {
    return datasets.map((dataset) => {
      const path = keyOf(dataset.text("path") ?? "");
      if (path === undefined) {
        return dataset.fail(
          `the path of a level is ${show(dataset.value.path)}, nothing below the group`,
          "check what wrote it",
        );
      }
      return { path, transform: dataset.object("transform") };
    });
  }
  return factors?.map((list) => ({ factors: numbersOf(list, list.length) }));
}

function checkAlike(
  document: ArrayDocument,
  dataset: N5Dataset,
  { axes, dtype }: Pick<N5Dataset, "axes" | "dtype">,
): void {
  if (dataset.dtype === dtype && String(dataset.axes) === String(axes)) return;
  document.fail(
    `it holds ${dataset.dtype} over ${dataset.axes}, another level ${dtype} over ${axes}`,
    "give one of the levels alone",
  );
}
