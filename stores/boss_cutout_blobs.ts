/**
 * A channel of a Boss as a place of blobs: a cutout is a blob of plain voxels, and what a job keeps beside its volume,
 * for which a Boss has no room, lies in a folder of this machine: `boss/HOST/COLLECTION/EXPERIMENT/CHANNEL` below
 * `$SLUICE_HOME`.
 * @module
 */
import { join } from "node:path";
import { parseBossAddress, serverOf } from "../boss/cutout_address.ts";
import { bossOrigin } from "../boss/credentials.ts";
import { type BossChannel, openChannel } from "../boss/cutout_channel.ts";
import { type Box, box } from "../core/box.ts";
import type { Plan } from "../core/plan.ts";
import { sluiceHome } from "../ledgers/open_ledger.ts";
import { cutoutKeys, readState } from "./_boss_cutout_units.ts";
import {
  type BlobEntry,
  BlobError,
  type BlobInfo,
  type BlobLeftover,
  type BlobOptions,
  type Blobs,
  type BlobWriter,
  type GetBlobOptions,
  type ListBlobOptions,
  type OpenBlobOptions,
  type PutBlobOptions,
} from "./blobs/blobs.ts";
import { DiskBlobs } from "./blobs/disk.ts";
import type { OpenBlobsOptions } from "./blobs/open_blobs.ts";
import { PLAN_KEY, readJson } from "./job_folder.ts";

const FOLDER = ".sluice/";

function parseKey(key: string): { readonly resolution: number; readonly of: Box } | undefined {
  const found = /^cutout\/(\d+)\/(\d+):(\d+)\/(\d+):(\d+)\/(\d+):(\d+)\/(\d+):(\d+)$/.exec(key);
  if (found === null) return undefined;
  const [resolution, x0, x1, y0, y1, z0, z1, t0, t1] = found.slice(1).map(Number);
  return { resolution, of: box([x0, y0, z0, 0, t0], [x1, y1, z1, 1, t1]) };
}

/**
 * Opens the place of a channel, or a folder of what is kept beside it.
 * @throws {UsageError} If the address names no channel.
 */
export async function openBossBlobs(address: string, options: OpenBlobsOptions): Promise<Blobs> {
  const [, channel, below] = /^([^?]*?)(\/\.sluice(?:\/.*)?)?$/s.exec(address) ?? [, address];
  const parsed = parseBossAddress(channel!);
  const server = await serverOf(parsed);
  const { host } = new URL(bossOrigin(server));
  const { collection, experiment, channel: name, resolution } = parsed;
  const folder = join(
    sluiceHome(),
    "boss",
    // No name of a folder above it.
    host.toLowerCase().replace(/[^a-z0-9.-]|^\.+/g, "_"),
    collection,
    experiment,
    name,
    ...(resolution === undefined ? [] : [String(resolution)]),
  );
  if (below !== undefined) return new DiskBlobs(join(folder, below));
  return new BossCutoutBlobs(address, new DiskBlobs(folder), options);
}

/** A channel, and the folder beside it. */
export class BossCutoutBlobs implements Blobs {
  readonly url: string;
  readonly #address: string;
  readonly #beside: DiskBlobs;
  readonly #options: OpenBlobsOptions;
  #channel: Promise<BossChannel> | undefined;

  /** Asks nothing yet. @param beside Where plan and receipts lie. */
  constructor(address: string, beside: DiskBlobs, options: OpenBlobsOptions) {
    this.#address = address;
    // What stands behind it says how it is asked, not what it is.
    this.url = address.replace(/\/*(\?.*)?$/s, "");
    this.#beside = beside;
    this.#options = options;
  }

  /** The channel; looked up once. */
  channel(signal?: AbortSignal): Promise<BossChannel> {
    const { retry } = this.#options;
    this.#channel ??= openChannel(parseBossAddress(this.#address), {
      ...(retry === undefined ? {} : { retry }),
      ...(signal === undefined ? {} : { signal }),
    });
    this.#channel.catch(() => this.#channel = undefined);
    return this.#channel;
  }

