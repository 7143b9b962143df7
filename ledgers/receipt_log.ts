/**
 * Receipts beside the volume: every process appends to a file of its own, a line a task.
 * @module
 */
import { join } from "node:path";
import { isNotFound } from "../core/errors.ts";
import type { Receipt } from "../core/receipt.ts";
import { isRemote } from "../stores/place.ts";
import { fileError } from "./_file_error.ts";
import { formatReceipt, parseReceipt } from "./_receipt_line.ts";

const SUFFIX = ".jsonl";
const NEWLINE = 0x0a;
const READ_BYTES = 1 << 18;

/**
 * Appends receipts to `<dir>/<name>.jsonl`, which only one process writes.
 * @example Written by one process, read by another
 * ```ts
 * import { readReceipts, ReceiptLog } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const dir = await Deno.makeTempDir();
 * {
 *   using log = new ReceiptLog(dir, "first");
 *   log.append([{ task: 7, fence: 1, units: [], losses: [] }]);
 *   log.append([{ task: 7, fence: 2, units: [], losses: [], sources: 99 }]);
 * }
 * deepEqual(await Array.fromAsync(readReceipts(dir)), [
 *   { task: 7, fence: 2, units: [], losses: [], sources: 99 },
 * ]);
 * await Deno.remove(dir, { recursive: true });
 * ```
 */
export class ReceiptLog implements Disposable {
  /** The file that is appended to; it is made with the first receipt. */
  readonly path: string;
  readonly #dir: string;
  readonly #sync: boolean;
  #file?: Deno.FsFile;
  #isTorn = false;

  /**
   * Nothing is opened before there is a receipt.
   * @param dir Folder of the receipts of one job; made if need be.
   * @param name Name of the process among all that ever write there.
   * @param options With `sync`, what is appended is on the disk at once, where other machines see it.
   */
  constructor(dir: string, name: string, options: { readonly sync?: boolean } = {}) {
    this.#dir = dir;
    this.#sync = options.sync ?? false;
    this.path = join(dir, name + SUFFIX);
  }

