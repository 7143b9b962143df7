/**
 * The threads of one custom plugin, each with its permissions and nothing else.
 * @module
 */
import { SluiceError } from "../core/errors.ts";
import type { PluginQuestion, PluginSaid, PluginStart } from "./_plugin_words.ts";
import { denoPermissions, explainRefusal, type PluginPermissions } from "./_plugin_permissions.ts";

/** What went wrong: see {@linkcode PluginError}. */
export type PluginFault = "refused" | "thrown" | "late" | "ended" | "answer" | "unloadable";

/**
 * A custom plugin could not be asked, or gave what cannot be used. In a job this costs the message that it was asked
 * for, and no other.
 * @example Asked for what it may not read
 * ```ts
 * import { PluginError } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * const error = new PluginError('Cannot ask plugin "./a.ts#A"', "refused", "it tried to read");
 * equal(error.message, 'Cannot ask plugin "./a.ts#A": it tried to read');
 * ```
 */
export class PluginError extends SluiceError {
  /** Says which class it is. */
  override readonly name = "PluginError";
  /**
   * Says what could not be done, and why.
   * @param act Of which plugin, and for what.
   * @param kind `refused`: it tried what it may not; `thrown`: it threw; `late`: it took too long; `ended`: its thread
   * ended; `answer`: what it gave cannot be used; `unloadable`: its module or class cannot be had.
   * @param reason What happened, and what to do.
   */
  constructor(act: string, readonly kind: PluginFault, readonly reason: string) {
    super(`${act}: ${reason}`);
  }
}

/** What threads are started with. */
export interface PluginThreadsOptions extends PluginStart {
  /** As messages say it. */
  readonly shown: string;
  /** What it may do. */
  readonly permissions: PluginPermissions;
  /** Threads at most; each asks one question at a time. */
  readonly size: number;
  /** Longest that it may take to load, or to answer. */
  readonly seconds: number;
  /** Takes secrets out of what it says. */
  readonly clean: (text: string) => string;
}

/** A thread that waits for a question is ended after so long, so that nobody has to. */
const IDLE_MS = 1_000;
/** A thread that only waits says so within this time. */
const ALIVE_MS = 500;
/** Deno cannot end a thread that computes for ever before the program ends: so many are borne. */
const MOST_LOST = 4;

/** A thread that has loaded its plugin. */
interface Thread {
  readonly worker: Worker;
  readonly varies: unknown;
  timer?: ReturnType<typeof setTimeout>;
}

/** Threads of one plugin. */
export class PluginThreads {
  readonly #options: PluginThreadsOptions;
  readonly #idle: Thread[] = [];
  readonly #waiting: (() => void)[] = [];
  #busy = 0;
  #lost = 0;
  #nextId = 0;

  /** Starts nothing yet. */
  constructor(options: PluginThreadsOptions) {
    this.#options = options;
  }

  /**
   * Loads the plugin once, and ends its thread again.
   * @returns What it says of itself.
   * @throws {PluginError} If it cannot be loaded, or made.
   */
  async load(signal?: AbortSignal): Promise<{ readonly varies: unknown }> {
    const { worker, varies } = await this.#start(signal);
    worker.terminate();
    return { varies };
  }

  /**
   * Asks it.
   * @param what What for, for errors.
   * @throws {PluginError} If it does not answer.
   * @throws The reason of `signal`.
   */
  async ask(args: readonly unknown[], what: string, signal?: AbortSignal): Promise<unknown> {
    await this.#enter(signal);
    if (this.#lost >= MOST_LOST) {
      this.#leave();
      const reason =
        `${this.#lost} of its threads compute without end, and it is asked no more; mend it, and start anew`;
      throw new PluginError(this.#act(what), "late", reason);
    }
    let thread: Thread | undefined;
    let isWell = false;
    try {
      thread = this.#idle.pop();
      clearTimeout(thread?.timer);
      thread ??= await this.#start(signal);
      const question: PluginQuestion = { id: this.#nextId++, args };
      const said = await this.#wait(thread.worker, question, what, signal);
      isWell = said.kind !== "ended";
      if (said.kind === "answer") return said.value;
      throw this.#errorOf(said, what);
    } finally {
      if (thread !== undefined && isWell) this.#keep(thread);
      else thread?.worker.terminate();
      this.#leave();
    }
  }

  /** Ends the threads that are idle. */
  close(): void {
    for (const { worker, timer } of this.#idle.splice(0)) {
      clearTimeout(timer);
      worker.terminate();
    }
  }

  async #enter(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#busy < this.#options.size) return void this.#busy++;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = () => {
      this.#waiting.splice(this.#waiting.indexOf(resolve), 1);
      reject(signal!.reason);
    };
    this.#waiting.push(resolve);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      await promise;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Hands the place on to who waits longest. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#busy--;
    else next();
  }

