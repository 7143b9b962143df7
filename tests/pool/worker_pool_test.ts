import { deepEqual, equal, match, ok, rejects, throws } from "node:assert/strict";
import { join } from "node:path";
import { box } from "../../core/box.ts";
import { viewBytes, viewVoxels } from "../../core/dtype.ts";
import { ImageError, SluiceError } from "../../core/errors.ts";
import { BandBuffers } from "../../core/slab.ts";
import type { JobInput, JobName } from "../../pool/jobs.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { makeStack, withFolder } from "../_stack.ts";

const SIZE = [64, 48, 32, 1] as const;
const HALF = [32, 24, 16, 1] as const;

/** A downsampling job: short, and its target tells whether it ran. */
function halving(first = 0, end = HALF[1] * HALF[2]): JobInput<"downsample"> {
  const source = viewVoxels("uint8", shared(SIZE[0] * SIZE[1] * SIZE[2]));
  source.forEach((_, i) => source[i] = i * 7 % 251);
  return {
    method: "mean",
    fill: 0,
    source,
    sourceSize: SIZE,
    factor: [2, 2, 2],
    target: viewVoxels("uint8", shared(HALF[0] * HALF[1] * HALF[2])),
    targetSize: HALF,
    targetRow: 0,
    first,
    end,
  };
}

/** A job that a worker needs some tenths of a second for. */
function slow(): JobInput<"encodeChunks"> {
  const data = viewVoxels("uint8", shared(1 << 21));
  let state = 1;
  data.forEach((_, i) => {
    state = Math.imul(state, 1103515245) + 12345 | 0;
    data[i] = (state >>> 16) & 15;
  });
  return {
    data,
    box: box([0, 0, 0], [128, 128, 128]),
    dtype: "uint8",
    fill: 0,
    encoding: { codec: "gzip", level: 9, crc32c: false },
    chunk: [128, 128, 128, 1, 1],
    corners: [[0, 0, 0, 0, 0]],
  };
}

function shared(bytes: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(bytes));
}

const wrote = ({ target }: JobInput<"downsample">) => target.some((value) => value !== 0);

/** The real workers that are started while `test` runs, in order. */
async function watchWorkers(test: (workers: readonly Worker[]) => Promise<void>): Promise<void> {
  const workers: Worker[] = [];
  const Real = globalThis.Worker;
  globalThis.Worker = class extends Real {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options);
      workers.push(this);
    }
  };
  try {
    await test(workers);
  } finally {
    globalThis.Worker = Real;
  }
}

/** A worker cannot read this, and dies of it. */
const kill = (worker: Worker) => worker.postMessage(null);

