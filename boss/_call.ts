/**
 * Questions to one Boss: who asks, how often, and what an answer means that was not wanted.
 *
 * Every question has a time limit, and is asked again after a passing fault: with growing pauses, and at a rate that
 * falls where the server asks for it. The token goes out in a header, to this one host and to none that it points to;
 * what a server repeats of it is left out.
 */
import { type AnswerHead, exchange, transientOf } from "../stores/blobs/_exchange.ts";
import { BlobError } from "../stores/blobs/blobs.ts";
import { type Clock, Retry, Transient } from "../stores/blobs/retry.ts";
import { codeName, isTransientCode, meaningOf } from "./_boss_codes.ts";
import { type BossAnswer, describeBody } from "./_rest_answers.ts";
import { BossError, type BossErrorKind, type BossFault } from "./boss_error.ts";
import { bossOrigin, type BossServer, type BossToken } from "./credentials.ts";
import type { BossServiceOptions } from "./rest.ts";

/** One request. */
export interface BossRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Behind the host, the version included, without a slash before it. */
  readonly path: string;
  readonly body?: Uint8Array<ArrayBuffer>;
  /** Media type of what goes out. @default "application/json" */
  readonly type?: string;
  /** Media type of what is to come. @default "application/json" */
  readonly accept?: string;
  /** Whether it goes out once at most. */
  readonly once: boolean;
  readonly signal?: AbortSignal;
}

/** What kind of fault it is, and the way out. */
export type Meaning = readonly [kind: BossErrorKind, wayOut: string];

/** Asks one Boss for one user. */
export class BossCaller {
  /** Address of the Boss. */
  readonly url: string;
  readonly #token: BossToken;
  readonly #retry: Retry;

  /** @throws {UsageError} If `server` names none. Nothing is asked of it yet. */
  constructor(server: BossServer, token: BossToken, options: BossServiceOptions = {}) {
    this.url = bossOrigin(server);
    this.#token = token;
    this.#retry = new Retry({ stallSeconds: 120, ...options.retry });
  }

  /** Time, as the pauses have it. */
  get clock(): Clock {
    return this.#retry.clock;
  }

  /** What is done and where, as messages say it. */
  at(act: string): string {
    return `${act} at "${new URL(this.url).host}"`;
  }

  /** What a server says, without the token that it was sent. */
  scrub(text: string): string {
    return this.#token.scrub(text);
  }

  /** Asks once. @param check Looks at an answer before its body is read. */
  async send(
    { method, path, body, type = "application/json", accept = type, once, signal }: BossRequest,
    check?: (head: AnswerHead) => void,
  ) {
    return await exchange({
      method,
      url: new URL(`${this.url}/${path}`),
      headers: new Headers({
        authorization: this.#token.authorization(),
        accept,
        "content-type": type,
      }),
      body,
      redirect: "manual",
      stall: this.#retry.stall,
      signal,
      once,
      ...(check === undefined ? {} : { check }),
    });
  }

  /**
   * Works until it succeeds, or throws anything but a passing fault.
   * @param work Is given what is to be told of every answer: the last one is part of the error.
   * @throws {BossError} When attempts or time are used up.
   */
  async run<T>(
    act: string,
    signal: AbortSignal | undefined,
    work: (hear: (answer: BossFault) => void) => Promise<T>,
  ): Promise<T> {
    let last: BossFault = {};
    const wayOut = "try again later, or look at the host, the network and what lies in between";
    const attempt = () => {
      last = {};
      return work(({ status, code }) => last = { status, code });
    };
    try {
      return await this.#retry.run(attempt, { act: this.at(act), signal, wayOut });
    } catch (error) {
      if (!(error instanceof BlobError)) throw error;
      const kind: BossErrorKind = error.kind === "unavailable" || error.kind === "corrupt"
        ? error.kind
        : "forbidden";
      throw new BossError(this.scrub(error.message), kind, last);
    }
  }

  /**
   * What an answer means that was not wanted.
   * @param explain What it means to this question; undefined: what its code says.
   * @param more What else is known of the state.
   */
  fault(
    act: string,
    answer: BossAnswer,
    explain: (answer: BossAnswer) => Meaning | undefined = () => undefined,
    more = "",
  ): Transient | BossError {
    const { status, code, headers, json } = answer;
    const state = `the server answered ${status}${this.#said(answer)}${more}`;
    const transient = transientOf({ status, headers }, this.#retry.clock, state) ??
      (isTransientCode(code) ? new Transient(state, "unavailable") : undefined);
    if (transient !== undefined) return transient;
    const fail = ([kind, wayOut]: Meaning) =>
      new BossError(`Cannot ${this.at(act)}: ${state}; ${wayOut}`, kind, { status, code });
    if (status >= 300 && status < 400) {
      const to = URL.parse(headers.get("location") ?? "", this.url)?.origin ?? "nowhere";
      return fail(["refused", `mend host and protocol: it points to "${this.scrub(to)}"`]);
    }
    if (this.#token.isPublic && (status === 401 || status === 403)) {
      return fail([
        "token",
        "give a token, as it is not public: set INTERN_TOKEN, or put it beside this host into ~/.intern/intern.cfg",
      ]);
    }
    if (status === 401 || status === 403 && code === undefined && json !== undefined) {
      return fail([
        "token",
        `mend the token, which is from ${this.#token.source}, or ask for the right to do this`,
      ]);
    }
    return fail(explain(answer) ?? meaningOf(status, code));
  }

  #said(answer: BossAnswer): string {
    const { code, said, json, text } = answer;
    if (json === undefined) return text.trim() === "" ? "" : ` with ${describeBody(answer)}`;
    const words = said === undefined
      ? undefined
      // deno-lint-ignore no-control-regex
      : JSON.stringify(this.scrub(said).replace(/[\x00-\x1f]+/g, " ").slice(0, 300));
    const parts = [code === undefined ? undefined : codeName(code), words];
    const all = parts.filter((part) => part !== undefined).join(": ");
    return all === "" ? "" : ` (${all})`;
  }
}
