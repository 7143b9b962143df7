/** Uploads as boss-ingest says them, by a clock that waits for nobody. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { uploadJob, type UploadJobOptions } from "../../../cli/drop_in/upload_job.ts";
import { errorAnswer } from "../../_s3_server.ts";
import {
  COMPLETE,
  DELETED,
  FAILED,
  TEST_TOKEN,
  TILE_BUCKET,
  UPLOADING,
} from "../../boss/_boss_server.ts";
import { retryOf } from "../../boss/_wire.ts";
import { createJob } from "../../boss/_work.ts";
import { type Bench, TILES, withBoss } from "./_jobs.ts";

interface Uploaded {
  readonly code: number;
  /** What was logged: `INFO text`. */
  readonly lines: readonly string[];
}

async function upload(
  { boss, folder, path }: Bench,
  id: number,
  options: Partial<UploadJobOptions> & { readonly onLine?: (line: string) => void } = {},
): Promise<Uploaded> {
  const lines: string[] = [];
  const { onLine = () => {}, ...rest } = options;
  const put = (level: string) => (text: string) => {
    lines.push(`${level} ${text}`);
    onLine(`${level} ${text}`);
  };
  const code = await uploadJob(path, id, {
    token: TEST_TOKEN,
    retry: retryOf(boss, { attempts: 4, seconds: 3600 }),
    log: { info: put("INFO"), detail: put("INFO"), warning: put("WARNING"), error: put("ERROR") },
    quitting: {
      signal: new AbortController().signal,
      stopping: new AbortController().signal,
      isUploading: false,
    },
    threads: 1,
    completes: true,
    spool: join(folder, "spool"),
    endpoint: boss.s3.url,
    resume: `sluice boss-ingest ${path} -j ${id}`,
    waitSeconds: 0,
    ...rest,
  });
  return { code, lines };
}

function has(lines: readonly string[], pattern: RegExp): void {
  ok(lines.some((line) => pattern.test(line)), `${pattern} is not in\n${lines.join("\n")}`);
}

Deno.test("uploadJob() says what scripts look for, in their order, and ends with 0", async () => {
  await withBoss(async (bench) => {
    const id = await createJob(bench.boss, bench.file);
    const { code, lines } = await upload(bench, id, { threads: 2 });
    equal(code, 0, lines.join("\n"));
    const wanted = [
      `INFO (pid=${Deno.pid}) JOINED INGEST JOB: ${id}`,
      `INFO 2 threads of this process, pid=${Deno.pid}, do the work of as many worker processes`,
      /^INFO Spool ".*": up to .* needed by turns/,
      /^INFO All upload tasks completed in \d+\.\d\d minutes\.$/,
      "INFO  - Marking Ingest Job as complete and cleaning up. Please wait.",
      /^INFO \(pid=\d+\) the server waits \d+ s for its own queues$/,
      /^INFO \(pid=\d+\) the server looks for what is missing$/,
      "INFO  - Cleanup Done",
    ];
    const told = lines.filter((line) => !line.startsWith("INFO Uploaded"));
    equal(told.length, wanted.length, told.join("\n"));
    for (const [i, one] of wanted.entries()) {
      if (typeof one === "string") equal(told[i], one);
      else match(told[i], one);
    }
    equal(lines.length - told.length, TILES);
    equal(bench.boss.s3.buckets.get(TILE_BUCKET)!.objects.size, TILES);
    equal(bench.boss.jobs.get(id)!.state, COMPLETE);
    deepEqual(bench.boss.oddities, []);
  });
});

Deno.test("uploadJob() says how it goes every 30 seconds, as long as there is something to upload", async () => {
  await withBoss(async (bench) => {
    const id = await createJob(bench.boss, bench.file);
    const { lines } = await upload(bench, id, {
      onLine: (line) => {
        if (line.startsWith("INFO Uploaded")) bench.boss.clock.ahead += 20_000;
      },
    });
    const told = lines.filter((line) => line.startsWith("INFO Uploading"));
    ok(told.length >= 3 && told.length <= TILES * 20 / 30, lines.join("\n"));
    const form =
      /^INFO Uploading ~\d+\.\d\d tile\/min - Approx \d+ of 18 tile remaining, (calculating ETA\.\.\.|ETA: \d+\.\d\d (minutes|hours|days)) - Elapsed time \d+\.\d\d minutes$/;
    for (const line of told) match(line, form);
  });
});

