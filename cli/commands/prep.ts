/**
 * `sluice prep`.
 * @module
 */
import { dirname, join } from "node:path";
import { type BossConfig, loadBossBackend, loadBossConfig } from "../../boss/config.ts";
import type { BossServer } from "../../boss/credentials.ts";
import { loadPrepConfig } from "../../boss/prep_config.ts";
import { nameResource } from "../../boss/resources.ts";
import { isNotFound, messageOf, UsageError } from "../../core/errors.ts";
import { type PreparedResource, prepBoss, type PrepReport } from "../../tasks/prep_boss.ts";
import { describeFaults, tellToken } from "../boss_report.ts";
import { type Context, EXIT, InterruptedError } from "../command.ts";
import { Interrupts } from "../interrupts.ts";
import { valueOf } from "../job_options.ts";
import { type Call, CallError } from "../parse.ts";
import { quote, table } from "../text.ts";

/** Creates what a job needs in a Boss, and changes nothing that is there. */
export async function run({ words, flags }: Call, { output }: Context): Promise<number> {
  const path = words.get("config")![0];
  const config = await loadPrepConfig(path);
  for (const { path, reason } of config.warnings) output.note(`${path}: ${reason}`);
  const ingestPath = await findIngest(path, config.ingestConfig);
  const server = await readServer(flags, ingestPath, path);
  const ingest = await loadIngest(ingestPath, (text) => output.note(text));
  const dryRun = flags.has("dry-run");
  const token = valueOf(flags, "token");
  using interrupts = new Interrupts((text) => output.note(text));
  let tokenSource = "";
  const report = await prepBoss(config, {
    server,
    ingest,
    dryRun,
    token,
    signal: interrupts.signal,
    onToken: (found) => {
      tokenSource = found.source;
      tellToken(found, output);
    },
    onResource: ({ resource, state }) => {
      if (state === "created") output.note(`Created ${nameResource(resource)}`);
    },
  }).catch((error) => {
    throw interrupts.signal.aborted
      ? new InterruptedError("Stopped; what was created stays, and is found the next time")
      : error;
  });
  const code = report.isAsWanted ? EXIT.done : EXIT.failed;
  output.report(
    { config: path, dryRun, tokenSource, ...report, exitCode: code },
    () => describe(report, dryRun, ingestPath),
  );
  return code;
}

/** The ingest configuration that goes with it: below the working folder, as prep_ingest has it, or beside the file. */
async function findIngest(path: string, named: string | undefined): Promise<string | undefined> {
  if (named === undefined) return undefined;
  for (const place of [named, join(dirname(path), named)]) {
    try {
      if ((await Deno.stat(place)).isFile) return place;
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  return undefined;
}

/** Where the Boss is. A token goes to no host that nobody named. */
async function readServer(
  flags: Call["flags"],
  ingest: string | undefined,
  path: string,
): Promise<BossServer> {
  const said = valueOf(flags, "host");
  const protocol = valueOf(flags, "protocol");
  if (said === undefined) {
    if (ingest === undefined) {
      throw new CallError(
        `Cannot tell which Boss "${path}" is for: give --host, or name an ingest configuration that is there as "ingest_cfg"`,
        "prep",
      );
    }
    const { host, protocol: own } = await loadBossBackend(ingest);
    return { host, protocol: protocol ?? own };
  }
  const [, scheme, host = said] = /^(https?):\/\/(.*?)\/*$/.exec(said) ?? [];
  if (scheme !== undefined && protocol !== undefined && scheme !== protocol) {
    throw new CallError(
      `Cannot use --protocol ${protocol} with a host that begins with ${scheme}://: keep one`,
      "prep",
    );
  }
  return { host, protocol: scheme ?? protocol ?? "https" };
}

async function loadIngest(
  path: string | undefined,
  note: (text: string) => void,
): Promise<BossConfig | undefined> {
  if (path === undefined) return undefined;
  try {
    return await loadBossConfig(path);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    // It is no part of what is done here, but of what comes next.
    note(messageOf(error));
    return undefined;
  }
}

const STATES = {
  created: "created",
  exists: "is there",
  absent: "absent, would be created",
} as const;

function describe(report: PrepReport, dryRun: boolean, ingest: string | undefined): string {
  const { server, resources, warnings, isAsWanted } = report;
  const names = table(
    resources.map(({ resource, state, differences }) => [
      nameResource(resource),
      differences.length === 0 ? STATES[state] : `${STATES[state]}, and differs`,
    ]),
  );
  const counts = resources.some(({ state }) => state === "exists");
  return [
    `${server}${dryRun ? ", nothing is created" : ""}`,
    ...resources.flatMap((resource, i) => [names[i], ...describeDifferences(resource)]),
    ...(isAsWanted || !counts
      ? []
      : ["What is there was not changed: mend the configuration, or have the owner change it"]),
    ...(warnings.length === 0 ? [] : [`Warnings about "${ingest}"`, ...describeFaults(warnings)]),
    ...(ingest === undefined || !isAsWanted
      ? []
      : [`Next: sluice validate ${quote(ingest)} --look`]),
  ].join("\n");
}

function describeDifferences({ differences }: PreparedResource): string[] {
  return differences.map(({ path, wanted, found }) =>
    `    ${path}: ${JSON.stringify(wanted)} is wanted, ${
      found === undefined ? "the Boss says nothing" : `the Boss has ${JSON.stringify(found)}`
    }`
  );
}
