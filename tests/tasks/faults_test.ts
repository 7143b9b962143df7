import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { openLedger } from "../../ledgers/open_ledger.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { createJob } from "../../tasks/create.ts";
import { ingest } from "../../tasks/ingest.ts";
import { joinJob } from "../../tasks/join.ts";
import { planIngest } from "../../tasks/plan.ts";
import { verifyVolume } from "../../tasks/verify.ts";
import { compareTrees, hashTree } from "../../scripts/_tree.ts";
import { makeStack, withFolder } from "../_stack.ts";

const SMALL = { chunk: [8, 8, 4], shard: [16, 16, 4], levels: 2 } as const;

Deno.test("a job that is cancelled under a working process stops it, and the same ingest goes on", () =>
  withFolder(async (folder) => {
    const stack = await makeStack(join(folder, "raw"), { depth: 31 });
    const target = join(folder, "out.ome.zarr");
    await using ledger = await openLedger("memory:");
    await using pool = new WorkerPool({ size: 0 });
    const report = await planIngest([stack.pattern], SMALL);
    const { job } = await createJob(report, target, { ledger });
    let cancelled: Promise<void> | undefined;
    const status = await joinJob(job, {
      ledger,
      pool,
      onProgress: ({ done }) => {
        if (done >= 2) cancelled ??= ledger.cancel(job);
      },
    });
    equal(status.state, "cancelled");
    ok(status.done < status.tasks);
    const again = await ingest([stack.pattern], target, { ...SMALL, ledger, pool });
    deepEqual([again.created.found, again.status.state, again.verified?.faults], [
      true,
      "done",
      [],
    ]);
  }));

Deno.test("an abort ends the work with its reason and gives the lease back", () =>
  withFolder(async (folder) => {
    const stack = await makeStack(join(folder, "raw"), { depth: 31 });
    await using ledger = await openLedger("memory:");
    await using pool = new WorkerPool({ size: 0 });
    const { job } = await createJob(
      await planIngest([stack.pattern], SMALL),
      join(folder, "out.ome.zarr"),
      { ledger },
    );
    const stopping = new AbortController();
    const reason = new Error("twice Ctrl-C");
    await rejects(
      joinJob(job, {
        ledger,
        pool,
        signal: stopping.signal,
        onProgress: ({ done }) => done >= 2 ? stopping.abort(reason) : undefined,
      }),
      (error) => error === reason,
    );
    const { leases, state } = await ledger.status(job);
    deepEqual([leases, state], [[], "active"]);
    equal(
      [...Deno.readDirSync(join(folder, "out.ome.zarr/.sluice/tmp"))].flatMap((
        { name },
      ) => [...Deno.readDirSync(join(folder, "out.ome.zarr/.sluice/tmp", name))]).length,
      0,
    );
  }));

Deno.test("a worker whose volume was replaced changes nothing of the new one", () =>
  withFolder(async (folder) => {
    const stack = await makeStack(join(folder, "raw"), { depth: 31 });
    const target = join(folder, "out.ome.zarr");
    await using ledger = await openLedger("memory:");
    await using other = await openLedger("memory:");
    await using pool = new WorkerPool({ size: 0 });
    const report = await planIngest([stack.pattern], SMALL);
    const { job } = await createJob(report, target, { ledger });
    let before: Map<string, string> | undefined;
    let replaced: Promise<unknown> | undefined;
    const failures: string[] = [];
    const old = joinJob(job, {
      ledger,
      pool,
      onProgress: ({ done }) => {
        if (done === 2) {
          replaced ??= Deno.rename(target, `${target}.old`).then(() =>
            ingest([stack.pattern], target, { ...SMALL, levels: 1, ledger: other, pool })
          )
            .then(async () => before = await hashTree(target));
        }
      },
      onFailure: (error) => void failures.push(error.message),
    });
    const status = await old;
    await replaced;
    equal(status.state, "failed");
    ok(failures.every((message) => /removed or replaced/.test(message)), failures.join("\n"));
    deepEqual(compareTrees(before!, await hashTree(target)), []);
    deepEqual((await verifyVolume(target, { pool })).faults, []);
  }));

