/**
 * From flags to a job of a Boss.
 * @module
 */
import { loadBossBackend } from "../boss/config.ts";
import type { BossServer } from "../boss/credentials.ts";
import { readVariables } from "../stores/blobs/environment.ts";
import type { AskBossOptions, TokenFound } from "../tasks/_ask_boss.ts";
import { grantsOf } from "./_plugin_flags.ts";
import { tellToken } from "./boss_report.ts";
import type { Interrupts } from "./interrupts.ts";
import { valueOf } from "./job_options.ts";
import type { Output } from "./output.ts";
import { type Call, CallError } from "./parse.ts";
import { quote } from "./text.ts";

/** A Boss as people write it: a host, or an address with its protocol. */
export function readBoss(text: string): BossServer {
  const [, protocol, host] = /^(https?):\/\/(.*?)\/*$/i.exec(text) ?? [];
  return protocol === undefined ? { host: text } : { host, protocol: protocol.toLowerCase() };
}

/** The Boss that `--boss` names, in place of that of a configuration. */
export function namedBoss(flags: Call["flags"]): BossServer | undefined {
  const text = valueOf(flags, "boss");
  return text === undefined ? undefined : readBoss(text);
}

/**
 * The Boss that is meant: that of `--boss`, else of the configuration, of which nothing else is read.
 * @throws {CallError} If neither is given: a token goes to no host that nobody named.
 */
export async function bossOf({ words, flags, command }: Call): Promise<BossServer> {
  const named = namedBoss(flags);
  if (named !== undefined) return named;
  const config = words.get("config")?.[0];
  if (config !== undefined) return await loadBossBackend(config);
  throw new CallError(
    `Cannot run "${command.name}" without a Boss: give its configuration, or --boss HOST`,
    command.name,
  );
}

/** The number of a job. @throws {CallError} If there is none. */
export function jobIdOf({ flags, command }: Call): number {
  const text = valueOf(flags, "job-id");
  if (text !== undefined && /^\d{1,15}$/.test(text)) return Number(text);
  throw new CallError(
    text === undefined
      ? `Cannot run "${command.name}" without --job-id: give -j ID, the number that create printed; sluice jobs --boss HOST lists them`
      : `Cannot use --job-id ${text}: it is no number of an ingest job; write the one that create printed`,
    command.name,
  );
}

/** How the Boss is asked; tells where the token was found, and says so to `onToken`. */
export function askOptions(
  flags: Call["flags"],
  { output, interrupts, onToken = () => {} }: {
    readonly output: Output;
    readonly interrupts: Interrupts;
    readonly onToken?: (found: TokenFound) => void;
  },
): AskBossOptions {
  const token = valueOf(flags, "token");
  return {
    ...(token === undefined ? {} : { token }),
    signal: interrupts.signal,
    onToken: (found) => {
      onToken(found);
      tellToken(found, output);
    },
  };
}

/** Where the bucket of a job lies; undefined: where AWS has it. */
export function jobEndpoint(flags: Call["flags"]): string | undefined {
  const read = readVariables();
  return valueOf(flags, "job-endpoint") ?? valueOf(flags, "endpoint") ??
    read("AWS_ENDPOINT_URL_S3") ?? read("AWS_ENDPOINT_URL");
}

/** The end of a command line that names a job again: `ingest.json -j 42`. */
export function sameJob({ words, flags }: Call, job: number): string {
  const config = words.get("config")?.[0];
  const boss = valueOf(flags, "boss");
  const grants = grantsOf(flags);
  return [
    ...(config === undefined ? [] : [quote(config)]),
    `-j ${job}`,
    ...(boss === undefined ? [] : [`--boss ${quote(boss)}`]),
    ...(grants.net ?? []).map((host) => `--grant-net ${quote(host)}`),
    ...(grants.read ?? []).map((folder) => `--grant-read ${quote(folder)}`),
  ].join(" ");
}
