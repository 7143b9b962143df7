import { deepEqual, equal, match, ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { openLedger } from "../../ledgers/open_ledger.ts";
import { makeSample } from "../../scripts/make_sample.ts";
import { expectCode, fromSource } from "../../scripts/_process.ts";
import { JobFolder } from "../../stores/job_folder.ts";
import { OwnSchema, SERVER } from "../ledgers/_postgres.ts";
import { run, Slurm, whyNoSlurm } from "./_slurm.ts";

const SCRIPT = fileURLToPath(new URL("../../scripts/slurm.sh", import.meta.url));
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const NET = fromSource("--allow-net");

/** A job on a shared ledger that nobody works on yet. */
class Job implements AsyncDisposable {
  private constructor(
    readonly folder: string,
    readonly volume: string,
    readonly number: number,
    readonly schema: OwnSchema,
  ) {}

  /** @param depth Sections; each is a task of some tens of milliseconds. */
  static async make(depth: number): Promise<Job> {
    const folder = await Deno.makeTempDir();
    const schema = await OwnSchema.make(SERVER!);
    const directory = `${folder}/raw`;
    await makeSample({ directory, width: 256, height: 256, depth, format: "png" });
    const volume = `${folder}/out.ome.zarr`;
    await expectCode(
      0,
      [
        ...["create", `${directory}/*.png`, volume, "--ledger", schema.url],
        ...["--chunk", "64x64x1", "--shard", "256x256x1", "--levels", "1", "--codec", "gzip:9"],
      ],
      {},
      NET,
    );
    const { job } = (await (await JobFolder.open(volume)).claim())!;
    return new Job(folder, volume, job, schema);
  }

  get env(): Record<string, string> {
    return { SLUICE_LEDGER: this.schema.url, SLUICE_HOME: `${this.folder}/home`, NO_COLOR: "1" };
  }

  async status() {
    await using ledger = await openLedger(this.schema.url);
    return await ledger.status(this.number);
  }

  /** Waits until some tasks are done. */
  async begun(): Promise<void> {
    while ((await this.status()).done < 3) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  async verify(): Promise<void> {
    await expectCode(0, ["verify", this.volume]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.schema[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

const ignore = SERVER === undefined;

Deno.test({
  name: "slurm.sh as plain processes does a job with the permissions it names",
  ignore,
  async fn() {
    await using job = await Job.make(24);
    const env = { ...job.env, SLURM_CPUS_PER_TASK: "1" };
    const ends = await Promise.all(
      [1, 2].map(() => run([SCRIPT, job.volume], { env, mayFail: true })),
    );
    deepEqual(ends.map(({ code }) => code), [0, 0], ends.map(({ stderr }) => stderr).join("\n"));
    equal((await job.status()).state, "done");
    await job.verify();
    // Once more, by the number of the job: there is nothing left to do.
    equal((await run([SCRIPT, String(job.number), "--quiet"], { env })).code, 0);
  },
});

Deno.test({
  name: "slurm.sh gives its leases back at SIGTERM, says 130, and another goes on",
  ignore,
  async fn() {
    await using job = await Job.make(400);
    const child = new Deno.Command(SCRIPT, {
      args: [job.volume, "--workers", "1", "--lease-seconds", "3600"],
      env: job.env,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await job.begun();
    child.kill("SIGTERM");
    equal((await child.status).code, 130);
    const { state, leases, done, tasks } = await job.status();
    deepEqual({ state, leases }, { state: "active", leases: [] });
    ok(done < tasks);
    equal((await run([SCRIPT, job.volume], { env: job.env })).code, 0);
    await job.verify();
  },
});

Deno.test("slurm.sh refuses what cannot be shared", async () => {
  const ask = async (words: string[], env: Record<string, string>) => {
    const { code, stderr } = await run([SCRIPT, ...words], {
      env: { SLUICE_LEDGER: "", ...env },
      mayFail: true,
    });
    equal(code, 2);
    return stderr;
  };
  match(await ask([], {}), /^slurm\.sh: Cannot join without a job: write scripts\/slurm\.sh/);
  const secret = { SLUICE_LEDGER: "sqlite:/tmp/jobs.db" };
  match(await ask(["7"], secret), /set SLUICE_LEDGER=postgres:\/\/HOST\/DATABASE$/m);
  const nowhere = { SLUICE_LEDGER: "postgres://db.lab/jobs", SLUICE_ROOT: "/nowhere" };
  match(await ask(["7"], nowhere), /^slurm\.sh: Cannot find sluice in "\/nowhere"/);
});

const reason = ignore ? "there is no PostgreSQL" : await whyNoSlurm();
if (reason !== undefined) console.log(`Skipped: slurm.sh on Slurm, as ${reason}`);

Deno.test({
  name: "slurm.sh as an array on Slurm does a job; what is cancelled gives its leases back",
  ignore: reason !== undefined,
  async fn() {
    await using slurm = await Slurm.start();
    const submit = (job: Job, words: readonly string[]) =>
      slurm.run(
        ["sbatch", "--parsable", `--output=${job.folder}/log-%a`, ...words, SCRIPT, job.volume],
        { env: job.env, cwd: ROOT, mayFail: true },
      );
    {
      await using job = await Job.make(64);
      const words = ["--wait", "--array=0-3", "--cpus-per-task=1"];
      const { code, stderr } = await submit(job, words);
      equal(code, 0, stderr);
      equal((await job.status()).state, "done");
      const receipts = await Array.fromAsync(
        Deno.readDir((await JobFolder.open(job.volume)).receiptsPlace),
        ({ name }) => name,
      );
      ok(receipts.length > 1, "more than one element worked");
      await job.verify();
    }
    await using job = await Job.make(400);
    const { stdout } = await submit(job, ["--array=0", "--cpus-per-task=1"]);
    await job.begun();
    // The signal that comes before the walltime; to wait for that takes minutes.
    await slurm.run(["scancel", "-b", "-s", "TERM", stdout.trim()]);
    while ((await slurm.run(["squeue", "-h"])).stdout.trim() !== "") {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    const { state, leases } = await job.status();
    deepEqual({ state, leases }, { state: "active", leases: [] });
    match((await slurm.run(["scontrol", "show", "job", stdout.trim()])).stdout, /ExitCode=130:0/);
  },
});