Deno.test("T1: who quits has finished what was in hand, and is told with 130 that work remains", async () => {
  await withBoss(async (bench) => {
    const id = await createJob(bench.boss, bench.file);
    const stop = new AbortController();
    const { code, lines } = await upload(bench, id, {
      quitting: {
        signal: new AbortController().signal,
        stopping: stop.signal,
        isUploading: false,
      },
      onLine: (line) => line.startsWith("INFO Uploaded") && stop.abort(),
    });
    equal(code, 130);
    const { size } = bench.boss.s3.buckets.get(TILE_BUCKET)!.objects;
    ok(size > 0 && size < TILES, `${size}`);
    equal(bench.boss.jobs.get(id)!.state, UPLOADING);
    has(lines, /^INFO Client exiting$/);
    has(lines, /^INFO Run time: \d+\.\d\d minutes\.$/);
    has(
      lines,
      new RegExp(
        `^INFO Ingest job ${id} is not complete. To go on: sluice boss-ingest .* -j ${id}$`,
      ),
    );
    ok(!lines.some((line) => line.includes("Cleanup Done")));
    equal((await upload(bench, id)).code, 0);
    equal(bench.boss.s3.buckets.get(TILE_BUCKET)!.objects.size, TILES);
  });
});

Deno.test("T2: a job that the server holds for complete at once is done, and no error", async () => {
  await withBoss(async (bench) => {
    const id = await createJob(bench.boss, bench.file);
    const { code, lines } = await upload(bench, id, {
      onLine: (line) => {
        // Somebody else completes it: complete then answers 204.
        if (line.startsWith("INFO (pid=") && line.includes("waits")) {
          bench.boss.jobs.get(id)!.state = COMPLETE;
        }
      },
    });
    equal(code, 0, lines.join("\n"));
    equal(lines.at(-1), "INFO  - Cleanup Done");
  });
});

Deno.test("-m ends when the queue was empty for long, and leaves the job as it is", async () => {
  await withBoss(async (bench) => {
    const id = await createJob(bench.boss, bench.file);
    const { code, lines } = await upload(bench, id, { completes: false });
    equal(code, 0, lines.join("\n"));
    equal(bench.boss.jobs.get(id)!.state, UPLOADING);
    match(
      lines.at(-1)!,
      / - Auto-complete disabled\. This ingest job will remain in the 'Uploading' state/,
    );
    ok(!bench.boss.log.some((line) => line.includes("/complete")));
    equal(bench.boss.s3.buckets.get(TILE_BUCKET)!.objects.size, TILES);
  });
});

Deno.test("T14: tiles that cannot be made are given up by name, and the exit code is 1", async () => {
  await withBoss(async (bench) => {
    const id = await createJob(bench.boss, bench.file);
    await Deno.writeTextFile(join(bench.folder, "raw", "section_001.png"), "no image");
    const { code, lines } = await upload(bench, id);
    equal(code, 1);
    equal(bench.boss.s3.buckets.get(TILE_BUCKET)!.objects.size, TILES / 3 * 2);
    has(lines, /^WARNING Attempt 1 at .* failed: .*section_001\.png/);
    has(lines, /^ERROR Gave up .*section_001\.png/);
    equal(lines.filter((line) => /^ERROR Not uploaded after 3 attempts: /.test(line)).length, 6);
    has(lines, /^ERROR Ingest job \d+ is not complete: 6 of its messages cannot be uploaded/);
    ok(!lines.some((line) => line.includes("Cleanup Done")));
  });
});

Deno.test("a bucket that is away for a while costs no tile, and not the exit code", async () => {
  await withBoss(async (bench) => {
    const { boss } = bench;
    const id = await createJob(boss, bench.file);
    let refused = 0;
    const guard = boss.s3.intercept!;
    boss.s3.intercept = (request) =>
      refused++ < 12 ? errorAnswer(503, "SlowDown", boss.s3.behaviour) : guard(request);
    const { code, lines } = await upload(bench, id);
    equal(code, 0, lines.join("\n"));
    equal(boss.s3.buckets.get(TILE_BUCKET)!.objects.size, TILES);
  });
});

for (
  const [state, name, code] of [[COMPLETE, "complete already", 0], [FAILED, "failed", 1], [
    DELETED,
    "deleted",
    1,
  ]] as const
) {
  Deno.test(`a job that is ${name} needs no upload, and ends with ${code}`, async () => {
    await withBoss(async (bench) => {
      const id = await createJob(bench.boss, bench.file);
      bench.boss.jobs.get(id)!.state = state;
      const found = await upload(bench, id);
      equal(found.code, code);
      has(found.lines, new RegExp(`Ingest job ${id} is ${name}`));
      equal(bench.boss.s3.buckets.get(TILE_BUCKET)!.objects.size, 0);
    });
  });
}
