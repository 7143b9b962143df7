/**
 * A configuration of the Boss, looked over as a whole: nothing that is wrong with one part of it hides another.
 * @module
 */
import { type ConfigFault, Faults } from "./_config_fields.ts";
import { readJson } from "./_config_file.ts";
import { type BossConfig, KIND_OF_FILE, parseBossConfig, readConfig } from "./config.ts";
import type { CustomPluginOptions } from "./custom_plugin.ts";
import { type BossPlugins, makePlugins } from "./plugins.ts";

/** What is wrong or doubtful with a configuration; if nothing is wrong, what can be used of it. */
export interface CheckedConfig {
  /** What cannot be, in the order of the file's parts. */
  readonly faults: readonly ConfigFault[];
  /** What is doubtful, but can be done. */
  readonly warnings: readonly ConfigFault[];
  /** There where there is no fault. */
  readonly sound?: { readonly config: BossConfig; readonly plugins: BossPlugins };
}

/**
 * Reads a configuration file with the parameters of its plugins, and collects every fault.
 * @param options For custom plugins, which are loaded.
 * @throws {UsageError} If the file is not there, or no JSON.
 */
export async function checkBossConfig(
  path: string,
  options: CustomPluginOptions = {},
): Promise<CheckedConfig> {
  const value = await readJson(path, KIND_OF_FILE);
  const faults = new Faults();
  const read = readConfig(value, path, faults);
  const own = faults.list();
  const plugins = await makePlugins(read, faults, options);
  const isJobSound = !own.some(({ path }) => path === "$" || path.startsWith("ingest_job"));
  // What a plugin says of a job that was not read is said of what took its place.
  const later = faults.list().slice(own.length)
    .filter(({ reason }) => isJobSound || !reason.includes("ingest_job"));
  const all = [...own, ...later];
  const warnings = [...read.warnings, ...plugins?.warnings ?? []];
  if (all.length > 0 || plugins === undefined) return { faults: all, warnings };
  return { faults: [], warnings, sound: { config: parseBossConfig(value, path), plugins } };
}