for (const size of [0, 1, 2]) {
  Deno.test(`a pool of ${size}: what a job throws keeps its name and its message`, async () => {
    await using pool = new WorkerPool({ size });
    const { target, ...input } = halving();
    await rejects(
      pool.run("downsample", { ...input, target, first: 5, end: 4 }),
      (error: Error) => {
        equal(error.name, "RangeError");
        ok(/rows/i.test(error.message), error.message);
        ok(error.stack?.includes("downsample"), error.stack);
        return true;
      },
    );
    await pool.run("downsample", { ...input, target });
    ok(wrote({ ...input, target }));
  });

  Deno.test(`a pool of ${size}: faults that a person can mend are told from others`, async () => {
    await using pool = new WorkerPool({ size });
    const path = await Deno.makeTempFile();
    try {
      await Deno.writeFile(path, new Uint8Array(64));
      const input: JobInput<"decodeChunks"> = {
        pieces: [{ min: [0, 0, 0, 0, 0], shape: [8, 8, 1, 1, 1], path }],
        dtype: "uint8",
        decoding: {
          format: "zarr",
          kind: "voxels",
          order: [0, 1, 2, 3, 4],
          bigEndian: false,
          packings: [{ kind: "zstd" }],
        },
        data: shared(64),
        box: box([0, 0, 0], [8, 8, 1]),
      };
      const failed = async (path: string) =>
        (await pool.run("decodeChunks", { ...input, pieces: [{ ...input.pieces[0], path }] }))
          .map(({ piece, message }) => `${piece} ${message}`).join();
      match(await failed(path), /^0 .*zstd/);
      match(await failed(`${path}.gone`), /^0 .*No such file/);
      await rejects(failed("/"), /directory/);
    } finally {
      await Deno.remove(path);
    }
  });

  Deno.test(`a pool of ${size}: gives what every other size gives`, () =>
    withFolder(async (folder) => {
      const { paths, voxels, size: [width, height] } = await makeStack(folder, { depth: 2 });
      const images = await Promise.all(paths.map(async (path, z) => {
        const { size, mtime } = await Deno.stat(path);
        return {
          path,
          format: "png",
          at: {},
          size,
          mtime: mtime!.getTime(),
          width,
          height,
          samples: 1,
          dtype: "uint16" as const,
          ...{ x: 0, y: 0, z, c: 0, t: 0 },
        };
      }));
      await using pool = new WorkerPool({ size });
      const of = box([0, 0, 0], [width, height, 2]);
      const data = new BandBuffers().take("uint16", of);
      const input = { session: "one", images, data, box: of, wholeBytes: 0 };
      deepEqual(await pool.run("readImages", input, { lane: 0 }), []);
      deepEqual([...data], [...voxels]);
      await pool.run("closeImages", { session: "one" }, { lane: 0 });
      const [chunk] = await pool.run("encodeChunks", {
        data,
        box: of,
        dtype: "uint16",
        fill: 0,
        encoding: { codec: "none", crc32c: false },
        chunk: [37, 29, 2, 1, 1],
        corners: [of.min],
      });
      deepEqual(chunk.bytes, new Uint8Array(viewBytes(voxels)));
      ok(pool.times.decode > 0 && pool.times.encode > 0);
      const failures = await pool.run("readImages", {
        ...input,
        session: "two",
        images: [
          { ...images[0], path: join(folder, "absent.png") },
          { ...images[1], size: 1 },
        ],
      });
      await pool.run("closeImages", { session: "two" });
      deepEqual(failures.map(({ image, kind }) => [image, kind]), [[0, "missing"], [1, "changed"]]);
    }));

  Deno.test(`a pool of ${size}: jobs of one lane run in order`, async () => {
    await using pool = new WorkerPool({ size });
    const order: number[] = [];
    const jobs = Array.from({ length: 9 }, (_, i) => {
      const run = i % 3 === 0
        ? pool.run("encodeChunks", slowish(), { lane: 4 })
        : pool.run("downsample", halving(), { lane: 4 });
      return run.then(() => order.push(i));
    });
    await Promise.all(jobs);
    deepEqual(order, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  Deno.test(`a pool of ${size}: an abort before the start, and one that comes later`, async () => {
    await using pool = new WorkerPool({ size });
    const reason = new Error("stopped");
    const early = halving();
    await rejects(
      pool.run("downsample", early, { signal: AbortSignal.abort(reason) }),
      (error) => error === reason,
    );
    const stopping = new AbortController();
    const running = pool.run("encodeChunks", slowish(), { signal: stopping.signal });
    running.catch(() => {});
    stopping.abort(reason);
    await rejects(running, (error) => error === reason);
    equal(wrote(early), false);
    await pool.run("downsample", early);
    equal(wrote(early), true);
  });
}

/** As `slow`, in a few milliseconds. */
function slowish(): JobInput<"encodeChunks"> {
  return { ...slow(), box: box([0, 0, 0], [128, 128, 8]), chunk: [128, 128, 8, 1, 1] };
}

Deno.test("an ImageError stays one, with its kind", async () => {
  await using pool = new WorkerPool({ size: 1 });
  await watchWorkers(async (workers) => {
    await pool.run("downsample", halving());
    const pending = pool.run("encodeChunks", slow());
    // What `worker.ts` answers for an ImageError, sent by hand, as jobs give failures of images as values.
    workers[0].dispatchEvent(
      new MessageEvent("message", {
        data: {
          id: 1,
          error: { name: "ImageError", message: "no", kind: "changed", stack: "s", known: true },
        },
      }),
    );
    await rejects(pending, (error) => {
      ok(error instanceof ImageError && error instanceof SluiceError);
      deepEqual([error.name, error.message, error.kind, error.stack], [
        "ImageError",
        "no",
        "changed",
        "s",
      ]);
      return true;
    });
  });
});

Deno.test("a worker that dies rejects its jobs, and the next job starts another", () =>
  watchWorkers(async (workers) => {
    await using pool = new WorkerPool({ size: 1 });
    await pool.run("downsample", halving());
    equal(workers.length, 1);
    kill(workers[0]);
    const lost = [halving(), halving()].map((job) => pool.run("downsample", job));
    const waiting = halving();
    const next = pool.run("downsample", waiting);
    for (const job of lost) {
      await rejects(job, { name: "SluiceError", message: /^Cannot finish "downsample" as its / });
    }
    await next;
    ok(wrote(waiting));
    equal(workers.length, 2);
    await pool.run("downsample", halving(), { lane: 0 });
    equal(workers.length, 2);
  }));

Deno.test("a worker that dies idle is replaced when it is needed, not before", () =>
  watchWorkers(async (workers) => {
    await using pool = new WorkerPool({ size: 1 });
    await pool.run("downsample", halving());
    const died = new Promise((resolve) => workers[0].addEventListener("error", resolve));
    kill(workers[0]);
    await died;
    await new Promise((resolve) => setTimeout(resolve, 20));
    equal(workers.length, 1);
    await pool.run("downsample", halving());
    equal(workers.length, 2);
  }));

Deno.test("an abort takes a queued job out of the queue: it never runs", async () => {
  await using pool = new WorkerPool({ size: 1 });
  const stopping = new AbortController();
  const reason = new Error("stopped");
  const ahead = [pool.run("encodeChunks", slow()), pool.run("encodeChunks", slowish())];
  const queued = [halving(), halving()];
  const stopped = queued.map((job, i) =>
    pool.run("downsample", job, { signal: stopping.signal, lane: i === 0 ? undefined : 0 })
  );
  const settled = Promise.allSettled(stopped);
  const over = Promise.allSettled(ahead).then(() => "over");
  stopping.abort(reason);
  equal(await Promise.race([settled.then(() => "stopped"), over]), "stopped");
  for (const job of stopped) await rejects(job, (error) => error === reason);
  await over;
  await pool.run("downsample", halving());
  deepEqual(queued.map(wrote), [false, false]);
});

Deno.test("an abort does not wait for a job that runs, unless it writes into the caller's memory", async () => {
  await using pool = new WorkerPool({ size: 1 });
  const reason = new Error("stopped");
  const stopping = new AbortController();
  const long = pool.run("encodeChunks", slow(), { signal: stopping.signal });
  const behind = halving();
  const writing = pool.run("downsample", behind, { signal: stopping.signal });
  writing.catch(() => {});
  stopping.abort(reason);
  await rejects(long, (error) => error === reason);
  equal(wrote(behind), false);
  await rejects(writing, (error) => error === reason);
  ok(wrote(behind), "the caller got its memory back while a worker still wrote into it");
});

Deno.test("memory that threads cannot share is refused as a target, but for a pool of size 0", async () => {
  await using pool = new WorkerPool({ size: 1 });
  await using here = new WorkerPool({ size: 0 });
  const plain = { ...halving(), target: new Uint8Array(HALF[0] * HALF[1] * HALF[2]) };
  await rejects(pool.run("downsample", plain), {
    name: "TypeError",
    message:
      /^Cannot run "downsample" in a worker as its "target" is not on shared memory: .*size 0$/,
  });
  await here.run("downsample", plain);
  ok(wrote(plain));
  const band = { data: new Uint8Array(4), box: box([0, 0, 0], [2, 2, 1]) };
  const reads: [JobName, JobInput<JobName>][] = [
    ["readImages", { ...band, session: "s", images: [], wholeBytes: 0 }],
    ["decodeChunks", {
      ...band,
      pieces: [],
      dtype: "uint8",
      decoding: { format: "precomputed", codec: "raw", channels: 1 },
    }],
  ];
  for (const [name, input] of reads) {
    await rejects(pool.run(name, input), { name: "TypeError", message: /"data" is not on shared/ });
  }
});

Deno.test("a closed pool rejects what it has, and takes nothing more", async () => {
  const pool = new WorkerPool({ size: 1 });
  const jobs = [
    pool.run("encodeChunks", slow()),
    ...[1, 2, 3].map(() => pool.run("downsample", halving())),
    pool.run("downsample", halving(), { lane: 0 }),
  ];
  const settled = Promise.allSettled(jobs);
  await pool[Symbol.asyncDispose]();
  for (const result of await settled) {
    equal(result.status, "rejected");
    ok(result.status === "rejected" && /worker pool is closed/.test(result.reason.message));
  }
  await rejects(pool.run("downsample", halving()), /Cannot run "downsample" as the worker pool is/);
  await pool[Symbol.asyncDispose]();
});

Deno.test("what cannot be sent rejects its own job only", async () => {
  await using pool = new WorkerPool({ size: 1 });
  const bad = { ...halving(), method: (() => {}) as unknown as "mean" };
  await rejects(pool.run("downsample", bad), { name: "DataCloneError" });
  await pool.run("downsample", halving());
});

Deno.test("a pool of an impossible size is refused", () => {
  for (const size of [-1, 1.5, NaN]) throws(() => new WorkerPool({ size }), RangeError);
});
