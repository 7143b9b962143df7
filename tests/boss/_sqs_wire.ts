/** The two ways in which SQS is spoken to: forms and XML, and JSON. */
import type { RawAnswer, RawRequest } from "../_raw_http.ts";
import { escapeXml } from "../_s3_server.ts";

/** What a queue answers. */
export interface SqsResult {
  readonly messages?: readonly {
    readonly id: string;
    readonly handle: string;
    readonly md5: string;
    readonly body: string;
  }[];
  readonly sent?: { readonly id: string; readonly md5: string };
  readonly attributes?: Readonly<Record<string, string>>;
  /** Of many at once: the names of those that were deleted, and of the others. */
  readonly successful?: readonly string[];
  readonly failed?: readonly string[];
}

/** Why it does not. */
export interface SqsFault {
  readonly status: number;
  readonly code: string;
  readonly message?: string;
}

/** How answers are written. */
export interface SqsWire {
  answer(action: string, result: SqsResult): RawAnswer;
  refuse(fault: SqsFault): RawAnswer;
}

/** A request, whichever way it came. */
export interface SqsRequest {
  readonly action: string;
  /** Name of the queue. */
  readonly queue: string;
  /** Whether it is a request of this service at all. */
  readonly isKnown: boolean;
  readonly wire: SqsWire;
  value(name: string): string | undefined;
  /** Of many messages to be deleted at once. */
  entries(): { readonly id: string; readonly handle: string }[];
}

const XMLNS = "http://queue.amazonaws.com/doc/2012-11-05/";
const TARGET = "AmazonSQS.";

/** Reads a request. */
export function readWire(request: RawRequest): SqsRequest {
  const text = new TextDecoder().decode(request.body);
  const target = request.headers.get("x-amz-target");
  return target?.startsWith(TARGET)
    ? readJson(target.slice(TARGET.length), JSON.parse(text))
    : readForm(request, new URLSearchParams(text));
}

function readForm({ method, path }: RawRequest, form: URLSearchParams): SqsRequest {
  return {
    action: form.get("Action") ?? "",
    queue: path.split("/")[2] ?? "",
    isKnown: method === "POST" && form.get("Version") === "2012-11-05",
    wire: queryWire,
    value: (name) => form.get(name) ?? undefined,
    entries() {
      const found = [];
      for (let i = 1;; i++) {
        const id = form.get(`DeleteMessageBatchRequestEntry.${i}.Id`);
        if (id === null) return found;
        const handle = form.get(`DeleteMessageBatchRequestEntry.${i}.ReceiptHandle`) ?? "";
        found.push({ id, handle });
      }
    },
  };
}

function readJson(action: string, asked: Record<string, unknown>): SqsRequest {
  const entries = (asked.Entries ?? []) as { Id: string; ReceiptHandle: string }[];
  return {
    action,
    queue: String(asked.QueueUrl ?? "").split("/").at(-1)!,
    isKnown: true,
    wire: jsonWire,
    value: (name) => asked[name] === undefined ? undefined : String(asked[name]),
    entries: () => entries.map(({ Id: id, ReceiptHandle: handle }) => ({ id, handle })),
  };
}

/** The Query protocol. */
export const queryWire: SqsWire = {
  answer(action, result) {
    const inside = insideOf(action, result);
    const wrapped = Object.keys(result).length === 0
      ? ""
      : inside === ""
      ? `<${action}Result/>`
      : `<${action}Result>${inside}</${action}Result>`;
    return xml(
      200,
      `<${action}Response xmlns="${XMLNS}">${wrapped}<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></${action}Response>`,
    );
  },
  refuse({ status, code, message = `It is ${code}` }) {
    return xml(
      status,
      `<ErrorResponse xmlns="${XMLNS}"><Error><Type>Sender</Type><Code>${code}</Code><Message>${
        escapeXml(message)
      }</Message><Detail/></Error><RequestId>1</RequestId></ErrorResponse>`,
    );
  },
};

function insideOf(action: string, result: SqsResult): string {
  const { messages = [], sent, attributes = {}, successful = [], failed = [] } = result;
  return [
    ...messages.map(({ id, handle, md5, body }) =>
      `<Message><MessageId>${id}</MessageId><ReceiptHandle>${handle}</ReceiptHandle><MD5OfBody>${md5}</MD5OfBody><Body>${
        escapeXml(body)
      }</Body></Message>`
    ),
    sent === undefined
      ? ""
      : `<MessageId>${sent.id}</MessageId><MD5OfMessageBody>${sent.md5}</MD5OfMessageBody>`,
    ...Object.entries(attributes).map(([name, value]) =>
      `<Attribute><Name>${name}</Name><Value>${value}</Value></Attribute>`
    ),
    ...successful.map((id) => `<${action}ResultEntry><Id>${id}</Id></${action}ResultEntry>`),
    ...failed.map((id) =>
      `<BatchResultErrorEntry><Id>${id}</Id><SenderFault>true</SenderFault><Code>ReceiptHandleIsInvalid</Code></BatchResultErrorEntry>`
    ),
  ].join("");
}

function xml(status: number, body: string): RawAnswer {
  return { status, headers: { "content-type": "text/xml" }, body: `<?xml version="1.0"?>${body}` };
}

/** The JSON protocol, which boto3 speaks since the end of 2023. */
const jsonWire: SqsWire = {
  answer(_action, { messages, sent, attributes, successful, failed }) {
    return json(200, {
      ...messages?.length
        ? {
          Messages: messages.map(({ id, handle, md5, body }) => ({
            MessageId: id,
            ReceiptHandle: handle,
            MD5OfBody: md5,
            Body: body,
          })),
        }
        : {},
      ...sent && { MessageId: sent.id, MD5OfMessageBody: sent.md5 },
      ...attributes && { Attributes: attributes },
      ...successful && { Successful: successful.map((Id) => ({ Id })) },
      ...failed?.length
        ? {
          Failed: failed.map((Id) => ({
            Id,
            SenderFault: true,
            Code: "ReceiptHandleIsInvalid",
            Message: "It is not valid",
          })),
        }
        : {},
    });
  },
  refuse({ status, code, message = `It is ${code}` }) {
    const name = code === "AWS.SimpleQueueService.NonExistentQueue" ? "QueueDoesNotExist" : code;
    const answer = json(status, { __type: `com.amazonaws.sqs#${name}`, message });
    return { ...answer, headers: { ...answer.headers, "x-amzn-query-error": `${code};Sender` } };
  },
};

function json(status: number, body: unknown): RawAnswer {
  return {
    status,
    headers: { "content-type": "application/x-amz-json-1.0" },
    body: JSON.stringify(body),
  };
}
