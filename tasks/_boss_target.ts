/**
 * What a Boss has of where the voxels of a job go.
 * @module
 */
import {
  type BossConfig,
  type BossTarget,
  checkBossTarget,
  type ConfigFault,
} from "../boss/config.ts";
import {
  type BossResource,
  type BossResources,
  nameResource,
  targetOf,
} from "../boss/resources.ts";

/** What the server has of where the voxels go. */
export interface FoundTarget extends Partial<BossTarget> {
  /** What is not there: a job cannot be made before it is. */
  readonly missing: readonly string[];
}

/** Looks up the channel of a configuration, its experiment and its coordinate frame. */
export async function askTarget(
  config: BossConfig,
  resources: BossResources,
  signal?: AbortSignal,
): Promise<{ found: FoundTarget; warnings: ConfigFault[] }> {
  const { collection, experiment: name, channel: channelName } = config.database;
  const experiment = { kind: "experiment", collection, name } as const;
  const missing: string[] = [];
  const find = async (resource: BossResource) => {
    const fields = await resources.find(resource, { signal });
    if (fields === undefined) missing.push(nameResource(resource));
    return fields;
  };
  await find({ kind: "collection", name: collection });
  const experimentFields = await find(experiment);
  const channel = await find({
    kind: "channel",
    collection,
    experiment: name,
    name: channelName,
  });
  const frame = typeof experimentFields?.coord_frame === "string"
    ? await find({ kind: "coordinate frame", name: experimentFields.coord_frame })
    : undefined;
  if (!experimentFields || !channel || !frame) return { found: { missing }, warnings: [] };
  const target = targetOf({ experiment: experimentFields, channel, frame });
  return { found: { missing, ...target }, warnings: checkBossTarget(config, target) };
}
