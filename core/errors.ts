/**
 * Errors that name the act, the place, the state and the way out.
 * @module
 */

/**
 * A fault that the person at the keyboard can mend: printed as one line, exit code 1.
 * @example One line for faults that can be mended, a stack for all others
 * ```ts
 * import { openLedger, SluiceError } from "@sluice/sluice";
 * import { match } from "node:assert/strict";
 * try {
 *   await openLedger("jobs.db");
 * } catch (error) {
 *   if (!(error instanceof SluiceError)) throw error;
 *   match(error.message, /^Cannot open "jobs.db" as a ledger: .*; write sqlite:PATH for a file$/);
 * }
 * ```
 */
export class SluiceError extends Error {
  /** Says which class it is where classes do not travel, as from a worker. */
  override readonly name: string = "SluiceError";
}

/**
 * The command line or a job file asks for something that cannot be: exit code 2.
 * @example A word that cannot be read
 * ```ts
 * import { parseVoxelSize, UsageError } from "@sluice/sluice";
 * import { throws } from "node:assert/strict";
 * throws(() => parseVoxelSize("4x4x40"), UsageError);
 * ```
 */
export class UsageError extends SluiceError {
  /** Says which class it is. */
  override readonly name = "UsageError";
}

/**
 * A source image is absent, broken, or not what the plan says.
 * @example A file that is not there
 * ```ts
 * import { ImageError, openFileSource } from "@sluice/sluice";
 * import { rejects } from "node:assert/strict";
 * const absent = (error: unknown) => error instanceof ImageError && error.kind === "missing";
 * await rejects(openFileSource("no/such/section.png"), absent);
 * ```
 */
export class ImageError extends SluiceError {
  /** Says which class it is. */
  override readonly name = "ImageError";
  /**
   * Says what could not be done, and of what kind the fault is.
   * @param message What could not be done, and what was found.
   * @param kind `missing`: there is no such file; `broken`: it is there and cannot be decoded;
   * `changed`: it is not the file that was planned.
   */
  constructor(
    message: string,
    readonly kind: "missing" | "broken" | "changed",
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * The lease was lost: it expired, another worker took the task, or the job was cancelled.
 * @example Work on a job that was cancelled meanwhile
 * ```ts
 * import { encodePng, type Lease, LeaseLostError, openLedger, planIngest } from "@sluice/sluice";
 * import { rejects } from "node:assert/strict";
 * const path = await Deno.makeTempFile({ suffix: ".png" });
 * const image = { width: 7, height: 5, samples: 1, dtype: "uint8", data: new Uint8Array(35) } as const;
 * await Deno.writeFile(path, encodePng(image));
 * const { plan } = await planIngest([path]);
 * await using ledger = await openLedger("memory:");
 * const job = await ledger.create(plan, { target: "out.ome.zarr" });
 * const lease = await ledger.lease(job, { worker: "me" }) as Lease;
 * await ledger.cancel(job);
 * await rejects(ledger.check(lease), LeaseLostError);
 * await Deno.remove(path);
 * ```
 */
export class LeaseLostError extends SluiceError {
  /** Says which class it is. */
  override readonly name = "LeaseLostError";
  /** Says what could not be done, and of what kind the fault is. */
  constructor(
    message: string,
    readonly reason: "expired" | "taken" | "cancelled",
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What anything thrown says, whatever it is. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether a file or a folder was not there. */
export function isNotFound(error: unknown): boolean {
  return error instanceof Error &&
    (error.name === "NotFound" || (error as { code?: string }).code === "ENOENT");
}
