/**
 * The folder `.sluice` in a volume: plan, list of sources, receipts, and the claim of the job that writes it.
 *
 * Times and host names live here, never in the volume; it may be deleted once nobody needs the proof.
 * @module
 */
import { SluiceError } from "../core/errors.ts";
import type { Plan } from "../core/plan.ts";
import type { Receipt } from "../core/receipt.ts";
import type { VoxelSize } from "../core/units.ts";
import { readReceipts, ReceiptLog } from "../ledgers/receipt_log.ts";
import {
  appendAmendments,
  encodeAmendments,
  encodeSourceList,
  parseSourceList,
  readSourceList,
  type SourceList,
  type Sources,
} from "../plugins/source_list.ts";
import type { SourceImage } from "../plugins/source.ts";
import { ReceiptBlobs } from "../ledgers/_receipt_blobs.ts";
import { BlobError, type Blobs } from "./blobs/blobs.ts";
import { openBlobs } from "./blobs/open_blobs.ts";
import { resolvePlace } from "./place.ts";

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
  /** The volume whose job writes this one in the same pass. */
  readonly main?: string;
}

/** What was said of a volume after it was planned. */
export interface Overrides {
  /** Edge lengths of a voxel, in place of the plan's. */
  readonly voxelSize?: VoxelSize;
}

/** The volume that is read, if it is no list of images. */
export interface SourceVolume {
  /** Where it lies. */
  readonly address: string;
  /** Which of its scales. */
  readonly scale: number;
}

const FOLDER = ".sluice";
/** Key of the claim. */
export const CLAIM_KEY = `${FOLDER}/job.json`;
/** Key of the plan. */
export const PLAN_KEY = `${FOLDER}/plan.json`;
const SOURCE = `${FOLDER}/source.json`;
const SOURCES = `${FOLDER}/sources.jsonl`;
const COPIES = `${FOLDER}/copies.json`;
const AMENDMENTS = `${FOLDER}/amendments.jsonl`;
const OVERRIDES = `${FOLDER}/overrides.json`;
const RECEIPTS = `${FOLDER}/receipts`;

/**
 * The folder of one volume, on disk or in a bucket.
 * @example Whether a volume carries its proof
 * ```ts
 * import { JobFolder } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * const folder = await JobFolder.open("data/out.ome.zarr");
 * equal(await folder.plan(), undefined);
 * ```
 */
export class JobFolder implements AsyncDisposable {
  /** The volume. */
  readonly blobs: Blobs;
  readonly #receipts: ReceiptBlobs;
  #log: ReceiptLog | undefined;

  /**
   * Touches nothing.
   * @param blobs Those of the volume.
   */
  constructor(blobs: Blobs) {
    this.blobs = blobs;
    this.#receipts = new ReceiptBlobs(blobs, `${RECEIPTS}/`);
  }

  /**
   * Opens the folder of a volume, which need not be there.
   * @param volume A path, or the address of a place in a bucket.
   */
  static async open(volume: string): Promise<JobFolder> {
    return new JobFolder(await openBlobs(resolvePlace(volume)));
  }

  /** Where the receipts lie: a ledger appends to a folder; those in a bucket are recorded before it is told. */
  get receiptsPlace(): string {
    return this.blobs.localPath?.(RECEIPTS) ?? `${this.blobs.url}/${RECEIPTS}`;
  }

  /** Where the files of one claim are written before they are whole; undefined in a bucket. */
  temporaryPath(claim: string): string | undefined {
    return this.blobs.localPath?.(`${FOLDER}/tmp/${claim}`);
  }

  /** The plan, or undefined where no job was created. */
  async plan(): Promise<Plan | undefined> {
    return await readJson(this.blobs, PLAN_KEY) as Plan | undefined;
  }

  /** Writes the plan: from then on the job is created. */
  async writePlan(plan: Plan): Promise<void> {
    await writeText(this.blobs, PLAN_KEY, `${JSON.stringify(plan, null, 1)}\n`);
  }

  /** The claim, or undefined where no job was created. */
  async claim(): Promise<Claim | undefined> {
    return await readJson(this.blobs, CLAIM_KEY) as Claim | undefined;
  }

  /** Claims the volume, in the place of whoever had it. */
  async writeClaim(claim: Claim): Promise<void> {
    await writeText(this.blobs, CLAIM_KEY, JSON.stringify(claim));
  }

  /** Claims the volume if nobody has. @returns Whether it is claimed by this call. */
  async takeClaim(claim: Claim): Promise<boolean> {
    return await this.blobs.putIfAbsent(
      CLAIM_KEY,
      new TextEncoder().encode(JSON.stringify(claim)),
      { contentType: JSON_TYPE },
    );
  }

  /** Gives the volume up. */
  async dropClaim(): Promise<void> {
    await this.blobs.delete(CLAIM_KEY);
  }

  /** Where the volume lies that is read; undefined where that is a list of images, or a script brings the voxels. */
  async source(): Promise<SourceVolume | undefined> {
    return await readJson(this.blobs, SOURCE) as SourceVolume | undefined;
  }

