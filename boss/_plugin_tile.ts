/**
 * What the plugins share: where tiles begin, files and their places, formats, and indices that are refused.
 * @module
 */
import { SluiceError } from "../core/errors.ts";
import { type BossJob, type BossTileJob, cellSize } from "./ingest_job.ts";
import type { BossIndex, PlaneSize, PluginParams, TileBody, TileFile } from "./plugin.ts";

/** Columns and rows of the tiles of a job. */
export function sizeOf({ tileSize }: BossTileJob): PlaneSize {
  return { width: tileSize.x, height: tileSize.y };
}

/** What a body is in, by the words for it; Pillow itself knows neither TIF nor JPG. */
const FORMATS: ReadonlyMap<string, TileBody> = new Map<string, TileBody>([
  ["png", { kind: "png" }],
  ["tif", { kind: "tiff" }],
  ["tiff", { kind: "tiff" }],
  // Pillow's own quality where none is given.
  ["jpg", { kind: "jpeg", quality: 75 }],
  ["jpeg", { kind: "jpeg", quality: 75 }],
]);

/** Reads what tiles are uploaded as. */
export function readBody(params: PluginParams, key: string, bits = 8): TileBody {
  const word = params.text(key);
  const body = FORMATS.get(word.toLowerCase());
  if (word !== "" && body === undefined) {
    params.fault(key, `it must be png, tiff or jpeg, and is ${JSON.stringify(word)}`);
  } else if (body?.kind === "jpeg" && bits > 8) {
    params.fault(key, `a JPEG holds 8 bits a pixel, and these have ${bits}: write tiff`);
  }
  return body ?? { kind: "tiff" };
}

/** Reads where files lie: the file of a path. */
export function readFilesystem(
  params: PluginParams,
  kinds: readonly ("local" | "s3" | "s3_copy")[],
): (path: string) => TileFile {
  const filesystem = params.choice("filesystem", kinds);
  if (filesystem === "local") return localFile;
  const bucket = params.text("bucket");
  const tempDir = params.has("temp_dir") ? params.text("temp_dir", { otherwise: "" }) : "";
  return (path) => ({ filesystem, bucket, path, ...(tempDir === "" ? {} : { tempDir }) });
}

/** A file on a disk. */
export function localFile(path: string): TileFile {
  return { filesystem: "local", path };
}

/** Says that there is no such tile. */
export function noTile({ x, y, z, t }: BossIndex, state: string): SluiceError {
  return new SluiceError(
    `Cannot find the image of tile x ${x}, y ${y}, z ${z}, t ${t}: ${state}; join the job with the configuration ` +
      `that it was made with`,
  );
}

/** @throws {SluiceError} Unless the sample is 0. */
export function checkNoTime(index: BossIndex): void {
  if (index.t !== 0) throw noTile(index, "these images have no samples in time but 0");
}

/**
 * @param checksStart Whether a slice before the extent is refused, too.
 * @throws {SluiceError} Unless the slice lies in the extent.
 */
export function checkSlice(index: BossIndex, { extent }: BossJob, checksStart: boolean): void {
  if (index.z < extent.max[2] && (!checksStart || index.z >= extent.min[2])) return;
  throw noTile(index, `the extent along z is [${extent.min[2]}, ${extent.max[2]}]`);
}

/** @throws {SluiceError} Unless the sample lies in the extent. */
export function checkTime(index: BossIndex, { extent }: BossJob): void {
  if (index.t >= extent.min[4] && index.t < extent.max[4]) return;
  throw noTile(index, `the extent along t is [${extent.min[4]}, ${extent.max[4]}]`);
}

/** @throws {SluiceError} If the tile lies beyond the extent; one that reaches beyond it does not. */
export function checkColumnAndRow(index: BossIndex, job: BossJob): void {
  const cell = cellSize(job);
  for (const [axis, stop] of [["x", job.extent.max[0]], ["y", job.extent.max[1]]] as const) {
    const count = Math.ceil(stop / cell[axis]);
    if (index[axis] < count) continue;
    throw noTile(index, `along ${axis} the extent ends with tile ${count - 1}`);
  }
}
