/**
 * Answers as clients of the Boss know them.
 * @module
 */

/** Codes of the Boss's own errors, by their names, with the status that goes with each. */
const CODES = {
  INVALID_URL: [1000, 400],
  INVALID_CUTOUT_ARGS: [1001, 400],
  TYPE_ERROR: [1002, 400],
  INVALID_POST_ARGUMENT: [1003, 400],
  UNABLE_TO_VALIDATE: [1004, 400],
  INVALID_ARGUMENT: [1005, 400],
  BAD_REQUEST: [1006, 400],
  REQUEST_TOO_LARGE: [2000, 413],
  DATATYPE_DOES_NOT_MATCH: [2001, 400],
  DATA_DIMENSION_MISMATCH: [2002, 400],
  DATATYPE_NOT_SUPPORTED: [2003, 400],
  INVALID_REQUEST: [2004, 404],
  INVALID_STATE: [2006, 409],
  RESOURCE_NOT_FOUND: [4000, 404],
  GROUP_NOT_FOUND: [4001, 404],
  INTEGRITY_ERROR: [4003, 400],
  OBJECT_NOT_FOUND: [4004, 404],
  DESERIALIZATION_ERROR: [5003, 404],
  BOSS_SYSTEM_ERROR: [9001, 400],
  UNHANDLED_EXCEPTION: [9002, 500],
  UNSUPPORTED_VERSION: [9003, 400],
} as const;

/** Name of an error. */
export type FaultName = keyof typeof CODES;

/** Ends a request with an answer that says why. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  /** What the client is told. */
  readonly response: () => Response;

  /** @param response Makes the answer. */
  constructor(message: string, response: () => Response) {
    super(message);
    this.response = response;
  }
}

/** An error of the Boss. */
export function fault(name: FaultName, message: string): Refusal {
  const [code, status] = CODES[name];
  return new Refusal(message, () => json(status, { status, code, message }));
}

/** An error of the framework below it: who asks, and how. */
export function detail(status: number, text: string): Refusal {
  return new Refusal(text, () => json(status, { detail: text }));
}

/** An answer in JSON. */
export function json(status: number, body: unknown): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json" },
  });
}

/** An answer in XML, as queues and buckets give it. */
export function xml(status: number, body: string): Response {
  return new Response(`<?xml version="1.0" encoding="UTF-8"?>\n${body}`, {
    status,
    headers: { "content-type": "application/xml" },
  });
}

/** Text within XML. */
export function escapeXml(text: string): string {
  return text.replace(/[<>&"'\r\n]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
