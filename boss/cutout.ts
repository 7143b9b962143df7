/**
 * The cutout service of the Boss: boxes of voxels of one channel, read, written and blackened over REST.
 *
 * A box goes and comes as one blosc frame of its voxels in the order t, z, y, x with x fastest, little-endian. The
 * service gives and takes so many bytes at once; who asks for more is told before anything is sent.
 * @module
 */
import { type Box, boxSize, boxVolume, formatBox } from "../core/box.ts";
import { decompressBlosc, openBlosc } from "../codecs/blosc.ts";
import { ChunkError } from "../codecs/chunk_error.ts";
import { type Dtype, VOXEL_BYTES } from "../core/dtype.ts";
import { UsageError } from "../core/errors.ts";
import { Transient } from "../stores/blobs/retry.ts";
import { BossCaller, type Meaning } from "./_call.ts";
import { answerOf, type BossAnswer } from "./_rest_answers.ts";
import type { BossAccessMode } from "./cutout_address.ts";
import type { BossServer, BossToken } from "./credentials.ts";
import type { BossCallOptions, BossServiceOptions } from "./rest.ts";

/** Which channel, and how it is read. */
export interface BossCutoutsOptions extends BossServiceOptions {
  /** Name of the collection. */
  readonly collection: string;
  /** Name of the experiment. */
  readonly experiment: string;
  /** Name of the channel. */
  readonly channel: string;
  /** Type of its voxels. */
  readonly dtype: Dtype;
  /** Whether reading goes through the cache of the Boss. @default "no-cache" */
  readonly accessMode?: BossAccessMode;
  /** Whether levels are those that halve z as well. @default false */
  readonly iso?: boolean;
}

/** Uncompressed bytes of one request; voxels of 64 bits count a quarter of theirs. */
const MOST_COUNTED = 520 << 20;
/** A frame of blosc says its size in 31 bits. */
const MOST_FRAME = 2 ** 31 - 1;
/** Beside its voxels a frame has a header, and a place and a length for each block. */
const FRAME_ROOM = 1 << 20;

const BLOSC = "application/blosc";
/** Voxels are shuffled by their bits' count, as all clients of the Boss have it: decoders undo it whatever it is. */
const BITS = 8;

/** Codes of errors. */
const [INVALID_CUTOUT, WRONG_TYPE, MISMATCH_TYPE, MISMATCH_SIZE] = [1001, 1002, 2001, 2002];
const [NOT_FOUND, MARKED_FOR_DELETION] = [4000, 4005];

/** Boxes of voxels of one channel, as one user may see and write them. */
export class BossCutouts {
  /** Address of the Boss. */
  readonly url: string;
  readonly #options: BossCutoutsOptions;
  readonly #caller: BossCaller;
  readonly #encoder: ReturnType<typeof openBlosc>;

  /** @throws {UsageError} If `server` names none. Nothing is asked of it yet. */
  constructor(server: BossServer, token: BossToken, options: BossCutoutsOptions) {
    this.#caller = new BossCaller(server, token, options);
    this.url = this.#caller.url;
    this.#options = options;
    // Level 5 is what the intern SDK takes.
    const encoding = {
      codec: "blosc",
      cname: "lz4",
      level: 5,
      shuffle: true,
      crc32c: false,
    } as const;
    this.#encoder = openBlosc(encoding, VOXEL_BYTES[options.dtype] * BITS);
  }

  /**
   * Throws where a box is more than the service gives or takes at once.
   * @throws {UsageError} If it is.
   */
  checkSize(of: Box): void {
    const bytes = this.#bytesOf(of);
    const counted = this.#options.dtype === "uint64" ? bytes / 4 : bytes;
    if (counted <= MOST_COUNTED && bytes <= MOST_FRAME) return;
    throw new UsageError(
      `Cannot ask for ${
        boxSize(of).slice(0, 3).join("x")
      } voxels of ${this.#options.dtype} at once: they are ${bytes} bytes, and a cutout of the Boss has ${MOST_COUNTED} at most; ask for less`,
    );
  }

