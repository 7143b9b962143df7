/**
 * Which images a task reads, and where each lands.
 * @module
 */
import { crc32 } from "node:zlib";
import { type Box, intersect } from "../core/box.ts";
import { mapPoint, type Point } from "../core/point.ts";
import type { Loss } from "../core/receipt.ts";
import type { SourceImage } from "../plugins/source.ts";
import { isRemote, joinPlace } from "../stores/place.ts";
import type { ImagePart } from "../pool/_read_images.ts";
import { type Stage, stage } from "./stage.ts";

/** What a task reads. */
export interface ResolvedImages {
  /** Images that touch the box of the task. */
  readonly images: readonly ImagePart[];
  /** Places where the plan knows of no usable image. */
  readonly losses: readonly Loss[];
  /** CRC-32 over path, size and mtime of every image, and what its server tells it by. */
  readonly sources: number;
  /** Where the paths of the images start from, if that is a bucket or a web server: they are fetched from there. */
  readonly root?: string;
}

/** Finds the images that touch a box. */
export interface ImageLocator {
  /** Folder or address that the paths of the images start from. */
  readonly root: string;
  /** Images that touch a box of the source. */
  locate(box: Box): Iterable<SourceImage>;
}

/** How images are placed. */
export interface ResolvePathsOptions {
  /** Voxel of the source that is voxel 0 of the volume: a crop moves it. @default The origin. */
  readonly origin?: Point;
}

/**
 * Looks up the images of each task.
 * @example The section that each task reads
 * ```ts
 * import {
 *   collect, encodePng, enumerate, pipeline, readImageStack, resolvePaths, SourceList,
 * } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * const data = new Uint8Array(35);
 * const section = encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data });
 * for (const z of [0, 1]) await Deno.writeFile(`${folder}/s_${z}.png`, section);
 * const stack = await readImageStack([folder]);
 * const { min, max } = stack.info.extent;
 * const upper = { min, max: [max[0], max[1], 1, 1, 1] } as const;
 * const run = pipeline(enumerate([upper])).through(resolvePaths(SourceList.of(stack)));
 * const [{ value: { images } }] = await collect(run);
 * deepEqual(images.map(({ path }) => path), [`${folder}/s_0.png`]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export function resolvePaths(
  source: ImageLocator,
  { origin = [0, 0, 0, 0, 0] }: ResolvePathsOptions = {},
): Stage<unknown, ResolvedImages> {
  const toSource = (value: number, axis: 0 | 1 | 2 | 3 | 4) => value + origin[axis];
  return stage("resolve paths of", (_, { task: { box } }) => {
    const images: ImagePart[] = [];
    const losses: Loss[] = [];
    let sources = 0;
    const wanted = { min: mapPoint(box.min, toSource), max: mapPoint(box.max, toSource) };
    for (const image of source.locate(wanted)) {
      const path = joinPlace(source.root, image.path);
      const at: Point = mapPoint(
        [image.x, image.y, image.z, image.c, image.t],
        (value, axis) => value - origin[axis],
      );
      const [x, y, z, c, t] = at;
      if (image.lost !== undefined) {
        const lost = intersect(box, {
          min: at,
          max: [x + image.width, y + image.height, z + 1, c + image.samples, t + 1],
        });
        if (lost !== undefined) losses.push({ image: path, ...image.lost, box: lost });
        continue;
      }
      const { format, size, mtime, tag, width, height, samples, dtype } = image;
      images.push({
        path,
        format,
        at: image.at,
        size,
        mtime,
        ...tag === undefined ? {} : { tag },
        width,
        height,
        samples,
        dtype,
        x,
        y,
        z,
        c,
        t,
      });
      sources = crc32(
        `${image.path}\n${size}\n${mtime}\n${tag === undefined ? "" : `${tag}\n`}`,
        sources,
      );
    }
    const far = isRemote(source.root) ? { root: source.root } : {};
    return { ...far, images, losses, sources };
  });
}
