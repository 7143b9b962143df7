/**
 * Images become bands of voxels.
 * @module
 */
import { type Box, boxSize, boxVolume, intersect } from "../core/box.ts";
import type { Dtype, VoxelArray } from "../core/dtype.ts";
import { ImageError, SluiceError } from "../core/errors.ts";
import { product } from "../core/point.ts";
import type { Loss } from "../core/receipt.ts";
import { BandBuffers, type Slab } from "../core/slab.ts";
import { fillVoxels } from "../pool/_encode_chunks.ts";
import type { ImageFailure, ImagePart } from "../pool/_read_images.ts";
import { readBands } from "../pool/bands.ts";
import type { WorkerPool } from "../pool/worker_pool.ts";
import { ImageSpool, type TaskSpool } from "./image_spool.ts";
import type { ResolvedImages } from "./resolve_paths.ts";
import { type Stage, stage } from "./stage.ts";

/** How images are decoded. */
export interface DecodeOptions {
  /** Does the work. */
  readonly pool: WorkerPool;
  /** Buffers to share with other stages. @default Its own. */
  readonly buffers?: BandBuffers;
  /** Dtype of the voxels. @default That of the images. */
  readonly dtype?: Dtype;
  /** Values from low to high are spread over `dtype`. @default Values are kept. */
  readonly window?: readonly [low: number, high: number];
  /** Voxel where no image lies. @default 0 */
  readonly fill?: number;
  /** What a broken image costs: its task (`error`), or its own voxels (`fill`). @default "error" */
  readonly onError?: "error" | "fill";
  /** What an image costs that is gone since the plan, likewise; `fill` of either kind counts. @default "error" */
  readonly missing?: "error" | "fill";
  /**
   * Bytes that copies of images may take in the temporary folder, where they lie in a bucket or behind HTTP: further
   * tasks wait; one task alone may take more. @default 4 GiB
   */
  readonly spoolBytes?: number;
  /** A band grows to this many bytes. @default 32 MiB */
  readonly bandBytes?: number;
  /** Decoded bytes that all images of one task may hold at once; above it they are streamed. @default 256 MiB */
  readonly wholeBytes?: number;
}

/**
 * What was handed out of a slab is no longer right, as an image that was half read turned out to be broken and all
 * its voxels are now fill value: dispose what was made of the bands and ask for `bands()` again.
 * @example An image that cannot be decoded, read in one's own loop
 * ```ts
 * import {
 *   collect, decode, encodePng, enumerate, gatherVoxels, pipeline, readImageStack, resolvePaths,
 *   SlabChangedError, SourceList, WorkerPool,
 * } from "@sluice/sluice";
 * import { deepEqual, equal, rejects } from "node:assert/strict";
 * const path = await Deno.makeTempFile({ suffix: ".png" });
 * const data = new Uint8Array(35).fill(9);
 * const png = encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data });
 * png[45] ^= 255;
 * await Deno.writeFile(path, png);
 * const stack = await readImageStack([path]);
 * await using pool = new WorkerPool({ size: 0 });
 * const run = pipeline(enumerate([stack.info.extent]))
 *   .through(resolvePaths(SourceList.of(stack)))
 *   .through(decode({ pool, onError: "fill" }));
 * const [{ value: slab }] = await collect(run);
 * await rejects(gatherVoxels(slab), SlabChangedError);
 * deepEqual(await gatherVoxels(slab), new Uint8Array(35));
 * equal(slab.losses[0].kind, "broken");
 * await Deno.remove(path);
 * ```
 */
export class SlabChangedError extends SluiceError {
  /** Says which class it is. */
  override readonly name = "SlabChangedError";
}

let sessions = 0;

