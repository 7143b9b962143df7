/**
 * The receipts that one process appends, job by job.
 * @module
 */
import type { Receipt } from "../core/receipt.ts";
import { networkFileSystem } from "./_network_fs.ts";
import { ReceiptLog } from "./receipt_log.ts";

/** A file in each folder of receipts that something was appended to. */
export class ReceiptFolders {
  readonly #name: string;
  readonly #logs = new Map<string, ReceiptLog>();

  /** @param name Name of this process among all that ever write there. @default A random one */
  constructor(name: string = crypto.randomUUID()) {
    this.#name = name;
  }

  append(folder: string, receipts: readonly Receipt[]): void {
    let log = this.#logs.get(folder);
    if (log === undefined) {
      // What this machine holds back, the others that share the folder do not see.
      const sync = networkFileSystem(folder) !== undefined;
      this.#logs.set(folder, log = new ReceiptLog(folder, this.#name, { sync }));
    }
    log.append(receipts);
  }

  close(): void {
    for (const log of this.#logs.values()) log.close();
    this.#logs.clear();
  }
}
