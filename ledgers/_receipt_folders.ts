/**
 * The receipts that one process appends, job by job.
 * @module
 */
import type { Receipt } from "../core/receipt.ts";
import { isRemote } from "../stores/place.ts";
import { isOnThisMachine } from "./_network_fs.ts";
import { ReceiptLog } from "./receipt_log.ts";

/** A file in each folder of receipts that something was appended to. */
export class ReceiptFolders {
  readonly #name: string;
  readonly #shared: boolean;
  readonly #logs = new Map<string, ReceiptLog>();

  /**
   * @param options Name of this process among all that ever write there, by default a random one; and whether other
   * machines read what it wrote.
   */
  constructor({ name = crypto.randomUUID(), shared }: {
    readonly name?: string;
    readonly shared: boolean;
  }) {
    this.#name = name;
    this.#shared = shared;
  }

  /** In a bucket nothing is appended: who acknowledges has recorded them there. */
  append(folder: string, receipts: readonly Receipt[]): void {
    if (isRemote(folder)) return;
    let log = this.#logs.get(folder);
    if (log === undefined) {
      // What this machine holds back, others do not see.
      const sync = this.#shared && !isOnThisMachine(folder);
      this.#logs.set(folder, log = new ReceiptLog(folder, this.#name, { sync }));
    }
    log.append(receipts);
  }

  close(): void {
    for (const log of this.#logs.values()) log.close();
    this.#logs.clear();
  }
}