  #keep(thread: Thread): void {
    const { worker } = thread;
    const drop = () => {
      const at = this.#idle.indexOf(thread);
      if (at < 0) return;
      this.#idle.splice(at, 1);
      clearTimeout(thread.timer);
      worker.terminate();
    };
    thread.timer = setTimeout(drop, IDLE_MS);
    // What it left behind may still end it.
    worker.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (isSaid(data, undefined) && data.kind === "ended") drop();
    };
    worker.onerror = (event) => {
      event.preventDefault();
      drop();
    };
    this.#idle.push(thread);
  }

  async #start(signal?: AbortSignal): Promise<Thread> {
    const { module, className, setup, revoked, permissions } = this.#options;
    const worker = new Worker(new URL("./_plugin_host.ts", import.meta.url), {
      type: "module",
      deno: { permissions: denoPermissions(permissions) },
    });
    try {
      const start: PluginStart = { module, className, setup, revoked };
      const said = await this.#wait(worker, start, undefined, signal);
      if (said.kind !== "opened") throw this.#errorOf(said, undefined);
      return { worker, varies: said.varies };
    } catch (error) {
      worker.terminate();
      throw error;
    }
  }

  /** Tells a thread something, and waits for what it says to it. */
  async #wait(
    worker: Worker,
    told: PluginStart | PluginQuestion,
    what: string | undefined,
    signal?: AbortSignal,
  ): Promise<PluginSaid> {
    const { seconds } = this.#options;
    const id = "id" in told ? told.id : undefined;
    const { promise, resolve, reject } = Promise.withResolvers<PluginSaid>();
    const onAbort = () => reject(signal!.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    const late = (mend: string) => {
      const reason = `it gave no answer within ${seconds} s, and its thread was ended; ${mend}`;
      reject(new PluginError(this.#act(what), "late", reason));
    };
    let timer = setTimeout(() => {
      worker.postMessage("alive?");
      timer = setTimeout(() => {
        this.#lost++;
        late("it computes without end: mend it");
      }, ALIVE_MS);
    }, seconds * 1000);
    worker.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (isSaid(data, id) && data.kind === "alive") return late("mend what it waits for");
      // The plugin has the same way to the program as its host, and may say anything.
      if (isSaid(data, id)) resolve(data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      resolve({ kind: "ended", how: event.message });
    };
    try {
      signal?.throwIfAborted();
      worker.postMessage(told);
      return await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    }
  }

  #errorOf(said: PluginSaid, what: string | undefined): PluginError {
    const kind = what === undefined ? "unloadable" : "thrown";
    const { clean } = this.#options;
    if (said.kind === "ended") {
      const reason = explainRefusal(said.how);
      return new PluginError(
        this.#act(what),
        reason === undefined ? "ended" : "refused",
        clean(reason ?? `its thread ended: ${said.how}; mend it so that it answers or throws`),
      );
    }
    const text = said.kind === "failed" ? said.message : `it said "${said.kind}" out of turn`;
    const refused = explainRefusal(text);
    if (refused !== undefined) return new PluginError(this.#act(what), "refused", clean(refused));
    // The executable runs with --cached-only, and keeps no cache.
    const offline = kind === "unloadable" && /--cached-only|cache entry/.test(text)
      ? "; this program fetches no modules: save it as a file, and name that"
      : "";
    const reason = kind === "thrown" ? `it threw ${text}` : `${text.split("\n")[0]}${offline}`;
    return new PluginError(this.#act(what), kind, clean(reason));
  }

  #act(what: string | undefined): string {
    const { shown } = this.#options;
    return what === undefined
      ? `Cannot load plugin "${shown}"`
      : `Cannot ask plugin "${shown}" for ${what}`;
  }
}

function isSaid(data: unknown, id: number | undefined): data is PluginSaid {
  if (typeof data !== "object" || data === null || !("kind" in data)) return false;
  const said = data as Partial<Record<"id" | "how" | "message", unknown>> & { kind: unknown };
  switch (said.kind) {
    case "alive":
      return true;
    case "opened":
      return id === undefined;
    case "ended":
      return typeof said.how === "string";
    case "failed":
      return said.id === id && typeof said.message === "string";
    case "answer":
      return id !== undefined && said.id === id;
  }
  return false;
}
