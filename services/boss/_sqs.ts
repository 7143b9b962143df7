/**
 * Queues as SQS speaks of them: the Query protocol in XML, and the newer one in JSON.
 * @module
 */
import { createHash } from "node:crypto";
import { delay } from "../../core/abort.ts";
import { escapeXml, type Refusal, xml } from "./_answers.ts";
import { type AwsFault, refuse, type Signer } from "./_aws.ts";
import { ACCOUNT, queueNames } from "./_job.ts";
import type { Job } from "./_jobs.ts";
import { type HandedMessage, type Queues, VISIBILITY_SECONDS } from "./_queues.ts";
import type { SignedRequest } from "./_signature.ts";

/** What the policy of a job's keys allows, by the kind of queue. */
const ALLOWED: Readonly<Record<"upload" | "index", ReadonlySet<string>>> = {
  upload: new Set(["ReceiveMessage", "DeleteMessage", "DeleteMessageBatch", "GetQueueAttributes"]),
  index: new Set(["SendMessage"]),
};

/** Code, name of the newer protocol, status. */
const FAULTS = {
  MissingAuthenticationToken: ["MissingAuthenticationToken", "MissingAuthenticationToken", 403],
  UnknownKey: ["InvalidClientTokenId", "InvalidClientTokenId", 403],
  SignatureDoesNotMatch: ["SignatureDoesNotMatch", "SignatureDoesNotMatch", 403],
  RequestTimeTooSkewed: ["RequestExpired", "RequestExpired", 403],
  AccessDenied: ["AccessDenied", "AccessDeniedException", 403],
  NoQueue: ["AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", 400],
  BadHandle: ["ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", 400],
  BadParameter: ["InvalidParameterValue", "InvalidParameterValueException", 400],
  BadAction: ["InvalidAction", "InvalidAction", 400],
} as const satisfies Record<AwsFault | string, readonly [string, string, number]>;

type SqsFault = keyof typeof FAULTS;

/** A call, whichever protocol it came by. */
export interface SqsCall {
  readonly isJson: boolean;
  readonly action: string;
  readonly queue: string;
  /** Value of a parameter, as text. */
  readonly get: (name: string) => string | undefined;
  /** Entries of a batch. */
  readonly entries: () => readonly { readonly id: string; readonly handle: string }[];
}

const MOST_BYTES = 262_144;
const MOST_HIDDEN_SECONDS = 43_200;
const POLL_MS = 50;
const XMLNS = "http://queue.amazonaws.com/doc/2012-11-05/";

/** Reads a call. */
export function readSqsCall({ headers, body, path, query }: SignedRequest): SqsCall {
  const target = headers.get("x-amz-target");
  const text = new TextDecoder().decode(body);
  if (target !== null) {
    let fields: Record<string, unknown> = {};
    try {
      fields = Object(JSON.parse(text || "{}"));
    } catch {
      // An empty call is refused below, in its own protocol.
    }
    const batch = Array.isArray(fields.Entries) ? fields.Entries : [];
    return {
      isJson: true,
      action: target.replace(/^AmazonSQS\./, ""),
      queue: nameOf(String(fields.QueueUrl ?? path)),
      get: (name) => fields[name] === undefined ? undefined : String(fields[name]),
      entries: () =>
        batch.map((entry) => ({ id: String(entry?.Id), handle: String(entry?.ReceiptHandle) })),
    };
  }
  const form = new URLSearchParams(text || query);
  const entry = "DeleteMessageBatchRequestEntry";
  return {
    isJson: false,
    action: form.get("Action") ?? "",
    queue: nameOf(form.get("QueueUrl") ?? path),
    get: (name) => form.get(name) ?? undefined,
    entries: () => {
      const found = [];
      for (let i = 1; form.has(`${entry}.${i}.Id`); i++) {
        const handle = form.get(`${entry}.${i}.ReceiptHandle`) ?? "";
        found.push({ id: form.get(`${entry}.${i}.Id`)!, handle });
      }
      return found;
    },
  };
}

function nameOf(url: string): string {
  const [account, name] = url.split("/").slice(-2);
  return account === ACCOUNT ? name : "";
}

/** How calls are carried out. */
export interface SqsParts {
  readonly queues: Queues;
  /** Ends when the server stops. */
  readonly stopping: AbortSignal;
  /** Takes what is sent to the index queue of a job. */
  readonly onIndex: (job: Job, body: string) => void;
}

