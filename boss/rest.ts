/**
 * The ingest service of the Boss over REST: create, join, ask for, complete, cancel and list jobs.
 *
 * Every question has a time limit, and is asked again after a passing fault: with growing pauses, and at a rate that
 * falls where the server asks for it. Only create is not, since it would make another job: where its answer was lost,
 * the error says so. The token goes out in a header, to this one host and to none that it points to.
 * @module
 */
import { UsageError } from "../core/errors.ts";
import { type Clock, type RetryOptions, Transient } from "../stores/blobs/retry.ts";
import { BAD_REQUEST, DELETED, UNSUPPORTED_VERSION } from "./_boss_codes.ts";
import { BossCaller } from "./_call.ts";
import {
  answerOf,
  type BossAnswer,
  type BossCompletion,
  type BossJobState,
  type BossJoin,
  type BossProgress,
  garbled,
  hasEnded,
  type IngestJob,
  type ListedJob,
  readCompletion,
  readJob,
  readJoin,
  readList,
  readProgress,
} from "./_rest_answers.ts";
import { BossError, type BossFault } from "./boss_error.ts";
import type { BossServer, BossToken } from "./credentials.ts";

export type { BossCompletion, BossJobState, BossJoin, BossProgress, IngestJob, ListedJob };
export type { JobAccess } from "./_rest_answers.ts";

/** What every call takes. */
export interface BossCallOptions {
  /** Ends the call; it then throws the reason of the signal itself. */
  readonly signal?: AbortSignal;
}

/** What join takes. */
export interface JoinOptions extends BossCallOptions {
  /** Is told why it is not over yet, each time that it waits. */
  readonly onWait?: (why: string) => void;
}

/** How the service is asked. */
export interface BossServiceOptions {
  /** How long to try; work that runs for days may have more patience. @default As for blobs, with 120 s for an answer */
  readonly retry?: RetryOptions;
}

interface Question<T> {
  /** What is done, as an error begins. */
  readonly act: string;
  readonly method: "GET" | "POST" | "DELETE";
  /** Behind the version. */
  readonly path: string;
  readonly body?: string;
  readonly signal?: AbortSignal;
  /** What to do where the answer was lost and it must not be asked twice. @default It may be */
  readonly once?: string;
  /** Which errors `read` expects. @default None */
  readonly expects?: (answer: BossAnswer) => boolean;
  readonly read: (answer: BossAnswer) => T;
}

/** Milliseconds between two looks at a job that is not ready. */
const PAUSE = 5_000;
/** A join is refused so often before that is an error: it also happens as a job ends, or by a passing fault inside. */
const REFUSALS = 4;
/** A job that is ready hands out no keys so often before that is an error. */
const KEYLESS = 12;

/** Versions in addresses: the first is one only where a proxy knows it. */
const VERSIONS = ["latest", "v1"] as const;

/**
 * The ingest service of one Boss, asked by one user.
 * @example The jobs of a user who has none
 * ```ts
 * import { BossService, BossToken } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const answer = () => Response.json({ ingest_jobs: [] });
 * await using server = Deno.serve({ port: 0, onListen: () => {} }, answer);
 * const host = `127.0.0.1:${server.addr.port}`;
 * const token = new BossToken("0123456789abcdef", "an example");
 * const service = new BossService({ host, protocol: "http" }, token);
 * deepEqual(await service.list(), []);
 * ```
 */
export class BossService {
  /** Address of the Boss. */
  readonly url: string;
  readonly #caller: BossCaller;
  #version: typeof VERSIONS[number] = "latest";

  /**
   * Nothing is asked of the server yet.
   * @throws {UsageError} If `server` names none.
   */
  constructor(server: BossServer, token: BossToken, options: BossServiceOptions = {}) {
    this.#caller = new BossCaller(server, token, options);
    this.url = this.#caller.url;
  }

  /** Time, as the service has it. */
  get clock(): Clock {
    return this.#caller.clock;
  }

