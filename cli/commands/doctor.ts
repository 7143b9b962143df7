/**
 * `sluice doctor`.
 * @module
 */
import { diagnoseVolume } from "../../tasks/doctor.ts";
import { type Context, EXIT, InterruptedError } from "../command.ts";
import { describeDiagnosis } from "../doctor_report.ts";
import { Interrupts } from "../interrupts.ts";
import { valueOf } from "../job_options.ts";
import type { Call } from "../parse.ts";

/** Tests a served volume. */
export async function run({ words, flags }: Call, { output }: Context): Promise<number> {
  using interrupts = new Interrupts((text) => output.note(text));
  try {
    const diagnosis = await diagnoseVolume(words.get("address")![0], {
      origin: valueOf(flags, "origin"),
      signal: interrupts.signal,
    });
    output.report(
      diagnosis,
      () => describeDiagnosis(diagnosis, { bold: (text) => output.bold(text) }),
    );
    return diagnosis.faults === 0 ? EXIT.done : EXIT.failed;
  } catch (error) {
    throw interrupts.signal.aborted ? new InterruptedError("Stopped before all was tested") : error;
  }
}
