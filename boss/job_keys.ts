/**
 * The keys of AWS that a job hands out for its queues and its bucket: good for an hour, asked for again by join.
 * @module
 */
import {
  CredentialKeeper,
  type FindCredentials,
  type S3Credentials,
} from "../stores/blobs/s3_credentials.ts";
import { BossError } from "./boss_error.ts";
import type { BossJoin, BossService } from "./rest.ts";

/** The Boss takes its keys back after this time; who keeps them renews them some minutes earlier. */
const LIFETIME = 3_600_000;

/** A job that is joined and has not ended. */
export type OpenJoin = BossJoin & { readonly kind: "open" };

/** How keys are kept. */
export interface JobKeysOptions {
  /** Ends joins that are under way, for all who wait for their keys. */
  readonly signal?: AbortSignal;
  /** Is told of each join after the first. */
  readonly onJoin?: (join: OpenJoin) => void;
}

/**
 * Keys of one job, for all who work on it in one process: whoever needs others first joins for all.
 *
 * A server learns of new keys some seconds late, and forgets them when the Boss takes them back. They say when they
 * were issued, so that buckets and queues wait for the one and ask here for others after the other.
 */
export class JobKeys {
  readonly #service: BossService;
  readonly #options: JobKeysOptions;
  #join: OpenJoin;
  #keys: S3Credentials;
  #asking?: Promise<void>;
  /** For the queues of the job. */
  readonly keeper: CredentialKeeper;

  /**
   * Keeps the keys of a job that was joined.
   * @param join The first answer, whose keys serve until they run out.
   */
  constructor(service: BossService, join: OpenJoin, options: JobKeysOptions = {}) {
    this.#service = service;
    this.#options = options;
    this.#join = join;
    this.#keys = keysOf(join);
    this.keeper = this.newKeeper();
  }

  /** What the job said when it was joined last. */
  get join(): OpenJoin {
    return this.#join;
  }

  /** A keeper of its own, as for one more bucket. */
  newKeeper(): CredentialKeeper {
    return new CredentialKeeper(this.finder(), this.#service.clock);
  }

  /**
   * Finds keys for one bucket or queue: those that are there, and other ones when it asks again.
   * Each bucket has a finder of its own, as it is known by it what was handed out.
   */
  finder(): FindCredentials {
    let given: S3Credentials | undefined;
    return async () => {
      const now = this.#service.clock.now();
      if (given === this.#keys || this.#keys.expires! <= now) await this.#renew();
      return given = this.#keys;
    };
  }

  #renew(): Promise<void> {
    this.#asking ??= this.#joinAgain().finally(() => this.#asking = undefined);
    return this.#asking;
  }

  async #joinAgain(): Promise<void> {
    const { id } = this.#join.job;
    const join = await this.#service.join(id, { signal: this.#options.signal });
    if (join.kind === "ended") {
      throw new BossError(
        `Cannot renew the keys of ingest job ${id}: it is ${join.state}; nothing more can be uploaded to it`,
        "ended",
      );
    }
    this.#join = join;
    this.#keys = keysOf(join);
    this.#options.onJoin?.(join);
  }
}

function keysOf({ access: { keys, issued } }: OpenJoin): S3Credentials {
  return { ...keys, issued, expires: issued + LIFETIME };
}
