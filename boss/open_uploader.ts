/**
 * What a job's messages are done by, made of its configuration and of what join hands out.
 * @module
 */
import { UsageError } from "../core/errors.ts";
import type { WorkerPool } from "../pool/worker_pool.ts";
import type { RetryOptions } from "../stores/blobs/retry.ts";
import type { BossConfig } from "./config.ts";
import { tokenOfPlugin } from "./cutout_source.ts";
import { cuboidUploader } from "./cuboid_upload.ts";
import type { FileCopies } from "./file_copies.ts";
import type { JobKeys } from "./job_keys.ts";
import { JobBucket } from "./objects.ts";
import { Planes } from "./planes.ts";
import type { BossPlugins } from "./plugins.ts";
import type { Spool } from "./spool.ts";
import { SqsQueue } from "./sqs.ts";
import { tileUploader } from "./tile_upload.ts";
import type { Uploader } from "./uploader.ts";

/** What an uploader is made of. */
export interface OpenUploaderOptions {
  /** The configuration that the job was made with. */
  readonly config: BossConfig;
  /** Its plugins. */
  readonly plugins: BossPlugins;
  /** What join handed out. */
  readonly keys: JobKeys;
  /** Where decoded images are kept. */
  readonly spool: Spool;
  /** Decodes. */
  readonly pool: WorkerPool;
  /** Of files that are read from a disk alone, and lie elsewhere. */
  readonly copies: FileCopies;
  /** Address of a server of buckets other than that of AWS. */
  readonly endpoint?: string;
  /** How long to try. */
  readonly retry?: RetryOptions;
}

/**
 * Makes what does the messages of a job.
 * @throws {UsageError} If the job is not of the kind that the configuration says, or goes elsewhere.
 */
export async function openUploader(options: OpenUploaderOptions): Promise<Uploader> {
  const { config, plugins, keys, spool, pool, copies, endpoint, retry } = options;
  const { job, access } = keys.join;
  const act = `Cannot work on ingest job ${job.id} with "${config.name}"`;
  if (config.job.kind !== job.kind || plugins.kind !== job.kind) {
    throw new UsageError(
      `${act}: the job is a ${job.kind} job, and the configuration is for a ${config.job.kind} one; give the one that it was made with`,
    );
  }
  for (const name of ["collection", "experiment", "channel"] as const) {
    if (job[name] !== undefined && job[name] !== config.database[name]) {
      throw new UsageError(
        `${act}: the job goes to ${name} "${job[name]}", and the configuration to "${
          config.database[name]
        }"; give the one that it was made with`,
      );
    }
  }
  const bucket = await JobBucket.open(access.bucket, {
    credentials: keys.finder(),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(retry === undefined ? {} : { retry }),
  });
  const { paths } = plugins;
  const token = tokenOfPlugin(config.processor.params, config.processor.path);
  const channels = {
    ...(token === undefined ? {} : { token }),
    ...(retry === undefined ? {} : { retry }),
  };
  if (plugins.kind === "volumetric" && config.job.kind === "volumetric") {
    const { chunks } = plugins;
    return cuboidUploader({ keys, job: config.job, bucket, paths, chunks, spool, pool, channels });
  }
  if (plugins.kind !== "tile" || config.job.kind !== "tile" || access.indexQueue === undefined) {
    throw new UsageError(`${act}: the server names no queue for its tiles; ask who runs the Boss`);
  }
  const index = new SqsQueue(access.indexQueue, keys.keeper, retry === undefined ? {} : { retry });
  const { tiles } = plugins;
  // Tiles come from where the intern SDK is told to ask.
  const channelsOfTiles = retry === undefined ? {} : { retry };
  const planes = new Planes({ spool, pool, copies, channels: channelsOfTiles });
  return tileUploader({ keys, job: config.job, bucket, index, paths, tiles, planes, pool });
}
