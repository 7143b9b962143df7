/**
 * The cutout service and the metadata of a Boss in memory, beside its resources, with the rules and the errors of the
 * real one: a voxel of 0 changes nothing where one is written, ranges must lie in the coordinate frame, and frames must
 * have the channel's dtype and the box's size.
 */
import { decompressBlosc, openBlosc } from "../../codecs/blosc.ts";
import { type Box, box, boxSize, boxVolume } from "../../core/box.ts";
import {
  type Dtype,
  viewBytes,
  viewVoxels,
  VOXEL_BYTES,
  type VoxelArray,
} from "../../core/dtype.ts";
import { type RawAnswer, type RawRequest, serveRaw } from "../_raw_http.ts";
import { bossError, detailError, page, TEST_TOKEN } from "./_boss_server.ts";

// deno-lint-ignore no-explicit-any
type Body = Record<string, any>;

/** What goes wrong with a request: `truncated` loses the end of the frame, and says so; `short` does not say so. */
export type CutoutFault = RawAnswer | "truncated" | "short" | "lost" | undefined;

/** A channel that is served. */
export interface CutoutChannel {
  readonly size: readonly [x: number, y: number, z: number];
  readonly start?: readonly [x: number, y: number, z: number];
  readonly dtype: Dtype;
  readonly times?: number;
  readonly levels?: number;
  readonly isotropic?: boolean;
  readonly voxelSize?: readonly [x: number, y: number, z: number];
  readonly public?: boolean;
  readonly kind?: "image" | "annotation";
}

/** A Boss that runs. */
export interface CutoutServer extends AsyncDisposable {
  readonly url: string;
  readonly host: string;
  /** Voxels of each resolution, in the order t, z, y, x, from the origin on. */
  readonly voxels: VoxelArray[];
  /** What it was asked for cutouts: `GET 0 0:512/0:512/0:16/0:1 access-mode=no-cache`. */
  readonly log: string[];
  /** Tokens that requests came with. */
  readonly tokens: Set<string>;
  /** Faults of the next requests for cutouts. */
  readonly next: CutoutFault[];
  /** Keys and values at the channel. */
  readonly meta: Map<string, string>;
  /** Resources by path behind the version. */
  readonly there: Map<string, Body>;
  /** Paths that nobody may see. */
  readonly hidden: RegExp[];
  /** Uncompressed bytes that it gives at most. */
  mostBytes: number;
  /** Is waited for before what is written is there. */
  onWrite?: () => Promise<void>;
}

