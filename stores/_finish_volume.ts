/** The last task of a job: contrast from the voxels, and the mark "complete". */
import { SluiceError } from "../core/errors.ts";
import { measureContrast } from "./_contrast.ts";
import type { FinishOptions } from "./store.ts";
import { loadFormat, type Volume } from "./volume.ts";

/** Measures the contrast, writes the metadata anew, and marks the volume complete; temporary files go. */
export async function finishVolume(
  volume: Volume,
  { guard, signal }: FinishOptions,
): Promise<void> {
  const { path, folder, kind, layout } = volume;
  const plan = await folder.plan();
  if (plan === undefined) {
    throw new SluiceError(`Cannot finish "${path}" as it holds no plan; run \`sluice create\``);
  }
  let losses = 0;
  await folder.gatherReceipts();
  for await (const receipt of folder.receipts()) losses += receipt.losses.length;
  const contrast = kind === "labels" ? undefined : await measureContrast(volume, layout, signal);
  await guard();
  await (await loadFormat(plan.store.kind)).writeMetadata(folder, plan, {
    complete: true,
    losses,
    contrast,
  });
  await folder.sweep();
}
