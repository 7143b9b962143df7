/**
 * The cutout service: boxes of voxels out of channels, and into them.
 * @module
 */
import { type ChunkCodec, openChunkCodec } from "../../codecs/chunk_codec.ts";
import { ChunkError } from "../../codecs/chunk_error.ts";
import { encodeJpeg, MOST_JPEG_SIDE } from "../../codecs/jpeg_encode.ts";
import { type Box, boxSize, boxVolume, contains } from "../../core/box.ts";
import {
  type Dtype,
  viewBytes,
  viewVoxels,
  VOXEL_BYTES,
  type VoxelArray,
} from "../../core/dtype.ts";
import type { Point } from "../../core/point.ts";
import { fault, json } from "./_answers.ts";
import { layoutOf, levelsOf, voxelSizeOf } from "./_levels.ts";
import { packNpy, unpackNpy } from "./_npy.ts";
import type { ChannelPlace, Resources } from "./_resources.ts";
import { notAllowed, type ResourceCall } from "./_resources.ts";
import type { Volumes } from "./_volumes.ts";

/** Bytes of voxels in one cutout; of 64 bits four times as many. */
const MOST_BYTES = 520 * 2 ** 20;
const RANGE = /^(\d{1,15}):(\d{1,15})$/;

/** A request for a cutout. */
export interface CutoutCall extends Omit<ResourceCall, "body"> {
  readonly headers: Headers;
  readonly body: Uint8Array;
  readonly signal: AbortSignal;
}

interface Cutout {
  readonly place: ChannelPlace;
  readonly level: number;
  readonly box: Box;
  readonly dtype: Dtype;
  /** Of the array, slowest axis first; with a time only where the address has one. */
  readonly shape: readonly number[];
}

/** The cutout service of one server. */
export class Cutouts {
  readonly #resources: Resources;
  readonly #volumes: Volumes;

  constructor(resources: Resources, volumes: Volumes) {
    [this.#resources, this.#volumes] = [resources, volumes];
  }

  /** Answers a request below `cutout`. */
  async answer(call: CutoutCall): Promise<Response> {
    const [, first, ...rest] = call.words;
    if (first === "to_black" && rest.length >= 7) {
      if (call.method !== "PUT") throw notAllowed(call.method);
      const cutout = this.#find(rest, call);
      const { place, level, box, dtype } = cutout;
      this.#checkInside(cutout);
      const nothing = viewVoxels(dtype, new Uint8Array(boxVolume(box) * VOXEL_BYTES[dtype]));
      await this.#volumes.write(place, level, box, nothing, "replace");
      return new Response(null, { status: 200 });
    }
    const cutout = this.#find(call.words.slice(1), call);
    switch (call.method) {
      case "GET":
        return await this.#get(cutout, call);
      case "POST":
        return await this.#post(cutout, call);
      default:
        throw notAllowed(call.method);
    }
  }

  /** Answers a request below `downsample`: which levels there are, and how large. */
  async levels({ method, words, asker }: ResourceCall): Promise<Response> {
    const [, collection, experiment, channel, ...rest] = words;
    if (channel === undefined || rest.length > 0) {
      throw fault("INVALID_URL", "Levels are at /COLLECTION/EXPERIMENT/CHANNEL/");
    }
    if (method !== "GET") throw notAllowed(method);
    const place = this.#resources.channel(collection, experiment, channel, asker);
    const { scales } = layoutOf(place);
    const [first, end] = levelsOf(place.experiment.fields, place.channel.fields);
    const written = await this.#volumes.levels(place);
    const { x, y, z = 1 } = voxelSizeOf(place);
    const each = (of: (scale: (typeof scales)[number]) => readonly number[]) =>
      Object.fromEntries(
        scales.map((scale, level) => [level, of(scale)] as const).slice(first, end),
      );
    const isWhole = end - first > 1 && written.length >= end - first;
    return json(200, {
      status: isWhole ? "DOWNSAMPLED" : "NOT_DOWNSAMPLED",
      num_hierarchy_levels: end - first,
      voxel_size: each(({ factor }) => [x * factor[0], y * factor[1], z * factor[2]]),
      extent: each(({ size }) => size.slice(0, 3)),
      cuboid_size: each(({ chunk }) => chunk.slice(0, 3)),
    });
  }

  async #get(cutout: Cutout, { headers, query, signal }: CutoutCall): Promise<Response> {
    const { place, level, box, dtype, shape } = cutout;
    const mode = query.get("access-mode");
    if (mode !== null && !["cache", "no-cache", "raw"].includes(mode)) {
      throw fault("INVALID_CUTOUT_ARGS", `There is no access-mode ${JSON.stringify(mode)}`);
    }
    const form = formOf(headers.get("accept") ?? "");
    if (form === "image/jpeg") checkJpeg(cutout);
    const voxels = await this.#volumes.read(place, level, box, signal);
    const ids = query.get("filter");
    if (ids !== null) keepIds(voxels, ids, place);
    const [width, height, depth] = boxSize(box);
    const body = form === "image/jpeg"
      ? encodeJpeg({ width, height: height * depth, samples: 1, data: viewBytes(voxels) })
      : form === "application/npygz"
      ? packNpy(voxels, dtype, shape)
      : (await codecOf(dtype)).encode(viewBytes(voxels));
    return new Response(body as Uint8Array<ArrayBuffer>, { headers: { "content-type": form } });
  }

