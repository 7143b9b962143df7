/**
 * A chunk that is really fetched and decoded: at the far edge, where chunks are cut or padded, if one is stored there.
 *
 * Where it cannot be decoded, what was done to it on the way is found out by undoing it.
 */
import { gunzipSync } from "node:zlib";
import { openChunkDecoder } from "../codecs/chunk_decoder.ts";
import { ChunkError } from "../codecs/chunk_error.ts";
import { boxSize, formatBox } from "../core/box.ts";
import { copyStrided } from "../core/copy_strided.ts";
import { viewVoxels, VOXEL_BYTES, type VoxelArray } from "../core/dtype.ts";
import { messageOf, SluiceError } from "../core/errors.ts";
import { cellBox, countCells } from "../core/layout.ts";
import { mapPoint, type Point, product } from "../core/point.ts";
import type { VolumeArrayScale } from "../plugins/volume_array.ts";
import { type DoctorCheck, fault, ok, type OpenVisit, warning } from "./_doctor_check.ts";
import { mendServer } from "./_doctor_mend.ts";
import { transferMend } from "./_doctor_transfer.ts";
import { codingsOf, decodeBody, type WireAnswer, WireError } from "./_doctor_wire.ts";

/** What was found of a chunk. */
export interface ChunkVisit {
  readonly checks: readonly DoctorCheck[];
  /** A file that is there, or was asked for: a shard, or a chunk. */
  readonly key?: string;
}

/** Positions that are asked for at each scale, as parts of the grid: the far edge first. */
const PLACES: readonly (readonly number[])[] = [
  [1, 1, 1],
  [0.5, 0.5, 0.5],
  [0, 0, 0],
  [1, 0.5, 0.5],
  [0.5, 1, 0.5],
  [0.5, 0.5, 1],
  [0.25, 0.25, 0.5],
  [0.75, 0.75, 0.5],
];

/** Fetches and decodes a chunk. */
export async function checkChunk(visit: OpenVisit, isSharded: boolean): Promise<ChunkVisit> {
  const { array, reader, signal } = visit;
  let key: string | undefined;
  let asked = 0;
  for (const [level, scale] of array.scales.entries()) {
    for (const index of candidates(scale)) {
      signal?.throwIfAborted();
      const before = reader.records.length;
      asked++;
      const found = await tryChunk(scale, index, signal);
      const last = reader.records.slice(before).at(-1);
      key = reader.lastKey ?? key;
      if (found === undefined) continue;
      const name = `the chunk ${
        formatBox(cellBox(index, scale.chunk, scale.size))
      } of scale ${level}`;
      if ("voxels" in found) {
        return { checks: goodChecks(name, found, last?.answer, isSharded), key };
      }
      const { error } = found;
      return {
        checks: [
          await diagnose(visit, {
            name,
            scale,
            index,
            error,
            answer: last?.answer,
            key,
            isSharded,
          }),
        ],
        key,
      };
    }
  }
  return { checks: [await checkAbsent(visit, asked, key, isSharded)], key };
}

interface GoodChunk {
  readonly bytes: number;
  /** Within the extent, x fastest. */
  readonly voxels: VoxelArray;
}

/** @returns Undefined where it is not stored. */
async function tryChunk(
  scale: VolumeArrayScale,
  index: Point,
  signal: AbortSignal | undefined,
): Promise<GoodChunk | { readonly error: Error } | undefined> {
  try {
    const place = await scale.locate(index, signal);
    const bytes = await place?.fetch?.(signal);
    if (bytes === undefined) return undefined;
    return { bytes: bytes.length, voxels: await decodeChunk(scale, index, bytes) };
  } catch (error) {
    if (error instanceof WireError || error instanceof ChunkError) return { error };
    if (error instanceof SluiceError) return { error };
    throw error;
  }
}

async function decodeChunk(
  scale: VolumeArrayScale,
  index: Point,
  bytes: Uint8Array,
): Promise<VoxelArray> {
  const decoder = await openChunkDecoder(scale.decoding, scale.dtype);
  const inside = cellBox(index, scale.chunk, scale.size);
  const shape = scale.isCut ? boxSize(inside) : scale.chunk;
  checkZipped(scale, shape, bytes);
  const decoded = await decoder.decode(bytes, shape);
  const voxels = viewVoxels(
    scale.dtype,
    new Uint8Array(product(boxSize(inside)) * VOXEL_BYTES[scale.dtype]),
  );
  copyStrided(decoded, inside.min, voxels, inside, inside);
  return voxels;
}

