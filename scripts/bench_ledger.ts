/**
 * Measures a ledger: how long a job of 10^9 tasks takes to create and to ask about, and how many tasks a second two
 * processes lease (16 at a time) and acknowledge, each by itself and with its receipt.
 *
 * ```sh
 * deno run -A scripts/bench_ledger.ts [--quick] [--tasks 60000] [--processes 2] [--ledger sqlite:PATH]
 * ```
 *
 * Without `--ledger`, a database in the temporary folder that is removed afterwards; with it, the jobs stay there.
 * `--quick` takes 2000 tasks.
 * @module
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Plan } from "../core/plan.ts";
import type { Ledger } from "../ledgers/ledger.ts";
import { openLedger } from "../ledgers/open_ledger.ts";

/** What was measured. */
export interface LedgerFigures {
  /** Seconds to create a job of 10^9 tasks. */
  readonly createSeconds: number;
  /** Seconds until its status was known. */
  readonly statusSeconds: number;
  /** Tasks that each process acknowledged. */
  readonly tasks: readonly number[];
  /** From the moment all processes were ready until the last was done. */
  readonly seconds: number;
  /** Lines of receipts that were read back. */
  readonly receipts: number;
}

const LEASED_AT_ONCE = 16;

/** A plan of so many tasks, and `finish`; it is never carried out. */
function planOf(x: number, y = 1, z = 1): Plan {
  const size = [x, y, z, 1, 1] as const;
  const one = [1, 1, 1, 1, 1] as const;
  return {
    format: "sluice-plan",
    formatVersion: 1,
    id: "be".repeat(32),
    versions: {},
    source: {
      kind: "images",
      list: "be".repeat(32),
      images: z,
      crop: { min: [0, 0, 0, 0, 0], max: size },
    },
    store: { kind: "ome-zarr", zarr: "0.5" },
    kind: "image",
    policies: { missing: "error", onError: "error" },
    layout: {
      dtype: "uint8",
      axes: ["z", "y", "x"],
      fill: 0,
      downsample: "mean",
      encoding: { codec: "none", crc32c: false },
      scales: [{ size, factor: one, chunk: one, shard: one }],
    },
    phases: [
      { kind: "source", first: 0, counts: size, cell: one, makes: [0] },
      { kind: "finish", first: x * y * z, counts: one },
    ],
  };
}

/** Leases and acknowledges until nothing is left; returns how many tasks. */
async function work(ledger: Ledger, job: number, worker: string): Promise<number> {
  let tasks = 0;
  for (;;) {
    const lease = await ledger.lease(job, { worker, tasks: LEASED_AT_ONCE });
    if (lease === "done") return tasks;
    if (lease === "wait") {
      await new Promise((resolve) => setTimeout(resolve, 5));
      continue;
    }
    const { fence } = lease;
    for (let task = lease.first; task < lease.end; task++) {
      const unit = { unit: `0/0.0.0.0.${task}`, bytes: 4096, crc: task, voxels: task };
      const units = [{ ...unit, min: 0, max: 255 }];
      await ledger.acknowledge(lease, [{ task, fence, units, losses: [], sources: task }]);
      tasks++;
    }
  }
}

/** Measures the ledger at an address that other processes can open. */
export async function benchLedger(
  url: string,
  receiptsFolder: string,
  { tasks, processes }: { tasks: number; processes: number },
): Promise<LedgerFigures> {
  await using ledger = await openLedger(url);
  const begin = performance.now();
  const large = await ledger.create(planOf(1000, 1000, 1000), { target: "bench" });
  const created = performance.now();
  await ledger.status(large);
  const known = performance.now();

  const job = await ledger.create(planOf(tasks), { target: "bench", receipts: receiptsFolder });
  const workers = Array.from({ length: processes }, () =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", import.meta.url, "--worker", `${job}`, "--ledger", url],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn());
  const answers = workers.map((child) =>
    child.stdout.pipeThrough(new TextDecoderStream()).getReader()
  );
  await Promise.all(answers.map((answer) => answer.read()));
  const ready = performance.now();
  await Promise.all(workers.map(({ stdin }) => stdin.close()));
  const counts = await Promise.all(answers.map(async (answer) => {
    let text = "";
    for (let part = await answer.read(); !part.done; part = await answer.read()) text += part.value;
    return Number(text);
  }));
  const end = performance.now();
  await Promise.all(workers.map(({ status }) => status));
  let receipts = 0;
  for await (const _ of ledger.receipts(job)) receipts++;
  return {
    createSeconds: (created - begin) / 1000,
    statusSeconds: (known - created) / 1000,
    tasks: counts,
    seconds: (end - ready) / 1000,
    receipts,
  };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      tasks: { type: "string" },
      processes: { type: "string", default: "2" },
      ledger: { type: "string" },
      worker: { type: "string" },
    },
  });
  const tasks = Number(values.tasks ?? (values.quick ? 2000 : 60_000));
  const folder = await Deno.makeTempDir({ prefix: "sluice-bench-" });
  try {
    const url = values.ledger ?? `sqlite:${join(folder, "jobs.db")}`;
    if (values.worker !== undefined) {
      await using ledger = await openLedger(url);
      console.log("ready");
      // Closed when all are ready.
      await Deno.stdin.read(new Uint8Array(1));
      console.log(await work(ledger, Number(values.worker), `bench:${Deno.pid}`));
    } else {
      const figures = await benchLedger(url, join(folder, "receipts"), {
        tasks,
        processes: Number(values.processes),
      });
      print(figures);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function print({ createSeconds, statusSeconds, tasks, seconds, receipts }: LedgerFigures): void {
  const total = tasks.reduce((sum, one) => sum + one, 0);
  const rows = [
    ["create a job of 10^9 tasks", `${createSeconds.toFixed(4)} s`],
    ["its status", `${statusSeconds.toFixed(4)} s`],
    [`lease ${LEASED_AT_ONCE}, acknowledge each`, `${Math.round(total / seconds)} tasks/s`],
    [`  ${tasks.length} processes did`, `${tasks.join(" + ")} tasks in ${seconds.toFixed(2)} s`],
    ["  receipts read back", `${receipts}`],
  ];
  for (const [name, value] of rows) console.log(`${name.padEnd(32)}${value}`);
}
