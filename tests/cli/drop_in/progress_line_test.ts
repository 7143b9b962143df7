/** The line that says how an upload goes. */
import { deepEqual, equal } from "node:assert/strict";
import { ProgressLine, type UploadState } from "../../../cli/drop_in/progress_line.ts";

/** What is said when the server is looked at every 10 s. */
function lines(kind: "tile" | "volumetric", left: readonly number[], total = 3200) {
  let now = 5_000;
  const line = new ProgressLine(kind, () => now);
  return left.flatMap((left, at) => {
    now = 5_000 + at * 10_000;
    const state: UploadState = { left, total };
    const said = line.look(state);
    return said === undefined ? [] : [`${at * 10} s: ${said}`];
  });
}

Deno.test("ProgressLine says how it goes every 30 seconds, in the form of boss-ingest", () => {
  deepEqual(lines("tile", [3200, 3190, 3180, 3170, 3160, 3150, 3140]), [
    "30 s: Uploading ~60.00 tile/min - Approx 3170 of 3200 tile remaining, ETA: 52.83 minutes - Elapsed time 0.50 minutes",
    "60 s: Uploading ~60.00 tile/min - Approx 3140 of 3200 tile remaining, ETA: 52.33 minutes - Elapsed time 1.00 minutes",
  ]);
  deepEqual(lines("volumetric", [8, 8, 8, 8], 8), [
    "30 s: Uploading ~0.00 chunks/min - Approx 8 of 8 chunks remaining, calculating ETA... - Elapsed time 0.50 minutes",
  ]);
});

Deno.test("ProgressLine takes the rate from the last minute alone", () => {
  const left = [1000, 900, 800, 700, 690, 680, 670, 660, 650, 640];
  equal(
    lines("tile", left).at(-1),
    "90 s: Uploading ~60.00 tile/min - Approx 640 of 3200 tile remaining, ETA: 10.67 minutes - Elapsed time 1.50 minutes",
  );
});

const etas = [
  { name: "minutes", done: 10, left: 3600, eta: "ETA: 60.00 minutes" },
  { name: "hours", done: 10, left: 3660, eta: "ETA: 1.02 hours" },
  { name: "days", done: 1, left: 8646, eta: "ETA: 1.00 days" },
] as const;
for (const { name, done, left, eta } of etas) {
  Deno.test(`T19: the time that is left is what the rate makes of it, in ${name}`, () => {
    const [said] = lines("tile", [left + 3 * done, left + 2 * done, left + done, left]);
    const [, rate, found] = /~(.*) tile\/min .* remaining, (ETA: .*) - Elapsed/.exec(said)!;
    deepEqual([Number(rate), found], [done * 6, eta]);
  });
}

Deno.test("ProgressLine says what it waits for where nothing is left", () => {
  deepEqual(lines("tile", [3, 2, 1, 0]), [
    "30 s: Waiting to ensure all upload tasks have been processed. Just a few minutes longer...",
  ]);
});
