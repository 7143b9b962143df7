/** What the numbers mean by which the Boss tells errors apart; its HTTP statuses do not always say it. */
import type { BossErrorKind } from "./boss_error.ts";

const NAMES: Readonly<Record<number, string>> = {
  1000: "INVALID_URL",
  1001: "INVALID_CUTOUT_ARGS",
  1002: "TYPE_ERROR",
  1003: "INVALID_POST_ARGUMENT",
  1004: "UNABLE_TO_VALIDATE",
  1005: "INVALID_ARGUMENT",
  1006: "BAD_REQUEST",
  2000: "REQUEST_TOO_LARGE",
  2001: "DATATYPE_DOES_NOT_MATCH",
  2002: "DATA_DIMENSION_MISMATCH",
  2003: "DATATYPE_NOT_SUPPORTED",
  2004: "INVALID_REQUEST",
  2005: "UNSUPPORTED_4D",
  2006: "INVALID_STATE",
  3000: "MISSING_ROLE",
  3001: "MISSING_PERMISSION",
  3002: "UNRECOGNIZED_PERMISSION",
  3003: "INGEST_NOT_CREATOR",
  3004: "ACCESS_DENIED_UNKNOWN",
  4000: "RESOURCE_NOT_FOUND",
  4001: "GROUP_NOT_FOUND",
  4002: "USER_NOT_FOUND",
  4003: "INTEGRITY_ERROR",
  4004: "OBJECT_NOT_FOUND",
  4005: "RESOURCE_MARKED_FOR_DELETION",
  5000: "IO_ERROR",
  5001: "TRANSPORT_ERROR",
  5002: "SERIALIZATION_ERROR",
  5003: "DESERIALIZATION_ERROR",
  6001: "GROUP_EXISTS",
  6002: "RESOURCE_EXISTS",
  7001: "KEYCLOAK_EXCEPTION",
  9001: "BOSS_SYSTEM_ERROR",
  9002: "UNHANDLED_EXCEPTION",
  9003: "UNSUPPORTED_VERSION",
};

/** The job was cancelled. */
export const DELETED = 2004;
/** It cannot be done now; also said of a job that goes on uploading. */
export const BAD_REQUEST = 1006;
/** The server does not know this version of its addresses. */
export const UNSUPPORTED_VERSION = 9003;

/** A code with its name. */
export function codeName(code: number): string {
  return [code, NAMES[code]].filter(Boolean).join(" ");
}

/** Whether the server failed inside, and may not another time, whatever its HTTP status. */
export function isTransientCode(code: number | undefined): boolean {
  return code !== undefined && code >= 5000 && code <= 5003;
}

/** What an error that will not pass means, and the way out. */
export function meaningOf(status: number, code: number | undefined): [BossErrorKind, string] {
  switch (code) {
    case DELETED:
      return ["ended", "create another job"];
    case 3003:
      return ["forbidden", "use the token of the user who created the job"];
    case 3000:
    case 3001:
    case 3002:
    case 3004:
      return ["forbidden", "ask the owner of the channel, or who runs the Boss, for the right"];
    case 4003:
    case 6001:
    case 6002:
      return ["refused", "it is there already: choose another name, or use what is there"];
    case 9001:
      return ["refused", "look at the job; if it cannot go on, cancel it and create another"];
  }
  if (status === 403) return ["forbidden", "ask who runs the Boss, or what lies before it"];
  if (status === 404) return ["missing", "mend its name or number, or create it first"];
  if (status === 413) return ["refused", "ask for less at once"];
  return ["refused", "mend what was asked, or look at the job"];
}
