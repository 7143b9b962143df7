/**
 * `sluice jobs` of a Boss.
 * @module
 */
import { listBossJobs } from "../../tasks/list_boss_jobs.ts";
import { askOptions, bossOf } from "../boss_options.ts";
import { type Context, EXIT } from "../command.ts";
import { Interrupts } from "../interrupts.ts";
import type { Call } from "../parse.ts";
import { table } from "../text.ts";

/** Lists the jobs of the user at a Boss. */
export async function run(call: Call, { output }: Context): Promise<number> {
  const server = await bossOf(call);
  using interrupts = new Interrupts((text) => output.note(text));
  const list = await listBossJobs(server, askOptions(call.flags, { output, interrupts }));
  output.report(
    { ...list, exitCode: EXIT.done },
    () =>
      list.jobs.length === 0 ? `No jobs at ${list.server}` : table(
        [
          ["job", "state", "kind", "created", "channel"],
          ...list.jobs.map(({ id, state, kind, created = "", ...place }) => [
            String(id),
            state,
            kind,
            created.slice(0, 16).replace("T", " "),
            [place.collection, place.experiment, place.channel].map((name) => name ?? "?").join(
              "/",
            ),
          ]),
        ],
        { indent: "", right: [0] },
      ).join("\n"),
  );
  return EXIT.done;
}