/** Carries a call out for whoever signed it. */
export async function answerSqs(
  call: SqsCall,
  signer: Signer | AwsFault,
  { queues, stopping, onIndex }: SqsParts,
): Promise<Response> {
  if (typeof signer === "string") throw sqsFault(call, signer);
  const { upload, index } = queueNames(signer.job);
  const kind = call.queue === upload ? "upload" : call.queue === index ? "index" : undefined;
  if (kind === undefined || !ALLOWED[kind].has(call.action)) throw sqsFault(call, "AccessDenied");
  const { open: job } = signer;
  if (job === undefined || kind === "index" && job.config.job.kind !== "tile") {
    throw sqsFault(call, "NoQueue");
  }
  const number = (name: string, otherwise: number, [low, high]: readonly [number, number]) => {
    const value = Number(call.get(name) ?? otherwise);
    if (Number.isInteger(value) && value >= low && value <= high) return value;
    throw sqsFault(call, "BadParameter", `Value ${value} for parameter ${name} is invalid`);
  };
  switch (call.action) {
    case "ReceiveMessage": {
      const most = number("MaxNumberOfMessages", 1, [1, 10]);
      const hidden = number("VisibilityTimeout", VISIBILITY_SECONDS, [0, MOST_HIDDEN_SECONDS]);
      const until = performance.now() + number("WaitTimeSeconds", 0, [0, 20]) * 1000;
      let taken = queues.take(job.id, most, hidden);
      while (taken.length === 0 && performance.now() < until) {
        await delay(POLL_MS, stopping);
        taken = queues.take(job.id, most, hidden);
      }
      return received(call, taken);
    }
    case "DeleteMessage":
      if (!queues.delete(job.id, call.get("ReceiptHandle") ?? "")) {
        throw sqsFault(call, "BadHandle");
      }
      return done(call, {}, "");
    case "DeleteMessageBatch":
      return deleted(call, job, queues);
    case "GetQueueAttributes": {
      const attributes = {
        ApproximateNumberOfMessages: String(queues.visible(job.id)),
        ApproximateNumberOfMessagesNotVisible: String(queues.hidden(job.id)),
        VisibilityTimeout: String(VISIBILITY_SECONDS),
      };
      const inside = Object.entries(attributes).map(([name, value]) =>
        `<Attribute><Name>${name}</Name><Value>${value}</Value></Attribute>`
      );
      return done(call, { Attributes: attributes }, inside.join(""));
    }
    case "SendMessage": {
      const body = call.get("MessageBody") ?? "";
      if (body === "" || new TextEncoder().encode(body).length > MOST_BYTES) {
        throw sqsFault(call, "BadParameter", `A message has 1 to ${MOST_BYTES} bytes`);
      }
      onIndex(job, body);
      const [id, sum] = [crypto.randomUUID(), md5(body)];
      return done(
        call,
        { MessageId: id, MD5OfMessageBody: sum },
        `<MessageId>${id}</MessageId><MD5OfMessageBody>${sum}</MD5OfMessageBody>`,
      );
    }
    default:
      throw sqsFault(call, "BadAction");
  }
}

function received(call: SqsCall, taken: readonly HandedMessage[]): Response {
  const messages = taken.map(({ id, handle, body }) => ({
    MessageId: id,
    ReceiptHandle: handle,
    MD5OfBody: md5(body),
    Body: body,
  }));
  const inside = messages.map((message) =>
    `<Message>${
      Object.entries(message).map(([name, value]) => `<${name}>${escapeXml(value)}</${name}>`).join(
        "",
      )
    }</Message>`
  );
  return done(call, messages.length === 0 ? {} : { Messages: messages }, inside.join(""));
}

function deleted(call: SqsCall, job: Job, queues: Queues): Response {
  const results = call.entries().map(({ id, handle }) => ({
    id,
    isDone: queues.delete(job.id, handle),
  }));
  if (results.length === 0) throw sqsFault(call, "BadParameter", "There are no entries");
  const failure = {
    Code: "ReceiptHandleIsInvalid",
    Message: "The receipt handle is not valid",
    SenderFault: true,
  };
  const [good, bad] = [
    results.filter(({ isDone }) => isDone),
    results.filter(({ isDone }) => !isDone),
  ];
  const inside = results.map(({ id, isDone }) =>
    isDone
      ? `<DeleteMessageBatchResultEntry><Id>${escapeXml(id)}</Id></DeleteMessageBatchResultEntry>`
      : `<BatchResultErrorEntry><Id>${
        escapeXml(id)
      }</Id><Code>${failure.Code}</Code><Message>${failure.Message}</Message><SenderFault>true</SenderFault></BatchResultErrorEntry>`
  );
  return done(call, {
    Successful: good.map(({ id }) => ({ Id: id })),
    Failed: bad.map(({ id }) => ({ Id: id, ...failure })),
  }, inside.join(""));
}

function done({ isJson, action }: SqsCall, document: unknown, inside: string): Response {
  if (isJson) {
    return new Response(JSON.stringify(document), {
      headers: { "content-type": "application/x-amz-json-1.0" },
    });
  }
  return xml(
    200,
    `<${action}Response xmlns="${XMLNS}"><${action}Result>${inside}</${action}Result><ResponseMetadata><RequestId>${crypto.randomUUID()}</RequestId></ResponseMetadata></${action}Response>`,
  );
}

/** An error as SQS gives it. */
export function sqsFault(
  { isJson }: Pick<SqsCall, "isJson">,
  name: SqsFault,
  text: string = name,
): Refusal {
  const [code, shape, status] = FAULTS[name];
  return refuse(
    code,
    () =>
      isJson
        ? new Response(JSON.stringify({ __type: `com.amazonaws.sqs#${shape}`, message: text }), {
          status,
          headers: {
            "content-type": "application/x-amz-json-1.0",
            "x-amzn-query-error": `${code};Sender`,
          },
        })
        : xml(
          status,
          `<ErrorResponse xmlns="${XMLNS}"><Error><Type>Sender</Type><Code>${code}</Code><Message>${
            escapeXml(text)
          }</Message><Detail/></Error><RequestId>${crypto.randomUUID()}</RequestId></ErrorResponse>`,
        ),
  );
}

function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}
