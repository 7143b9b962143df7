/**
 * `sluice set`.
 * @module
 */
import { formatVoxelSize, parseVoxelSize } from "../../core/units.ts";
import { setVoxelSize } from "../../tasks/set_voxel_size.ts";
import { type Context, EXIT } from "../command.ts";
import { valueOf } from "../job_options.ts";
import { type Call, CallError } from "../parse.ts";

/** Changes what the metadata says. */
export async function run({ words, flags }: Call, { output }: Context): Promise<number> {
  const size = valueOf(flags, "voxel-size");
  if (size === undefined) {
    throw new CallError("Cannot set nothing: give --voxel-size 4x4x40nm", "set");
  }
  const result = await setVoxelSize(words.get("target")![0], parseVoxelSize(size));
  const { volume, before, after } = result;
  output.report(
    result,
    () =>
      `Voxels of "${volume}" are now ${formatVoxelSize(after)}${
        before === undefined ? "" : `, they were ${formatVoxelSize(before)}`
      }`,
  );
  return EXIT.done;
}