  /**
   * Makes a job of a configuration, which goes out as it is.
   * @throws {BossError} Of kind `uncertain` where the answer was lost: there may be a new job then.
   */
  create(config: object, { signal }: BossCallOptions = {}): Promise<IngestJob> {
    return this.#ask({
      act: "create an ingest job",
      method: "POST",
      path: "ingest/",
      body: JSON.stringify(config),
      signal,
      once: "list the jobs, and join or cancel a new one, before another is created",
      read: (answer) => readJob(answer.json, answer),
    });
  }

  /**
   * Joins a job: its keys, queues and bucket. Waits while the server prepares it, for as long as that takes.
   *
   * A job that has ended is told by the state alone, as the server does not answer join for all of them.
   */
  async join(job: number, { signal, onWait = () => {} }: JoinOptions = {}): Promise<BossJoin> {
    const act = `join ${jobName(job)}`;
    const wait = async (why: string) => {
      onWait(why);
      await this.clock.wait(PAUSE, signal ?? new AbortController().signal);
    };
    for (let refused = 0, keyless = 0;;) {
      // What join says of a job that ended depends on its kind, and on what was torn down already.
      const { state } = await this.#progress(act, job, signal);
      if (hasEnded(state)) return { kind: "ended", id: job, state };
      const answer = await this.#askToJoin(act, job, signal);
      if (answer instanceof BossError) {
        if (++refused === REFUSALS) throw answer;
        await wait(answer.message);
        continue;
      }
      const { job: found, access } = answer;
      if (hasEnded(found.state)) return { kind: "ended", id: job, state: found.state };
      if (found.state === "preparing") await wait("the server prepares the job");
      else if (access !== undefined) return { kind: "open", job: found, access };
      else if (++keyless < KEYLESS) await wait("the server has no keys for the job yet");
      else {
        throw new BossError(
          `Cannot ${
            this.#caller.at(act)
          }: it is ${found.state}, and the server hands out no keys for it; try again later, or cancel it and create another`,
          "keys",
        );
      }
    }
  }

  #askToJoin(act: string, job: number, signal?: AbortSignal) {
    const issued = this.clock.now();
    return this.#ask({
      act,
      method: "GET",
      path: `ingest/${job}`,
      signal,
      expects: ({ status }) => status === 400,
      read: (answer) => {
        if (answer.status < 300) return readJoin(answer, issued);
        const fault = this.#fault(act, answer);
        if (fault instanceof Transient) throw fault;
        return fault;
      },
    });
  }

  /** How far a job is. One that was cancelled is `deleted`; one that there never was is an error. */
  status(job: number, { signal }: BossCallOptions = {}): Promise<BossProgress> {
    return this.#progress(`ask for ${jobName(job)}`, job, signal);
  }

  #progress(act: string, job: number, signal?: AbortSignal): Promise<BossProgress> {
    return this.#ask<BossProgress>({
      act,
      method: "GET",
      path: `ingest/${job}/status`,
      signal,
      expects: ({ code }) => code === DELETED,
      read: (answer) =>
        answer.code === DELETED ? { id: job, state: "deleted" } : readProgress(answer),
    });
  }

  /**
   * Says that all of a job is uploaded, and hears what is next. One worker does it for all.
   * @throws {BossError} Of kind `ended` where the job has failed or was cancelled.
   */
  async complete(job: number, { signal }: BossCallOptions = {}): Promise<BossCompletion> {
    const act = `complete ${jobName(job)}`;
    const answer = await this.#ask({
      act,
      method: "POST",
      path: `ingest/${job}/complete`,
      signal,
      expects: ({ status }) => status === 400,
      read: (answer) => readCompletion(answer) ?? answer,
    });
    if ("kind" in answer) return answer;
    // One error stands for "there are messages yet" and for "not this job, ever"; its state tells them apart.
    const { state } = await this.#progress(act, job, signal);
    if (state === "complete") return { kind: "done" };
    if (state === "completing") return { kind: "completing" };
    if (hasEnded(state)) {
      throw new BossError(
        `Cannot ${this.#caller.at(act)}: it is ${state}; create another job`,
        "ended",
        answer,
      );
    }
    if (answer.code === BAD_REQUEST && state !== "preparing") return { kind: "uploading" };
    throw this.#fault(act, answer, `, and the job is ${state}`);
  }

  /** Cancels a job. What is cancelled already stays so, and is no fault. */
  async cancel(job: number, { signal }: BossCallOptions = {}): Promise<void> {
    const act = `cancel ${jobName(job)}`;
    try {
      await this.#ask({
        act,
        method: "DELETE",
        path: `ingest/${job}`,
        signal,
        read: (answer) => {
          if (answer.status !== 204) throw garbled(answer, "a confirmation");
        },
      });
    } catch (error) {
      if (!(error instanceof BossError) || !await this.#isCancelled(error, act, job, signal)) {
        throw error;
      }
    }
  }

  /** Whether a job is cancelled after all: done again, it fails, and an answer may have been lost. */
  async #isCancelled({ kind }: BossError, act: string, job: number, signal?: AbortSignal) {
    if (kind === "ended") return true;
    if (kind !== "refused" && kind !== "corrupt") return false;
    return (await this.#progress(act, job, signal)).state === "deleted";
  }

  /** The jobs of the user, or of all for who runs the Boss; those that were cancelled are not among them. */
  list({ signal }: BossCallOptions = {}): Promise<ListedJob[]> {
    const act = "list ingest jobs";
    return this.#ask({ act, method: "GET", path: "ingest/", signal, read: readList });
  }

  async #ask<T>(question: Question<T>): Promise<T> {
    const { once, signal } = question;
    return await this.#caller.run(question.act, signal, async (hear) => {
      let last: BossFault = {};
      try {
        return await this.#attempt(question, (answer) => hear(last = answer));
      } catch (error) {
        // Who is told to slow down was not listened to.
        const isUndone = last.status === 429;
        if (once === undefined || isUndone || !(error instanceof Transient)) throw error;
        const act = this.#caller.at(question.act);
        const state = `${error.message}, so it may have been done all the same`;
        throw new BossError(`Cannot ${act}: ${state}; ${once}`, "uncertain", last);
      }
    });
  }

  async #attempt<T>(question: Question<T>, hear: (answer: BossAnswer) => void): Promise<T> {
    let answer = await this.#send(question, this.#version);
    if (isNoAddress(answer) && this.#version !== "v1") {
      answer = await this.#send(question, "v1");
      if (!isNoAddress(answer)) this.#version = "v1";
    }
    hear(answer);
    if (answer.status < 300 || question.expects?.(answer)) return question.read(answer);
    throw this.#fault(question.act, answer);
  }

  async #send<T>({ method, path, body, signal, once }: Question<T>, version: string) {
    const { status, headers, bytes } = await this.#caller.send({
      method,
      path: `${version}/${path}`,
      ...(body === undefined ? {} : { body: new TextEncoder().encode(body) }),
      signal,
      once: once !== undefined,
    });
    return answerOf(status, headers, bytes);
  }

  /** What an answer means that was not wanted. @param more What else is known of the state. */
  #fault(act: string, answer: BossAnswer, more = ""): Transient | BossError {
    const explain = (answer: BossAnswer) =>
      isNoAddress(answer)
        ? ["missing", "mend the host: no ingest service of a Boss has this address there"] as const
        : undefined;
    return this.#caller.fault(act, answer, explain, more);
  }
}

/** A job as messages name it. @throws {UsageError} If that is no number of one. */
function jobName(job: number): string {
  if (Number.isSafeInteger(job) && job >= 0) return `ingest job ${job}`;
  throw new UsageError(
    `Cannot use ${
      JSON.stringify(job)
    } as the number of an ingest job: it is no count; write the number that create printed`,
  );
}

/** Whether the server has nothing at an address; what it has and does not find has a code. */
function isNoAddress({ status, code }: BossAnswer): boolean {
  return status === 404 && code === undefined || code === UNSUPPORTED_VERSION;
}