  async #post(cutout: Cutout, { headers, body, asker }: CutoutCall): Promise<Response> {
    const { place, level, box, dtype, shape } = cutout;
    if (asker !== "user") throw fault("BAD_REQUEST", "Nobody may write here");
    this.#checkInside(cutout);
    const type = (headers.get("content-type") ?? "").split(";")[0].trim();
    if (type !== "application/blosc" && type !== "application/npygz") {
      throw fault("INVALID_ARGUMENT", `Cannot take ${type || "nothing"}: send application/blosc`);
    }
    const bytes = type === "application/npygz"
      ? unpackNpy(body, dtype, shape)
      : await unpackBlosc(body, cutout);
    await this.#volumes.write(place, level, box, viewVoxels(dtype, bytes), "overlay");
    return new Response(null, { status: 201 });
  }

  #find(words: readonly string[], { asker, query, method }: CutoutCall): Cutout {
    const [collection, experiment, channel, digit, ...ranges] = words;
    if (!/^\d$/.test(digit ?? "") || ranges.length < 3 || ranges.length > 4) {
      throw fault("INVALID_URL", "A cutout is at /COLLECTION/EXPERIMENT/CHANNEL/RESOLUTION/X/Y/Z/");
    }
    if (asker === "anybody" && method !== "GET") {
      throw fault("BAD_REQUEST", "Nobody may write here");
    }
    const place = this.#resources.channel(collection, experiment, channel, asker);
    const level = Number(digit);
    const [first, end] = levelsOf(place.experiment.fields, place.channel.fields);
    if (level < first || level >= end) {
      throw fault(
        "TYPE_ERROR",
        `Invalid resolution ${level}: the channel has ${first} to ${end - 1}`,
      );
    }
    checkIso(place, level, query);
    const box = boxOf(ranges, place);
    const { datatype } = place.channel.fields;
    const dtype = datatype as Dtype;
    const [x, y, z, , t] = boxSize(box);
    const bytes = boxVolume(box) * VOXEL_BYTES[dtype] / (dtype === "uint64" ? 4 : 1);
    if (bytes > MOST_BYTES) {
      throw fault(
        "REQUEST_TOO_LARGE",
        `Cutout request is too large: it has ${bytes} bytes, and may have ${MOST_BYTES}`,
      );
    }
    return { place, level, box, dtype, shape: ranges.length === 4 ? [t, z, y, x] : [z, y, x] };
  }

  /** Voxels beyond a coarse level could never be read again. */
  #checkInside({ place, level, box }: Cutout): void {
    const { size } = layoutOf(place).scales[level];
    if (contains({ min: [0, 0, 0, 0, 0], max: size }, box)) return;
    throw fault(
      "INVALID_CUTOUT_ARGS",
      `The box lies beyond resolution ${level}, which ends at x ${size[0]} y ${size[1]} z ${
        size[2]
      }`,
    );
  }
}

/** The ranges of an address, which must lie in the coordinate frame, as it is at resolution 0. */
function boxOf(ranges: readonly string[], { frame, experiment }: ChannelPlace): Box {
  const samples = experiment.fields.num_time_samples as number;
  const limits = (["x", "y", "z"] as const).map((axis) =>
    [frame.fields[`${axis}_start`], frame.fields[`${axis}_stop`]] as [number, number]
  );
  const spans = [...ranges, ...(ranges.length === 3 ? ["0:1"] : [])].map((text, i) => {
    const found = RANGE.exec(text);
    const [from, to] = [Number(found?.[1]), Number(found?.[2])];
    const [low, high] = limits[i] ?? [0, samples];
    const axis = "xyzt"[i];
    if (found === null || from >= to) {
      throw fault("INVALID_CUTOUT_ARGS", `Invalid range of ${axis}: it must be FIRST:END`);
    }
    if (from < low || to > high) {
      throw fault(
        "INVALID_CUTOUT_ARGS",
        `Invalid range of ${axis}: ${from}:${to} does not lie in ${low}:${high}`,
      );
    }
    return [from, to];
  });
  const [x, y, z, t] = spans;
  const corner = (end: 0 | 1): Point => [x[end], y[end], z[end], end, t[end]];
  return { min: corner(0), max: corner(1) };
}

