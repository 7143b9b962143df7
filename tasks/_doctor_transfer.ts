/** The command that writes a volume anew, so that viewers can read it. */
import type { VolumeArray } from "../plugins/volume_array.ts";
import type { DoctorMend } from "./_doctor_check.ts";

/** Writes a volume in another form, in its own format where that is written. @param flags Of `sluice transfer`. */
export function transferMend(
  address: string,
  { format }: Pick<VolumeArray, "format">,
  flags: readonly string[] = [],
  target: "same" | "ome-zarr" = "same",
): DoctorMend {
  const to = target === "same" && format === "precomputed" ? "precomputed://NEW" : "NEW.ome.zarr";
  const words = ["sluice", "transfer", quote(address.replace(/\?.*/s, "")), to, ...flags];
  return { where: "shell", lines: words.join(" ") };
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
