/**
 * Proves that machines which share a job by PostgreSQL leave the very volume an undisturbed run does.
 *
 * deno run -A scripts/prove_shared.ts [--quick] [--folder DIR] [--ledger postgres://…] [--executable PATH]
 *
 * Four processes join one job in a shared folder. Two are ended with `kill -9` while they hold a lease; one is frozen
 * in the middle of an acknowledgement until others have done its task, and thawed. Then every file is compared with
 * an undisturbed run's, and the volume verified. Exit code 1 if anything differs.
 *
 * Without `--ledger`, it looks for a server as tests do; a schema of its own is made there and dropped. With
 * `--executable`, all processes run that file instead of the sources.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { LeaseLostError } from "../core/errors.ts";
import type { Lease, LeaseId } from "../core/plan.ts";
import type { Receipt } from "../core/receipt.ts";
import { openLedger } from "../ledgers/open_ledger.ts";
import { parseReceipt } from "../ledgers/_receipt_line.ts";
import { JobFolder } from "../stores/job_folder.ts";
import { connect, findPostgres, NO_POSTGRES, OwnSchema } from "./_find_postgres.ts";
import { makeSample } from "./make_sample.ts";
import { expectCode, fromSource, outcome, type Running, start } from "./_process.ts";
import { compareTrees, hashTree } from "./_tree.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean" },
    folder: { type: "string" },
    ledger: { type: "string" },
    executable: { type: "string" },
  },
});
const quick = values.quick ?? false;
const server = values.ledger === undefined
  ? await findPostgres()
  : { url: values.ledger, end: () => {} };
if (server === undefined) {
  console.log(`skipped: ${NO_POSTGRES}`);
  Deno.exit();
}
const folder = values.folder ?? await Deno.makeTempDir({ prefix: "sluice-shared-" });
const program = values.executable === undefined
  ? fromSource("--allow-net")
  : [values.executable] as const;
const [width, depth, slab] = quick ? [512, 528, 8] : [1024, 1056, 16];
const written = [
  ...["--chunk", `64x64x${slab}`, "--shard", `512x512x${slab}`],
  // Slow, so that there is time to kill in.
  ...["--codec", "gzip:9"],
];
const LEASE_SECONDS = 3;

function check(holds: boolean, what: string): void {
  console.log(`${holds ? "ok    " : "FAILED"} ${what}`);
  if (!holds) Deno.exitCode = 1;
}

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Asks until there is an answer. */
async function until<Answer>(
  what: string,
  ask: () => Promise<Answer | undefined>,
  pause = 10,
): Promise<Answer> {
  const deadline = performance.now() + 120_000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) throw new Error(`Waited too long until ${what}`);
    await sleep(pause * (0.5 + Math.random()));
  }
}

/** The lease of a process, by its id. */
interface Held {
  readonly fence: number;
  readonly first: number;
  readonly end: number;
}

try {
  const raw = join(folder, "raw");
  await makeSample({
    directory: raw,
    width,
    height: width,
    depth,
    dtype: "uint8",
    format: "tiff",
    square: 256,
    seed: 1,
  });
  const sources = join(raw, "*.tif");
  const reference = join(folder, "reference.ome.zarr");
  const alone = ["--ledger", `sqlite:${join(folder, "jobs.db")}`, "--no-verify"];
  const begun = performance.now();
  await expectCode(0, ["ingest", sources, reference, ...written, ...alone], {}, program);
  console.log(`undisturbed: ${((performance.now() - begun) / 1000).toFixed(1)} s`);

  await using schema = await OwnSchema.reserve(server.url);
  const url = schema.url;
  const env = { SLUICE_LEDGER: url };
  await expectCode(0, ["ledger", "init"], env, program);
  const target = join(folder, "shared.ome.zarr");
  await expectCode(0, ["create", sources, target, ...written], env, program);
  await tortureJob(schema, target, env);

  const [expected, found] = [await hashTree(reference), await hashTree(target)];
  const differences = compareTrees(expected, found);
  check(
    differences.length === 0 && expected.size > 0,
    `all ${expected.size} files are byte-identical to the undisturbed run's ${
      differences.slice(0, 5).join(" ")
    }`,
  );
  await expectCode(0, ["verify", target], env, program);
  check(true, "verify passes");
} finally {
  server.end();
  if (values.folder === undefined) await Deno.remove(folder, { recursive: true });
}
console.log(Deno.exitCode === 1 ? "NOT proven" : "proven");

