/** What viewers make of a volume that they can fetch: codecs and dtypes, contrast, and a pyramid. */
import type { VolumeArray, VolumeArrayScale } from "../plugins/volume_array.ts";
import { readContrast } from "../stores/read_contrast.ts";
import { sampleVoxels } from "./_doctor_chunk.ts";
import { type DoctorCheck, fault, ok, type OpenVisit, warning } from "./_doctor_check.ts";
import { transferMend } from "./_doctor_transfer.ts";
import { readersOf } from "./_readers.ts";

/** Voxels along an axis of the coarsest scale, above which a viewer fetches too much to show it whole. */
const COARSE = 1024;
/** Part of the voxels that may be darker than the window, or brighter. */
const CUT = 0.005;

/** Whether each viewer knows its format, codecs and dtype. */
export function checkViewers({ address, array }: OpenVisit): DoctorCheck[] {
  const readers = readersOf(array).filter(({ inBrowser, reader }) =>
    inBrowser || reader === "napari"
  );
  const isRead = readers.some(({ inBrowser, opens }) => inBrowser && opens);
  return readers.map(({ reader, inBrowser, opens, readsFormat, remarks }) => {
    if (opens) return ok(reader, ["reads it", ...remarks].join("; "));
    const why = remarks.join("; ");
    // Nobody reads every format.
    if (!readsFormat && isRead) return ok(reader, why);
    const mend = [transferMend(address, array, [], "ome-zarr")];
    return inBrowser && !isRead
      ? fault(reader, `cannot read it: ${why}; nor can any other in a browser`, mend)
      : warning(reader, `cannot read it: ${why}`, mend);
  });
}

/** Whether it says which values are to be shown: else 16 bits and more look black. */
export async function checkContrast(visit: OpenVisit): Promise<DoctorCheck> {
  const { array, reader, address } = visit;
  const name = "contrast";
  const { dtype } = array.scales[0];
  if (array.kind === "labels") return ok(name, "not needed: it holds labels");
  if (dtype === "uint8") return ok(name, "not needed: viewers show all of 8 bits");
  const displays = array.format === "zarr" ? await readContrast(reader) : undefined;
  if (displays !== undefined) {
    const windows = displays.map(({ window: [low, high] }) => `${low} to ${high}`);
    return ok(name, `omero says ${windows.join(", ")}`);
  }
  const voxels = await sampleVoxels(visit, array.scales.length - 1);
  const window = voxels && windowOf(Array.from(voxels, Number));
  const mend = [
    ...(window === undefined ? [] : [{
      where: "state of Neuroglancer, in the layer",
      lines: `"shaderControls": {"normalized": {"range": [${window.join(", ")}]}}`,
    }]),
    ...(array.format === "zarr" ? [transferMend(address, array)] : []),
  ];
  return warning(
    name,
    array.format === "zarr"
      ? `there is no omero window: ${dtype} looks black, or white, until it is set by hand`
      : `the format has no place for it: ${dtype} looks black, or white, until it is set by hand`,
    mend,
  );
}

function windowOf(values: readonly number[]): [low: number, high: number] | undefined {
  const sorted = Float64Array.from(values.filter(Number.isFinite)).sort();
  if (sorted.length === 0) return undefined;
  const at = (part: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
  const [low, high] = [at(CUT), at(1 - CUT)];
  return [low, high > low ? high : low + 1];
}

/** Whether its coarsest scale is small enough to be shown whole. */
export function checkPyramid({ address, array }: OpenVisit): DoctorCheck {
  const name = "pyramid";
  const coarsest = array.scales.at(-1)!;
  const side = longestSide(array, coarsest);
  const count = array.scales.length === 1 ? "1 scale" : `${array.scales.length} scales`;
  if (side <= COARSE) return ok(name, `${count}, the coarsest at most ${side} voxels long`);
  return warning(
    name,
    `${count}, and the coarsest is ${side} voxels long: viewers fetch all of it to show it whole`,
    [transferMend(address, array)],
  );
}

function longestSide({ axes }: VolumeArray, { size }: VolumeArrayScale): number {
  const sides = (["x", "y", "z"] as const).map((axis, i) => axes.includes(axis) ? size[i] : 1);
  return Math.max(...sides);
}