/** Serves channel `col/exp/chan` until it is disposed. */
export function serveCutouts(channel: CutoutChannel): CutoutServer {
  const { dtype, start = [0, 0, 0], times = 1, levels = 1, voxelSize = [4, 4, 40] } = channel;
  const halves = (axis: number) => axis < 2 || channel.isotropic === true;
  const stop = channel.size.map((side, axis) => start[axis] + side);
  const sizes = Array.from(
    { length: levels },
    (_, r) => stop.map((side, axis) => halves(axis) ? Math.ceil(side / 2 ** r) : side),
  );
  const whole = (r: number) =>
    box([0, 0, 0, 0, 0], [sizes[r][0], sizes[r][1], sizes[r][2], 1, times]);
  const voxels = sizes.map((_, r) =>
    viewVoxels(dtype, new Uint8Array(boxVolume(whole(r)) * VOXEL_BYTES[dtype]))
  );
  const frame = Object.fromEntries(
    ["x", "y", "z"].flatMap((axis, i) => [
      [`${axis}_start`, start[i]],
      [`${axis}_stop`, stop[i]],
      [`${axis}_voxel_size`, voxelSize[i]],
    ]),
  );
  const there = new Map<string, Body>([
    ["collection/col", { name: "col", description: "a collection", creator: "me" }],
    ["coord/frame", { name: "frame", description: "", voxel_unit: "nanometers", ...frame }],
    ["collection/col/experiment/exp", {
      name: "exp",
      description: "of one mouse",
      coord_frame: "frame",
      num_hierarchy_levels: levels,
      hierarchy_method: channel.isotropic ? "isotropic" : "anisotropic",
      num_time_samples: times,
    }],
    ["collection/col/experiment/exp/channel/chan", {
      name: "chan",
      description: "its brain",
      creator: "me",
      type: channel.kind ?? "image",
      datatype: dtype,
      base_resolution: 0,
      public: channel.public ?? false,
      downsample_status: "NOT_DOWNSAMPLED",
    }],
  ]);
  const log: string[] = [];
  const tokens = new Set<string>();
  const next: CutoutFault[] = [];
  const meta = new Map<string, string>();
  const hidden: RegExp[] = [];
  const raw = serveRaw(async (request) => {
    const { path, headers } = request;
    tokens.add(headers.get("authorization") ?? "");
    const isMine = headers.get("authorization") === `Token ${TEST_TOKEN}`;
    const isRead = request.method === "GET";
    const isPublic = headers.get("authorization") === "Token public" && isRead;
    if (!isMine && !isPublic) return detailError(401, "Invalid token.");
    if (isPublic && channel.public !== true) {
      return bossError(403, 3001, "Missing read permissions on the resource chan");
    }
    if (hidden.some((rule) => rule.test(path))) {
      return bossError(403, 3001, "Missing read permissions on the resource");
    }
    const cutout = /^\/v1\/cutout\/(to_black\/)?([^/]+)\/([^/]+)\/([^/]+)\/(\d)\/(.*)$/.exec(path);
    if (cutout !== null) {
      log.push(
        `${request.method} ${cutout[1] ?? ""}${cutout[5]} ${
          cutout[6].replace(/\/$/, "")
        } ${request.query}`
          .trim(),
      );
      const fault = next.shift();
      if (typeof fault === "object") return fault;
      if (request.method === "POST") await server.onWrite?.();
      const answer = cut(
        request,
        cutout[1] !== undefined,
        cutout.slice(2, 5),
        Number(cutout[5]),
        cutout[6],
      );
      if (fault === "lost") return { ...answer, delivery: "reset" };
      if (fault === "truncated") return { ...answer, delivery: "cut" };
      if (fault === "short") {
        return { ...answer, body: (answer.body as Uint8Array).subarray(0, -3) };
      }
      return answer;
    }
    const about = /^\/v1\/meta\/col\/exp\/chan\/$/.exec(path);
    if (about !== null) {
      const key = new URLSearchParams(request.query).get("key");
      if (key === null) return say({ keys: [...meta.keys()] });
      return meta.has(key)
        ? say({ key, value: meta.get(key) })
        : bossError(404, 4000, `${key} does not exist.`);
    }
    const place = /^\/v1\/(.+[^/])$/.exec(path)?.[1] ?? "";
    const found = there.get(place);
    if (found !== undefined) return say(found);
    return bossError(404, 4000, `${place.split("/").at(-1)} does not exist.`);
  });

  function cut(
    { method, headers, body }: RawRequest,
    isBlack: boolean,
    [col, exp, chan]: string[],
    resolution: number,
    ranges: string,
  ): RawAnswer {
    if (!there.has(`collection/${col}/experiment/${exp}/channel/${chan}`)) {
      return bossError(404, 4000, `${chan} does not exist.`);
    }
    if (resolution >= levels) return bossError(400, 1002, "Invalid resolution.");
    const found = /^(\d+):(\d+)\/(\d+):(\d+)\/(\d+):(\d+)\/(?:(\d+):(\d+)\/)?$/.exec(ranges);
    if (found === null) return page(404);
    const [x0, x1, y0, y1, z0, z1, t0, t1] = found.slice(1).map((text) => Number(text ?? NaN));
    const of = box([x0, y0, z0, 0, t0 || 0], [x1, y1, z1, 1, t1 || 1]);
    const isIn = of.min.every((low, axis) => low < of.max[axis]) &&
      [0, 1, 2].every((axis) =>
        of.min[axis] >= start[axis] / 2 ** resolution - 1 && of.max[axis] <= stop[axis]
      ) &&
      of.max[4] <= times;
    if (!isIn) return bossError(400, 1001, "Invalid range. It is not inside the coordinate frame.");
    const bytes = boxVolume(of) * VOXEL_BYTES[dtype];
    if (bytes > server.mostBytes) return bossError(413, 2000, "Cutout request is too large.");
    const isBlosc = headers.get("content-type") === "application/blosc";
    if (!isBlosc) return detailError(415, "Unsupported media type.");
    if (method === "GET") {
      const read = viewVoxels(dtype, new Uint8Array(bytes));
      eachRow(of, resolution, (at, i, length) => {
        const row = voxels[resolution].subarray(at, at + length);
        (read as { set(from: unknown, at: number): void }).set(row, i);
      });
      return { status: 200, headers: { "content-type": "application/blosc" }, body: frameOf(read) };
    }
    if (isBlack && method === "PUT") {
      eachRow(
        of,
        resolution,
        (at, _, length) => void viewBytes(voxels[resolution].subarray(at, at + length)).fill(0),
      );
      return { status: 200 };
    }
    if (method !== "POST") return detailError(405, `Method "${method}" not allowed.`);
    const written = decompressBlosc(body, 2 ** 31);
    if (written.length !== bytes) return bossError(400, 2002, "Data dimensions do not match.");
    if (body[3] !== 8 * VOXEL_BYTES[dtype]) return bossError(400, 2001, "Datatype does not match.");
    const from = viewVoxels(dtype, written);
    eachRow(of, resolution, (at, i, length) => {
      // As the Boss merges: what is 0 was not said.
      for (let k = 0; k < length; k++) {
        if (from[i + k] != 0) voxels[resolution][at + k] = from[i + k];
      }
    });
    return { status: 201 };
  }

  function eachRow(
    { min, max }: Box,
    resolution: number,
    act: (at: number, i: number, length: number) => void,
  ): void {
    const [width, height, depth] = sizes[resolution];
    const [dx, dy, dz] = boxSize({ min, max });
    for (let t = min[4]; t < max[4]; t++) {
      for (let z = min[2]; z < Math.min(max[2], depth); z++) {
        for (let y = min[1]; y < Math.min(max[1], height); y++) {
          const i = (((t - min[4]) * dz + z - min[2]) * dy + y - min[1]) * dx;
          const length = Math.min(dx, width - min[0]);
          act(((t * depth + z) * height + y) * width + min[0], i, length);
        }
      }
    }
  }

  function frameOf(read: VoxelArray): Uint8Array {
    const encoding = {
      codec: "blosc",
      cname: "zstd",
      level: 1,
      shuffle: true,
      crc32c: false,
    } as const;
    return openBlosc(encoding, VOXEL_BYTES[dtype] * 8).compress(viewBytes(read));
  }

  const server: CutoutServer = {
    url: raw.url,
    host: new URL(raw.url).host,
    voxels,
    log,
    tokens,
    next,
    meta,
    hidden,
    there,
    mostBytes: 520 << 20,
    [Symbol.asyncDispose]: () => raw[Symbol.asyncDispose](),
  };
  return server;
}

function say(body: Body): RawAnswer {
  return {
    status: 200,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  };
}
