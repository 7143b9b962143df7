/**
 * The folder `.sluice` in a volume: plan, list of sources, receipts, and the claim of the job that writes it.
 *
 * Times and host names live here, never in the volume; it may be deleted once nobody needs the proof.
 * @module
 */
import { join } from "node:path";
import { isNotFound, SluiceError } from "../core/errors.ts";
import type { Plan } from "../core/plan.ts";
import type { VoxelSize } from "../core/units.ts";

/** Which job writes a volume. A volume that is replaced gets another claim. */
export interface Claim {
  /** Random; names the folder of temporary files. */
  readonly claim: string;
  /** The plan that is carried out. */
  readonly plan: string;
  /** The ledger that counts, without password, and the number of the job in it. */
  readonly ledger: string;
  /** Number of the job in that ledger. */
  readonly job: number;
}

/**
 * Paths of the folder of one volume.
 * @example Whether a volume carries its proof
 * ```ts
 * import { JobFolder } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * const folder = new JobFolder("data/out.ome.zarr");
 * equal(folder.planPath, "data/out.ome.zarr/.sluice/plan.json");
 * equal(await folder.plan(), undefined);
 * ```
 */
export class JobFolder {
  /** The folder itself. */
  readonly path: string;

  /**
   * Touches no file.
   * @param volume Path of the volume.
   */
  constructor(volume: string) {
    this.path = join(volume, ".sluice");
  }

  /** Where the volume lies that is read, if it is no list of images: an address and the number of a scale. */
  get sourcePath(): string {
    return join(this.path, "source.json");
  }

  /** The plan. */
  get planPath(): string {
    return join(this.path, "plan.json");
  }
  /** The list of sources, as planned. */
  get sourcesPath(): string {
    return join(this.path, "sources.jsonl");
  }
  /** Images that were mended after the plan. */
  get amendmentsPath(): string {
    return join(this.path, "amendments.jsonl");
  }
  /** Folder of the receipts. */
  get receiptsPath(): string {
    return join(this.path, "receipts");
  }
  /** Which job writes the volume. */
  get claimPath(): string {
    return join(this.path, "job.json");
  }
  /** Where the files of one claim are written before they are whole. */
  temporaryPath(claim: string): string {
    return join(this.path, "tmp", claim);
  }

  /** The plan, or undefined where no job was created. */
  async plan(): Promise<Plan | undefined> {
    return await readJson(this.planPath) as Plan | undefined;
  }

  /** The claim, or undefined where no job was created. */
  async claim(): Promise<Claim | undefined> {
    return await readJson(this.claimPath) as Claim | undefined;
  }
}

/** JSON of a file, or undefined where there is none. @throws {SluiceError} If it is not JSON. */
export async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (isNotFound(error) || (error as { code?: string }).code === "ENOTDIR") return undefined;
    throw error;
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SluiceError(`Cannot read "${path}" as JSON: it is damaged; restore it from a copy`, {
      cause: error,
    });
  }
}

/** Writes a file so that it appears whole. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    using file = await Deno.open(temporary, { write: true, createNew: true });
    const bytes = new TextEncoder().encode(text);
    for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
    await file.syncData();
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}

/** What was said of a volume after it was planned. */
export interface Overrides {
  /** Edge lengths of a voxel, in place of the plan's. */
  readonly voxelSize?: VoxelSize;
}

/** What was said of a volume after it was planned. */
export async function readOverrides(volume: string): Promise<Overrides> {
  return await readJson(join(new JobFolder(volume).path, "overrides.json")) as
    | Overrides
    | undefined ?? {};
}

/** Says it anew; the caller writes the metadata again. */
export async function writeOverrides(volume: string, overrides: Overrides): Promise<void> {
  const path = join(new JobFolder(volume).path, "overrides.json");
  await writeWhole(path, `${JSON.stringify(overrides, null, 2)}\n`);
}
