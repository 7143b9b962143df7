/**
 * A worker of a Boss job: takes messages, has done what they ask for, and deletes each once the store has confirmed.
 *
 * It takes no more messages than it begins with at once, and asks for them to stay hidden as long as the slowest of late
 * took, and then some: at most 170 s, as the server counts a job whose queue looked empty for 180 s as uploaded. A
 * message that cannot be done comes again after that time; after some attempts it is a dead letter, which is named and
 * left in the queue. What goes wrong on the way to queue, bucket or server is no message's fault, and never an empty
 * queue.
 * @module
 */
import { delay } from "../core/abort.ts";
import { messageOf, UsageError } from "../core/errors.ts";
import { BlobError } from "../stores/blobs/blobs.ts";
import { hasEnded } from "./_rest_answers.ts";
import { BossError } from "./boss_error.ts";
import { Completion, waitOr } from "./completion.ts";
import { Hands } from "./hands.ts";
import type { JobKeys } from "./job_keys.ts";
import type { BossJobState, BossService } from "./rest.ts";
import { SpoolError } from "./spool.ts";
import type { QueueMessage, SqsQueue } from "./sqs.ts";
import type { Uploader } from "./uploader.ts";

/** Something that a worker tells. */
export type WorkerEvent =
  /** A message is done. */
  | { readonly kind: "uploaded"; readonly what: string; readonly seconds: number }
  /** A message could not be done: it comes again. */
  | {
    readonly kind: "failed";
    readonly what: string;
    readonly attempt: number;
    readonly reason: string;
  }
  /** A message could not be done too often: it is left. */
  | { readonly kind: "dead"; readonly what: string; readonly reason: string }
  /** The way to queue, bucket or server is disturbed. */
  | { readonly kind: "trouble"; readonly reason: string }
  /** What the server does at the end. */
  | { readonly kind: "server"; readonly text: string };

/** A message that is left. */
export interface BossDeadLetter {
  /** What it asks for. */
  readonly what: string;
  /** Why that cannot be done. */
  readonly reason: string;
  /** How often it was tried. */
  readonly attempts: number;
}

/** What became of a worker's run. */
export interface WorkReport {
  /**
   * `complete`: the job is. `stopped`: it was asked to stop. `stuck`: only dead letters are left. `ended`: the job has
   * failed, or was cancelled. `idle`: nothing came for long, and somebody else completes the job.
   */
  readonly end: "complete" | "stopped" | "stuck" | "ended" | "idle";
  /** State of the job where it ended otherwise. */
  readonly state?: BossJobState;
  /** Messages that were done. */
  readonly uploaded: number;
  /** Of these such as somebody else may have received meanwhile; what was put twice is the same. */
  readonly late: number;
  /** Messages that came while they were in hand already. */
  readonly duplicates: number;
  /** Times that a message could not be done. */
  readonly failures: number;
  /** Messages that are left. */
  readonly dead: readonly BossDeadLetter[];
}

/** What a worker needs. */
export interface WorkerOptions {
  /** The ingest service. */
  readonly service: BossService;
  /** Keys of the job. */
  readonly keys: JobKeys;
  /** The upload queue of the job. */
  readonly queue: SqsQueue;
  /** Does what messages ask for. */
  readonly uploader: Uploader;
  /** Of the machine: the one that the spool is in. */
  readonly folder: string;
  /** Ends all at once, with its reason. */
  readonly signal: AbortSignal;
  /** Takes nothing new: what is in hand is finished. @default Never */
  readonly stopping?: AbortSignal;
  /** Messages in hand at once. @default 8 */
  readonly concurrency?: number;
  /** Attempts at one message before it is left. @default 3 */
  readonly attempts?: number;
  /** Whether a worker of this machine asks for the end of the job. One machine does. @default true */
  readonly completes?: boolean;
  /** Without `completes`: ends when nothing came for so long. @default Waits for the end of the job */
  readonly idleSeconds?: number;
  /** For how long an empty queue is watched at once, in seconds, up to 20. @default 5 */
  readonly waitSeconds?: number;
  /** Is told what happens. */
  readonly onEvent?: (event: WorkerEvent) => void;
}

/** Longest that a message may be hidden, in seconds: less than the server waits at the end of a job. */
export const MOST_VISIBILITY = 170;
const LEAST_VISIBILITY = 30;
/** Messages of late whose time decides. */
const REMEMBERED = 32;
/** Disturbances one after the other, with nothing done between them, before the run is over. */
const MOST_TROUBLES = 20;
const PAUSE_MS = 5_000;
const LOOK_MS = 500;

