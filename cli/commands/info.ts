/**
 * `sluice info`.
 * @module
 */
import { describeVolume } from "../../tasks/describe_volume.ts";
import { type Context, EXIT } from "../command.ts";
import { describeInfo } from "../info_report.ts";
import type { Call } from "../parse.ts";

/** Says what lies at an address. */
export async function run({ words }: Call, { output }: Context): Promise<number> {
  const description = await describeVolume(words.get("address")!);
  output.report(
    description,
    () => describeInfo(description, { bold: (text) => output.bold(text) }),
  );
  return EXIT.done;
}
