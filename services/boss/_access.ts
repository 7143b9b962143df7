/**
 * The token of the one user that there is.
 * @module
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { isNotFound, SluiceError } from "../../core/errors.ts";
import { detail } from "./_answers.ts";
import type { Asker } from "./_resources.ts";

/** What public data are asked for with. */
const PUBLIC = "public";

/** Who may ask. */
export class Access {
  /** File of the token. */
  readonly path: string;
  /** Whether the token was made now. */
  readonly isNew: boolean;
  readonly #sum: Uint8Array;

  private constructor(path: string, token: string, isNew: boolean) {
    this.path = path;
    this.isNew = isNew;
    this.#sum = sumOf(token);
  }

  /** Reads the token, or makes one that only its owner may read. */
  static async open(path: string): Promise<Access> {
    const token = randomBytes(20).toString("hex");
    try {
      await Deno.writeTextFile(path, `${token}\n`, { createNew: true, mode: 0o600 });
      return new Access(path, token, true);
    } catch (error) {
      if (isNotFound(error)) {
        throw new SluiceError(
          `Cannot keep the token of the Boss in "${path}": its folder is not there; make it, or name another file`,
          { cause: error },
        );
      }
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
    const found = (await Deno.readTextFile(path)).trim();
    if (/^[\x21-\x7e]{16,200}$/.test(found) && found !== PUBLIC) {
      return new Access(path, found, false);
    }
    throw new SluiceError(
      `Cannot use "${path}" as the token of the Boss: it must be 16 to 200 letters without a space; remove the file, and one is made`,
    );
  }

  /** Who asks. @throws {Refusal} If it is somebody with another token. */
  askerOf(headers: Headers): Asker {
    const said = headers.get("authorization");
    if (said === null) return "anybody";
    const token = /^Token (\S+)$/.exec(said)?.[1];
    if (token === PUBLIC) return "anybody";
    if (token !== undefined && timingSafeEqual(sumOf(token), this.#sum)) return "user";
    throw detail(401, "Invalid token.");
  }
}

function sumOf(token: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update(token).digest());
}
