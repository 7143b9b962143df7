/** What a queue refuses: what may pass, what other keys may mend, and what it means. */
import { type Answer, transientOf } from "../stores/blobs/_exchange.ts";
import { type Clock, Transient } from "../stores/blobs/retry.ts";
import { isRefusal, type S3Credentials, settlingPause } from "../stores/blobs/s3_credentials.ts";
import { BossError, type BossErrorKind } from "./boss_error.ts";

/** An answer, with what the server says of an error. */
export interface QueueAnswer extends Answer {
  readonly xml: string;
  readonly code?: string;
  readonly said?: string;
}

const MISSING = [
  "AWS.SimpleQueueService.NonExistentQueue",
  "AWS.SimpleQueueService.QueueDeletedRecently",
  "QueueDoesNotExist",
];
const SLOW_DOWN = [
  "KmsThrottled",
  "OverLimit",
  "RequestLimitExceeded",
  "RequestThrottled",
  "SlowDown",
  "Throttling",
  "ThrottlingException",
];
const TRANSIENT = ["InternalError", "InternalFailure", "RequestTimeout", "ServiceUnavailable"];
const EXPIRED = ["ExpiredToken", "ExpiredTokenException"];
const BAD_KEYS = [
  "IncompleteSignature",
  "InvalidAccessKeyId",
  "InvalidClientTokenId",
  "InvalidSecurity",
  "SignatureDoesNotMatch",
  "UnrecognizedClientException",
  ...EXPIRED,
];
/** Whoever received the message since has the right to delete it now. */
const LOST = ["InvalidParameterValue", "ReceiptHandleIsInvalid"];
/** Without a code, these come from someone in between, or are not whole. */
const NEEDS_CODE = [400, 404, 409];

/** Whether a message is not in the hands of who would delete it. */
export function isLost({ code = "" }: QueueAnswer): boolean {
  return LOST.includes(code);
}

/** Whether keys are refused that were good once. */
export function needsOtherKeys(code: string | undefined, keys: S3Credentials, clock: Clock) {
  if (EXPIRED.includes(code ?? "")) return true;
  return isRefusal(code, keys) && settlingPause(code, keys, clock) === undefined;
}

/** The error that an answer is; one that may pass is {@linkcode Transient}. */
export function queueFault(
  act: string,
  answer: QueueAnswer,
  keys: S3Credentials,
  clock: Clock,
): Error {
  const { status, code, said } = answer;
  if (code === undefined && NEEDS_CODE.includes(status)) {
    return new Transient(`the server answered ${status} and did not say why`, "corrupt");
  }
  const name = [status, code].filter(Boolean).join(" ");
  const words = said && scrub(said, keys).slice(0, 300);
  const state = `the server answered ${name}${words ? ` (${words})` : ""}`;
  const pause = settlingPause(code, keys, clock);
  if (pause !== undefined) return new Transient(state, "unavailable", { pause });
  if (SLOW_DOWN.includes(code ?? "")) {
    return new Transient(state, "unavailable", { slowDown: true });
  }
  const transient = transientOf(answer, clock, state) ??
    (TRANSIENT.includes(code ?? "") ? new Transient(state, "unavailable") : undefined);
  if (transient !== undefined) return transient;
  const [kind, wayOut] = meaningOf(status, code);
  return new BossError(`Cannot ${act}: ${state}; ${wayOut}`, kind, { status, code });
}

function meaningOf(status: number, code = ""): [BossErrorKind, string] {
  if (MISSING.includes(code)) {
    return ["missing", "ask for the state of the job: its queues are gone once it has ended"];
  }
  if (BAD_KEYS.includes(code)) return ["keys", "join the job again for new keys"];
  if (status === 401 || status === 403) {
    return ["forbidden", "ask who runs the Boss: the keys of a job should allow it"];
  }
  return ["refused", "look at the address of the queue, and the version of the Boss"];
}

/** What a server says may hold what it was sent. */
function scrub(text: string, { accessKeyId, secretAccessKey, sessionToken }: S3Credentials) {
  for (const secret of [secretAccessKey, sessionToken, accessKeyId]) {
    if (secret) text = text.replaceAll(secret, "…");
  }
  return text;
}
