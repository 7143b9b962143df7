/**
 * Makes a job in a Boss of a configuration.
 * @module
 */
import { BossError } from "../boss/boss_error.ts";
import { type BossConfig, type ConfigFault, summarizeBossConfig } from "../boss/config.ts";
import { countBossTasks } from "../boss/ingest_job.ts";
import type { PluginGrants } from "../boss/custom_plugin.ts";
import type { BossPlugins } from "../boss/plugins.ts";
import { BossResources } from "../boss/resources.ts";
import { BossService, type IngestJob, type ListedJob } from "../boss/rest.ts";
import { messageOf, SluiceError } from "../core/errors.ts";
import type { BossServer } from "../boss/credentials.ts";
import { type AskBossOptions, findToken, retryOf } from "./_ask_boss.ts";
import { readSoundConfig } from "./_boss_job_config.ts";
import { askTarget } from "./_boss_target.ts";

/** What is about to be created. */
export interface BossJobProposal {
  /** Address of the Boss. */
  readonly server: string;
  /** What is uploaded. */
  readonly kind: "tile" | "volumetric";
  /** Tiles or chunks, as the server counts them. */
  readonly tasks: number;
  /** What `boss-ingest` shows before it makes a job. Secrets are `…`. */
  readonly summary: string;
  /** What is doubtful, but can be done. */
  readonly warnings: readonly ConfigFault[];
  /** Jobs of this user that go to the same channel and have not ended. */
  readonly others: readonly ListedJob[];
}

/** A job that was created, or what would have been. */
export interface CreatedBossJob extends BossJobProposal {
  /** The job, as the server tells it; absent: `confirm` said no. */
  readonly job?: IngestJob;
}

/** How a job is created. */
export interface CreateBossJobOptions extends AskBossOptions {
  /** Is asked before anything is created; false: nothing is. @default Nobody is asked */
  readonly confirm?: (proposal: BossJobProposal) => boolean | Promise<boolean>;
  /** Whether the channel, its experiment and its coordinate frame are looked up before. @default true */
  readonly looksUp?: boolean;
  /** Takes the place of the Boss that the configuration names. */
  readonly server?: BossServer;
  /** Take the place of those that the configuration names. */
  readonly plugins?: BossPlugins;
  /** What custom plugins may do beside reading below their source root. @default Nothing */
  readonly grants?: PluginGrants;
}

/**
 * Creates a job in the Boss that a configuration names. It is not created twice where an answer is lost.
 * @param config Path of its file, or what was read of one.
 * @throws {UsageError} If the configuration cannot be used; every fault of a file is named.
 * @throws {BossError} If the Boss refuses or does not answer; of kind `uncertain` where there may be a job all the same.
 * @throws {SluiceError} If collection, experiment or channel are not there.
 * @example On a Boss that takes it
 * ```ts
 * import { createBossJob, loadBossConfig } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
 * await using boss = Deno.serve(options, ({ method }) =>
 *   method === "POST"
 *     ? Response.json({ id: 42, status: 0, ingest_type: 1, tile_count: 512 }, { status: 201 })
 *     : Response.json({ ingest_jobs: [] }));
 * const config = await loadBossConfig("configs/boss/zarr.json");
 * const backend = { name: "boss", host: `127.0.0.1:${boss.addr.port}`, protocol: "http" } as const;
 * const { job, tasks } = await createBossJob({ ...config, backend }, {
 *   token: "0123456789abcdef",
 *   looksUp: false,
 * });
 * deepEqual([job?.id, job?.state, tasks], [42, "preparing", 512]);
 * ```
 */
export async function createBossJob(
  config: string | BossConfig,
  { confirm = () => true, looksUp = true, server, plugins, grants, ...asking }:
    CreateBossJobOptions = {},
): Promise<CreatedBossJob> {
  const { signal } = asking;
  const sound = await readSoundConfig(config, plugins, { grants, signal });
  const { database, job, body } = sound.config;
  const boss = server ?? sound.config.backend;
  const token = await findToken(boss, asking);
  const service = new BossService(boss, token, retryOf(asking));
  // Before the channel: who may not ask for jobs learns that the token is wrong, not that a channel is absent.
  const before = await service.list({ signal });
  const warnings = [...sound.warnings];
  if (looksUp) {
    const resources = new BossResources(boss, token, retryOf(asking));
    warnings.push(...await lookUp(sound.config, resources, signal));
  }
  const proposal: BossJobProposal = {
    server: service.url,
    kind: job.kind,
    tasks: countBossTasks(job),
    summary: summarizeBossConfig(atServer(sound.config, server)),
    warnings,
    others: before.filter((other) => isOpen(other) && goesTo(other, database)),
  };
  if (!await confirm(proposal)) return proposal;
  signal?.throwIfAborted();
  try {
    return { ...proposal, job: await service.create(body, { signal }) };
  } catch (error) {
    if (!(error instanceof BossError) || error.kind !== "uncertain") throw error;
    throw await nameNew(error, before, database, service, signal);
  }
}

/** The configuration as it is for another Boss than its own. */
function atServer(config: BossConfig, server: BossServer | undefined): BossConfig {
  if (server === undefined) return config;
  const protocol = server.protocol === "http" ? "http" : "https";
  return { ...config, backend: { ...config.backend, host: server.host, protocol } };
}

/** What does not go with the channel. @throws {SluiceError} If it is not there. */
async function lookUp(
  config: BossConfig,
  resources: BossResources,
  signal?: AbortSignal,
): Promise<readonly ConfigFault[]> {
  let looked: Awaited<ReturnType<typeof askTarget>>;
  try {
    looked = await askTarget(config, resources, signal);
  } catch (error) {
    // The server itself says whether the job can be made; this would only have been more exact.
    if (!(error instanceof BossError) || error.kind === "token") throw error;
    return [{ path: "database", reason: `it was not looked up: ${messageOf(error)}` }];
  }
  const { found: { missing }, warnings } = looked;
  if (missing.length === 0) return warnings;
  throw new SluiceError(
    `Cannot create an ingest job of "${config.name}" at "${new URL(resources.url).host}": ${
      missing.join(", ")
    } ${missing.length === 1 ? "is" : "are"} not there; create what is absent, as with sluice prep`,
  );
}

/** Which jobs are there that were not before an answer was lost. */
async function nameNew(
  error: BossError,
  before: readonly ListedJob[],
  database: BossConfig["database"],
  service: BossService,
  signal?: AbortSignal,
): Promise<BossError> {
  let now: readonly ListedJob[];
  try {
    now = await service.list({ signal });
  } catch {
    signal?.throwIfAborted();
    return error;
  }
  const known = new Set(before.map(({ id }) => id));
  const added = now.filter((job) => !known.has(job.id) && goesTo(job, database));
  const { status, code } = error;
  const said = added.length === 0
    ? "the list of jobs has no new one for this channel by now"
    : `the list of jobs has ${added.map(({ id }) => `job ${id}`).join(" and ")} since`;
  return new BossError(`${error.message} (${said})`, error.kind, { status, code, cause: error });
}

function isOpen({ state }: ListedJob): boolean {
  return state !== "complete" && state !== "failed" && state !== "deleted";
}

function goesTo(job: ListedJob, database: BossConfig["database"]): boolean {
  return (["collection", "experiment", "channel"] as const).every((name) =>
    job[name] === database[name]
  );
}
