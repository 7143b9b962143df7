/** Queues in memory that speak both protocols of SQS, for tests: they check signatures and rights. */
import { createHash } from "node:crypto";
import { type RawAnswer, type RawRequest, type RawServer, serveRaw } from "../_raw_http.ts";
import { checkSignature, type KnownKey, type SignatureFault } from "../_sigv4.ts";
import { queryWire, readWire, type SqsFault, type SqsResult } from "./_sqs_wire.ts";

/** A message as it is kept. */
export interface KeptMessage {
  readonly id: string;
  readonly body: string;
  /** From when on it can be received, milliseconds since 1970. */
  visibleAt: number;
  /** Every handle it was handed out by; the last one counts. */
  readonly handles: string[];
}

/** One queue. */
export interface TestQueue {
  readonly name: string;
  readonly url: string;
  readonly visibilitySeconds: number;
  /** What is there, in the order it came. */
  messages: KeptMessage[];
  /** All that were ever handed out: to delete by an old one is no fault, and deletes nothing. */
  readonly handles: Set<string>;
  /** So many messages come, and are not hidden: whoever asks next gets them, too. */
  duplicates: number;
  /** Is told of each message that is sent to it from outside. */
  onMessage?: (body: string) => void;
  /** Is told of each message that is deleted. */
  onDelete?: (body: string) => void;
}

/** What queues need to know. */
export interface SqsRules {
  /** Keys that are good now. */
  keys(): ReadonlyMap<string, KnownKey>;
  /** The server's time. */
  now(): number;
  /** Whether a key may do something to a queue. */
  isAllowed(keyId: string, queue: string, action: string): boolean;
}

/** A server that runs. */
export interface SqsServer extends AsyncDisposable {
  readonly url: string;
  readonly queues: Map<string, TestQueue>;
  /** What was asked: `ReceiveMessage NAME`, in the order it came. */
  readonly log: string[];
  /** Answers to the next requests, before anything else is looked at. */
  readonly next: (RawAnswer | undefined)[];
  /** What goes before everything else, for as long as it is there. */
  intercept?: (action: string, queue: string) => RawAnswer | undefined;
  create(name: string, visibilitySeconds: number): TestQueue;
  /** Puts a message into a queue, as the server of the Boss does. @returns Its name. */
  put(queue: TestQueue, body: string): string;
  /** Messages that can be received now: what SQS counts as their approximate number. */
  visible(queue: TestQueue): number;
}

const ACCOUNT = "123456789012";

/** Serves queues until it is disposed. */
export function serveSqs(rules: SqsRules): SqsServer {
  const raw: RawServer = serveRaw((request) => answer(server, rules, request));
  const server: SqsServer = {
    url: raw.url,
    queues: new Map(),
    log: [],
    next: [],
    create(name, visibilitySeconds) {
      const url = `${raw.url}/${ACCOUNT}/${name}`;
      const queue: TestQueue = {
        name,
        url,
        visibilitySeconds,
        messages: [],
        handles: new Set(),
        duplicates: 0,
      };
      this.queues.set(name, queue);
      return queue;
    },
    put(queue, body) {
      const id = crypto.randomUUID();
      queue.messages.push({ id, body, visibleAt: 0, handles: [] });
      return id;
    },
    visible: (queue) => queue.messages.filter(({ visibleAt }) => visibleAt <= rules.now()).length,
    [Symbol.asyncDispose]: () => raw[Symbol.asyncDispose](),
  };
  return server;
}