async function tortureJob(
  schema: OwnSchema,
  target: string,
  env: Record<string, string>,
): Promise<void> {
  const { job } = (await (await JobFolder.open(target)).claim())!;
  await using ledger = await openLedger(schema.url);
  const { tasks } = await ledger.status(job);
  check(tasks >= 64, `the job has at least 64 tasks: ${tasks}`);
  const begun = performance.now();
  const words = ["--lease-seconds", String(LEASE_SECONDS), "--workers", "1", "--memory", "1GiB"];
  const pullers = [1, 2, 3, 4].map(() => start(["join", target, ...words], env, program));
  const heldBy = async ({ pid }: Running): Promise<Held | undefined> => {
    const [lease] = await schema.ask<Held>(
      `SELECT fence, first_task AS "first", end_task AS "end" FROM $.lease
       WHERE job = ${job} AND worker LIKE '%:${pid}' ORDER BY fence LIMIT 1`,
    );
    return lease;
  };
  await until("all four have joined", async () => {
    const joined = await Promise.all(pullers.map(heldBy));
    return joined.every((lease) => lease !== undefined) || undefined;
  });

  for (const puller of pullers.slice(0, 2)) {
    const held = await until("a puller holds a lease", () => heldBy(puller));
    puller.child.kill("SIGKILL");
    await puller.output;
    console.log(`killed one that held task ${held.first}`);
    await sleep(200);
  }
  const { puller, held } = await freezeOne(schema, job, pullers.slice(2));
  console.log(`froze one that was acknowledging task ${held.first}`);
  await until("others have done its task", async () => {
    const [row] = await schema.ask(
      `SELECT FROM $.task_range WHERE job = ${job} AND state = 'done'
         AND first_task <= ${held.first} AND end_task >= ${held.end}`,
    );
    return row;
  });
  puller.child.kill("SIGCONT");

  const own = await ownReceipt(target, held);
  check(own !== undefined, `the frozen one had kept its receipt, with fence ${held.fence}`);
  const late: Lease = { id: `${job}/${held.fence}` as LeaseId, job, ...held };
  const refusal = await ledger.acknowledge(late, own === undefined ? [] : [own]).then(
    () => undefined,
    (error: unknown) => error,
  );
  check(
    refusal instanceof LeaseLostError && refusal.reason === "taken",
    `its late acknowledgement is refused: ${(refusal as Error | undefined)?.message}`,
  );
  const ends = await Promise.all(
    pullers.slice(2).map(async ({ output }) => outcome(await output)),
  );
  check(
    ends.every(({ code }) => code === 0),
    `the thawed one and the one that was left alone end with 0 ${
      ends.map(({ code, stderr }) => code === 0 ? "" : stderr).join("\n")
    }`,
  );
  const { state, done } = await ledger.status(job);
  check(state === "done" && done === tasks, `all ${tasks} tasks are done`);
  const counted: Receipt[] = await Array.fromAsync(ledger.receipts(job));
  const fences = new Map(counted.map(({ task, fence }) => [task, fence]));
  check(
    fences.size === tasks && fences.get(held.first)! > held.fence,
    `one receipt counts for each task; for task ${held.first} that of whoever did it again`,
  );
  console.log(`shared: ${((performance.now() - begun) / 1000).toFixed(1)} s`);
}

/**
 * Stops a process at the one moment that hurts: what it wrote is committed, its acknowledgement is on its way. The
 * server is kept from answering, and the connection cut.
 */
async function freezeOne(
  schema: OwnSchema,
  job: number,
  pullers: readonly Running[],
): Promise<{ puller: Running; held: Held }> {
  const watch = await connect(schema.url);
  const acknowledging = async () => {
    const [row] = await watch.query(
      `SELECT pid, application_name AS name FROM pg_stat_activity
       WHERE wait_event_type = 'Lock' AND query LIKE '%${schema.name}%acknowledge_tasks%'`,
      [],
    );
    return row as { pid: number; name: string } | undefined;
  };
  try {
    return await until("one acknowledges", () =>
      schema.alone(async (ask) => {
        await ask(`SELECT $.begin_steps(${job}, NULL)`);
        // Whoever asks for something else first stands still as well: then they all go on for a while.
        let found: { pid: number; name: string } | undefined;
        for (let tries = 0; tries < 100 && found === undefined; tries++) {
          found = await acknowledging();
          await sleep(10);
        }
        if (found === undefined) return undefined;
        const { pid: backend, name } = found;
        const puller = pullers.find(({ pid }) => name === `sluice ${pid}`)!;
        puller.child.kill("SIGSTOP");
        await watch.query(`SELECT pg_terminate_backend(${backend})`, []);
        const [held] = await watch.query(
          `SELECT fence, first_task AS "first", end_task AS "end" FROM "${schema.name}".lease
           WHERE job = ${job} AND worker LIKE '%:${puller.pid}' ORDER BY fence LIMIT 1`,
          [],
        );
        return { puller, held: held as unknown as Held };
      }), 500);
  } finally {
    await watch.close();
  }
}

/** The receipt that a process kept for its lease. */
async function ownReceipt(target: string, { fence, first }: Held): Promise<Receipt | undefined> {
  const receipts = (await JobFolder.open(target)).receiptsPlace;
  for await (const { name } of Deno.readDir(receipts)) {
    for (const line of (await Deno.readTextFile(join(receipts, name))).split("\n")) {
      const receipt = parseReceipt(line);
      if (receipt?.task === first && receipt.fence === fence) return receipt;
    }
  }
  return undefined;
}
