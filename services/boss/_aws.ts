/**
 * What queues and buckets share: a request is signed by a key of a job, or refused.
 * @module
 */
import { claimOf, signatureFault, type SignedRequest } from "./_signature.ts";
import { Refusal } from "./_answers.ts";
import type { Job, Jobs } from "./_jobs.ts";
import type { JobKeyRing } from "./_keys.ts";

/** Why a request is refused, by the code that the service has for it. */
export type AwsFault =
  | "MissingAuthenticationToken"
  | "UnknownKey"
  | "SignatureDoesNotMatch"
  | "RequestTimeTooSkewed"
  | "AccessDenied";

/** Who signed a request: a job that is open, by its key. */
export interface Signer {
  readonly job: number;
  /** Absent where it was ended since. */
  readonly open?: Job;
}

/** Who signed a request to a service, or why nobody did. */
export function signerOf(
  request: SignedRequest,
  service: "s3" | "sqs",
  { keys, jobs, now }: {
    readonly keys: JobKeyRing;
    readonly jobs: Jobs;
    readonly now: () => number;
  },
): Signer | AwsFault {
  const claim = claimOf(request.headers);
  if (claim?.service !== service) return "MissingAuthenticationToken";
  const key = keys.find(claim.keyId);
  if (key === undefined) return "UnknownKey";
  const fault = signatureFault(request, claim, { secret: key.secret, now: now() });
  switch (fault) {
    case undefined:
      return { job: key.job, open: jobs.findOpen(key.job) };
    case "skewed":
      return "RequestTimeTooSkewed";
    case "unsigned":
      return "AccessDenied";
    case "signature":
      return "SignatureDoesNotMatch";
    default:
      return fault satisfies never;
  }
}

/** The service that a request was signed for; undefined where it has no signature of AWS. */
export function serviceOf(headers: Headers): "s3" | "sqs" | undefined {
  return claimOf(headers)?.service;
}

/** Ends a request with an answer of a service. */
export function refuse(message: string, response: () => Response): Refusal {
  return new Refusal(message, response);
}
