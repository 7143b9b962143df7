/** Queues in memory that speak the Query protocol of SQS, for tests: they check signatures and rights. */
import { createHash } from "node:crypto";
import { type RawAnswer, type RawRequest, type RawServer, serveRaw } from "../_raw_http.ts";
import { escapeXml } from "../_s3_server.ts";
import { checkSignature, type KnownKey, type SignatureFault } from "../_sigv4.ts";

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
  create(name: string, visibilitySeconds: number): TestQueue;
  /** Puts a message into a queue, as the server of the Boss does. @returns Its name. */
  put(queue: TestQueue, body: string): string;
  /** Messages that can be received now: what SQS counts as their approximate number. */
  visible(queue: TestQueue): number;
}

const ACCOUNT = "123456789012";
const XMLNS = "http://queue.amazonaws.com/doc/2012-11-05/";

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
  const form = new URLSearchParams(new TextDecoder().decode(request.body));
  const action = form.get("Action") ?? "";
  const name = request.path.split("/")[2] ?? "";
  server.log.push(`${action} ${name}`);
  const date = new Date(rules.now()).toUTCString();
  const dated = ({ headers, ...rest }: RawAnswer): RawAnswer => ({
    ...rest,
    headers: { date, ...headers },
  });
  const own = server.next.shift();
  if (own !== undefined) return dated(own);
  const fault = checkSignature(request, {
    keys: rules.keys(),
    region: "us-east-1",
    service: "sqs",
    now: rules.now(),
  });
  if (fault !== undefined) return dated(queueError(...REFUSALS[fault]));
  if (request.method !== "POST" || form.get("Version") !== "2012-11-05") {
    return dated(queueError(400, "InvalidAction"));
  }
  const keyId = /Credential=([^/]+)/.exec(request.headers.get("authorization") ?? "")![1];
  if (!rules.isAllowed(keyId, name, action)) {
    return dated(queueError(403, "AccessDenied"));
  }
  const queue = server.queues.get(name);
  if (queue === undefined) {
    return dated(queueError(400, "AWS.SimpleQueueService.NonExistentQueue"));
  }
  return dated(await perform(server, rules, queue, action, form));
}

const REFUSALS: Readonly<Record<SignatureFault, readonly [status: number, code: string]>> = {
  AccessDenied: [403, "MissingAuthenticationToken"],
  InvalidAccessKeyId: [403, "InvalidClientTokenId"],
  SignatureDoesNotMatch: [403, "SignatureDoesNotMatch"],
  RequestTimeTooSkewed: [403, "RequestExpired"],
  AuthorizationHeaderMalformed: [403, "SignatureDoesNotMatch"],
  ExpiredToken: [403, "ExpiredToken"],
};

async function perform(
  server: SqsServer,
  rules: SqsRules,
  queue: TestQueue,
  action: string,
  form: URLSearchParams,
): Promise<RawAnswer> {
  switch (action) {
    case "ReceiveMessage": {
      const until = performance.now() + Number(form.get("WaitTimeSeconds") ?? 0) * 1000;
      const count = Number(form.get("MaxNumberOfMessages") ?? 1);
      const hidden = Number(form.get("VisibilityTimeout") ?? queue.visibilitySeconds) * 1000;
      while (server.visible(queue) === 0 && performance.now() < until) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      return queueAnswer(action, take(queue, rules.now(), count, hidden).join(""));
    }
    case "DeleteMessage":
      return remove(queue, form.get("ReceiptHandle") ?? "")
        ? queueAnswer(action)
        : queueError(400, "ReceiptHandleIsInvalid");
    case "SendMessage": {
      const body = form.get("MessageBody") ?? "";
      if (new TextEncoder().encode(body).length > 262_144) {
        return queueError(400, "InvalidParameterValue");
      }
      const id = server.put(queue, body);
      queue.onMessage?.(body);
      return queueAnswer(
        action,
        `<MessageId>${id}</MessageId><MD5OfMessageBody>${md5(body)}</MD5OfMessageBody>`,
      );
    }
    case "GetQueueAttributes":
      return queueAnswer(
        action,
        `<Attribute><Name>ApproximateNumberOfMessages</Name><Value>${
          server.visible(queue)
        }</Value></Attribute>`,
      );
    default:
      return queueError(400, "InvalidAction");
  }
}

function take(queue: TestQueue, now: number, count: number, hidden: number): string[] {
  const found = queue.messages.filter(({ visibleAt }) => visibleAt <= now).slice(0, count);
  return found.map((message) => {
    const handle = crypto.randomUUID();
    message.handles.push(handle);
    if (queue.duplicates > 0) queue.duplicates--;
    else message.visibleAt = now + hidden;
    queue.handles.add(handle);
    return `<Message><MessageId>${message.id}</MessageId><ReceiptHandle>${handle}</ReceiptHandle><MD5OfBody>${
      md5(message.body)
    }</MD5OfBody><Body>${escapeXml(message.body)}</Body></Message>`;
  });
}

function remove(queue: TestQueue, handle: string): boolean {
  queue.messages = queue.messages.filter((message) => message.handles.at(-1) !== handle);
  return queue.handles.has(handle);
}

function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}

function queueAnswer(action: string, inside?: string): RawAnswer {
  const result = inside === undefined
    ? ""
    : inside === ""
    ? `<${action}Result/>`
    : `<${action}Result>${inside}</${action}Result>`;
  const body =
    `<?xml version="1.0"?><${action}Response xmlns="${XMLNS}">${result}<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></${action}Response>`;
  return { status: 200, headers: { "content-type": "text/xml" }, body };
}

/** An error as SQS gives it. */
export function queueError(status: number, code: string, message = `It is ${code}`): RawAnswer {
  const body =
    `<?xml version="1.0"?><ErrorResponse xmlns="${XMLNS}"><Error><Type>Sender</Type><Code>${code}</Code><Message>${
      escapeXml(message)
    }</Message><Detail/></Error><RequestId>1</RequestId></ErrorResponse>`;
  return { status, headers: { "content-type": "text/xml" }, body };
}