/**
 * Decodes the images of a task into a slab; nothing is read before its bands are asked for.
 *
 * Images that come only row by row stay open between bands, each in one thread. Those that lie in a bucket or behind
 * HTTP are fetched first, once a task, and kept in the temporary folder (TMPDIR) until the bands were read.
 * @example Voxels of two sections
 * ```ts
 * import {
 *   collect, decode, encodePng, enumerate, gatherVoxels, pipeline, readImageStack, resolvePaths,
 *   SourceList, WorkerPool,
 * } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * for (const z of [0, 1]) {
 *   const data = new Uint8Array([z, 8, 9]);
 *   const section = encodePng({ width: 3, height: 1, samples: 1, dtype: "uint8", data });
 *   await Deno.writeFile(`${folder}/s_${z}.png`, section);
 * }
 * const stack = await readImageStack([folder]);
 * await using pool = new WorkerPool({ size: 0 });
 * const run = pipeline(enumerate([stack.info.extent]))
 *   .through(resolvePaths(SourceList.of(stack)))
 *   .through(decode({ pool }));
 * const [{ value: slab }] = await collect(run);
 * deepEqual(await gatherVoxels(slab), new Uint8Array([0, 8, 9, 1, 8, 9]));
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export function decode(options: DecodeOptions): Stage<ResolvedImages, Slab> {
  const { pool, buffers = new BandBuffers(), window, fill = 0 } = options;
  const { onError = "error", missing = "error" } = options;
  const { bandBytes = 32 << 20, wholeBytes = 256 << 20, spoolBytes = 4 * 2 ** 30 } = options;
  const spool = new ImageSpool(spoolBytes);
  return stage("decode", (resolved, { task, signal }): Slab => {
    const dtype = options.dtype ?? resolved.images[0]?.dtype;
    if (dtype === undefined) {
      throw new SluiceError(
        "Cannot tell the dtype of a slab without images; give `decode` a dtype",
      );
    }
    const box = task.box;
    const losses: Loss[] = [...resolved.losses];
    let images = [...resolved.images];
    const lanes = pool.size === 0 ? 1 : pool.size;
    const perImage = Math.min(64 << 20, Math.floor(wholeBytes / Math.max(1, images.length)));

    /** Copies that are kept as the bands will be asked for again. */
    let kept: TaskSpool | undefined;

    const fillBand = async (
      session: string,
      copies: TaskSpool | undefined,
      band: Box,
      data: VoxelArray,
    ): Promise<void> => {
      const clips = images.map((image) => intersect(imageBox(image), band));
      const covered = clips.reduce(
        (sum, clip) => sum + (clip === undefined ? 0 : boxVolume(clip)),
        0,
      );
      if (covered !== product(boxSize(band))) fillVoxels(data, fill);
      const failed: Failed[] = [];
      const local = new Map<ImagePart, ImagePart>();
      for (const [i, image] of copies === undefined ? [] : images.entries()) {
        if (clips[i] === undefined) continue;
        const fetched = await copies!.copyOf(image);
        if (fetched.kind === "copy") local.set(image, fetched.image);
        else failed.push({ image, failure: fetched.failure });
      }
      if (failed.length > 0) lose(failed, band);
      await Promise.all(Array.from({ length: lanes }, async (_, lane) => {
        const mine = images.filter((image, i) =>
          clips[i] !== undefined && (image.z + image.c) % lanes === lane
        );
        if (mine.length === 0) return;
        const failures = await pool.run(
          "readImages",
          {
            session,
            images: mine.map((image) => local.get(image) ?? image),
            data,
            box: band,
            window,
            wholeBytes: perImage,
          },
          { lane: lane + task.index, signal },
        );
        for (const failure of failures) {
          const image = mine[failure.image];
          if (failure.kind === "missing" && local.has(image)) throw copyRemoved(image);
          failed.push({ image, failure });
        }
      }));
      if (failed.length > 0) lose(failed, band);
    };

    const isLost = ({ failure: { kind } }: Failed): boolean =>
      kind !== "changed" && (onError === "fill" || kind === "missing" && missing === "fill");

    const lose = (failed: readonly Failed[], band: Box): never => {
      const fatal = failed.find(({ failure: { kind } }) => kind === "changed") ??
        failed.find((one) => !isLost(one));
      if (fatal !== undefined) {
        throw new ImageError(
          `Cannot decode "${fatal.image.path}" (z ${fatal.image.z}) as the plan wants it: ${fatal.failure.message}`,
          fatal.failure.kind,
        );
      }
      for (const { image, failure } of failed) {
        const lost = intersect(imageBox(image), box)!;
        losses.push({
          image: image.path,
          kind: failure.kind === "missing" ? "missing" : "broken",
          box: lost,
          reason: failure.message,
        });
      }
      images = images.filter((image) => !failed.some((one) => one.image === image));
      throw new SlabChangedError(
        `An image turned out to be broken in rows ${band.min[1]} to ${band.max[1]}`,
      );
    };

    return {
      box,
      scale: 0,
      dtype,
      losses,
      sources: resolved.sources,
      async *bands({ rows = 1, hold } = {}) {
        const session = `${sessions++}`;
        const { root } = resolved;
        const copies = kept ??
          (root === undefined ? undefined : await spool.open(root, images, box, signal));
        kept = undefined;
        try {
          yield* readBands({
            box,
            scale: 0,
            dtype,
            rows,
            hold,
            bandBytes,
            buffers,
            fill: (band, data) => fillBand(session, copies, band, data),
          });
        } catch (error) {
          if (error instanceof SlabChangedError) kept = copies;
          throw error;
        } finally {
          await Promise.all(
            Array.from(
              { length: lanes },
              (_, lane) => pool.run("closeImages", { session }, { lane }),
            ),
          ).catch((error) => {
            if (!signal.aborted) throw error;
          });
          if (kept !== copies) await copies?.[Symbol.asyncDispose]();
        }
      },
      async [Symbol.asyncDispose]() {
        const last = kept;
        kept = undefined;
        await last?.[Symbol.asyncDispose]();
      },
    };
  });
}

interface Failed {
  readonly image: ImagePart;
  readonly failure: Omit<ImageFailure, "image">;
}

function copyRemoved({ path, z }: ImagePart): SluiceError {
  return new SluiceError(
    `Cannot decode "${path}" (z ${z}): its copy was removed from the temporary folder while it was read; ` +
      "name a folder that nobody tidies by TMPDIR",
  );
}

function imageBox({ x, y, z, c, t, width, height, samples }: ImagePart): Box {
  return { min: [x, y, z, c, t], max: [x + width, y + height, z + 1, c + samples, t + 1] };
}
