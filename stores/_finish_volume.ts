/** The last task of a job: contrast from the voxels, and the mark "complete". */
import { join } from "node:path";
import { SluiceError } from "../core/errors.ts";
import { readReceipts } from "../ledgers/receipt_log.ts";
import { measureContrast } from "./_contrast.ts";
import type { FinishOptions } from "./store.ts";
import type { Volume, VolumeFormat } from "./volume.ts";

/** Measures the contrast, writes the metadata anew, and marks the volume complete; temporary files go. */
export async function finishVolume(
  volume: Volume,
  writeMetadata: VolumeFormat["writeMetadata"],
  { guard, signal }: FinishOptions,
): Promise<void> {
  const { path, folder, kind, layout } = volume;
  const plan = await folder.plan();
  if (plan === undefined) {
    throw new SluiceError(`Cannot finish "${path}" as it holds no plan; run \`sluice create\``);
  }
  let losses = 0;
  for await (const receipt of readReceipts(folder.receiptsPath)) losses += receipt.losses.length;
  const contrast = kind === "labels" ? undefined : await measureContrast(volume, layout, signal);
  await guard();
  await writeMetadata(path, plan, { complete: true, losses, contrast });
  await Deno.remove(join(folder.path, "tmp"), { recursive: true }).catch(() => {});
}
