/**
 * Queues of jobs: messages that are hidden while somebody works on them.
 * @module
 */
import type { BossState } from "./_state.ts";

/** A message that was handed out. */
export interface HandedMessage {
  readonly id: string;
  readonly handle: string;
  readonly body: string;
}

/** Seconds that a message is hidden unless whoever takes it says otherwise. */
export const VISIBILITY_SECONDS = 120;

/** The upload queues of one server. */
export class Queues {
  readonly #state: BossState;
  readonly #now: () => number;

  constructor(state: BossState, now: () => number) {
    [this.#state, this.#now] = [state, now];
  }

  /** Takes messages, and hides them. */
  take(job: number, most: number, hiddenSeconds: number): HandedMessage[] {
    const now = this.#now();
    const rows = this.#state.rows<{ id: number; body: string; handle: string }>(
      `UPDATE message SET visible_at = ?, handle = lower(hex(randomblob(16)))
      WHERE id IN (SELECT id FROM message WHERE job = ? AND visible_at <= ? ORDER BY visible_at, id LIMIT ?)
      RETURNING id, body, handle`,
      now + hiddenSeconds * 1000,
      job,
      now,
      most,
    );
    return rows.map(({ id, body, handle }) => ({
      id: messageId(id),
      handle: `AQEB${id}x${handle}`,
      body,
    }));
  }

  /**
   * Deletes a message by the handle that it was handed out by last; by an older one nothing is deleted, which is no
   * fault.
   * @returns Whether it is a handle at all.
   */
  delete(job: number, handle: string): boolean {
    const found = /^AQEB(\d{1,15})x([0-9a-f]{32})$/.exec(handle);
    if (found === null) return false;
    this.#state.run(
      "DELETE FROM message WHERE id = ? AND job = ? AND handle = ?",
      Number(found[1]),
      job,
      found[2],
    );
    return true;
  }

  /** Messages that can be taken now. */
  visible(job: number): number {
    return this.#count("SELECT count(*) AS n FROM message WHERE job = ? AND visible_at <= ?", job);
  }

  /** Messages that somebody works on. */
  hidden(job: number): number {
    return this.#count("SELECT count(*) AS n FROM message WHERE job = ? AND visible_at > ?", job);
  }

  /** Puts messages into a queue. */
  put(job: number, bodies: readonly string[]): void {
    this.#state.write(function* () {
      for (const body of bodies) {
        yield {
          kind: "command",
          sql: "INSERT INTO message (job, body) VALUES (?, ?)",
          values: [job, body],
        };
      }
    });
  }

  #count(sql: string, job: number): number {
    return this.#state.row<{ n: number }>(sql, job, this.#now())!.n;
  }
}

/** Names of messages look as those of SQS do. */
function messageId(id: number): string {
  return `00000000-0000-4000-8000-${id.toString(16).padStart(12, "0")}`;
}
