/**
 * The `info` of a Neuroglancer precomputed volume.
 *
 * Source of the rules: the precomputed volume format as Neuroglancer documents it.
 * @module
 */
import { checkPrecomputedEncoding } from "../codecs/precomputed_chunk.ts";
import { parseSharding, type Sharding } from "../codecs/precomputed_sharding.ts";
import { type Dtype, isDtype } from "../core/dtype.ts";
import { messageOf, SluiceError } from "../core/errors.ts";
import { didYouMean } from "../core/nearest.ts";

/** Three numbers along x, y and z. */
export type Triple = readonly [x: number, y: number, z: number];

/** How the chunks of a scale are encoded. */
export type PrecomputedEncoding = "raw" | "jpeg" | "png" | "compressed_segmentation";

/** One level of the volume, as `info` says it. */
export interface PrecomputedScale {
  /** Folder of its chunks. */
  readonly key: string;
  /** Voxels. */
  readonly size: Triple;
  /** First voxel, in voxels of this scale. */
  readonly voxel_offset: Triple;
  /** Voxels of a chunk. */
  readonly chunk_size: Triple;
  /** Edge lengths of a voxel, in nanometres. */
  readonly resolution: Triple;
  readonly encoding: PrecomputedEncoding;
  /** Of `compressed_segmentation`. */
  readonly block_size?: Triple;
  readonly sharding?: Sharding;
}

/** What `info` says, checked. */
export interface PrecomputedInfo {
  readonly type: "image" | "segmentation";
  readonly dtype: Dtype;
  readonly channels: number;
  /** Finest first. */
  readonly scales: readonly PrecomputedScale[];
}

const ENCODINGS: readonly PrecomputedEncoding[] = ["raw", "jpeg", "png", "compressed_segmentation"];

/**
 * Reads an `info`.
 * @param where The volume, for messages.
 * @throws {SluiceError} If it is none, or uses something that is not read (named).
 */
export function parseInfo(document: unknown, where: string): PrecomputedInfo {
  const fail = (what: string): never => {
    throw new SluiceError(
      `Cannot read the info of "${where}" as that of a precomputed volume: ${what}`,
    );
  };
  if (!isRecord(document)) return fail("it is no JSON object");
  const { type, data_type: dtype, num_channels: channels, scales } = document;
  if (type !== "image" && type !== "segmentation") {
    return fail(`its type is ${show(type)}; image and segmentation are read`);
  }
  if (typeof dtype !== "string" || !isDtype(dtype)) {
    return fail(
      `its data_type is ${
        show(dtype)
      }; convert the volume to one that is read, such as float32 or uint64`,
    );
  }
  if (!isCount(channels)) return fail(`its num_channels is ${show(channels)}`);
  if (!Array.isArray(scales) || scales.length === 0) return fail("it lists no scales");
  return {
    type,
    dtype,
    channels,
    scales: scales.map((scale, i) =>
      parseScale(
        scale,
        { dtype, channels },
        (what) => fail(`scale ${i} (${show(isRecord(scale) ? scale.key : scale)}): ${what}`),
      )
    ),
  };
}

type Fail = (what: string) => never;

function parseScale(
  scale: unknown,
  voxels: Pick<PrecomputedInfo, "dtype" | "channels">,
  fail: Fail,
): PrecomputedScale {
  if (!isRecord(scale)) return fail("it is no JSON object");
  const { key, encoding, chunk_sizes: chunkSizes, sharding } = scale;
  if (typeof key !== "string" || key === "" || /(^|\/)\.\.?(\/|$)|^\/|\\/.test(key)) {
    return fail("its key is no folder below the volume");
  }
  if (!ENCODINGS.includes(encoding as PrecomputedEncoding)) {
    return fail(
      `its encoding is ${show(encoding)}, and ${ENCODINGS.join(", ")} are read${
        didYouMean(String(encoding), ENCODINGS)
      }; write it anew with one of them`,
    );
  }
  if (!Array.isArray(chunkSizes) || chunkSizes.length === 0) return fail("it has no chunk_sizes");
  const block = scale.compressed_segmentation_block_size;
  const blockSize = encoding === "compressed_segmentation"
    ? triple(block, "compressed_segmentation_block_size", isCount, fail)
    : undefined;
  const check = <T>(what: () => T): T => {
    try {
      return what();
    } catch (error) {
      return fail(messageOf(error));
    }
  };
  check(() => checkPrecomputedEncoding(encodingOf(encoding as PrecomputedEncoding), voxels));
  return {
    key,
    size: triple(scale.size, "size", isCount, fail),
    voxel_offset: scale.voxel_offset === undefined
      ? [0, 0, 0]
      : triple(scale.voxel_offset, "voxel_offset", Number.isSafeInteger, fail),
    chunk_size: triple(chunkSizes[0], "chunk_sizes", isCount, fail),
    resolution: triple(scale.resolution, "resolution", isPositive, fail),
    encoding: encoding as PrecomputedEncoding,
    ...(blockSize === undefined ? {} : { block_size: blockSize }),
    ...(sharding === undefined || sharding === null
      ? {}
      : { sharding: check(() => parseSharding(sharding)) }),
  };
}

/** As one writes it, for what it can hold. */
function encodingOf(codec: PrecomputedEncoding) {
  switch (codec) {
    case "jpeg":
      return { codec, quality: 100 };
    case "png":
      return { codec, level: 0 };
    case "compressed_segmentation":
      return { codec, blockSize: [8, 8, 8] as const };
    default:
      return { codec };
  }
}

function triple(
  value: unknown,
  name: string,
  isGood: (one: unknown) => boolean,
  fail: Fail,
): Triple {
  if (!Array.isArray(value) || value.length !== 3 || !value.every(isGood)) {
    return fail(`its ${name} is ${show(value)}`);
  }
  return value as unknown as Triple;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function isPositive(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value > 0;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? "not there";
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
