/** What goes wrong between a client and an S3 server: by chance, or in an order that a test sets. */
import { seeded } from "./codecs/_png_writer.ts";
import type { RawAnswer, RawGate, RawHandler, RawRequest } from "./_raw_http.ts";

/** What may go wrong with a request. */
export type S3Fault =
  /** 500, and nothing was done. */
  | "error"
  /** 503 SlowDown, and nothing was done. */
  | "slow-down"
  /** The line is dead before the request was read. */
  | "reset-before"
  /** It is done, and the line is dead. */
  | "reset-after"
  /** It is done, and no more than half an answer ever comes. */
  | "stall"
  /** It is done, and the line is dead in the middle of the answer. */
  | "cut"
  /** An object comes with a length that is too small. */
  | "longer"
  /** 200 with a page of some proxy, and nothing was done. */
  | "page"
  /** A bit is flipped in what came, or in an object that goes out. */
  | "flip";

/** Every fault there is. */
export const S3_FAULTS: readonly S3Fault[] = [
  "error",
  "slow-down",
  "reset-before",
  "reset-after",
  "stall",
  "cut",
  "longer",
  "page",
  "flip",
];

/** How often each fault comes, of all requests. */
export type S3FaultRates = Partial<Record<S3Fault, number>>;

/** Lets requests through to a server, or not. */
export class S3Faults {
  /** How often each came. */
  readonly counts = new Map<S3Fault, number>();
  /** What goes wrong with the next requests, before chance decides. */
  readonly next: (S3Fault | undefined)[] = [];
  readonly #rates: () => S3FaultRates;
  readonly #random: () => number;
  readonly #chosen = new WeakMap<Headers, S3Fault>();

  constructor(rates: () => S3FaultRates, seed: number) {
    this.#rates = rates;
    this.#random = seeded(seed);
  }

  /** Decides what becomes of a request before it is read. */
  readonly gate: RawGate = ({ headers }) => {
    const fault = this.next.length > 0
      ? this.next.shift()
      : chooseFault(this.#rates(), this.#random());
    if (fault === undefined) return true;
    this.#chosen.set(headers, fault);
    this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1);
    return fault !== "reset-before";
  };

  /** Answers a request as it was decided; `serve` does what it asks. */
  async answer(request: RawRequest, serve: RawHandler): Promise<RawAnswer> {
    const fault = this.#chosen.get(request.headers);
    if (fault === "error") return refusal(500, "InternalError");
    if (fault === "slow-down") return refusal(503, "SlowDown");
    if (fault === "page") {
      return { status: 200, headers: { "content-type": "text/html" }, body: "<html>Sorry</html>" };
    }
    const chance = this.#random();
    if (fault === "flip" && request.method === "PUT") {
      return await serve({ ...request, body: flip(request.body, chance) });
    }
    const answer = await serve(request);
    // What nobody could tell does not happen.
    const isUnseen = (fault === "flip" || fault === "longer") && !hasChecksum(answer);
    if (fault === "flip" && !isUnseen) {
      return { ...answer, body: flip(answer.body as Uint8Array, chance) };
    }
    return { ...answer, delivery: deliveryOf(isUnseen ? undefined : fault) };
  }
}

/** Whether an answer is a whole object with its checksum. */
function hasChecksum({ status, headers = {}, body }: RawAnswer): boolean {
  const crc = headers["x-amz-checksum-crc32"] ?? "-";
  return status === 200 && typeof body === "object" && body.length > 0 &&
    (!crc.includes("-") || /^"[0-9a-f]{32}"$/.test(headers.etag ?? ""));
}

function deliveryOf(fault: S3Fault | undefined): RawAnswer["delivery"] {
  switch (fault) {
    case "reset-after":
      return "reset";
    case "stall":
      return "silent";
    case "cut":
    case "longer":
      return fault;
    default:
      return "whole";
  }
}

function refusal(status: number, code: string): RawAnswer {
  const body =
    `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>It is ${code}</Message></Error>`;
  return { status, headers: { "content-type": "application/xml" }, body };
}

function chooseFault(rates: S3FaultRates, chance: number): S3Fault | undefined {
  for (const [fault, rate] of Object.entries(rates) as [S3Fault, number][]) {
    if (chance < rate) return fault;
    chance -= rate;
  }
  return undefined;
}

function flip(bytes: Uint8Array, chance: number): Uint8Array<ArrayBuffer> {
  const flipped = new Uint8Array(bytes);
  if (flipped.length > 0) flipped[Math.floor(chance * flipped.length)] ^= 1;
  return flipped;
}
