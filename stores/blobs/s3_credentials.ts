/**
 * The keys that requests to a bucket are signed with: from whom they come, and when they are asked for again.
 * @module
 */
import { abortable } from "../../core/abort.ts";
import { profileKeys, readProfile } from "./_aws_profiles.ts";
import { containerKeys, instanceKeys } from "./_metadata_credentials.ts";
import { BlobError } from "./blobs.ts";
import { BLOB_VARIABLES, isGranted, type ReadVariable } from "./environment.ts";
import type { Clock } from "./retry.ts";

/** Keys to sign requests with. */
export interface S3Credentials {
  /** Name of the key. */
  readonly accessKeyId: string;
  /** The secret that signs. */
  readonly secretAccessKey: string;
  /** Goes with keys that run out. */
  readonly sessionToken?: string;
  /** When they run out, milliseconds since 1970. @default Never */
  readonly expires?: number;
  /**
   * When they were made for this work alone, milliseconds since 1970: a server may learn of them late, and who made
   * them may take them back. @default They are older than any work
   */
  readonly issued?: number;
}

/** Finds keys: undefined where requests are to go unsigned. */
export type FindCredentials = () => Promise<S3Credentials | undefined>;

/** What servers say of keys that they do not know yet, or no more. */
const REFUSALS = [
  "AccessDenied",
  "InvalidAccessKeyId",
  "InvalidClientTokenId",
  "UnrecognizedClientException",
];
/** A server has heard of new keys by then, if it ever does. */
const SETTLING = 60_000;
/** One does not ask it more often meanwhile. */
const SETTLING_PAUSE = 5_000;

/** Whether a server refuses keys that others may take the place of. */
export function isRefusal(code: string | undefined, keys: S3Credentials): boolean {
  return keys.issued !== undefined && REFUSALS.includes(code ?? "");
}

/** How long to wait as new keys may still be unknown, in milliseconds; undefined where that is no reason. */
export function settlingPause(
  code: string | undefined,
  keys: S3Credentials | undefined,
  clock: Clock,
): number | undefined {
  if (keys === undefined || !isRefusal(code, keys)) return undefined;
  return clock.now() - keys.issued! < SETTLING ? SETTLING_PAUSE : undefined;
}

/** They are renewed so long before they run out. */
const MARGIN = 5 * 60_000;
/** Nobody is asked more often than this. */
const RENEW_PAUSE = 30_000;

/** Keys for many requests at once, renewed before they run out. */
export class CredentialKeeper {
  readonly #find: FindCredentials;
  readonly #clock: Clock;
  #held?: { readonly keys: S3Credentials | undefined };
  #asked = -Infinity;
  #asking?: Promise<void>;

  constructor(find: FindCredentials, clock: Clock) {
    this.#find = find;
    this.#clock = clock;
  }

  /** The keys as of now. */
  async keys(signal: AbortSignal): Promise<S3Credentials | undefined> {
    const { expires = Infinity } = this.#held?.keys ?? {};
    const now = this.#clock.now();
    const isDue = expires - now < MARGIN && now - this.#asked >= RENEW_PAUSE;
    if (this.#held === undefined || isDue) {
      try {
        await abortable(this.#ask(), signal);
      } catch (error) {
        // What is still good for a while is used meanwhile.
        if (signal.aborted || this.#held === undefined || expires <= now) throw error;
      }
    }
    return this.#held!.keys;
  }

  /** Asks again, as the server refused these keys. @returns Whether there are others now. */
  async renew(refused: S3Credentials, signal: AbortSignal): Promise<boolean> {
    if (this.#held?.keys === refused) await abortable(this.#ask(), signal);
    return this.#held?.keys?.accessKeyId !== refused.accessKeyId ||
      this.#held.keys.sessionToken !== refused.sessionToken;
  }

  #ask(): Promise<void> {
    this.#asking ??= this.#find().then((keys) => {
      this.#held = { keys };
    }).finally(() => {
      this.#asked = this.#clock.now();
      this.#asking = undefined;
    });
    return this.#asking;
  }
}

/** Keys as the programs of AWS look for them: a named profile, the environment, a profile, the container, the machine. */
export async function findAwsCredentials(
  read: ReadVariable,
  profile?: string,
): Promise<S3Credentials> {
  const keys = (profile === undefined ? variableKeys(read, "AWS") : undefined) ??
    await fileKeys(read, profile) ?? await containerKeys(read) ?? await instanceKeys(read);
  if (keys !== undefined) return keys;
  const denied = BLOB_VARIABLES.filter((variable) => !isGranted({ name: "env", variable }));
  const permit = denied.length === 0 ? "" : `, and run it with --allow-env=${denied}`;
  throw new BlobError(
    `Cannot find credentials for S3: no variable, AWS profile, container or machine gives any; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or name a profile${permit}, or read what is public with --anonymous, in a script with sign: false`,
    "credentials",
  );
}

/** HMAC keys of Google Cloud Storage, by the names that GDAL has for them; without any, what is public can be read. */
export async function findGoogleCredentials(
  read: ReadVariable,
  profile?: string,
): Promise<S3Credentials | undefined> {
  return profile === undefined ? variableKeys(read, "GS") : await fileKeys(read, profile);
}

function variableKeys(read: ReadVariable, whose: "AWS" | "GS"): S3Credentials | undefined {
  const accessKeyId = read(`${whose}_ACCESS_KEY_ID`);
  const secretAccessKey = read(`${whose}_SECRET_ACCESS_KEY`);
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  const sessionToken = whose === "AWS" ? read("AWS_SESSION_TOKEN") : undefined;
  return { accessKeyId, secretAccessKey, sessionToken };
}

async function fileKeys(read: ReadVariable, named?: string): Promise<S3Credentials | undefined> {
  const name = named ?? read("AWS_PROFILE");
  const profile = await readProfile(read, name ?? "default");
  const keys = profile && profileKeys(profile, name ?? "default");
  // A profile of the environment may be there for its region alone.
  if (keys !== undefined || name === undefined || named === undefined && profile !== undefined) {
    return keys;
  }
  const state = profile === undefined ? "no file has it" : "it holds no keys";
  throw new BlobError(
    `Cannot use AWS profile "${name}" for credentials: ${state}; name one of ~/.aws/credentials, or write it with "aws configure --profile ${name}"`,
    "credentials",
  );
}