/** Isotropic levels are those of every other kind, up to where the voxels of the others become longer along z. */
function checkIso(
  { experiment, frame }: ChannelPlace,
  level: number,
  query: URLSearchParams,
): void {
  const isAsked = ["true", "True"].includes(query.get("iso") ?? "");
  if (!isAsked || experiment.fields.hierarchy_method === "isotropic") return;
  const { x_voxel_size, z_voxel_size } = frame.fields as Record<string, number>;
  const near = Math.max(0, Math.round(Math.log2(z_voxel_size / x_voxel_size)));
  if (level <= near) return;
  throw fault(
    "INVALID_CUTOUT_ARGS",
    `There are no isotropic voxels at resolution ${level}: this server keeps none above ${near}`,
  );
}

const FORMS = ["application/blosc", "application/npygz", "image/jpeg"] as const;

function formOf(accept: string): (typeof FORMS)[number] {
  const wanted = accept.split(",").map((type) => type.split(";")[0].trim()).filter(Boolean);
  if (wanted.length === 0 || wanted.includes("*/*") || wanted.includes("application/*")) {
    return FORMS.find((form) => wanted.includes(form)) ?? "application/blosc";
  }
  const form = FORMS.find((form) => wanted.includes(form));
  if (form !== undefined) return form;
  throw fault(
    "INVALID_ARGUMENT",
    `Cannot give ${wanted.join(" or ")}: ask for ${FORMS.join(", ")}`,
  );
}

function checkJpeg({ dtype, box, shape }: Cutout): void {
  const [width, height, depth] = boxSize(box);
  if (dtype !== "uint8") throw fault("DATATYPE_NOT_SUPPORTED", "A JPEG has voxels of uint8 alone");
  if (shape.length === 4) throw fault("INVALID_CUTOUT_ARGS", "A JPEG has no range of t");
  if (width > MOST_JPEG_SIDE || height * depth > MOST_JPEG_SIDE) {
    throw fault("REQUEST_TOO_LARGE", `A side of a JPEG has at most ${MOST_JPEG_SIDE} pixels`);
  }
}

function keepIds(voxels: VoxelArray, list: string, { channel }: ChannelPlace): void {
  if (channel.fields.type !== "annotation" || !/^\d{1,20}(,\d{1,20})*$/.test(list)) {
    throw fault(
      "INVALID_CUTOUT_ARGS",
      "A filter is a list of ids, and for annotation channels alone",
    );
  }
  const wanted = new Set(list.split(",").map((id) => BigInt(id)));
  const isWanted = (voxel: number | bigint) => voxel && wanted.has(BigInt(voxel));
  if (voxels instanceof BigUint64Array) {
    for (let i = 0; i < voxels.length; i++) if (!isWanted(voxels[i])) voxels[i] = 0n;
  } else for (let i = 0; i < voxels.length; i++) if (!isWanted(voxels[i])) voxels[i] = 0;
}

async function unpackBlosc(frame: Uint8Array, { dtype, box, shape }: Cutout): Promise<Uint8Array> {
  const count = boxVolume(box);
  const wanted = count * VOXEL_BYTES[dtype];
  // The length of what is in a frame stands in its header.
  const found = frame.length < 16
    ? -1
    : new DataView(frame.buffer, frame.byteOffset).getUint32(4, true);
  if (found >= 0 && found !== wanted) {
    const isOther = [1, 2, 4, 8].some((bytes) => count * bytes === found);
    throw isOther
      ? fault("DATATYPE_DOES_NOT_MATCH", `Datatype does not match channel: it is ${dtype}.`)
      : fault(
        "DATA_DIMENSION_MISMATCH",
        `Data has ${found} bytes, and (${shape.join(", ")}) of ${dtype} has ${wanted}.`,
      );
  }
  try {
    return (await codecOf(dtype)).decode(frame, count);
  } catch (error) {
    if (!(error instanceof ChunkError)) throw error;
    throw fault("DESERIALIZATION_ERROR", `Failed to deserialize data: ${error.message}`);
  }
}

const codecs = new Map<Dtype, Promise<ChunkCodec>>();

function codecOf(dtype: Dtype): Promise<ChunkCodec> {
  let codec = codecs.get(dtype);
  if (codec === undefined) {
    const encoding = {
      codec: "blosc",
      cname: "zstd",
      level: 1,
      shuffle: true,
      crc32c: false,
    } as const;
    codec = openChunkCodec(encoding, VOXEL_BYTES[dtype]);
    codecs.set(dtype, codec);
  }
  return codec;
}