  /**
   * Appends receipts and hands them to the operating system: they outlast the process, and what the machine still
   * held back is on the disk after {@linkcode ReceiptLog.close}.
   * @throws {LedgerError} If the disk is full or the folder cannot be written.
   */
  append(receipts: readonly Receipt[]): void {
    if (receipts.length === 0) return;
    try {
      this.#file ??= this.#open();
      const lines = receipts.map((receipt) => formatReceipt(receipt) + "\n").join("");
      const bytes = new TextEncoder().encode((this.#isTorn ? "\n" : "") + lines);
      this.#isTorn = true;
      let written = 0;
      while (written < bytes.length) written += this.#file.writeSync(bytes.subarray(written));
      this.#isTorn = false;
      if (this.#sync) this.#file.syncDataSync();
    } catch (error) {
      throw fileError(`append receipts to "${this.path}"`, error);
    }
  }

  /** Sees to it that all is on the disk, and closes the file. */
  close(): void {
    const file = this.#file;
    this.#file = undefined;
    if (file === undefined) return;
    try {
      file.syncDataSync();
    } finally {
      file.close();
    }
  }

  /** As {@linkcode ReceiptLog.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #open(): Deno.FsFile {
    Deno.mkdirSync(this.#dir, { recursive: true });
    const file = Deno.openSync(this.path, { read: true, append: true, create: true });
    // A process of the same name may have been killed in the middle of a line.
    if (file.seekSync(0, Deno.SeekMode.End) > 0) {
      const last = new Uint8Array(1);
      file.seekSync(-1, Deno.SeekMode.End);
      file.readSync(last);
      this.#isTorn = last[0] !== NEWLINE;
    }
    return file;
  }
}

/**
 * Reads the receipt with the highest fence of each task, in the order they lie in the files, those of tasks that
 * were done more than once last. Lines that a killed process left torn are passed over; what is appended meanwhile
 * is not seen.
 *
 * Memory: a bit a task, and the receipts of tasks that were done more than once. Every file is read twice.
 * @param place Folder of the receipts, or the address of one in a bucket; none there: nothing is read.
 * @example Bytes of a volume, by its receipts
 * ```ts
 * import { encodePng, ingest, JobFolder, openLedger, readReceipts, WorkerPool } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * const data = new Uint8Array(35).fill(9);
 * const section = encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data });
 * await Deno.writeFile(`${folder}/s_0.png`, section);
 * await using ledger = await openLedger("memory:");
 * await using pool = new WorkerPool({ size: 0 });
 * const { created, verified } = await ingest([`${folder}/*.png`], `${folder}/out.ome.zarr`, { ledger, pool });
 * let bytes = 0;
 * const { receiptsPlace } = await JobFolder.open(created.volume);
 * for await (const { units } of readReceipts(receiptsPlace)) {
 *   for (const unit of units) bytes += unit.bytes;
 * }
 * equal(bytes, verified?.bytes);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function* readReceipts(place: string): AsyncGenerator<Receipt> {
  if (isRemote(place)) return yield* await readRemote(place);
  const files = await listFiles(place);
  const [seen, again] = [new TaskSet(), new TaskSet()];
  for await (const line of readLines(files)) {
    const task = taskOf(line);
    if (task !== undefined && !seen.add(task)) again.add(task);
  }
  const best = new Map<number, Receipt>();
  for await (const line of readLines(files)) {
    const receipt = parseReceipt(line);
    if (receipt === undefined) continue;
    const { task, fence } = receipt;
    if (!again.has(task)) yield receipt;
    else if (fence >= (best.get(task)?.fence ?? 0)) best.set(task, receipt);
  }
  yield* best.values();
}

async function readRemote(place: string): Promise<AsyncGenerator<Receipt>> {
  const { openBlobs } = await import("../stores/blobs/open_blobs.ts");
  const { ReceiptBlobs } = await import("./_receipt_blobs.ts");
  return new ReceiptBlobs(await openBlobs(place), "").read();
}

/** The task of a line, without parsing all of it. */
function taskOf(line: string): number | undefined {
  if (!line.startsWith('{"t":')) return undefined;
  const task = Number.parseInt(line.slice(5, 22), 10);
  return Number.isSafeInteger(task) ? task : undefined;
}

interface SizedFile {
  readonly path: string;
  readonly bytes: number;
}

async function listFiles(dir: string): Promise<SizedFile[]> {
  const files: SizedFile[] = [];
  try {
    for await (const { name, isFile } of Deno.readDir(dir)) {
      if (!isFile || !name.endsWith(SUFFIX)) continue;
      const path = join(dir, name);
      files.push({ path, bytes: (await Deno.stat(path)).size });
    }
  } catch (error) {
    if (!isNotFound(error)) throw fileError(`read receipts in "${dir}"`, error);
  }
  return files.sort((a, b) => a.path < b.path ? -1 : 1);
}

async function* readLines(files: readonly SizedFile[]): AsyncGenerator<string> {
  const buffer = new Uint8Array(READ_BYTES);
  for (const { path, bytes } of files) {
    using file = await Deno.open(path);
    const decoder = new TextDecoder();
    let [left, rest] = [bytes, ""];
    while (left > 0) {
      const count = await file.read(buffer.subarray(0, Math.min(left, READ_BYTES)));
      if (count === null) break;
      left -= count;
      const lines = (rest + decoder.decode(buffer.subarray(0, count), { stream: true })).split(
        "\n",
      );
      rest = lines.pop() ?? "";
      yield* lines;
    }
    yield rest;
  }
}

const PAGE_BITS = 16;

/** A set of tasks: one bit each, in pages. */
class TaskSet {
  readonly #pages = new Map<number, Uint8Array>();

  /** Returns whether it was not there. */
  add(task: number): boolean {
    const [page, byte, bit] = place(task);
    const bytes = this.#pages.get(page) ?? new Uint8Array(1 << (PAGE_BITS - 3));
    this.#pages.set(page, bytes);
    const isNew = (bytes[byte] & bit) === 0;
    bytes[byte] |= bit;
    return isNew;
  }

  has(task: number): boolean {
    const [page, byte, bit] = place(task);
    return ((this.#pages.get(page)?.[byte] ?? 0) & bit) !== 0;
  }
}

function place(task: number): [page: number, byte: number, bit: number] {
  const within = task % (1 << PAGE_BITS);
  return [Math.floor(task / (1 << PAGE_BITS)), within >> 3, 1 << (within & 7)];
}
