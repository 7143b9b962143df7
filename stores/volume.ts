/**
 * Volumes that are read back, and written by jobs, of whatever format.
 * @module
 */
import { UsageError } from "../core/errors.ts";
import { didYouMean } from "../core/nearest.ts";
import type { Layout, Unit } from "../core/layout.ts";
import type { Plan } from "../core/plan.ts";
import type { BandBuffers } from "../core/slab.ts";
import type { VoxelSize } from "../core/units.ts";
import { openArray } from "../plugins/open_array.ts";
import type { VolumeArray } from "../plugins/volume_array.ts";
import type { JobInput } from "../pool/jobs.ts";
import type { WorkerPool } from "../pool/worker_pool.ts";
import { StoredVolume } from "./_stored_volume.ts";
import type { UnitContainer } from "./_unit_writer.ts";
import type { Blobs } from "./blobs/blobs.ts";
import { openBlobs, type OpenBlobsOptions } from "./blobs/open_blobs.ts";
import { JobFolder } from "./job_folder.ts";
import { isRemote, namesPlace, resolvePlace, shownPlace } from "./place.ts";
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

/** A volume. */
export interface Volume extends Store {
  /** Absolute path or address of the volume. */
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
  checkInput(unit: Unit, signal?: AbortSignal): Promise<JobInput<"checkUnit">>;
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
  /** Whether all of a channel of a Boss is meant, of which a job may have written a part. @default false */
  readonly whole?: boolean;
}

/** How the units of a planned volume lie. */
export interface UnitForm {
  /** Below the volume. */
  key(unit: Unit): string;
  /** How its chunks share it. */
  container(unit: Unit): UnitContainer;
  /** How it is read back. */
  check(unit: Unit): Pick<JobInput<"checkUnit">, "grid" | "shard" | "shapes">;
}

/** What the metadata of a volume says. */
export interface VolumeMetadata {
  /** For reading. */
  readonly array: VolumeArray;
  /** The part that a job writes, where that is not all. @default `array` */
  readonly written?: VolumeArray;
  /** How far it is; undefined where another program made it. */
  readonly state: VolumeState | undefined;
  /** How its units lie, where a job is to write them. */
  units(layout: Layout): UnitForm;
  /** How its channels are best shown. */
  displays(): Promise<ChannelDisplay[] | undefined>;
}

/** What each format that jobs write brings. */
export interface VolumeFormat {
  /**
   * Reads the metadata of a volume.
   * @throws {SluiceError} If it is none of this format, or uses something that is not read (named).
   */
  read(blobs: Blobs): Promise<VolumeMetadata>;
  /** Writes all metadata of a volume: the same plan and state give the same bytes. */
  writeMetadata(folder: JobFolder, plan: Plan, state: VolumeState): Promise<void>;
  /**
   * Looks whether a place can hold what is planned, before anything is written.
   * @param overwrite Whether what a job has written there before is to go.
   * @throws {UsageError} If it cannot.
   */
  check?(place: string, plan: Plan, overwrite: boolean): Promise<void>;
  /** Enters a new volume where other programs look for it. */
  register?(place: string, plan: Plan): Promise<void>;
}

/** The name of a format, as plans have it. */
export type FormatName = Plan["store"]["kind"];

/** Every format: the blobs one of which lies in its volumes, and what reads and writes them. */
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
  // Only its address tells a channel.
  bossdb: {
    markers: [],
    load: async () => (await import("./boss_cutout.ts")).bossCutout,
  },
};

/**
 * Where a volume is to be written, and its format where the address says it: `precomputed://PLACE`, `bossdb://CHANNEL`.
 * @throws {UsageError} If nothing can be written there.
 */
