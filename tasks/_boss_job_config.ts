/**
 * The configuration of a Boss job, sound as a whole.
 * @module
 */
import { checkBossConfig } from "../boss/check_config.ts";
import { type BossConfig, BossConfigError, type ConfigFault } from "../boss/config.ts";
import type { CustomPluginOptions } from "../boss/custom_plugin.ts";
import { type BossPlugins, openBossPlugins } from "../boss/plugins.ts";

/** A configuration that a job can be made of, or worked on with. */
export interface SoundConfig {
  readonly config: BossConfig;
  readonly plugins: BossPlugins;
  /** What is doubtful, but can be done. */
  readonly warnings: readonly ConfigFault[];
}

/**
 * Reads a configuration with the parameters of its plugins.
 * @param given Path of its file, or what was read of one.
 * @param plugins Those that take the place of the configuration's own.
 * @param options For custom plugins.
 * @throws {UsageError} If the file is not there, or no JSON; with every fault where it has some.
 */
export async function readSoundConfig(
  given: string | BossConfig,
  plugins?: BossPlugins,
  options: CustomPluginOptions = {},
): Promise<SoundConfig> {
  if (typeof given !== "string") {
    const own = plugins ?? await openBossPlugins(given, options);
    return { config: given, plugins: own, warnings: [...given.warnings, ...own.warnings] };
  }
  const { faults, warnings, sound } = await checkBossConfig(given, options);
  if (sound === undefined) {
    throw new BossConfigError(`use "${given}" as a Boss ingest configuration`, faults);
  }
  return { config: sound.config, plugins: plugins ?? sound.plugins, warnings };
}
