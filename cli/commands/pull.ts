/**
 * `sluice pull`.
 * @module
 */
import { AXES, type Point } from "../../core/point.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { openVolume } from "../../stores/volume.ts";
import { mebibytes } from "../../tasks/memory.ts";
import { type PullOptions, pullVolume } from "../../tasks/pull.ts";
import { type Context, EXIT, InterruptedError } from "../command.ts";
import { Interrupts } from "../interrupts.ts";
import { valueOf, workOptions } from "../job_options.ts";
import type { Call } from "../parse.ts";
import { Progress } from "../progress.ts";
import { plural } from "../text.ts";
import { OPEN_END, parseCount, parseSpan, type Span } from "../values.ts";

/** Reads a box out into images. */
export async function run({ words, flags }: Call, { output }: Context): Promise<number> {
  const [volume, target] = [words.get("volume")![0], words.get("target")![0]];
  const scale = parseCount("scale", valueOf(flags, "scale") ?? "0", 0);
  const progress = Progress.of(output);
  using interrupts = new Interrupts((text) => progress.say(text));
  await using pool = new WorkerPool({ size: workOptions(flags).workers });
  progress.begin("pulling");
  try {
    const result = await pullVolume(volume, target, {
      pool,
      ...await readBox(flags, volume, scale, pool),
      scale,
      // The choices of these were checked with the flags.
      format: valueOf(flags, "format") as PullOptions["format"],
      compression: valueOf(flags, "compression") as PullOptions["compression"],
      overwrite: flags.has("overwrite"),
      signal: interrupts.signal,
      onProgress: (done, total) => progress.update({ done, total, unit: "sections" }),
    });
    progress.end();
    for (const warning of result.warnings) output.note(warning);
    const { files, bytes, sections } = result;
    output.report(
      { target, ...result },
      `Wrote "${target}": ${plural(sections, "section")} in ${plural(files, "file")}, ${
        mebibytes(bytes)
      }`,
    );
    return EXIT.done;
  } catch (error) {
    progress.end();
    throw interrupts.signal.aborted
      ? new InterruptedError("Stopped; sections that were done are there, nothing half-written is")
      : error;
  }
}

/** The box that flags give; what they leave open ends where the volume does. */
async function readBox(
  flags: Call["flags"],
  volume: string,
  scale: number,
  pool: WorkerPool,
): Promise<Partial<Record<(typeof AXES)[number], Span>>> {
  const spans = AXES.flatMap((axis, at) => {
    const text = valueOf(flags, axis);
    return text === undefined ? [] : [{ axis, at, span: parseSpan(axis, text) }];
  });
  let size: Point | undefined;
  if (spans.some(({ span }) => span[1] === OPEN_END)) {
    await using store = await openVolume(volume, { pool });
    size = store.layout.scales[scale]?.size;
  }
  return Object.fromEntries(
    spans.map(({ axis, at, span: [first, end] }) => [
      axis,
      [first, end === OPEN_END ? size?.[at] ?? end : end],
    ]),
  );
}