/** Kinds of errors that come as a job ends. */
const GONE: ReadonlySet<string> = new Set(["missing", "ended", "keys", "forbidden", "credentials"]);

/** With its defaults. */
type SetOptions =
  & WorkerOptions
  & Required<Pick<WorkerOptions, "concurrency" | "attempts" | "waitSeconds">>;

/** A message, and what became of it so far. */
interface Known {
  readonly what: string;
  attempts: number;
  reason?: string;
}

interface InHand {
  message: QueueMessage;
  hiddenUntil: number;
  work: Promise<void>;
}

/**
 * Works on a job until it is over, it is asked to stop, or nothing but dead letters is left.
 * @throws {BossError} If the server, the queue or the bucket refuses, or cannot be reached for long.
 * @throws {SpoolError} If the disk of the spool is full.
 * @throws The reason of `signal`.
 */
export async function runBossWorker(options: WorkerOptions): Promise<WorkReport> {
  const { service, keys, folder, concurrency = 8, attempts = 3, waitSeconds = 5 } = options;
  for (const [name, value] of [["concurrency", concurrency], ["attempts", attempts]] as const) {
    if (!Number.isInteger(value) || value < 1) {
      throw new UsageError(`Cannot work with ${name} ${value}: it must be an integer from 1 up`);
    }
  }
  const { host } = new URL(service.url);
  using hands = await Hands.open(folder, `${host}-${keys.join.job.id}`);
  return await new Worker({ ...options, concurrency, attempts, waitSeconds }, hands).run();
}

class Worker {
  readonly #options: SetOptions;
  readonly #hands: Hands;
  readonly #completion: Completion;
  readonly #inHand = new Map<string, InHand>();
  readonly #known = new Map<string, Known>();
  readonly #dead = new Map<string, BossDeadLetter>();
  readonly #seconds: number[] = [];
  readonly #counts = { uploaded: 0, late: 0, duplicates: 0, failures: 0 };
  /** Disturbances with nothing done between them. */
  readonly #troubles = { queue: 0, upload: 0 };
  /** When something other than a dead letter was seen last. */
  #livelyAt: number;
  #fatal?: { readonly error: unknown };

