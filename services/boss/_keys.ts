/**
 * Short-lived keys of jobs, and what they allow: what the policy of the Boss's clients does, and nothing else.
 * @module
 */
import { randomBytes } from "node:crypto";
import type { BossState } from "./_state.ts";

/** A key that is good. */
export interface KnownKey {
  readonly job: number;
  readonly secret: string;
}

/** The keys of one server. */
export class JobKeyRing {
  readonly #state: BossState;
  readonly #now: () => number;
  readonly #lifeSeconds: number;

  constructor(state: BossState, now: () => number, lifeSeconds: number) {
    [this.#state, this.#now, this.#lifeSeconds] = [state, now, lifeSeconds];
  }

  /** Makes a key for a job. */
  issue(job: number): { access_key: string; secret_key: string; security_token: null } {
    const now = this.#now();
    const id = `AKIA${randomBytes(10).toString("hex").slice(0, 16).toUpperCase()}`;
    const secret = randomBytes(30).toString("base64");
    this.#state.run("DELETE FROM access_key WHERE expires <= ?", now);
    this.#state.run(
      "INSERT INTO access_key VALUES (?, ?, ?, ?)",
      id,
      job,
      secret,
      now + this.#lifeSeconds * 1000,
    );
    return { access_key: id, secret_key: secret, security_token: null };
  }

  /** What a key is; undefined where it is unknown, or was. */
  find(id: string): KnownKey | undefined {
    return this.#state.row<{ job: number; secret: string }>(
      "SELECT job, secret FROM access_key WHERE id = ? AND expires > ?",
      id,
      this.#now(),
    );
  }
}
