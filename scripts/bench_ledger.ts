/**
 * Measures a ledger: how long a job of 10^9 tasks takes to create and to ask about, and how many tasks a second some
 * processes lease (at most 16 at a time) and acknowledge, each by itself and with its receipt: as they end, side by side,
 * in a pool of threads; and one after the other.
 *
 * ```sh
 * deno run -A scripts/bench_ledger.ts [--quick] [--tasks 60000] [--processes 2] [--ledger URL]
 * ```
 *
 * Without `--ledger`, a database in the temporary folder that is removed afterwards; with it, the jobs stay there. A
 * ledger in PostgreSQL is made if there is none, and 8 processes work with it. `--quick` takes 2000 tasks.
 * @module
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Plan } from "../core/plan.ts";
import type { Receipt } from "../core/receipt.ts";
import type { Ledger } from "../ledgers/ledger.ts";
import { initLedger, openLedger } from "../ledgers/open_ledger.ts";

/** What was measured. */
export interface LedgerFigures {
  /** Seconds to create a job of 10^9 tasks. */
  readonly createSeconds: number;
  /** Seconds until its status was known. */
  readonly statusSeconds: number;
  /** All tasks of a lease acknowledged side by side. */
  readonly together: WorkFigures;
  /** Each task acknowledged when the one before was. */
  readonly alone: WorkFigures;
}

/** What some processes did. */
export interface WorkFigures {
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
async function work(
  ledger: Ledger,
  { job, worker, together }: { job: number; worker: string; together: boolean },
): Promise<number> {
  let tasks = 0;
  for (;;) {
    const lease = await ledger.lease(job, { worker, tasks: LEASED_AT_ONCE });
    if (lease === "done") return tasks;
    if (lease === "wait") {
      await new Promise((resolve) => setTimeout(resolve, 5));
      continue;
    }
    const sent: Promise<void>[] = [];
    for (let task = lease.first; task < lease.end; task++) {
      const acknowledged = ledger.acknowledge(lease, [receiptOf(task, lease.fence)]);
      if (together) sent.push(acknowledged);
      else await acknowledged;
      tasks++;
    }
    await Promise.all(sent);
  }
}

function receiptOf(task: number, fence: number): Receipt {
  const unit = {
    unit: `0/0.0.0.0.${task}`,
    bytes: 4096,
    crc: task,
    voxels: task,
    min: 0,
    max: 255,
  };
  return { task, fence, units: [unit], losses: [], sources: task };
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

  await ledger.cancel(large);

  const run = (together: boolean) =>
    measureWork(ledger, url, {
      tasks,
      processes,
      together,
      receipts: join(receiptsFolder, together ? "together" : "alone"),
    });
  return {
    createSeconds: (created - begin) / 1000,
    statusSeconds: (known - created) / 1000,
    together: await run(true),
    alone: await run(false),
  };
}

async function measureWork(
  ledger: Ledger,
  url: string,
  { tasks, processes, together, receipts: folder }: {
    tasks: number;
    processes: number;
    together: boolean;
    receipts: string;
  },
): Promise<WorkFigures> {
  const job = await ledger.create(planOf(tasks), { target: "bench", receipts: folder });
  const words = ["--worker", `${job}`, "--ledger", url, ...(together ? ["--together"] : [])];
  const workers = Array.from({ length: processes }, () =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", import.meta.url, ...words],
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
  return { tasks: counts, seconds: (end - ready) / 1000, receipts };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      tasks: { type: "string" },
      processes: { type: "string" },
      ledger: { type: "string" },
      worker: { type: "string" },
      together: { type: "boolean", default: false },
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
      console.log(
        await work(ledger, {
          job: Number(values.worker),
          worker: `bench:${Deno.pid}`,
          together: values.together,
        }),
      );
    } else {
      const isShared = /^postgres(ql)?:/.test(url);
      if (isShared) await initLedger(url);
      const processes = Number(values.processes ?? (isShared ? 8 : 2));
      print(await benchLedger(url, join(folder, "receipts"), { tasks, processes }));
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function print({ createSeconds, statusSeconds, alone, together }: LedgerFigures): void {
  const rows = [
    ["create a job of 10^9 tasks", `${createSeconds.toFixed(4)} s`],
    ["its status", `${statusSeconds.toFixed(4)} s`],
    ...rowsOf(`lease ${LEASED_AT_ONCE}, acknowledge each as it ends`, together),
    ...rowsOf(`lease ${LEASED_AT_ONCE}, each after the one before`, alone),
  ];
  for (const [name, value] of rows) console.log(`${name.padEnd(40)}${value}`);
}

function rowsOf(name: string, { tasks, seconds, receipts }: WorkFigures): string[][] {
  const total = tasks.reduce((sum, one) => sum + one, 0);
  return [
    [name, `${Math.round(total / seconds)} tasks/s`],
    [`  ${tasks.length} processes did`, `${tasks.join(" + ")} tasks in ${seconds.toFixed(2)} s`],
    ["  receipts read back", `${receipts}`],
  ];
}
