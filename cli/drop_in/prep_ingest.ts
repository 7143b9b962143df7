/**
 * `sluice prep_ingest`: the flags and exit codes of prep_ingest 0.12; unlike it, it shows no token and swallows no error.
 * @module
 */
import { resolve } from "node:path";
import { BossToken } from "../../boss/credentials.ts";
import { type InternSettings, readInternSettings } from "../../boss/intern_file.ts";
import { loadPrepConfig } from "../../boss/prep_config.ts";
import { type BossResource, nameResource } from "../../boss/resources.ts";
import { SluiceError } from "../../core/errors.ts";
import { grantBossAccess } from "../../tasks/grant_boss_access.ts";
import { type PreparedResource, prepBoss } from "../../tasks/prep_boss.ts";
import { EXIT, InterruptedError } from "../command.ts";
import { Interrupts } from "../interrupts.ts";
import { quote } from "../text.ts";
import type { Arguments } from "./args.ts";
import { IngestFile } from "./ingest_names.ts";
import { PREP_INGEST } from "./prep_ingest_grammar.ts";
import { print, runProgram } from "./program.ts";
import { helpOf } from "./usage.ts";

const GOV_TEAM = "gov_team";

/** What its `--help` prints. */
export function help(): string {
  return helpOf(PREP_INGEST);
}

/** Runs it. @returns The exit code. */
export function run(words: readonly string[]): Promise<number> {
  return runProgram(words, PREP_INGEST, async (given) => {
    using interrupts = new Interrupts(print);
    try {
      return await prepare(given, interrupts.signal);
    } catch (error) {
      if (!interrupts.signal.aborted) throw error;
      throw new InterruptedError("Stopped; what was created stays, and is found the next time");
    }
  });
}

async function prepare(given: Arguments, signal: AbortSignal): Promise<number> {
  const settings = await readInternSettings(given.text("intern_cfg") ?? "boss.cfg");
  const config = await loadPrepConfig(given.positional!);
  for (const { path, reason } of config.warnings) print(`${path}: ${reason}`);
  const ingest = given.has("writecfg") ? await openIngest(config.ingestConfig) : undefined;
  const { server } = settings;
  const token = new BossToken(settings.token, settings.source);
  await prepBoss(config, {
    server,
    token,
    signal,
    onResource: (done) => print(describe(done)),
  });
  const resources = config.resources.map(({ resource }) => resource);
  if (given.has("govteam")) {
    const permissions = ["read"];
    const refused = await grantBossAccess(server, resources, {
      token,
      signal,
      group: GOV_TEAM,
      permissions,
    });
    for (const { resource, reason } of refused) {
      print(
        `Failed to automatically add ${GOV_TEAM} group to ${resource.kind}: ${resource.name} (${reason})`,
      );
    }
  }
  await ingest?.write({
    collection: nameOf(resources, "collection"),
    experiment: nameOf(resources, "experiment"),
    channel: nameOf(resources, "channel"),
  });
  print(describeNext(settings, config.ingestConfig));
  return EXIT.done;
}

async function openIngest(path: string | undefined): Promise<IngestFile> {
  if (path !== undefined) return await IngestFile.open(path);
  throw new SluiceError(
    'Cannot write names into an ingest configuration: none is named; give its path as "ingest_cfg", or leave out --writecfg',
  );
}

function nameOf(resources: readonly BossResource[], kind: BossResource["kind"]): string {
  return resources.find((resource) => resource.kind === kind)!.name;
}

function describe({ resource, state, differences }: PreparedResource): string {
  const name = nameResource(resource);
  return [
    `${name[0].toUpperCase()}${name.slice(1)} ${state === "created" ? "was created" : "is there"}`,
    ...differences.map(({ path, wanted, found }) =>
      `  It was not changed: ${path} is wanted as ${JSON.stringify(wanted)}, and the Boss ${
        found === undefined ? "says nothing of it" : `has ${JSON.stringify(found)}`
      }`
    ),
  ].join("\n");
}

/** What is to be done next; the token itself is not shown. */
function describeNext({ path, source }: InternSettings, ingest: string | undefined): string {
  const token = path === undefined
    ? [`The token is from ${source}, where boss-ingest finds it, too.`]
    : [
      `The token stays in ${source}. Keep it in ~/.intern/intern.cfg, too, or let the shell take it from there:`,
      "",
      `  export INTERN_TOKEN="$(sed -n 's/^token *[=:] *//p' ${quote(path)} | head -n 1)"`,
    ];
  const config = ingest === undefined ? "INGEST_CONFIG" : quote(resolve(ingest));
  return [
    "",
    ...token,
    "",
    "Run this command to execute the ingest client:",
    "",
    `  sluice boss-ingest ${config}`,
  ].join("\n");
}
