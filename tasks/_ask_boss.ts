/**
 * How tasks ask a Boss.
 * @module
 */
import { type BossServer, BossToken, findBossToken } from "../boss/credentials.ts";
import { BossResources } from "../boss/resources.ts";
import { BossService } from "../boss/rest.ts";
import type { Environment } from "../ledgers/open_ledger.ts";
import type { RetryOptions } from "../stores/blobs/retry.ts";

/** Where the token of a Boss was found; what it is stays unsaid. */
export interface TokenFound {
  /** As messages say it: `the variable INTERN_TOKEN`. */
  readonly source: string;
  /** What whoever gave it should know: another host, another token that was passed over. */
  readonly notes: readonly string[];
}

/** Who asks a Boss, and how long. */
export interface AskBossOptions {
  /**
   * The token. @default That of the variable `INTERN_TOKEN`, else of `~/.intern/intern.cfg`, else of `token.json` in the
   * working folder
   */
  readonly token?: string | BossToken;
  /** Is told where the token was found. */
  readonly onToken?: (found: TokenFound) => void;
  /** The environment that it is looked for in. @default That of the process, as far as it may be read */
  readonly env?: Environment;
  /** How long to try. @default As for blobs, with 120 s for an answer */
  readonly retry?: RetryOptions;
  /** Ends it with its reason. */
  readonly signal?: AbortSignal;
}

/** Finds the token, and tells where. @throws {BossError} If there is none. */
export async function findToken(
  { host }: BossServer,
  { token, env, onToken = () => {} }: AskBossOptions,
): Promise<BossToken> {
  const found = token instanceof BossToken ? token : await findBossToken({
    ...(token === undefined ? {} : { token }),
    host,
    ...(env === undefined ? {} : { env }),
  });
  onToken({ source: found.source, notes: found.notes });
  return found;
}

/** Finds the token, and nothing is asked yet. @throws {BossError} If there is none. */
export async function openResources(
  server: BossServer,
  options: AskBossOptions,
): Promise<BossResources> {
  return new BossResources(server, await findToken(server, options), retryOf(options));
}

/** As {@linkcode openResources}, for jobs. */
export async function openService(
  server: BossServer,
  options: AskBossOptions,
): Promise<BossService> {
  return new BossService(server, await findToken(server, options), retryOf(options));
}

/** How long to try, where that is said. */
export function retryOf({ retry }: AskBossOptions): Pick<AskBossOptions, "retry"> {
  return retry === undefined ? {} : { retry };
}
