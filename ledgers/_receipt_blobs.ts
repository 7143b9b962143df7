/** Receipts as blobs: a bucket has no file to append to, so each acknowledgement is an object of its own. */
import { eachAtOnce } from "../core/abort.ts";
import type { Receipt } from "../core/receipt.ts";
import { formatReceipt, parseReceipt } from "./_receipt_line.ts";
import type { Blobs } from "../stores/blobs/blobs.ts";

const SUFFIX = ".jsonl";
/** Objects that are read, or removed, at once. */
const AT_ONCE = 32;

/** The receipts below a prefix. */
export class ReceiptBlobs {
  readonly #blobs: Blobs;
  readonly #prefix: string;
  /** Names this writer among all that ever write there. */
  readonly #name = crypto.randomUUID();
  #next = 0;

  constructor(blobs: Blobs, prefix: string) {
    this.#blobs = blobs;
    this.#prefix = prefix;
  }

  /** Confirmed when it returns. */
  async record(receipts: readonly Receipt[]): Promise<void> {
    if (receipts.length === 0) return;
    await this.#write(`${this.#name}.${this.#next++}`, receipts.map(formatReceipt));
  }

  async #write(name: string, lines: readonly string[]): Promise<void> {
    const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
    await this.#blobs.put(`${this.#prefix}${name}${SUFFIX}`, bytes, {
      contentType: "application/json",
    });
  }

  /** That with the highest fence of each task. All of them lie in memory, as their lines. */
  async *read(): AsyncGenerator<Receipt> {
    for (const { line } of (await this.#best()).lines.values()) yield parseReceipt(line)!;
  }

  /** Makes one object of many; what is written meanwhile stays as it is. */
  async gather(): Promise<void> {
    const { keys, lines } = await this.#best();
    if (keys.length < 2) return;
    await this.#write(this.#name, [...lines.values()].map(({ line }) => line));
    await eachAtOnce(keys, AT_ONCE, (key) => this.#blobs.delete(key));
  }

  async #best(): Promise<FoundReceipts> {
    while (true) {
      const keys: string[] = [];
      for await (const { key } of this.#blobs.list(this.#prefix)) {
        if (key.endsWith(SUFFIX)) keys.push(key);
      }
      const lines: FoundReceipts["lines"] = new Map();
      let isWhole = true;
      await eachAtOnce(keys, AT_ONCE, async (key) => {
        const bytes = await this.#blobs.get(key);
        // Gathered meanwhile: what was in it lies in an object that was not listed.
        if (bytes === undefined) isWhole = false;
        for (const line of new TextDecoder().decode(bytes).split("\n")) {
          const receipt = parseReceipt(line);
          if (receipt === undefined) continue;
          const { task, fence } = receipt;
          if (fence >= (lines.get(task)?.fence ?? 0)) lines.set(task, { line, fence });
        }
      });
      if (isWhole) return { keys, lines };
    }
  }
}

interface FoundReceipts {
  readonly keys: string[];
  readonly lines: Map<number, { readonly line: string; readonly fence: number }>;
}
