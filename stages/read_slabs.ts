/**
 * The voxels of each task, from where its phase reads them.
 * @module
 */
import { type Box, formatBox } from "../core/box.ts";
import { SluiceError } from "../core/errors.ts";
import { mapPoint, type Point } from "../core/point.ts";
import type { Slab } from "../core/slab.ts";
import type { ArraySource } from "../plugins/array_source.ts";
import { moveStored } from "../plugins/stored_chunks.ts";
import type { Store } from "../stores/store.ts";
import { decode, type DecodeOptions } from "./decode.ts";
import { type ImageLocator, resolvePaths, type ResolvePathsOptions } from "./resolve_paths.ts";
import { type Item, type Stage, stage } from "./stage.ts";

/** Where voxels come from. */
export interface ReadSlabsOptions extends DecodeOptions, ResolvePathsOptions {
  /** The images of the job, or the voxels that a script brings. */
  readonly sources: ImageLocator | ArraySource;
}

/**
 * Opens the slab of each task: for tasks of the source, images are resolved and decoded, or an array source is asked;
 * for those of later phases, stored scales are read back; for `finish` there are no voxels.
 * @example The voxels of every task of a job
 * ```ts
 * import {
 *   createJob, encodePng, enumerate, gatherVoxels, openLedger, openVolume, pipeline, planIngest,
 *   readSlabs, WorkerPool,
 * } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * const data = new Uint8Array(35).fill(9);
 * const section = encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data });
 * for (const z of [0, 1, 2]) await Deno.writeFile(`${folder}/s_${z}.png`, section);
 * await using ledger = await openLedger("memory:");
 * await using pool = new WorkerPool({ size: 0 });
 * const report = await planIngest([`${folder}/*.png`], { levels: 1 });
 * const { volume } = await createJob(report, `${folder}/out.ome.zarr`, { ledger });
 * await using store = await openVolume(volume, { pool });
 * const sources = await store.folder.sources();
 *
 * const voxels: number[] = [];
 * const run = pipeline(enumerate(report.plan)).through(readSlabs(store, { sources, pool }));
 * for await (const { value: slab } of run) voxels.push(...Array.from(await gatherVoxels(slab), Number));
 * deepEqual(voxels, Array(3 * 35).fill(9));
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export function readSlabs(
  store: Pick<Store, "read" | "layout">,
  options: ReadSlabsOptions,
): Stage<unknown, Slab> {
  const { dtype } = store.layout;
  const source = "kind" in options.sources
    ? readArray(options.sources, { ...options, dtype })
    : readImages(options.sources, { ...options, dtype });
  const stored = stage("read", (_: unknown, { task, signal }): Promise<Slab> | Slab => {
    const { kind, box, scale } = task;
    if (kind === "scales") return store.read(box, { scale, signal });
    return { box, scale, dtype, losses: [], async *bands() {} };
  });
  return async function* (items, context) {
    for await (const item of items) {
      yield* (item.task.kind === "source" ? source : stored)(only(item), context);
    }
  };
}

function readImages(
  sources: ImageLocator,
  options: DecodeOptions & ResolvePathsOptions,
): Stage<unknown, Slab> {
  const [resolve, images] = [resolvePaths(sources, options), decode(options)];
  return (items, context) => images(resolve(items, context), context);
}

function readArray(
  source: ArraySource,
  { origin = [0, 0, 0, 0, 0], bandBytes, dtype }: DecodeOptions & ResolvePathsOptions,
): Stage<unknown, Slab> {
  return stage("read", async (_, { task: { box }, signal }) => {
    const wanted = move(box, origin);
    const slab = await source.read(wanted, { signal, bandBytes });
    if (slab.dtype !== dtype || formatBox(slab.box) !== formatBox(wanted)) {
      throw new SluiceError(
        `Cannot use what the source "${source.name}" gave for ${
          formatBox(wanted)
        } of ${dtype}: it is ${formatBox(slab.box)} of ${slab.dtype}`,
      );
    }
    const back = mapPoint(origin, (value) => -value);
    const moved: Slab = {
      ...slab,
      box,
      get losses() {
        return slab.losses.map((loss) => ({ ...loss, box: move(loss.box, back) }));
      },
      async *bands(options = {}) {
        const { rows = 1, rowsFrom = 0 } = options;
        // Rows are counted in the volume, of which a crop of the source is the whole.
        for await (const band of slab.bands({ ...options, rowsFrom: rowsFrom + origin[1] })) {
          const cut = move(band.box, back);
          if (cut.min[1] !== box.min[1] && (cut.min[1] - rowsFrom) % rows !== 0) {
            throw new SluiceError(
              `Cannot use a band that the source "${source.name}" gave: it begins at row ${
                band.box.min[1]
              }, and ${rows} rows from row ${
                rowsFrom + origin[1]
              } on were asked for; heed "rowsFrom"`,
            );
          }
          yield { ...band, box: cut };
        }
      },
    };
    moveStored(slab, moved, back);
    return moved;
  });
}

function move({ min, max }: Box, by: Point): Box {
  return {
    min: mapPoint(min, (value, axis) => value + by[axis]),
    max: mapPoint(max, (value, axis) => value + by[axis]),
  };
}

async function* only<T>(item: Item<T>): AsyncGenerator<Item<T>> {
  yield await Promise.resolve(item);
}
