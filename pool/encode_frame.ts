/** Voxels as one frame of blosc, with a size of a voxel of the caller's own. */
import { openBlosc } from "../codecs/blosc.ts";
import { viewBytes, type VoxelArray } from "../core/dtype.ts";
import type { JobContext } from "./jobs.ts";

/** Which voxels, and how. */
export interface EncodeFrameInput {
  /** Any number of them. */
  readonly data: VoxelArray;
  /** What the header of the frame says of the size of a voxel, in bytes. */
  readonly typesize: number;
  /** From 0 to 9. */
  readonly level: number;
}

/** As a job: encodes voxels. */
export function encodeFrame(input: EncodeFrameInput, { times, transfer }: JobContext): Uint8Array {
  const start = performance.now();
  const bytes = frameBytes(input);
  transfer.push(bytes.buffer as ArrayBuffer);
  times.encode += performance.now() - start;
  return bytes;
}

/** The bytes of a frame; LZ4 is in it, which every build of blosc knows. */
export function frameBytes({ data, typesize, level }: EncodeFrameInput): Uint8Array {
  const encoding = { codec: "blosc", cname: "lz4", level, shuffle: true, crc32c: false } as const;
  return openBlosc(encoding, typesize).compress(viewBytes(data));
}
