/**
 * Errors that name the act, the place, the state and the way out.
 * @module
 */

/** A fault that the person at the keyboard can mend: printed as one line, exit code 1. */
export class SluiceError extends Error {
  /** Says which class it is where classes do not travel, as from a worker. */
  override readonly name: string = "SluiceError";
}

/** The command line or a job file asks for something that cannot be: exit code 2. */
export class UsageError extends SluiceError {
  /** Says which class it is. */
  override readonly name = "UsageError";
}

/** A source image is absent, broken, or not what the plan says. */
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

/** The lease was lost: it expired, another worker took the task, or the job was cancelled. */
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