export function parseTarget(
  target: string,
): { readonly path: string; readonly format?: FormatName } {
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//.exec(target)?.[1];
  if (scheme === undefined || scheme === "s3" || scheme === "gs" || scheme === "file") {
    return { path: target };
  }
  if (scheme === "bossdb") return { path: target, format: "bossdb" };
  const path = target.slice(scheme.length + 3);
  if (scheme === "precomputed") return { path: parseTarget(path).path, format: "precomputed" };
  if (scheme === "zarr") return { path: parseTarget(path).path, format: "ome-zarr" };
  if (scheme === "http" || scheme === "https") {
    throw new UsageError(
      `Cannot write to "${
        shownPlace(target)
      }": over HTTP volumes are only read; write to a path, or to the bucket behind it as s3://BUCKET/PREFIX`,
    );
  }
  throw new UsageError(
    `Cannot write to "${
      shownPlace(target)
    }": volumes are written to a path, s3://BUCKET/PREFIX, or precomputed:// before either, or to a channel of a Boss as bossdb://COLLECTION/EXPERIMENT/CHANNEL${
      didYouMean(scheme, ["precomputed", "zarr", "file", "s3", "gs", "bossdb"])
    }`,
  );
}

/** The formats that targets ask for by their addresses; the first may be given otherwise. */
export function formatsOf(
  targets: readonly string[],
  given: FormatName = "ome-zarr",
): { readonly format: FormatName; readonly copies?: readonly FormatName[] } {
  const [format, ...copies] = targets.map((target) => parseTarget(target).format ?? given);
  return { format, ...(copies.length === 0 ? {} : { copies }) };
}

/** What a format brings; loads it. */
export async function loadFormat(name: FormatName): Promise<VolumeFormat> {
  return await FORMATS[name].load();
}

/** The format of the volume that lies somewhere; undefined where nothing tells one. */
export async function findFormat(blobs: Blobs): Promise<FormatName | undefined> {
  for (const [name, { markers }] of Object.entries(FORMATS)) {
    for (const marker of markers) {
      if (await blobs.head(marker) !== undefined) return name as FormatName;
    }
  }
  return undefined;
}

/**
 * Opens a volume by its address, or by looking at what is there: for reading any, for writing one that a job was
 * created for. Addresses are those of {@linkcode openArray}.
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
export async function openVolume(address: string, options: OpenVolumeOptions): Promise<Volume> {
  const found = await lookUpVolume(address);
  if (found === undefined) {
    throw new UsageError(
      `Cannot open "${
        shownPlace(address)
      }" as a volume: there is no zarr.json, .zarray, .zattrs, .zgroup, info or attributes.json in it; give the place that holds one of these${
        isRemote(address) ? "" : ", or FILE.h5:/DATASET"
      }`,
    );
  }
  return await StoredVolume.open(new JobFolder(found.blobs), found.metadata, options);
}

/** A volume that was found, and what its metadata says; of a format that jobs do not write, how it is read alone. */
export interface FoundVolume {
  readonly blobs: Blobs;
  readonly metadata: Pick<VolumeMetadata, "array"> & Partial<VolumeMetadata>;
}

/**
 * Reads the metadata of the volume at an address.
 * @param options How the place is opened that holds it.
 * @returns Undefined where nothing there tells a format.
 * @throws {SluiceError} If it uses something that is not read (named).
 */
export async function lookUpVolume(
  address: string,
  options?: OpenBlobsOptions,
): Promise<FoundVolume | undefined> {
  const scheme = namesPlace(address) ? undefined : /^([a-z][a-z0-9+.-]+):\/\//.exec(address)?.[1];
  if (scheme === "bossdb") {
    const blobs = await openBlobs(resolvePlace(address), options);
    return { blobs, metadata: await (await loadFormat("bossdb")).read(blobs) };
  }
  const known = scheme === undefined || scheme === "precomputed" || scheme === "zarr";
  if (known) {
    const place = scheme === undefined ? address : address.slice(scheme.length + 3);
    const blobs = await openBlobs(resolvePlace(place), options);
    const named = scheme && (scheme === "zarr" ? "ome-zarr" : "precomputed");
    const format = named ?? await findFormat(blobs);
    if (format !== undefined) {
      return { blobs, metadata: await (await loadFormat(format)).read(blobs) };
    }
  }
  const array = await openArray(address, { blobs: options });
  if (array === undefined) return undefined;
  const place = isRemote(array.url) ? array.url : resolvePlace(array.url);
  return { blobs: await openBlobs(place, options), metadata: { array } };
}
