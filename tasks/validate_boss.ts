/**
 * Looks a configuration file of the Boss over before a job is made of it.
 * @module
 */
import { checkBossConfig } from "../boss/check_config.ts";
import { type ConfigFault, summarizeBossConfig } from "../boss/config.ts";
import type { PluginGrants } from "../boss/custom_plugin.ts";
import { countBossTasks, zChunkSize } from "../boss/ingest_job.ts";
import { type AskBossOptions, openResources } from "./_ask_boss.ts";
import { askTarget, type FoundTarget } from "./_boss_target.ts";
import { type BossLook, lookAtBoss } from "./_look_boss.ts";

export type { FoundTarget };

/** What a sound configuration will make. */
export interface BossJobCounts {
  /** What is uploaded. */
  readonly kind: "tile" | "volumetric";
  /** Tiles or chunks, as the server counts them. */
  readonly tasks: number;
  /** Sections of one chunk of the server. */
  readonly zChunkSize: number;
}

/** What was found. */
export interface BossValidation {
  /** Path of the file. */
  readonly config: string;
  /** Whether a job can be made of it: it has no fault, and nothing that was looked at is missing. */
  readonly isSound: boolean;
  /** What cannot be, each with its path in the file. */
  readonly faults: readonly ConfigFault[];
  /** What is doubtful, but can be done. */
  readonly warnings: readonly ConfigFault[];
  /** Where there is no fault: what it will make. */
  readonly job?: BossJobCounts;
  /** Where there is no fault: what `boss-ingest` shows before it makes a job. Secrets are `…`. */
  readonly summary?: string;
  /** Where it was asked for: the images or the volume. */
  readonly looks?: readonly BossLook[];
  /** Where it was asked for: what the server has. */
  readonly target?: FoundTarget;
}

/** How far a configuration is looked over. */
export interface ValidateBossOptions {
  /** Whether the images or the volume of the first and last tile or chunk are opened. @default false */
  readonly look?: boolean;
  /** Asks the server for the channel, its experiment and its coordinate frame. @default It is not asked */
  readonly ask?: AskBossOptions;
  /** What custom plugins may do beside reading below their source root. @default Nothing */
  readonly grants?: PluginGrants;
  /** Ends it with its reason. */
  readonly signal?: AbortSignal;
}

/**
 * Finds every fault of a configuration file at once, also those of its plugins' parameters, and says what it will make.
 * Nothing but the file is read, and modules of custom plugins, unless it is asked for.
 * @throws {UsageError} If the file is not there, or no JSON.
 * @throws {SluiceError} If the server is to be asked, and cannot be.
 * @example One of the examples
 * ```ts
 * import { validateBoss } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const { faults, job } = await validateBoss("configs/boss/zarr.json");
 * deepEqual([faults.length, job?.kind, job?.tasks], [0, "volumetric", 512]);
 * ```
 */
export async function validateBoss(
  path: string,
  { look = false, ask, grants, signal }: ValidateBossOptions = {},
): Promise<BossValidation> {
  const { faults, warnings, sound } = await checkBossConfig(path, { grants, signal });
  if (sound === undefined) return { config: path, isSound: false, faults, warnings };
  const { config, plugins } = sound;
  const looks = look ? await lookAtBoss(config.job, plugins, signal) : undefined;
  plugins.close?.();
  const target = ask === undefined ? undefined : await askTarget(
    config,
    await openResources(config.backend, ask),
    ask.signal ?? signal,
  );
  const isThere = looks?.every(({ state }) => state !== "missing" && state !== "faulty") ?? true;
  return {
    config: path,
    isSound: isThere && (target === undefined || target.found.missing.length === 0),
    faults,
    warnings: [...warnings, ...target?.warnings ?? []],
    job: {
      kind: config.job.kind,
      tasks: countBossTasks(config.job),
      zChunkSize: zChunkSize(config.job),
    },
    summary: summarizeBossConfig(config),
    ...(looks === undefined ? {} : { looks }),
    ...(target === undefined ? {} : { target: target.found }),
  };
}
