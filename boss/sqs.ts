/**
 * Queues of Amazon SQS, as far as a worker of the Boss may use them: receive, delete, send.
 *
 * It speaks the Query protocol (version 2012-11-05: a form goes out, XML comes back), not the younger JSON protocol.
 * SQS takes both, and the queue's own address is all that Query needs, also the old kind at `queue.amazonaws.com`
 * that a Boss hands out; it is what the clients of the Boss have spoken, so whatever stands in for SQS at an older
 * Boss takes it, while servers from before 2023 know no JSON.
 *
 * A worker may not change how long a message stays hidden once it has it: the time is asked for with the message.
 * Nothing but a whole answer that holds no message counts as an empty queue.
 * @module
 */
import { createHash } from "node:crypto";
import { UsageError } from "../core/errors.ts";
import { type Answer, exchange } from "../stores/blobs/_exchange.ts";
import { elementsOf, isWholeDocument, textOf } from "../stores/blobs/_s3_xml.ts";
import { BlobError } from "../stores/blobs/blobs.ts";
import { Retry, type RetryOptions, Transient } from "../stores/blobs/retry.ts";
import type { CredentialKeeper, S3Credentials } from "../stores/blobs/s3_credentials.ts";
import { Signer } from "../stores/blobs/sign.ts";
import { isLost, needsOtherKeys, type QueueAnswer, queueFault } from "./_sqs_errors.ts";
import { BossError, type BossErrorKind, type BossFault } from "./boss_error.ts";

/** A message, in the hands of who received it. */
export interface QueueMessage {
  /** Its name, the same whenever it is received. */
  readonly id: string;
  /** The right to delete it; another each time that it is received. */
  readonly receiptHandle: string;
  /** What it says. */
  readonly body: string;
}

/** How a queue is used. */
export interface QueueOptions {
  /** Where it lies. @default What its host says, else us-east-1 */
  readonly region?: string;
  /** How long to try. @default 20 attempts in 180 s, as keys of a job take a while to become valid */
  readonly retry?: RetryOptions;
}

/** What every call takes. */
export interface QueueCallOptions {
  /** Ends the call; it then throws the reason of the signal itself. */
  readonly signal?: AbortSignal;
}

/** What to receive. */
export interface ReceiveOptions extends QueueCallOptions {
  /** Messages at most, from 1 to 10. @default 1 */
  readonly count?: number;
  /** For how long nobody else receives them, in seconds, up to 12 hours. @default What the queue says: 120 at the Boss */
  readonly visibilitySeconds?: number;
  /** For how long an empty queue is watched, in seconds, up to 20. @default 1 */
  readonly waitSeconds?: number;
}

/** Patience with queues and buckets of a job: its keys may not be known at first. */
export const JOB_RETRY: RetryOptions = { attempts: 20, seconds: 180 };

const VERSION = "2012-11-05";
const MOST_MESSAGE_BYTES = 262_144;
/** Servers refuse to believe a request that is this far from their own time. */
const MOST_SKEW = 4 * 60_000;

interface QueueRequest<T> {
  readonly action: "ReceiveMessage" | "DeleteMessage" | "SendMessage";
  readonly parameters: Readonly<Record<string, string | number>>;
  /** As an error begins, before the address of the queue. */
  readonly act: string;
  readonly signal?: AbortSignal;
  /** Seconds that the server may take before it begins to answer. @default 0 */
  readonly patience?: number;
  /** Makes something of the answer, or of an error that `expects` lets through. */
  readonly read: (answer: QueueAnswer) => T;
  readonly expects?: (answer: QueueAnswer) => boolean;
}

/** One queue. */
export class SqsQueue {
  /** Address, as messages print it. */
  readonly shown: string;
  readonly #url: URL;
  readonly #region: string;
  readonly #keeper: CredentialKeeper;
  readonly #retry: Retry;
  readonly #signer = new Signer("sqs");
  /** Milliseconds that the server's clock is ahead. */
  #skew = 0;

