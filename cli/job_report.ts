/**
 * How a job stands, in words.
 * @module
 */
import { formatBox } from "../core/box.ts";
import type { Loss } from "../core/receipt.ts";
import type { HeldLease, PhaseStatus } from "../ledgers/ledger.ts";
import type { DeadReport, PhaseReport, StatusReport } from "../tasks/status.ts";
import { formatCount, formatDuration, plural, quote, table } from "./text.ts";

const COLUMNS = 40;
/** A picture of a phase: which letter stands for which state. */
const MARKS = [
  ["done", "█"],
  ["leased", "▒"],
  ["dead", "x"],
  ["blocked", "!"],
  ["waiting", "·"],
] as const satisfies readonly (readonly [keyof PhaseStatus, string])[];

/** All that is known of a job. */
export function describeStatus(
  report: StatusReport,
  { bold, now = Date.now() }: {
    readonly bold: (text: string) => string;
    readonly now?: number;
  },
): string {
  const { job, volume, state, tasks, done, phases, leases, losses, lossCount, dead } = report;
  const name = job === undefined ? quote(volume) : String(job);
  const rate = describeRate(report, now);
  return [
    bold(`${job === undefined ? "No job" : `Job ${job}`}: ${volume}`),
    `  ${state}, ${formatCount(done)} of ${plural(tasks, "task")} done${rate}`,
    ...(report.lastDone === undefined
      ? []
      : [`  the last ${formatDuration(now - report.lastDone)} ago`]),
    ...(report.uncounted === undefined
      ? [`  counted by ${report.ledger}`]
      : [`  ${report.uncounted}; this is what the receipts say`]),
    "",
    ...table(phases.map(phaseRow)),
    `  ${MARKS.map(([state, mark]) => `${mark} ${state}`).join("  ")}`,
    ...(leases.length === 0 ? [] : ["", bold("Held by"), ...describeLeases(leases, now)]),
    ...(lossCount === 0 ? [] : ["", ...describeLostImages(losses, lossCount, name)]),
    ...(report.deadCount === 0 ? [] : ["", ...describeDead(dead, report.deadCount, name)]),
    ...wayOn(report, name),
  ].join("\n");
}

function wayOn({ state, uncounted, leases }: StatusReport, name: string): string[] {
  if (uncounted !== undefined && state !== "done") {
    return ["", `To go on: sluice join ${name} --ledger URL`];
  }
  if (state === "cancelled") return ["", `To reopen it: sluice retry ${name}`];
  if (state === "active" && leases.length === 0) {
    return ["", `Nobody works on it: sluice join ${name}`];
  }
  return [];
}

function describeRate(
  { state, created, lastDone, tasks, done, leases }: StatusReport,
  now: number,
) {
  if (
    state !== "active" || leases.length === 0 || created === undefined || lastDone === undefined
  ) {
    return "";
  }
  const perTask = (now - created) / done;
  const rate = 60_000 / perTask;
  return `, ${
    rate >= 10 ? formatCount(rate) : rate.toFixed(1)
  } a minute since it was created, about ${
    formatDuration(perTask * (tasks - done))
  } left at that rate`;
}

function phaseRow(phase: PhaseReport): string[] {
  const { kind, makes, tasks, done } = phase;
  const name = kind === "finish"
    ? "metadata"
    : makes.length === 1
    ? `scale ${makes[0]}`
    : `scales ${makes[0]}-${makes.at(-1)}`;
  return [name, picture(phase), `${formatCount(done)}/${formatCount(tasks)}`];
}

/** A row of marks, as many for each state as its share; a state that has a task has a mark. */
export function picture(phase: PhaseStatus, columns = COLUMNS): string {
  const total = MARKS.reduce((sum, [state]) => sum + phase[state], 0);
  const width = Math.min(columns, total);
  const counts = MARKS.map(([state]) =>
    phase[state] === 0 ? 0 : Math.max(1, Math.round(phase[state] / total * width))
  );
  for (let over = counts.reduce((a, b) => a + b, 0) - width; over !== 0;) {
    const step = Math.sign(over);
    counts[counts.indexOf(Math.max(...counts))] -= step;
    over -= step;
  }
  return MARKS.map(([, mark], i) => mark.repeat(counts[i])).join("");
}

function describeLeases(leases: readonly HeldLease[], now: number): string[] {
  const shown = leases.slice(0, 20);
  const rows = shown.map(({ worker, first, end, since, expires }) => [
    worker,
    end === first + 1 ? `task ${first}` : `tasks ${first}-${end - 1}`,
    `since ${formatDuration(now - since)}`,
    expires < now ? "expired" : `for ${formatDuration(expires - now)} more`,
  ]);
  return [
    ...table(rows),
    ...(leases.length > shown.length ? [`  and ${leases.length - shown.length} more`] : []),
  ];
}

/** Images whose voxels are fill value, and the way out. */
export function describeLostImages(
  losses: readonly Loss[],
  count: number,
  name: string,
): string[] {
  const sections = [...new Set(losses.map(({ box }) => box.min[2]))];
  return [
    `${plural(count, "image")} lost: ${
      count === 1 ? "its voxels are" : "their voxels are"
    } fill value`,
    ...losses.map(({ kind, image, box, reason }) =>
      `  ${kind}: "${image}" (${formatBox(box)}) ${reason}`
    ),
    ...(count > losses.length ? [`  and ${formatCount(count - losses.length)} more`] : []),
    `Where the files can be mended, then: sluice retry ${name} --section ${sections.join(",")}`,
  ];
}

/** Tasks that were given up, and the way out. */
export function describeDead(dead: readonly DeadReport[], count: number, name: string): string[] {
  return [
    `${plural(count, "task")} given up:`,
    ...dead.map(({ task, box, attempts, reason }) =>
      `  task ${task} (${box}), ${plural(attempts, "attempt")}: ${reason.split("\n")[0]}`
    ),
    ...(count > dead.length ? [`  and ${formatCount(count - dead.length)} more`] : []),
    `Mend the cause, then: sluice retry ${name}`,
  ];
}
