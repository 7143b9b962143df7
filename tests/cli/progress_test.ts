import { deepEqual, equal, match, ok } from "node:assert/strict";
import { picture } from "../../cli/job_report.ts";
import { bar, Progress } from "../../cli/progress.ts";
import { formatCount, formatDuration, plural, quote } from "../../cli/text.ts";

/** A progress whose clock the test moves. */
function recorded(columns: number) {
  const written: string[] = [];
  const clock = { now: 0 };
  const progress = new Progress({
    columns: () => columns,
    write: (text) => written.push(text),
    now: () => clock.now,
  });
  return { progress, written, clock };
}

function runFor(seconds: number, columns: number): string[] {
  const { progress, written, clock } = recorded(columns);
  progress.begin("writing");
  const steps = seconds * 20;
  for (let i = 0; i <= steps; i++) {
    clock.now = i * 50;
    progress.update({
      done: i,
      total: steps,
      unit: "tasks",
      voxelBytes: i * 1e6,
      writtenBytes: i * 1e5,
    });
  }
  progress.end();
  return written;
}

Deno.test("Progress writes a line after 10 % or 10 s where there is no terminal", () => {
  const slow = runFor(1000, 0);
  ok(slow.every((text) => text.endsWith("\n") && !text.includes("\x1b") && !text.includes("\r")));
  ok(slow.length >= 99 && slow.length <= 101, `${slow.length} lines in 1000 s`);
  const quick = runFor(20, 0);
  ok(quick.length >= 9 && quick.length <= 11, `${quick.length} lines in 20 s`);
  deepEqual(runFor(0.9, 0), []);
});

Deno.test("Progress says part, rate, bytes and time left", () => {
  const line = runFor(100, 0)[4];
  match(
    line,
    /^writing\s+\d\d %\s+\d+\/2000 tasks\s+20 MB\/s\s+\d+ MiB written\s+(1 min \d+|\d+\.\d) s left\n$/,
  );
});

Deno.test("Progress draws one line again and again on a terminal, and takes it away", () => {
  const written = runFor(5, 60);
  ok(written.length > 20);
  for (const text of written) {
    ok(text.startsWith("\r\x1b[2K"));
    ok(!text.includes("\n"));
    ok(text.slice(5).length < 60, text);
  }
  equal(written.at(-1), "\r\x1b[2K");
});

Deno.test("Progress takes a terminal of 0 columns for none", () => {
  deepEqual(runFor(30, 0).filter((text) => text.includes("\x1b")), []);
});

Deno.test("Progress smooths the time that is left", () => {
  const { progress, written, clock } = recorded(0);
  progress.begin("writing");
  // An hour at one task a second, then ten seconds of standing still.
  for (let i = 0; i <= 3610; i++) {
    clock.now = i * 1000;
    progress.update({ done: Math.min(i, 3600), total: 7200, unit: "tasks" });
  }
  match(written.at(-2)!, /(59 min|1 h) .*left|1 h left/);
  match(written.at(-1)!, /1 h \d+ min left/);
});

Deno.test("Progress keeps finer steps than tasks, and 100 % for the end", () => {
  const { progress, written, clock } = recorded(0);
  progress.begin("writing");
  clock.now = 20_000;
  progress.update({ done: 0, total: 2, unit: "tasks", part: 0.37 });
  clock.now = 40_000;
  progress.update({ done: 1, total: 2, unit: "tasks", part: 1 });
  clock.now = 60_000;
  progress.update({ done: 2, total: 2, unit: "tasks", losses: 3 });
  deepEqual(written.map((text) => text.match(/\d+ %/)![0]), ["37 %", "99 %", "100 %"]);
  match(written[2], /3 lost/);
});

Deno.test("Progress says words between its lines", () => {
  const { progress, written, clock } = recorded(40);
  progress.begin("writing");
  clock.now = 1000;
  progress.update({ done: 1, total: 2, unit: "tasks" });
  progress.say("Attempt failed");
  equal(written[1], "\r\x1b[2K");
  equal(written[2], "Attempt failed\n");
  ok(written[3].startsWith("\r\x1b[2Kwriting"));
});

Deno.test("bar() fills by halves", () => {
  deepEqual([bar(0, 4), bar(0.5, 4), bar(0.7, 4), bar(1, 4)], ["░░░░", "██░░", "██▌░", "████"]);
});

Deno.test("picture() has a mark for every state that has a task, and never too many", () => {
  const phase = { done: 1_000_000, leased: 1, dead: 1, blocked: 1, waiting: 0 };
  equal(picture(phase, 10), "███████▒x!");
  equal(picture({ done: 1, leased: 0, dead: 0, blocked: 0, waiting: 2 }, 10), "█··");
  equal(picture({ done: 0, leased: 0, dead: 0, blocked: 0, waiting: 0 }, 10), "");
});

const durations = [
  [0, "0 ms"],
  [999, "999 ms"],
  [59_949, "59.9 s"],
  [59_990, "1 min"],
  [61_000, "1 min 1 s"],
  [3_600_000, "1 h"],
  [12_000_000, "3 h 20 min"],
  [90_000_000, "1 d 1 h"],
] as const;
for (const [milliseconds, text] of durations) {
  Deno.test(`formatDuration() says ${text}`, () => equal(formatDuration(milliseconds), text));
}

Deno.test("numbers and words read well", () => {
  deepEqual([formatCount(0), formatCount(999), formatCount(1234567)], ["0", "999", "1,234,567"]);
  deepEqual([plural(1, "task"), plural(1000, "task")], ["1 task", "1,000 tasks"]);
  deepEqual([quote("out.ome.zarr"), quote("a b"), quote("it's")], [
    "out.ome.zarr",
    "'a b'",
    "'it'\\''s'",
  ]);
});
