/**
 * Addresses of volumes, and the boxes of their chunks.
 * @module
 */
import { type Box, box } from "../core/box.ts";
import type { BossVolumetricJob } from "./ingest_job.ts";
import type { BossIndex, PathPlugin, PluginParams } from "./plugin.ts";

/** Path processor of everything that is no file: it has nothing to say. */
export const noPaths: PathPlugin = () => ({ varies: [], process: () => "" });

/** Voxels of a chunk. */
export function chunkBox({ chunkSize }: BossVolumetricJob, { x, y, z, t }: BossIndex): Box {
  const min = [x * chunkSize.x, y * chunkSize.y, z * chunkSize.z];
  const max = [min[0] + chunkSize.x, min[1] + chunkSize.y, min[2] + chunkSize.z];
  return box([...min, 0, t], [...max, 1, t + 1]);
}

/** Checks where a volume lies: a path, or an address that begins with one of the places. */
export function checkPlace(params: PluginParams, key: string, address: string): string {
  const place = address.replace(/\/+$/, "");
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(place)?.[1].toLowerCase();
  if (scheme !== undefined && !PLACES.includes(scheme)) {
    params.fault(key, `"${scheme}" is no place that is read from; these are: ${PLACES.join(", ")}`);
  }
  // The address itself is not repeated: this is what must not be shown.
  if (/:\/\/[^/?#]*@/.test(place)) {
    params.fault(key, "it holds a name or a password: leave them away");
  }
  return place;
}

const PLACES: readonly string[] = ["s3", "gs", "https", "http", "file"];
