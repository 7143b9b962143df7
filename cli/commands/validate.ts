/**
 * `sluice validate`.
 * @module
 */
import { type BossValidation, validateBoss } from "../../tasks/validate_boss.ts";
import { grantsOf } from "../_plugin_flags.ts";
import { describeFaults, tellToken } from "../boss_report.ts";
import { type Context, EXIT, InterruptedError } from "../command.ts";
import { Interrupts } from "../interrupts.ts";
import { valueOf } from "../job_options.ts";
import { type Call, CallError } from "../parse.ts";
import { formatCount, plural, table } from "../text.ts";

/** Looks a configuration of the Boss over. */
export async function run({ words, flags }: Call, { output }: Context): Promise<number> {
  const token = valueOf(flags, "token");
  if (token !== undefined && !flags.has("ask-server")) {
    throw new CallError("Cannot use --token without --ask-server: nobody is asked", "validate");
  }
  using interrupts = new Interrupts((text) => output.note(text));
  const { signal } = interrupts;
  const found = await validateBoss(words.get("config")![0], {
    look: flags.has("look"),
    grants: grantsOf(flags),
    ...(flags.has("ask-server")
      ? { ask: { token, signal, onToken: (from) => tellToken(from, output) } }
      : {}),
    signal,
  }).catch((error) => {
    throw signal.aborted ? new InterruptedError("Stopped; nothing was written") : error;
  });
  const code = found.faults.length > 0 ? EXIT.usage : found.isSound ? EXIT.done : EXIT.failed;
  output.report({ ...found, exitCode: code }, () => describe(found));
  return code;
}

function describe({ config, faults, warnings, job, summary, looks, target }: BossValidation) {
  return [
    ...(summary === undefined ? [] : [summary, ""]),
    ...(job === undefined || job.kind === "tile"
      ? []
      : [`A chunk of the server has ${plural(job.zChunkSize, "section")}`]),
    ...(looks === undefined ? [] : [
      "Looked at",
      ...table(looks.map(({ which, index: { x, y, z, t }, place, state, said }) => [
        `${which} ${job?.kind === "tile" ? "tile" : "chunk"}, x ${x} y ${y} z ${z} t ${t}`,
        state,
        place === "" ? said : `${place}: ${said}`,
      ])),
    ]),
    ...(target === undefined ? [] : describeTarget(target)),
    ...(warnings.length === 0 ? [] : ["Warnings", ...describeFaults(warnings)]),
    ...(faults.length === 0
      ? [`"${config}" has no fault`]
      : [`"${config}" has ${plural(faults.length, "fault")}`, ...describeFaults(faults)]),
  ].join("\n");
}

function describeTarget(
  { missing, datatype, baseResolution = 0 }: Required<BossValidation>["target"],
) {
  if (missing.length > 0) {
    return ["Not at the server", ...missing.map((name) => `  ${name}; sluice prep creates it`)];
  }
  return [`At the server: ${datatype}, base resolution ${formatCount(baseResolution)}`];
}