/** Chunks of precomputed volumes may be compressed on disk; here that is seen, by viewers it is not. */
function checkZipped(
  { decoding, dtype, storage }: VolumeArrayScale,
  shape: Point,
  bytes: Uint8Array,
) {
  if (decoding.format !== "precomputed" || storage?.steps.includes("gzip")) return;
  const isRaw = decoding.codec === "raw" && bytes.length === product(shape) * VOXEL_BYTES[dtype];
  if (isRaw || bytes[0] !== 0x1f || bytes[1] !== 0x8b) return;
  throw new ChunkError("it is compressed by gzip, which its info does not say", "corrupt");
}

/** Voxels of the first chunk of a scale that is stored, for their values; undefined where none was found. */
export async function sampleVoxels(
  { array, signal }: OpenVisit,
  level: number,
): Promise<VoxelArray | undefined> {
  const scale = array.scales[level];
  for (const index of candidates(scale, [[0.5, 0.5, 0.5], [0, 0, 0], [1, 1, 1]])) {
    const found = await tryChunk(scale, index, signal);
    if (found !== undefined) return "voxels" in found ? found.voxels : undefined;
  }
  return undefined;
}

function* candidates(
  { size, chunk }: VolumeArrayScale,
  places: typeof PLACES = PLACES,
): Generator<Point> {
  const counts = countCells(size, chunk);
  const seen = new Set<string>();
  for (const part of places) {
    const index = mapPoint(
      counts,
      (count, axis) => Math.round((count - 1) * (part[axis] ?? 0)),
    );
    if (!seen.has(String(index))) yield index;
    seen.add(String(index));
  }
}

function goodChecks(
  name: string,
  { bytes, voxels }: GoodChunk,
  answer: WireAnswer | undefined,
  isSharded: boolean,
): DoctorCheck[] {
  let [low, high] = [Infinity, -Infinity];
  for (const voxel of voxels) {
    const value = Number(voxel);
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const [coding] = answer === undefined ? [] : codingsOf(answer.headers);
  const values = low > high ? "" : `, from ${low} to ${high}`;
  return [
    ok("chunk", `${name} has ${bytes} bytes; decoded it has ${voxels.length} voxels${values}`),
    ok(
      "Content-Encoding",
      isSharded || coding === undefined ? "none" : `${coding}, which browsers undo by themselves`,
    ),
  ];
}

/** A chunk that cannot be decoded. */
interface BadChunk {
  readonly name: string;
  readonly scale: VolumeArrayScale;
  readonly index: Point;
  readonly error: Error;
  /** The last answer on the way to it. */
  readonly answer: WireAnswer | undefined;
  readonly key: string | undefined;
  readonly isSharded: boolean;
}

/** What was done to a chunk that cannot be decoded. */
async function diagnose(
  visit: OpenVisit,
  { name, scale, index, error, answer, key, isSharded }: BadChunk,
): Promise<DoctorCheck> {
  const { place, address, array } = visit;
  const decodes = async (bytes: () => Uint8Array) => {
    try {
      await decodeChunk(scale, index, bytes());
      return true;
    } catch {
      return false;
    }
  };
  if (answer !== undefined && !isSharded) {
    const at = { place, headers: answer.headers, isSharded };
    const [coding] = codingsOf(answer.headers);
    if (coding !== undefined && await decodes(() => answer.sent)) {
      return fault(
        "Content-Encoding",
        `${name} is said to be ${coding} by the server, so browsers undo it; but its bytes are right as they were sent: viewers get what they cannot decode`,
        mendServer("no encoding", at),
      );
    }
    if (await decodes(() => gunzipSync(decodeBody(answer)))) {
      return fault(
        "Content-Encoding",
        `${name} is compressed by gzip once more than its format says, and the server does not say so: viewers get what they cannot decode`,
        [...mendServer("say gzip", at), transferMend(address, array)],
      );
    }
  }
  return fault("chunk", `${name} cannot be read: ${messageOf(error)}`, [{
    where: "shell",
    lines: `sluice verify ORIGINAL # what it was copied from; then copy ${key ?? "it"} again`,
  }]);
}

/** Nothing is stored where it was looked for: all fill value, or under another name. */
async function checkAbsent(
  visit: OpenVisit,
  asked: number,
  key: string | undefined,
  isSharded: boolean,
): Promise<DoctorCheck> {
  const { array, reader, place, address, signal } = visit;
  if (key !== undefined && array.format === "precomputed" && !isSharded) {
    const zipped = await reader.ask(`${key}.gz`, { method: "HEAD", signal });
    if (zipped.status === 200) {
      return fault(
        "chunk",
        `"${key}" is not there, but "${key}.gz" is: viewers ask for the first`,
        [
          ...mendServer("gz files", { place, headers: zipped.headers, isSharded }),
          transferMend(address, array),
        ],
      );
    }
  }
  return warning(
    "chunk",
    `none of ${asked} chunks that were asked for is there, at no scale: all of them would be shown as fill value`,
    [{ where: "shell", lines: `sluice verify ORIGINAL # then copy it again, with all folders` }],
  );
}