Deno.test("a source that changed after the plan is not read", () =>
  withFolder(async (folder) => {
    const stack = await makeStack(join(folder, "raw"));
    await using ledger = await openLedger("memory:");
    await using pool = new WorkerPool({ size: 0 });
    const { job } = await createJob(
      await planIngest([stack.pattern], { ...SMALL, onError: "fill" }),
      join(folder, "out.ome.zarr"),
      { ledger },
    );
    await Deno.utime(stack.paths[3], new Date(0), new Date(0));
    const failures: string[] = [];
    const status = await joinJob(job, {
      ledger,
      pool,
      onFailure: (error) => void failures.push(error.message),
    });
    deepEqual([status.state, status.deadLetters], ["failed", 1]);
    ok(
      failures[0].includes("section_003.png") && /changed since the plan/.test(failures[0]),
      failures[0],
    );
  }));

Deno.test("another version of sluice does not join unless it is told to", () =>
  withFolder(async (folder) => {
    const stack = await makeStack(join(folder, "raw"));
    await using ledger = await openLedger("memory:");
    await using pool = new WorkerPool({ size: 0 });
    const report = await planIngest([stack.pattern], SMALL);
    const plan = { ...report.plan, versions: { ...report.plan.versions, sluice: "0.0.1" } };
    const { job } = await createJob({ plan, stack: report.stack }, join(folder, "out.ome.zarr"), {
      ledger,
    });
    await rejects(joinJob(job, { ledger, pool }), /planned with sluice 0\.0\.1/);
    equal((await joinJob(job, { ledger, pool, anyVersion: true })).state, "done");
  }));

Deno.test("too little memory is refused before anything is leased", () =>
  withFolder(async (folder) => {
    const stack = await makeStack(join(folder, "raw"));
    await using ledger = await openLedger("memory:");
    await using pool = new WorkerPool({ size: 2 });
    const { job } = await createJob(
      await planIngest([stack.pattern]),
      join(folder, "out.ome.zarr"),
      { ledger },
    );
    await rejects(joinJob(job, { ledger, pool, memory: 1000 }), {
      name: "UsageError",
      message: /give --memory \d+MiB or more/,
    });
    equal((await ledger.status(job)).phases[0].waiting, 1);
  }));

const mounts = Deno.uid() === 0 &&
  new Deno.Command("mount", { args: ["--version"] }).outputSync().success;
if (!mounts) console.warn("No full disk is tested: mounting one needs root");
Deno.test({
  name: "a full disk stops the job with its name; after room was made the same job goes on",
  ignore: !mounts,
  fn: () =>
    withFolder(async (folder) => {
      const stack = await makeStack(join(folder, "raw"), {
        width: 512,
        height: 512,
        depth: 16,
        voxel: (x, y, z) => (x * 7919 ^ y * 104729 ^ z * 31337 ^ (x * y)) & 0xffff,
      });
      const disk = join(folder, "disk");
      await Deno.mkdir(disk);
      const mount = (...args: string[]) => new Deno.Command("mount", { args }).outputSync().success;
      ok(mount("-t", "tmpfs", "-o", "size=2m", "tmpfs", disk));
      try {
        await using ledger = await openLedger("memory:");
        await using pool = new WorkerPool({ size: 0 });
        const target = join(disk, "out.ome.zarr");
        const options = {
          chunk: [64, 64, 4],
          shard: [128, 128, 4],
          levels: 2,
          ledger,
          pool,
        } as const;
        await rejects(ingest([stack.pattern], target, options), {
          name: "SluiceError",
          message: /the disk is full.*run the same command again/,
        });
        ok(mount("-o", "remount,size=64m", disk));
        const { status, verified } = await ingest([stack.pattern], target, options);
        deepEqual([status.state, verified?.faults, verified?.unfinished], ["done", [], 0]);
      } finally {
        new Deno.Command("umount", { args: [disk] }).outputSync();
      }
    }),
});
