/** Workers on the Boss of tests, with images whose decoding is counted. */
import { join } from "node:path";
import { imageFormats } from "../../codecs/image.ts";
import { parseBossConfig } from "../../boss/config.ts";
import { JobKeys } from "../../boss/job_keys.ts";
import { FileCopies } from "../../boss/file_copies.ts";
import { openUploader } from "../../boss/open_uploader.ts";
import { openBossPlugins } from "../../boss/plugins.ts";
import { Spool } from "../../boss/spool.ts";
import {
  runBossWorker,
  type WorkerEvent,
  type WorkerOptions,
  type WorkReport,
} from "../../boss/worker.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import type { BossTestServer } from "./_boss_server.ts";
import type { Json } from "./_configs.ts";
import { retryOf, serviceOf, uploadQueue } from "./_wire.ts";

/** What a worker of a test is to be. */
export interface TestWorker extends Partial<WorkerOptions> {
  readonly spoolBytes?: number;
  /** Attempts of each request. */
  readonly tries?: number;
}

/** Creates a job. @returns Its number. */
export async function createJob(boss: BossTestServer, file: Json): Promise<number> {
  return (await serviceOf(boss).create(parseBossConfig(file, "job.json").body)).id;
}

/** Joins a job and works on it until it is over. */
export async function workOn(
  boss: BossTestServer,
  id: number,
  file: Json,
  folder: string,
  options: TestWorker = {},
): Promise<WorkReport & { readonly events: readonly WorkerEvent[]; readonly spool: Spool }> {
  const { spoolBytes, tries = 8, ...rest } = options;
  const config = parseBossConfig(file, "job.json");
  const service = serviceOf(boss);
  const joined = await service.join(id);
  if (joined.kind !== "open") throw new Error(`The job is ${joined.state}`);
  const keys = new JobKeys(service, joined);
  const spool = await Spool.open(join(folder, "spool"), {
    ...(spoolBytes === undefined ? {} : { mostBytes: spoolBytes }),
  });
  await using pool = new WorkerPool({ size: 0 });
  const retry = retryOf(boss, { attempts: tries, seconds: 3600 });
  await using copies = new FileCopies();
  const uploader = await openUploader({
    copies,
    config,
    plugins: await openBossPlugins(config),
    keys,
    spool,
    pool,
    endpoint: boss.s3.url,
    retry,
  });
  const events: WorkerEvent[] = [];
  const report = await runBossWorker({
    service,
    keys,
    queue: uploadQueue(boss, keys, { attempts: tries, seconds: 3600 }),
    uploader,
    folder: spool.folder,
    signal: new AbortController().signal,
    waitSeconds: 0,
    onEvent: (event) => events.push(event),
    ...rest,
  });
  return { ...report, events, spool };
}

/** Counts how often each image is decoded from its first row on, while it is there. */
export function countDecodes(): { readonly count: number } & Disposable {
  const before = imageFormats.get("png")!;
  let count = 0;
  imageFormats.set("png", async () => {
    const png = await before();
    return {
      ...png,
      open: async (...args) => {
        const reader = await png.open(...args);
        count++;
        return reader;
      },
    };
  });
  return {
    get count() {
      return count;
    },
    [Symbol.dispose]: () => void imageFormats.set("png", before),
  };
}
