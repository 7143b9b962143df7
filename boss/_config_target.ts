/**
 * A configuration beside what the server says of its target.
 * @module
 */
import { type Box, contains, formatBox } from "../core/box.ts";
import type { ConfigFault } from "./_config_fields.ts";
import type { BossConfig } from "./config.ts";

/** What the server says of a channel, its experiment and its coordinate frame. */
export interface BossTarget {
  /** The channel's `base_resolution`: where the server puts the voxels. */
  readonly baseResolution: number;
  /** The channel's `datatype`. */
  readonly datatype: string;
  /** What the coordinate frame covers along x, y and z, and the experiment along t. @default Not asked */
  readonly frame?: Box;
}

/**
 * What is doubtful about ingesting into a target. Nothing of it is refused by the server.
 * @returns A warning each, with the path in the configuration.
 * @example A channel whose finest voxels are those of another resolution
 * ```ts
 * import { checkBossTarget, loadBossConfig } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * const config = await loadBossConfig("configs/boss/zarr.json");
 * const [warning] = checkBossTarget(config, { baseResolution: 1, datatype: "uint8" });
 * equal(warning.path, "ingest_job.resolution");
 * ```
 */
export function checkBossTarget({ job }: BossConfig, target: BossTarget): ConfigFault[] {
  const warnings: ConfigFault[] = [];
  if (job.resolution !== target.baseResolution) {
    warnings.push({
      path: "ingest_job.resolution",
      reason:
        `it is ${job.resolution}, and the server puts the voxels at the channel's own base resolution, ` +
        `${target.baseResolution}`,
    });
  }
  if (target.frame !== undefined && !contains(target.frame, job.extent)) {
    warnings.push({
      path: "ingest_job.extent",
      reason:
        `it is ${formatBox(job.extent)}, and the experiment covers ${
          formatBox(target.frame)
        }: voxels outside ` +
        `are stored, and can never be read`,
    });
  }
  if (job.kind === "tile" && target.datatype === "uint64") {
    warnings.push({
      path: "ingest_job",
      reason:
        `tiles hold 32 bits at most, and the channel is of uint64: ids of 2147483648 or more are refused; ` +
        `a volumetric job holds them all`,
    });
  }
  return warnings;
}
