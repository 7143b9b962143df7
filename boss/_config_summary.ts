/**
 * What is shown before a job is made.
 * @module
 */
import { withoutSecrets } from "./_config_secrets.ts";
import type { BossConfig, PluginChoice } from "./config.ts";
import { countBossTasks } from "./ingest_job.ts";

/**
 * A summary of the job, for people to say yes to: its target, its plugins with their parameters, and the number of
 * uploads as the server counts them. Secrets are shown as `…`.
 * @example The line that says how much it will be
 * ```ts
 * import { loadBossConfig, summarizeBossConfig } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * const summary = summarizeBossConfig(await loadBossConfig("configs/boss/zarr.json"));
 * equal(summary.split("\n").at(-1), "Total Number of Image Chunks to Upload: 512");
 * ```
 */
export function summarizeBossConfig(config: BossConfig): string {
  const { backend, database, job, pathProcessor, processor } = config;
  const [name, units] = job.kind === "tile" ? ["Tile", "Image Tiles"] : ["Chunk", "Image Chunks"];
  return [
    "#### INGEST JOB SUMMARY ####",
    "",
    `Target: ${backend.protocol}://${backend.host}`,
    `  Collection: ${database.collection}`,
    `  Experiment: ${database.experiment}`,
    `  Channel: ${database.channel}`,
    "",
    ...describePlugin("Path", pathProcessor),
    ...describePlugin(name, processor),
    `Total Number of ${units} to Upload: ${countBossTasks(job)}`,
  ].join("\n");
}

function describePlugin(kind: string, { className, params }: PluginChoice): string[] {
  const { ingest_job: _, ...own } = params;
  const shown = JSON.stringify(withoutSecrets(own, "…"), null, 2).replaceAll("\n", "\n  ");
  return [
    `${kind} Processor Configuration:`,
    `  Plugin: ${className}`,
    `  Parameters: ${shown}`,
    "",
  ];
}