  /** Says where the volume lies that is read. */
  async writeSource(source: SourceVolume): Promise<void> {
    await writeText(this.blobs, SOURCE, `${JSON.stringify(source)}\n`);
  }

  /** Where the volumes lie that are written in the same pass. */
  async copies(): Promise<readonly string[]> {
    return await readJson(this.blobs, COPIES) as string[] | undefined ?? [];
  }

  /** Says where they lie. */
  async writeCopies(places: readonly string[]): Promise<void> {
    await writeText(this.blobs, COPIES, `${JSON.stringify(places)}\n`);
  }

  /** The list of sources, with what was mended since it was planned. */
  async sources(): Promise<SourceList> {
    const [path, amendments] = [
      this.blobs.localPath?.(SOURCES),
      this.blobs.localPath?.(AMENDMENTS),
    ];
    if (path !== undefined) return await readSourceList(path, amendments);
    const name = `${this.blobs.url}/${SOURCES}`;
    const bytes = await this.blobs.get(SOURCES);
    if (bytes === undefined) {
      throw new SluiceError(
        `Cannot read "${name}" as a list of sources: it is not there; plan again with --overwrite`,
      );
    }
    const mended = await this.blobs.get(AMENDMENTS);
    return parseSourceList(bytes, name, { bytes: mended, name: `${this.blobs.url}/${AMENDMENTS}` });
  }

  /** Writes the list of sources. */
  async writeSources(sources: Sources): Promise<void> {
    await using writer = await this.blobs.open(SOURCES, { contentType: JSON_TYPE });
    for (const block of encodeSourceList(sources)) await writer.write(block);
    await writer.commit();
  }

  /** Adds images that were mended. */
  async amendSources(images: readonly SourceImage[]): Promise<void> {
    const path = this.blobs.localPath?.(AMENDMENTS);
    if (path !== undefined) return await appendAmendments(path, images);
    const before = await this.blobs.get(AMENDMENTS) ?? new Uint8Array();
    const added = encodeAmendments(images);
    const bytes = new Uint8Array(before.length + added.length);
    bytes.set(before);
    bytes.set(added, before.length);
    await this.blobs.put(AMENDMENTS, bytes, { contentType: JSON_TYPE });
  }

  /** The receipt with the highest fence of each task that is done. */
  receipts(): AsyncIterable<Receipt> {
    return readReceipts(this.receiptsPlace);
  }

  /** Keeps receipts that no ledger appends: those of a volume in a bucket, or of a copy. Confirmed when it returns. */
  async record(receipts: readonly Receipt[]): Promise<void> {
    if (this.blobs.localPath === undefined) return await this.#receipts.record(receipts);
    this.#log ??= new ReceiptLog(this.receiptsPlace, crypto.randomUUID(), { sync: true });
    this.#log.append(receipts);
  }

  /** Nothing of it stays open. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#log?.close();
    await this.blobs[Symbol.asyncDispose]();
  }

  /** Brings the receipts of many workers together, so that they are read fast. */
  async gatherReceipts(): Promise<void> {
    if (this.blobs.localPath === undefined) await this.#receipts.gather();
  }

  /** Removes what writers left that never ended, as far as the place can tell it and lets it be removed. */
  async sweep(): Promise<void> {
    const path = this.blobs.localPath?.(`${FOLDER}/tmp`);
    if (path !== undefined) return await Deno.remove(path, { recursive: true }).catch(() => {});
    try {
      await this.blobs.sweep("");
    } catch (error) {
      // Who may write objects may not always list uploads; no volume is worse for what is left of them.
      const isRefused = error instanceof BlobError &&
        (error.kind === "unsupported" || error.kind === "forbidden");
      if (!isRefused) throw error;
    }
  }

  /** What was said of the volume after it was planned. */
  async overrides(): Promise<Overrides> {
    return await readJson(this.blobs, OVERRIDES) as Overrides | undefined ?? {};
  }

  /** Says it anew; the caller writes the metadata again. */
  async writeOverrides(overrides: Overrides): Promise<void> {
    await writeText(this.blobs, OVERRIDES, `${JSON.stringify(overrides, null, 2)}\n`);
  }
}

const JSON_TYPE = "application/json";

/** JSON of a blob, or undefined where there is none. @throws {SluiceError} If it is not JSON. */
export async function readJson(
  blobs: Pick<Blobs, "get" | "url">,
  key: string,
): Promise<unknown> {
  const bytes = await blobs.get(key);
  if (bytes === undefined) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new SluiceError(
      `Cannot read "${blobs.url}/${key}" as JSON: it is damaged; restore it from a copy`,
      { cause: error },
    );
  }
}

/** Writes a document so that it appears whole. */
export async function writeDocument(blobs: Blobs, key: string, document: unknown): Promise<void> {
  await writeText(blobs, key, `${JSON.stringify(document, null, 2)}\n`);
}

async function writeText(blobs: Blobs, key: string, text: string): Promise<void> {
  await blobs.put(key, new TextEncoder().encode(text), { contentType: JSON_TYPE });
}