  constructor(options: SetOptions, hands: Hands) {
    this.#options = options;
    this.#hands = hands;
    this.#livelyAt = options.service.clock.now();
    this.#completion = new Completion({
      service: options.service,
      job: options.keys.join.job.id,
      stopping: options.stopping,
      onState: (text) => options.onEvent?.({ kind: "server", text }),
    });
  }

  async run(): Promise<WorkReport> {
    const { signal, stopping } = this.#options;
    try {
      while (!stopping?.aborted && this.#fatal === undefined) {
        signal.throwIfAborted();
        const end = await this.#turn();
        if (end !== undefined) return { ...end, ...this.#counts, dead: [...this.#dead.values()] };
      }
    } finally {
      // What is in hand is finished, whatever ended the loop; an abort ends it sooner.
      await Promise.allSettled([...this.#inHand.values()].map(({ work }) => work));
      this.#hands.release();
    }
    if (this.#fatal !== undefined) {
      signal.throwIfAborted();
      const over = await this.#endBehind(this.#fatal.error);
      if (over === undefined) throw this.#fatal.error;
      return { ...over, ...this.#counts, dead: [...this.#dead.values()] };
    }
    return { end: "stopped", ...this.#counts, dead: [...this.#dead.values()] };
  }

  /** Takes some messages, or waits; @returns How it ends, if it does. */
  async #turn(): Promise<Pick<WorkReport, "end" | "state"> | undefined> {
    const { concurrency, signal } = this.#options;
    const free = concurrency - this.#inHand.size;
    if (free === 0) return await this.#awaitHand();
    let count: number;
    try {
      count = await this.#receive(free);
      if (count === 0 && this.#inHand.size === 0) {
        this.#hands.release();
        return await this.#idle();
      }
    } catch (error) {
      signal.throwIfAborted();
      return await this.#disturbed(error);
    }
    if (count === 0) await this.#awaitHand(LOOK_MS);
  }

  /** Waits until something in hand is done. */
  async #awaitHand(most?: number): Promise<undefined> {
    const done = [...this.#inHand.values()].map(({ work }) => work);
    if (most === undefined) return void await Promise.race(done);
    const over = new AbortController();
    const timer = delay(most, over.signal).catch(() => {});
    await Promise.race([...done, timer]);
    over.abort();
  }

  async #receive(free: number): Promise<number> {
    const { queue, service, signal, stopping, waitSeconds } = this.#options;
    await this.#hands.take(signal);
    const visibilitySeconds = this.#visibility();
    const begun = service.clock.now();
    const messages = await queue.receive({
      count: Math.min(free, 10),
      visibilitySeconds,
      waitSeconds: this.#inHand.size > 0 ? 0 : waitSeconds,
      signal,
    });
    this.#troubles.queue = 0;
    const hiddenUntil = Math.max(begun, service.clock.now()) + visibilitySeconds * 1000;
    for (const message of messages) {
      // Who was asked to stop meanwhile leaves them: they come again.
      if (stopping?.aborted) this.#hands.leave(hiddenUntil);
      else this.#take(message, hiddenUntil);
    }
    return messages.length;
  }

  /** Seconds that a message is hidden: what the slowest of late took, three times. */
  #visibility(): number {
    if (this.#seconds.length === 0) return MOST_VISIBILITY;
    const needed = Math.ceil(3 * Math.max(...this.#seconds)) + 10;
    return Math.min(MOST_VISIBILITY, Math.max(LEAST_VISIBILITY, needed));
  }

  #take(message: QueueMessage, hiddenUntil: number): void {
    const { uploader, service } = this.#options;
    const held = this.#inHand.get(message.id);
    if (held !== undefined) {
      // It is under way; only the newest handle deletes it.
      this.#counts.duplicates++;
      [held.message, held.hiddenUntil] = [message, hiddenUntil];
      return;
    }
    if (this.#dead.has(message.id)) return this.#hands.leave(hiddenUntil);
    this.#livelyAt = service.clock.now();
    this.#completion.disturb();
    let what: string;
    try {
      what = uploader.name(message.body);
    } catch (error) {
      // It says the same when it comes again.
      this.#bury(message.id, { what: `message ${message.id}`, attempts: 1 }, messageOf(error));
      return this.#hands.leave(hiddenUntil);
    }
    const known = this.#known.get(message.id) ?? { what, attempts: 0 };
    this.#known.set(message.id, known);
    const mine: InHand = { message, hiddenUntil, work: Promise.resolve() };
    this.#inHand.set(message.id, mine);
    mine.work = this.#work(mine, known).finally(() => {
      this.#inHand.delete(message.id);
      this.#livelyAt = service.clock.now();
    });
  }

  /** Does what a message asks for; never fails. */
  async #work(mine: InHand, known: Known): Promise<void> {
    const { uploader, queue, signal, onEvent } = this.#options;
    const begun = performance.now();
    try {
      const { id, body } = mine.message;
      let isMade = false;
      try {
        const upload = await uploader.make(body, signal);
        isMade = true;
        await upload.put(mine.message, signal);
      } catch (error) {
        this.#hands.leave(mine.hiddenUntil);
        if (signal.aborted) return;
        if (isOfWay(error, isMade)) this.#trouble(error, "upload");
        else if (error instanceof SpoolError || error instanceof UsageError) this.#stop(error);
        else this.#strike(id, known, error);
        return;
      }
      const answer = await queue.delete(mine.message.receiptHandle, { signal });
      if (answer === "lost") {
        this.#counts.late++;
        this.#hands.leave(mine.hiddenUntil);
      }
      this.#known.delete(id);
      this.#troubles.upload = 0;
      this.#counts.uploaded++;
      const seconds = (performance.now() - begun) / 1000;
      this.#seconds.push(seconds);
      if (this.#seconds.length > REMEMBERED) this.#seconds.shift();
      onEvent?.({ kind: "uploaded", what: known.what, seconds });
    } catch (error) {
      // It is there, and could not be deleted: it comes again, and is the same.
      if (!signal.aborted) this.#trouble(error, "upload");
      this.#hands.leave(mine.hiddenUntil);
    }
  }

  /** One attempt at a message is used up. */
  #strike(id: string, known: Known, error: unknown): void {
    const reason = messageOf(error);
    this.#counts.failures++;
    known.attempts++;
    known.reason = reason;
    if (known.attempts >= this.#options.attempts) return this.#bury(id, known, reason);
    const { what, attempts: attempt } = known;
    this.#options.onEvent?.({ kind: "failed", what, attempt, reason });
  }

  #bury(id: string, { what, attempts }: Known, reason: string): void {
    this.#known.delete(id);
    this.#dead.set(id, { what, reason, attempts });
    this.#options.onEvent?.({ kind: "dead", what, reason });
  }

  /** The way is disturbed; for too long, or for good, that ends the run. */
  #trouble(error: unknown, where: "queue" | "upload"): void {
    this.#options.onEvent?.({ kind: "trouble", reason: messageOf(error) });
    const passes = (error instanceof BossError || error instanceof BlobError) &&
      (error.kind === "unavailable" || error.kind === "corrupt");
    if (!passes || ++this.#troubles[where] >= MOST_TROUBLES) this.#stop(error);
  }

  #stop(error: unknown): void {
    this.#fatal ??= { error };
  }

  /** A question to the queue or the server went wrong: what it would have said stays unknown. */
  async #disturbed(error: unknown): Promise<Pick<WorkReport, "end" | "state"> | undefined> {
    const { service, signal, stopping } = this.#options;
    const over = await this.#endBehind(error);
    if (over !== undefined) return over;
    this.#trouble(error, "queue");
    if (this.#fatal === undefined) await waitOr(service.clock, PAUSE_MS, signal, stopping);
  }

  /** The end of the job, if that is what is behind an error: its queues and keys go with it, by whoever ends it. */
  async #endBehind(error: unknown): Promise<Pick<WorkReport, "end" | "state"> | undefined> {
    const { service, keys, signal } = this.#options;
    const isRefusal = error instanceof BossError && GONE.has(error.kind) ||
      error instanceof BlobError && GONE.has(error.kind);
    if (!isRefusal) return undefined;
    try {
      const { state } = await service.status(keys.join.job.id, { signal });
      if (state === "complete") return { end: "complete" };
      return hasEnded(state) ? { end: "ended", state } : undefined;
    } catch {
      signal.throwIfAborted();
      // The first error says more.
      return undefined;
    }
  }

  /** The queue has nothing that could be received, and nothing is in hand. */
  async #idle(): Promise<Pick<WorkReport, "end" | "state"> | undefined> {
    const { service, keys, signal, stopping, completes = true, idleSeconds, waitSeconds } =
      this.#options;
    if (stopping?.aborted) return undefined;
    const { clock } = service;
    const now = clock.now();
    const pause = (until: number) =>
      waitOr(
        clock,
        Math.max(LOOK_MS, Math.min(PAUSE_MS, until - clock.now())),
        signal,
        stopping,
      );
    if (this.#dead.size > 0) {
      // Whatever else somebody had in hand would have come again by now.
      if (now - this.#livelyAt > (MOST_VISIBILITY + 10) * 1000) return { end: "stuck" };
      return void await pause(now + PAUSE_MS);
    }
    // A message of ours is hidden: the server would take its queue for empty.
    const left = await this.#hands.leftUntil(clock.now());
    if (now < left) return void await pause(left);
    if (!completes || !await this.#hands.leads()) {
      // Looked at just before the next receive, which fails slowly where queue and keys went with the job.
      await pause(now + PAUSE_MS);
      const { state } = await service.status(keys.join.job.id, { signal });
      if (state === "complete") return { end: "complete" };
      if (hasEnded(state)) return { end: "ended", state };
      const isIdle = clock.now() - this.#livelyAt >= (idleSeconds ?? Infinity) * 1000;
      return !completes && isIdle ? { end: "idle" } : undefined;
    }
    if (now < this.#completion.askAt) return void await pause(this.#completion.askAt);
    const asked = await this.#hands.whileEmpty(
      async () =>
        clock.now() < await this.#hands.leftUntil(clock.now())
          ? undefined
          : await this.#completion.step(signal),
      // Whoever looks into the queue has done so by then.
      { patienceMs: (waitSeconds + 1) * 1000, signal },
    );
    const step = asked?.value;
    if (step?.kind === "complete") return { end: "complete" };
    if (step?.kind === "ended") return { end: "ended", state: step.state };
    if (step === undefined) await pause(now + PAUSE_MS);
  }
}

/** Whether an error is of the way and not of what was asked for. */
function isOfWay(error: unknown, isMade: boolean): boolean {
  if (error instanceof BossError) return isMade || error.kind !== "corrupt";
  if (!(error instanceof BlobError)) return false;
  // A source that cannot be reached says nothing of one image; one that is refused does.
  return isMade || error.kind === "unavailable" || error.kind === "credentials";
}