  /**
   * The frame of a box.
   * @param resolution By the Boss's number.
   * @param of In voxels of that resolution, from the origin of its coordinate frame.
   * @throws {BossError} If it is refused, or no answer comes.
   */
  async read(
    resolution: number,
    of: Box,
    { signal }: BossCallOptions = {},
  ): Promise<Uint8Array<ArrayBuffer>> {
    this.checkSize(of);
    const { accessMode = "no-cache", iso = false } = this.#options;
    const query = `?access-mode=${accessMode}${iso ? "&iso=true" : ""}`;
    const act = `read ${this.#name(resolution, of)}`;
    const most = this.#bytesOf(of) + FRAME_ROOM;
    return await this.#caller.run(act, signal, async (hear) => {
      const { status, headers, bytes } = await this.#caller.send(
        {
          method: "GET",
          path: `v1/cutout/${this.#path(resolution, of)}${query}`,
          type: BLOSC,
          once: false,
          signal,
        },
        ({ status, headers }) => {
          // What is larger than all its voxels is something else.
          const length = Number(headers.get("content-length") ?? 0);
          if (status !== 200 || length <= most) return;
          throw new Transient(`${length} bytes came for ${this.#bytesOf(of)} of voxels`, "corrupt");
        },
      );
      if (status === 200) return bytes;
      throw this.#fault(act, answerOf(status, headers, bytes), hear);
    });
  }

  /** The voxels of a frame, as they lie in memory. @throws {ChunkError} If it is none of this box. */
  decode(frame: Uint8Array, of: Box): Uint8Array {
    const voxels = decompressBlosc(frame, this.#bytesOf(of));
    if (voxels.length === this.#bytesOf(of)) return voxels;
    throw new ChunkError(
      `its frame has ${voxels.length} bytes of voxels in place of ${this.#bytesOf(of)}`,
      "size",
    );
  }

  /**
   * Writes the voxels of a box; it is there when this ends. The Boss keeps what is there where the new voxel is 0:
   * {@linkcode BossCutouts.blacken} goes before where that is not meant.
   * @param voxels In the order t, z, y, x with x fastest, little-endian.
   * @throws {BossError} If it is refused, or no answer comes.
   */
  async write(
    resolution: number,
    of: Box,
    voxels: Uint8Array,
    { signal }: BossCallOptions = {},
  ): Promise<void> {
    this.checkSize(of);
    if (voxels.length !== this.#bytesOf(of)) {
      throw new RangeError(
        `Cannot write ${voxels.length} bytes as ${formatBox(of)}: it has ${this.#bytesOf(of)}`,
      );
    }
    const act = `write ${this.#name(resolution, of)}`;
    const body = new Uint8Array(this.#encoder.compress(voxels));
    const path = `v1/cutout/${this.#path(resolution, of)}${this.#options.iso ? "?iso=true" : ""}`;
    await this.#put(act, { method: "POST", path, body }, 201, signal);
  }

  /** Makes all voxels of a box 0; they are when this ends. @throws {BossError} If it is refused, or no answer comes. */
  async blacken(resolution: number, of: Box, { signal }: BossCallOptions = {}): Promise<void> {
    const act = `blacken ${this.#name(resolution, of)}`;
    const path = `v1/cutout/to_black/${this.#path(resolution, of)}`;
    await this.#put(act, { method: "PUT", path }, 200, signal);
  }

  /** The same again does no harm, so that a lost answer is asked for again. */
  async #put(
    act: string,
    request: {
      readonly method: "POST" | "PUT";
      readonly path: string;
      readonly body?: Uint8Array<ArrayBuffer>;
    },
    wanted: number,
    signal?: AbortSignal,
  ): Promise<void> {
    await this.#caller.run(act, signal, async (hear) => {
      const { status, headers, bytes } = await this.#caller.send({
        ...request,
        type: BLOSC,
        accept: "application/json",
        once: false,
        signal,
      });
      if (status === wanted) return;
      throw this.#fault(act, answerOf(status, headers, bytes), hear);
    });
  }

  #fault(act: string, answer: BossAnswer, hear: (answer: BossAnswer) => void) {
    hear(answer);
    return this.#caller.fault(act, answer, explainChannel);
  }

  #bytesOf(of: Box): number {
    return boxVolume(of) * VOXEL_BYTES[this.#options.dtype];
  }

  #name(resolution: number, of: Box): string {
    const { collection, experiment, channel } = this.#options;
    return `${
      formatBox(of)
    } of channel "${collection}/${experiment}/${channel}" at resolution ${resolution}`;
  }

  #path(resolution: number, { min, max }: Box): string {
    const { collection, experiment, channel } = this.#options;
    const range = (axis: number) => `${min[axis]}:${max[axis]}`;
    return [collection, experiment, channel, resolution, range(0), range(1), range(2), range(4), ""]
      .join("/");
  }
}

/** What an error means to who asks for a channel, or for voxels of one. */
export function explainChannel({ status, code }: BossAnswer): Meaning | undefined {
  switch (code) {
    case INVALID_CUTOUT:
      return ["refused", "ask for voxels inside the coordinate frame, as `sluice info` shows it"];
    case WRONG_TYPE:
      return ["refused", "ask for a resolution that the experiment has, as `sluice info` shows it"];
    case MISMATCH_TYPE:
    case MISMATCH_SIZE:
      return ["refused", "look at the dtype of the channel with `sluice info`, and begin anew"];
    case NOT_FOUND:
      return ["missing", "mend its name, or create it with `sluice prep`"];
    case MARKED_FOR_DELETION:
      return ["refused", "wait until it is gone, or choose another name"];
  }
  if (status === 404 && code === undefined) {
    return ["missing", "mend the host: no Boss has this address there"];
  }
}