async function answer(
  server: SqsServer,
  rules: SqsRules,
  request: RawRequest,
): Promise<RawAnswer> {
  const { action, queue: name, value, entries, isKnown, wire } = readWire(request);
  server.log.push(`${action} ${name}`);
  const date = new Date(rules.now()).toUTCString();
  const dated = ({ headers, ...rest }: RawAnswer): RawAnswer => ({
    ...rest,
    headers: { date, ...headers },
  });
  const own = server.next.shift() ?? server.intercept?.(action, name);
  if (own !== undefined) return dated(own);
  const refuse = (status: number, code: string) => dated(wire.refuse({ status, code }));
  const fault = checkSignature(request, {
    keys: rules.keys(),
    region: "us-east-1",
    service: "sqs",
    now: rules.now(),
  });
  if (fault !== undefined) return refuse(...REFUSALS[fault]);
  if (!isKnown) return refuse(400, "InvalidAction");
  const keyId = /Credential=([^/]+)/.exec(request.headers.get("authorization") ?? "")![1];
  // Many at once need the same right as one.
  if (!rules.isAllowed(keyId, name, action.replace(/Batch$/, ""))) {
    return refuse(403, "AccessDenied");
  }
  const queue = server.queues.get(name);
  if (queue === undefined) return refuse(400, "AWS.SimpleQueueService.NonExistentQueue");
  const done = await perform(server, rules, queue, { action, value, entries });
  return dated("code" in done ? wire.refuse(done) : wire.answer(action, done));
}

const REFUSALS: Readonly<Record<SignatureFault, readonly [status: number, code: string]>> = {
  AccessDenied: [403, "MissingAuthenticationToken"],
  InvalidAccessKeyId: [403, "InvalidClientTokenId"],
  SignatureDoesNotMatch: [403, "SignatureDoesNotMatch"],
  RequestTimeTooSkewed: [403, "RequestExpired"],
  AuthorizationHeaderMalformed: [403, "SignatureDoesNotMatch"],
  ExpiredToken: [403, "ExpiredToken"],
};

/** A question, whichever way it was put. */
interface Question {
  readonly action: string;
  value(name: string): string | undefined;
  entries(): { readonly id: string; readonly handle: string }[];
}

async function perform(
  server: SqsServer,
  rules: SqsRules,
  queue: TestQueue,
  { action, value, entries }: Question,
): Promise<SqsResult | SqsFault> {
  switch (action) {
    case "ReceiveMessage": {
      const until = performance.now() + Number(value("WaitTimeSeconds") ?? 0) * 1000;
      const count = Number(value("MaxNumberOfMessages") ?? 1);
      const hidden = Number(value("VisibilityTimeout") ?? queue.visibilitySeconds) * 1000;
      while (server.visible(queue) === 0 && performance.now() < until) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      return { messages: take(queue, rules.now(), count, hidden) };
    }
    case "DeleteMessage":
      return remove(queue, value("ReceiptHandle") ?? "")
        ? {}
        : { status: 400, code: "ReceiptHandleIsInvalid" };
    case "DeleteMessageBatch": {
      const all = entries();
      const successful = all.filter(({ handle }) => remove(queue, handle)).map(({ id }) => id);
      const failed = all.map(({ id }) => id).filter((id) => !successful.includes(id));
      return { successful, failed };
    }
    case "SendMessage": {
      const body = value("MessageBody") ?? "";
      if (new TextEncoder().encode(body).length > 262_144) {
        return { status: 400, code: "InvalidParameterValue" };
      }
      const id = server.put(queue, body);
      queue.onMessage?.(body);
      return { sent: { id, md5: md5(body) } };
    }
    case "GetQueueAttributes":
      return { attributes: { ApproximateNumberOfMessages: String(server.visible(queue)) } };
    default:
      return { status: 400, code: "InvalidAction" };
  }
}

function take(queue: TestQueue, now: number, count: number, hidden: number) {
  const found = queue.messages.filter(({ visibleAt }) => visibleAt <= now).slice(0, count);
  return found.map((message) => {
    const handle = crypto.randomUUID();
    message.handles.push(handle);
    if (queue.duplicates > 0) queue.duplicates--;
    else message.visibleAt = now + hidden;
    queue.handles.add(handle);
    return { id: message.id, handle, md5: md5(message.body), body: message.body };
  });
}

function remove(queue: TestQueue, handle: string): boolean {
  const at = queue.messages.findIndex((message) => message.handles.at(-1) === handle);
  if (at >= 0) {
    const [{ body }] = queue.messages.splice(at, 1);
    queue.onDelete?.(body);
  }
  return queue.handles.has(handle);
}

function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}

/** An error as SQS gives it in its Query protocol. */
export function queueError(status: number, code: string, message?: string): RawAnswer {
  return queryWire.refuse({ status, code, message });
}
