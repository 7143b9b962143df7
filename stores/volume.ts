/**
 * Volumes on disk that sluice writes and reads back, of whatever format.
 * @module
 */
import { join, resolve } from "node:path";
import { isNotFound, UsageError } from "../core/errors.ts";
import { didYouMean } from "../core/nearest.ts";
import type { Plan } from "../core/plan.ts";
import type { BandBuffers } from "../core/slab.ts";
import type { Unit } from "../core/layout.ts";
import type { VoxelSize } from "../core/units.ts";
import type { JobInput } from "../pool/jobs.ts";
import type { WorkerPool } from "../pool/worker_pool.ts";
import type { JobFolder } from "./job_folder.ts";
import type { ChannelDisplay } from "./read_contrast.ts";
import type { Store } from "./store.ts";

/** Values of one channel: of its dtype, and those that are shown. */
export interface Contrast {
  /** Least value there may be. */
  readonly min: number;
  /** Greatest value there may be. */
  readonly max: number;
  /** Shown as black. */
  readonly start: number;
  /** Shown in full colour. */
  readonly end: number;
}

/** What is known of a volume beyond its plan. */
export interface VolumeState {
  /** Whether every task of the plan is done. */
  readonly complete: boolean;
  /** Images whose voxels are fill value because they were absent or broken. */
  readonly losses?: number;
  /** Display range of each channel. */
  readonly contrast?: readonly Contrast[];
}

/** A volume on disk. */
export interface Volume extends Store {
  /** Path of the volume. */
  readonly path: string;
  /** What its metadata says it is. */
  readonly kind: "image" | "labels";
  /** Edge lengths of a voxel of scale 0. */
  readonly voxelSize: VoxelSize | undefined;
  /** How far it is; undefined where another program made it. */
  readonly state: VolumeState | undefined;
  /** Plan, sources and receipts. */
  readonly folder: JobFolder;
  /** What `checkUnit` needs to read a unit back whole. */
  checkInput(unit: Unit): JobInput<"checkUnit">;
  /** How its channels are best shown; undefined where it says nothing of use. */
  displays(): Promise<ChannelDisplay[] | undefined>;
}

/** How a volume is opened. */
export interface OpenVolumeOptions {
  /** Decodes what is read. The caller closes it. */
  readonly pool: WorkerPool;
  /** Buffers to share with others. @default Its own. */
  readonly buffers?: BandBuffers;
  /** A band that is read grows to this many bytes. @default 32 MiB */
  readonly bandBytes?: number;
}

/** What each format brings. */
export interface VolumeFormat {
  /**
   * Opens a volume: for reading any, for writing one that a job was created for.
   * @throws {SluiceError} If it is none of this format, or uses something that is not read (named).
   */
  open(path: string, options: OpenVolumeOptions): Promise<Volume>;
  /** Writes all metadata of a volume: the same plan and state give the same bytes. */
  writeMetadata(path: string, plan: Plan, state: VolumeState): Promise<void>;
  /** Enters a new volume where other programs look for it. */
  register?(path: string, plan: Plan): Promise<void>;
}

/** The name of a format, as plans have it. */
export type FormatName = Plan["store"]["kind"];

/** Every format: the files one of which lies in its volumes, and what opens them. */
const FORMATS: {
  readonly [F in FormatName]: {
    readonly markers: readonly string[];
    readonly load: () => Promise<VolumeFormat>;
  };
} = {
  "ome-zarr": {
    markers: ["zarr.json", ".zgroup", ".zattrs", ".zarray"],
    load: async () => (await import("./ome_zarr.ts")).omeZarr,
  },
  precomputed: {
    markers: ["info"],
    load: async () => (await import("./precomputed.ts")).precomputed,
  },
};

/** The path of a volume, and its format where the address says it: `precomputed://PATH`. @throws {UsageError} If it is no path. */
export function parseTarget(
  target: string,
): { readonly path: string; readonly format?: FormatName } {
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//.exec(target)?.[1];
  if (scheme === undefined) return { path: target };
  const path = target.slice(scheme.length + 3);
  if (scheme === "file") return { path };
  if (scheme === "precomputed") return { path: parseTarget(path).path, format: "precomputed" };
  if (scheme === "zarr") return { path: parseTarget(path).path, format: "ome-zarr" };
  throw new UsageError(
    `Cannot write to "${target}": volumes are written to a path, or precomputed://PATH${
      didYouMean(scheme, ["precomputed", "zarr", "file"])
    }`,
  );
}

/** What a format brings; loads it. */
export async function loadFormat(name: FormatName): Promise<VolumeFormat> {
  return await FORMATS[name].load();
}

/** The format of the volume that lies at a path; undefined where nothing tells one. */
export async function findFormat(path: string): Promise<FormatName | undefined> {
  for (const [name, { markers }] of Object.entries(FORMATS)) {
    for (const marker of markers) {
      if (await exists(join(path, marker))) return name as FormatName;
    }
  }
  return undefined;
}

/**
 * Opens a volume on disk by looking at what is there.
 * @throws {SluiceError} If there is none, or it uses something that is not read (named).
 * @example A volume of whatever format
 * ```ts
 * import { box, encodePng, gatherVoxels, ingest, openLedger, openVolume, WorkerPool } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * const data = new Uint8Array(35).fill(9);
 * const section = encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data });
 * await Deno.writeFile(`${folder}/s_0.png`, section);
 * await using ledger = await openLedger("memory:");
 * await using pool = new WorkerPool({ size: 0 });
 * await ingest([`${folder}/*.png`], `${folder}/out.ome.zarr`, { ledger, pool });
 *
 * await using volume = await openVolume(`${folder}/out.ome.zarr`, { pool });
 * deepEqual([volume.kind, volume.state?.complete], ["image", true]);
 * deepEqual(await gatherVoxels(await volume.read(box([0, 0, 0], [2, 1, 1]))), new Uint8Array([9, 9]));
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function openVolume(path: string, options: OpenVolumeOptions): Promise<Volume> {
  const { path: place, format } = parseTarget(path);
  const found = format ?? await findFormat(resolve(place)) ?? "ome-zarr";
  return await (await loadFormat(found)).open(place, options);
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (isNotFound(error) || (error as { code?: string }).code === "ENOTDIR") return false;
    throw error;
  }
}
