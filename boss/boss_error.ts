/**
 * What the Boss, its queues and its keys refuse.
 * @module
 */
import { SluiceError } from "../core/errors.ts";

/**
 * What kept it from being done:
 * - `token`: there is none, or the Boss does not know it;
 * - `forbidden`: this user, or these keys, may not;
 * - `missing`: no such job, channel or queue;
 * - `ended`: the job is complete, has failed or was cancelled;
 * - `refused`: it cannot be done as it was asked, or not now;
 * - `keys`: a queue does not know the keys of the job, or none were handed out;
 * - `unavailable`: no answer, or none that helps, after all attempts;
 * - `corrupt`: what came is no answer to the question;
 * - `uncertain`: the answer was lost, and what was asked must not be asked twice.
 */
export type BossErrorKind =
  | "token"
  | "forbidden"
  | "missing"
  | "ended"
  | "refused"
  | "keys"
  | "unavailable"
  | "corrupt"
  | "uncertain";

/** What a server said of a fault, in numbers. */
export interface BossFault extends ErrorOptions {
  /** Of HTTP. */
  readonly status?: number;
  /** Of the Boss: two faults of one HTTP status differ by it. A queue has words for it. */
  readonly code?: number | string;
}

/**
 * Something asked of the Boss or of a queue of it could not be had; `kind` says why. No message holds a secret.
 * @example No token anywhere
 * ```ts
 * import { BossError, findBossToken } from "@sluice/sluice";
 * import { rejects } from "node:assert/strict";
 * const nowhere = { env: { get: () => undefined }, folder: "no/such/folder" };
 * const absent = (error: unknown) => error instanceof BossError && error.kind === "token";
 * await rejects(findBossToken(nowhere), absent);
 * ```
 */
export class BossError extends SluiceError {
  /** Says which class it is. */
  override readonly name = "BossError";
  /** Status of HTTP, where there was an answer. */
  readonly status?: number;
  /** What the server calls the fault. */
  readonly code?: number | string;

  /**
   * Says what could not be done, and of what kind the fault is.
   * @param message What could not be done, what was found, and the way out.
   * @param kind What kept it from being done.
   */
  constructor(message: string, readonly kind: BossErrorKind, fault: BossFault = {}) {
    const { status, code, ...options } = fault;
    super(message, options);
    this.status = status;
    this.code = code;
  }
}