  async get(key: string, options: GetBlobOptions = {}) {
    if (key.startsWith(FOLDER)) return await this.#beside.get(key, options);
    const found = parseKey(key);
    if (found === undefined) return undefined;
    const { signal } = options;
    const { cutouts } = await this.channel(signal);
    const frame = await cutouts.read(found.resolution, found.of, { signal });
    return new Uint8Array(cutouts.decode(frame, found.of));
  }

  async head(key: string, options?: BlobOptions): Promise<BlobInfo | undefined> {
    return key.startsWith(FOLDER) ? await this.#beside.head(key, options) : undefined;
  }

  /** Voxels of 0 change nothing, but where the address says that they are to. */
  async put(key: string, bytes: Uint8Array, options: PutBlobOptions = {}): Promise<void> {
    if (key.startsWith(FOLDER)) return await this.#beside.put(key, bytes, options);
    const { resolution, of } = this.#cutout(key, "write");
    const { signal } = options;
    const { cutouts, address } = await this.channel(signal);
    if (address.replace && bytes.includes(0)) await cutouts.blacken(resolution, of, { signal });
    if (bytes.some((value) => value !== 0)) await cutouts.write(resolution, of, bytes, { signal });
  }

  async putIfAbsent(key: string, bytes: Uint8Array, options?: PutBlobOptions): Promise<boolean> {
    if (key.startsWith(FOLDER)) return await this.#beside.putIfAbsent(key, bytes, options);
    throw unsupported(`write "${this.url}/${key}" where nothing is`, "a Boss always has voxels");
  }

  async open(key: string, options: OpenBlobOptions = {}): Promise<BlobWriter> {
    if (key.startsWith(FOLDER)) return await this.#beside.open(key, options);
    const { reserve = 0 } = options;
    const pieces: Uint8Array[] = [];
    return {
      write: (bytes) => Promise.resolve(void pieces.push(bytes.slice())),
      commit: async (head = new Uint8Array(reserve)) => {
        const all = [head, ...pieces];
        const bytes = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0));
        all.reduce((at, piece) => (bytes.set(piece, at), at + piece.length), 0);
        await this.put(key, bytes, options);
      },
      [Symbol.asyncDispose]: () => Promise.resolve(void (pieces.length = 0)),
    };
  }

  /** What the last job wrote: its cutouts, and then what it keeps beside them. */
  async *list(prefix: string, options: ListBlobOptions = {}): AsyncIterable<BlobEntry> {
    if (prefix === "" && !options.folders) {
      const plan = await readJson(this.#beside, PLAN_KEY) as Plan | undefined;
      const origin = (await readState(this.#beside))?.origin;
      if (plan !== undefined && origin !== undefined) {
        const channel = await this.channel(options.signal);
        for (const key of cutoutKeys(plan, channel, origin)) yield { key };
      }
    }
    yield* this.#beside.list(prefix, options);
  }

  /** Voxels become 0. */
  async delete(key: string, options: BlobOptions = {}): Promise<void> {
    if (key.startsWith(FOLDER)) return await this.#beside.delete(key, options);
    const { resolution, of } = this.#cutout(key, "blacken");
    const { cutouts } = await this.channel(options.signal);
    await cutouts.blacken(resolution, of, options);
  }

  sweep(prefix: string, options?: BlobOptions): Promise<BlobLeftover[]> {
    return this.#beside.sweep(prefix, options);
  }

  #cutout(key: string, act: string) {
    const found = parseKey(key);
    if (found !== undefined) return found;
    throw unsupported(`${act} "${this.url}/${key}"`, "a channel of a Boss has cutouts alone");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#beside[Symbol.asyncDispose]();
  }
}

function unsupported(act: string, state: string): BlobError {
  return new BlobError(`Cannot ${act}: ${state}; choose another target`, "unsupported");
}