  /**
   * Nothing is asked of the queue yet.
   * @param url As the Boss hands it out.
   * @param keeper Keys; those of a job serve all of its queues.
   * @throws {UsageError} If `url` is no address of a queue.
   */
  constructor(url: string, keeper: CredentialKeeper, options: QueueOptions = {}) {
    const parsed = URL.parse(url);
    if (parsed === null || !/^https?:$/.test(parsed.protocol) || parsed.username !== "") {
      throw new UsageError(
        `Cannot use ${
          JSON.stringify(url.replace(/\/\/.*@/s, "//").slice(0, 200))
        } as a queue: it is no plain address of one; look at what the Boss answers to join`,
      );
    }
    parsed.search = parsed.hash = "";
    this.#url = parsed;
    this.shown = parsed.href;
    this.#region = options.region ?? regionOf(parsed.hostname);
    this.#keeper = keeper;
    this.#retry = new Retry({ ...JOB_RETRY, ...options.retry });
  }

  /**
   * Takes some messages; none where the queue has none that is not in other hands.
   *
   * A message comes at least once: where an answer was lost, it is hidden for a while, and comes again.
   */
  async receive(options: ReceiveOptions = {}): Promise<QueueMessage[]> {
    const { count = 1, visibilitySeconds, waitSeconds = 1, signal } = options;
    checkNumber("count", count, [1, 10]);
    checkNumber("waitSeconds", waitSeconds, [0, 20]);
    if (visibilitySeconds !== undefined) {
      checkNumber("visibilitySeconds", visibilitySeconds, [0, 43_200]);
    }
    return await this.#ask({
      action: "ReceiveMessage",
      parameters: {
        MaxNumberOfMessages: count,
        WaitTimeSeconds: waitSeconds,
        ...(visibilitySeconds === undefined ? {} : { VisibilityTimeout: visibilitySeconds }),
      },
      act: "receive from",
      signal,
      patience: waitSeconds,
      read: readMessages,
    });
  }

  /**
   * Deletes a message, as its work is done. Again, it is no fault.
   * @returns `lost` where somebody else may have received it since, or it is gone.
   */
  async delete(
    receiptHandle: string,
    { signal }: QueueCallOptions = {},
  ): Promise<"deleted" | "lost"> {
    return await this.#ask({
      action: "DeleteMessage",
      parameters: { ReceiptHandle: receiptHandle },
      act: "delete a message of",
      signal,
      expects: isLost,
      read: ({ status }) => status < 300 ? "deleted" : "lost",
    });
  }

  /**
   * Sends a message. Where an answer was lost it is sent again, and may come twice.
   * @returns The name that it has now.
   */
  async send(body: string, { signal }: QueueCallOptions = {}): Promise<string> {
    const bytes = new TextEncoder().encode(body).length;
    if (bytes === 0 || bytes > MOST_MESSAGE_BYTES) {
      throw new RangeError(
        `Cannot send a message of ${bytes} bytes: queues take from 1 to ${MOST_MESSAGE_BYTES}`,
      );
    }
    return await this.#ask({
      action: "SendMessage",
      parameters: { MessageBody: body },
      act: "send to",
      signal,
      read: ({ xml }) => {
        const id = textOf(xml, "MessageId");
        if (id === undefined) throw new Transient("the queue confirmed nothing", "corrupt");
        checkMd5(body, textOf(xml, "MD5OfMessageBody"), "confirmed another message than was sent");
        return id;
      },
    });
  }

  async #ask<T>(request: QueueRequest<T>): Promise<T> {
    const { signal = new AbortController().signal } = request;
    const act = `${request.act} "${this.shown}"`;
    const renewed = new Set<"keys">();
    let last: BossFault = {};
    const hear = (fault: BossFault) => last = fault;
    const wayOut = "try again later, or look at the network and the state of the job";
    try {
      const work = () => this.#attempt(request, act, signal, renewed, hear);
      return await this.#retry.run(work, { act, signal, wayOut });
    } catch (error) {
      if (!(error instanceof BlobError)) throw error;
      const kind: BossErrorKind = error.kind === "unavailable" || error.kind === "corrupt"
        ? error.kind
        : "forbidden";
      throw new BossError(error.message, kind, last);
    }
  }

  /** @param renewed Whether keys were renewed for this request, as they are once at most. */
  async #attempt<T>(
    request: QueueRequest<T>,
    act: string,
    signal: AbortSignal,
    renewed: Set<"keys">,
    hear: (fault: BossFault) => void,
  ): Promise<T> {
    hear({});
    for (let isSet = false;;) {
      const keys = await this.#keeper.keys(signal);
      if (keys === undefined) {
        throw new BossError(`Cannot ${act}: there are no keys; join the job first`, "keys");
      }
      const answer = await this.#send(request, keys, signal);
      const { status, code } = answer;
      hear({ status, code });
      if (status < 300) {
        if (!isWholeDocument(answer.xml, `${request.action}Response`)) {
          throw new Transient(`the server answered ${status}, and not to this`, "corrupt");
        }
        return request.read(answer);
      }
      if (request.expects?.(answer)) return request.read(answer);
      if (!isSet && this.#setClock(answer)) isSet = true;
      else if (renewed.has("keys") || !await this.#renew(code, keys, signal)) {
        throw queueFault(act, answer, keys, this.#retry.clock);
      } else renewed.add("keys");
    }
  }

  async #send<T>(
    { action, parameters, patience = 0 }: QueueRequest<T>,
    keys: S3Credentials,
    signal: AbortSignal,
  ): Promise<QueueAnswer> {
    const form = new URLSearchParams({ Action: action, Version: VERSION });
    for (const [name, value] of Object.entries(parameters)) form.set(name, String(value));
    const asked = {
      method: "POST",
      url: this.#url,
      headers: new Headers({ "content-type": "application/x-www-form-urlencoded" }),
      body: new TextEncoder().encode(form.toString()),
    };
    const now = this.#retry.clock.now() + this.#skew;
    const headers = await this.#signer.sign(asked, keys, { region: this.#region, now });
    const stall = this.#retry.stall + patience * 1000;
    const answer = await exchange({ ...asked, headers, redirect: "manual", stall, signal });
    const xml = new TextDecoder().decode(answer.bytes);
    if (answer.status < 300 || !xml.includes("<Error")) return { ...answer, xml };
    return { ...answer, xml, code: textOf(xml, "Code"), said: textOf(xml, "Message") };
  }

  /** Takes the server's time where the clocks are too far apart. */
  #setClock({ status, headers }: Answer): boolean {
    if (status !== 400 && status !== 403) return false;
    const ahead = Date.parse(headers.get("date") ?? "") - this.#retry.clock.now();
    if (!(Math.abs(ahead - this.#skew) > MOST_SKEW)) return false;
    this.#skew = ahead;
    return true;
  }

  /** Has keys renewed that the server knows no more. @returns Whether there are others now. */
  async #renew(code: string | undefined, keys: S3Credentials, signal: AbortSignal) {
    const isOld = needsOtherKeys(code, keys, this.#retry.clock);
    return isOld && await this.#keeper.renew(keys, signal);
  }
}

function readMessages({ xml }: QueueAnswer): QueueMessage[] {
  if (elementsOf(xml, "ReceiveMessageResult").length !== 1) {
    throw new Transient("the server does not say whether there are messages", "corrupt");
  }
  return elementsOf(xml, "Message").map((inside) => {
    const id = textOf(inside, "MessageId");
    const receiptHandle = textOf(inside, "ReceiptHandle");
    const body = textOf(inside, "Body");
    if (!id || !receiptHandle || body === undefined) {
      throw new Transient("a message came without its name, handle or body", "corrupt");
    }
    checkMd5(body, textOf(inside, "MD5OfBody"), "handed out a message that is damaged");
    return { id, receiptHandle, body };
  });
}

function checkMd5(body: string, md5: string | undefined, state: string): void {
  if (md5 !== undefined && md5 !== createHash("md5").update(body).digest("hex")) {
    throw new Transient(`the queue ${state}`, "corrupt");
  }
}

/** The region that the host of a queue names. */
function regionOf(host: string): string {
  return /^(?:sqs\.)?([a-z]{2,}(?:-[a-z]+)+-\d)\.(?:queue\.)?amazonaws\.com(?:\.cn)?$/.exec(host)
    ?.[1] ?? "us-east-1";
}

function checkNumber(name: string, value: number, [min, max]: readonly [number, number]): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new RangeError(
    `Cannot receive messages with ${name} ${value}: it must be an integer from ${min} to ${max}`,
  );
}
