/** Volumes of images that lie in a bucket or behind HTTP: the same bytes as from a disk, each image fetched once. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { encodePng } from "../../codecs/png_encode.ts";
import { viewBytes } from "../../core/dtype.ts";
import { parseVoxelSize } from "../../core/units.ts";
import { openLedger } from "../../ledgers/open_ledger.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { createJob } from "../../tasks/create.ts";
import { findJob } from "../../tasks/find_job.ts";
import { ingest, type IngestOptions } from "../../tasks/ingest.ts";
import { type JobProgress, joinJob } from "../../tasks/join.ts";
import { PlanError, planIngest } from "../../tasks/plan.ts";
import { retryJob } from "../../tasks/retry.ts";
import { verifyVolume } from "../../tasks/verify.ts";
import { S3_FAULTS } from "../_s3_faults.ts";
import { errorAnswer } from "../_s3_server.ts";
import { makeStack, someVoxel, withFolder } from "../_stack.ts";
import { makeTiff } from "../codecs/_tiff_writer.ts";
import { noteReads, putObject, putObjects, serveWeb } from "../plugins/_remote_files.ts";
import { serveBuckets } from "../stores/_bucket.ts";
import { STORM, STORM_RETRY } from "../stores/blobs/_storm.ts";

const SMALL = {
  voxelSize: parseVoxelSize("4x4x4nm"),
  chunk: [8, 8, 4],
  shard: [16, 16, 4],
  levels: 2,
} as const satisfies Partial<IngestOptions>;
const [WIDTH, HEIGHT, DEPTH] = [37, 29, 11];

/** Interleaved little-endian 16-bit voxels of a part of a section. */
function voxelsOf(z: number, x0 = 0, y0 = 0, x1 = WIDTH, y1 = HEIGHT): Uint8Array {
  const voxels = new Uint16Array((x1 - x0) * (y1 - y0));
  let at = 0;
  for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) voxels[at++] = someVoxel(x, y, z);
  return viewBytes(voxels);
}

function pngAt(z: number): Uint8Array {
  return encodePng({
    width: WIDTH,
    height: HEIGHT,
    samples: 1,
    dtype: "uint16",
    data: voxelsOf(z),
  });
}

function pageAt(z: number) {
  return { width: WIDTH, height: HEIGHT, sampleBytes: 2, pixels: voxelsOf(z), rowsPerStrip: 4 };
}

const sections = Array.from({ length: DEPTH }, (_, z) => z);
const name = (z: number) => `s_${String(z).padStart(3, "0")}`;
const files = (of: (z: number) => [string, Uint8Array]) => Object.fromEntries(sections.map(of));

const PNGS = files((z) => [`raw/${name(z)}.png`, pngAt(z)]);
const TILES = Object.fromEntries(
  sections.flatMap((z) =>
    [0, 1].flatMap((row) =>
      [0, 1, 2].map((column) => {
        const [x0, y0] = [column * 16, row * 16];
        const [x1, y1] = [Math.min(WIDTH, x0 + 16), Math.min(HEIGHT, y0 + 16)];
        const data = voxelsOf(z, x0, y0, x1, y1);
        const size = { width: x1 - x0, height: y1 - y0, samples: 1, dtype: "uint16" } as const;
        return [`tiles/${z}/${row}_${column}.png`, encodePng({ ...size, data })];
      })
    )
  ),
);

const FORMS: readonly {
  readonly form: string;
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly pattern: string;
  readonly spans?: Partial<IngestOptions>;
}[] = [
  { form: "PNG", files: PNGS, pattern: "raw/*.png" },
  {
    form: "TIFF in strips, packed",
    files: files((z) => [
      `raw/${name(z)}.tif`,
      makeTiff([{ ...pageAt(z), packing: "deflate", predictor: 2 }]),
    ]),
    pattern: "raw/",
  },
  {
    form: "one TIFF of many pages",
    files: { "raw/all.tif": makeTiff(sections.map(pageAt)) },
    pattern: "raw/all.tif",
  },
  {
    form: "TIFFs of many pages, packed, big-endian BigTIFF",
    files: {
      "raw/a.tif": makeTiff(
        sections.slice(0, 7).map((z) => ({ ...pageAt(z), packing: "lzw" as const })),
        { big: true, little: true },
      ),
      "raw/b.tif": makeTiff(
        sections.slice(7).map((z) => ({ ...pageAt(z), tile: [16, 16] as const })),
      ),
    },
    pattern: "raw/*",
  },
  {
    form: "tiles by a template",
    files: TILES,
    pattern: "tiles/<z>/<y>_<x>.png",
    spans: { x: [0, 3], y: [0, 2], z: [0, DEPTH] },
  },
];

async function writeFiles(folder: string, files: Readonly<Record<string, Uint8Array>>) {
  for (const [path, bytes] of Object.entries(files)) {
    await Deno.mkdir(join(folder, path, ".."), { recursive: true });
    await Deno.writeFile(join(folder, path), bytes);
  }
}

async function filesBelow(root: string, below = ""): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for await (const { name, isDirectory } of Deno.readDir(join(root, below))) {
    const key = below === "" ? name : `${below}/${name}`;
    if (name === ".sluice") continue;
    if (!isDirectory) files.set(key, await Deno.readFile(join(root, key)));
    else for (const [inner, bytes] of await filesBelow(root, key)) files.set(inner, bytes);
  }
  return files;
}

/** The same, but for the name of the plan, which knows when its images were written. */
function sameBytes(a: Map<string, Uint8Array>, b: Map<string, Uint8Array>): void {
  deepEqual([...a.keys()].sort(), [...b.keys()].sort());
  for (const [key, bytes] of a) {
    if (key === "zarr.json") equal(withoutPlan(bytes), withoutPlan(b.get(key)!));
    else equal(Buffer.compare(bytes, b.get(key)!), 0, key);
  }
}

function withoutPlan(json: Uint8Array): string {
  const text = new TextDecoder().decode(json);
  ok(/"plan": "[0-9a-f]{64}"/.test(text), text);
  return text.replace(/"plan": "[0-9a-f]{64}"/, "");
}

/** A temporary folder of the test's own: nothing may be left in it. */
async function inTemporaryFolder(test: (folder: string, temporary: string) => Promise<void>) {
  await withFolder(async (folder) => {
    const temporary = join(folder, "tmp");
    await Deno.mkdir(temporary);
    const before = Deno.env.get("TMPDIR");
    Deno.env.set("TMPDIR", temporary);
    try {
      await test(folder, temporary);
      deepEqual(await Array.fromAsync(Deno.readDir(temporary)), []);
    } finally {
      if (before === undefined) Deno.env.delete("TMPDIR");
      else Deno.env.set("TMPDIR", before);
    }
  });
}

for (const { form, files, pattern, spans } of FORMS) {
  for (const threads of [0, 2]) {
    Deno.test(`a volume is the same from a bucket, HTTP and a disk: ${form}, ${threads} threads`, () =>
      inTemporaryFolder(async (folder) => {
        await using ledger = await openLedger("memory:");
        await using pool = new WorkerPool({ size: threads });
        const options = { ...SMALL, ledger, pool };
        await writeFiles(join(folder, "local"), files);
        const local = await ingest([join(folder, "local", pattern)], join(folder, "a"), options);
        equal(local.status.state, "done");
        const expected = await filesBelow(join(folder, "a"));
        {
          await using server = serveBuckets({ pageSize: 4 });
          putObjects(server, files);
          const address = `s3://bucket/${pattern}`;
          const { status, verified } = await ingest([address], join(folder, "b"), options);
          deepEqual([status.state, verified?.faults], ["done", []]);
          sameBytes(await filesBelow(join(folder, "b")), expected);
          const proof = await verifyVolume(join(folder, "b"), { pool, source: true });
          deepEqual([proof.faults, proof.compared], [[], 3]);
        }
        await using server = serveWeb(
          Object.fromEntries(Object.entries(files).map(([path, bytes]) => [`/${path}`, bytes])),
        );
        const addresses = spans === undefined
          ? Object.keys(files).map((path) => `${server.url}/${path}`)
          : [`${server.url}/${pattern}`];
        const named = { ...options, ...spans };
        const { status } = await ingest(addresses, join(folder, "c"), named);
        equal(status.state, "done");
        sameBytes(await filesBelow(join(folder, "c")), expected);
      }));
  }
}

Deno.test("each image is fetched once by the one task that needs it, after its ends were read for the plan", () =>
  inTemporaryFolder(async (folder) => {
    await using server = serveBuckets();
    putObjects(server, PNGS);
    const reads = noteReads(server);
    await using ledger = await openLedger("memory:");
    await using pool = new WorkerPool({ size: 2 });
    const { status } = await ingest(["s3://bucket/raw/*.png"], join(folder, "a"), {
      ...SMALL,
      ledger,
      pool,
    });
    equal(status.state, "done");
    deepEqual(
      [...reads].sort(),
      Object.keys(PNGS).sort().map((key) => [key, ["bytes=0-16383", undefined]]),
    );
    // That it is no volume is seen from its address.
    ok(!server.log.some((line) => line.startsWith("HEAD")), server.log.join("\n"));
  }));

Deno.test("of a file of many pages a task fetches no more than its own", () =>
  inTemporaryFolder(async (folder, temporary) => {
    await using server = serveBuckets();
    const [width, height, depth] = [256, 200, 24];
    const pages = Array.from({ length: depth }, (_, z) => ({
      width,
      height,
      sampleBytes: 1,
      rowsPerStrip: 16,
      pixels: Uint8Array.from({ length: width * height }, (_, i) => (i * 7 + z * 31) & 255),
    }));
    const file = makeTiff(pages);
    putObject(server, "all.tif", file);
    await using ledger = await openLedger("memory:");
    await using pool = new WorkerPool({ size: 0 });
    const options = { ...SMALL, chunk: [64, 64, 4], shard: "none", ledger, pool } as const;
    const report = await planIngest(["s3://bucket/all.tif"], options);
    const { job } = await createJob(report, join(folder, "a"), { ledger });
    let [bytes, largest] = [0, 0];
    server.intercept = async ({ headers }) => {
      const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.get("range") ?? "")!;
      bytes += Math.min(file.length, Number(last) + 1) - Number(first);
      largest = Math.max(largest, await roomTaken(temporary));
      return undefined;
    };
    equal((await joinJob(job, { ledger, pool })).state, "done");
    ok(bytes > width * height * depth && bytes < file.length * 1.5, `${bytes} of ${file.length}`);
    ok(largest > 0 && largest < file.length * 0.6, `${largest} of ${file.length}`);
  }));

/** Bytes that files take on the disk: holes take none. */
async function roomTaken(folder: string): Promise<number> {
  let bytes = 0;
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    bytes += isDirectory
      ? await roomTaken(path)
      : ((await Deno.stat(path).catch(() => undefined))?.blocks ?? 0) * 512;
  }
  return bytes;
}

Deno.test("an image larger than a part comes in parts, each once, and of one version", () =>
  inTemporaryFolder(async (folder) => {
    await using server = serveBuckets();
    const reads = noteReads(server);
    const [width, height] = [3000, 3000];
    const pixels = new Uint8Array(width * height).map((_, i) => (i * 7) ^ (i >> 9));
    const tiff = makeTiff([{ width, height, sampleBytes: 1, pixels, rowsPerStrip: 500 }]);
    putObject(server, "1.tif", tiff);
    await using ledger = await openLedger("memory:");
    await using pool = new WorkerPool({ size: 2 });
    const options = { chunk: [512, 512, 1], levels: 1, ledger, pool } as const;
    const { status, verified } = await ingest(["s3://bucket/1.tif"], join(folder, "a"), options);
    deepEqual([status.state, verified?.faults], ["done", []]);
    // Its directory lies at its end.
    const [head, directory, ...fetched] = reads.get("1.tif")!;
    deepEqual([head, directory], ["bytes=0-16383", `bytes=9000008-${tiff.length - 1}`]);
    const parts = fetched.toSorted();
    deepEqual(parts, [`bytes=0-${(8 << 20) - 1}`, `bytes=${8 << 20}-${tiff.length - 1}`]);
    await Deno.writeFile(join(folder, "1.tif"), tiff);
    await ingest([join(folder, "1.tif")], join(folder, "b"), options);
    sameBytes(await filesBelow(join(folder, "a")), await filesBelow(join(folder, "b")));
  }));

Deno.test("faults of the plan are named by their addresses, and policies let them pass", () =>
  inTemporaryFolder(async (folder) => {
    await using server = serveBuckets();
    const { [`raw/${name(4)}.png`]: _, ...rest } = PNGS;
    putObjects(server, rest);
    putObject(server, `raw/${name(6)}.png`, pngAt(6).subarray(0, 60));
    await using ledger = await openLedger("memory:");
    await using pool = new WorkerPool({ size: 0 });
    const source = ["s3://bucket/raw/*.png"];
    await rejects(planIngest(source, SMALL), (error) => {
      ok(error instanceof PlanError);
      match(error.message, /missing: "s3:\/\/bucket\/raw\/s_004\.png" is not there/);
      match(error.message, /truncated: "s3:\/\/bucket\/raw\/s_006\.png" is truncated/);
      return true;
    });
    const fill = { ...SMALL, missing: "fill", onError: "fill", ledger, pool } as const;
    const { created, status } = await ingest(source, join(folder, "a"), fill);
    equal(status.losses, 2);
    const { losses } = await verifyVolume(created.volume, { pool });
    deepEqual(losses.map(({ image, kind }) => [image, kind]), [
      ["s3://bucket/raw/s_004.png", "missing"],
      ["s3://bucket/raw/s_006.png", "broken"],
    ]);
    putObject(server, `raw/${name(4)}.png`, pngAt(4));
    putObject(server, `raw/${name(6)}.png`, pngAt(6));
    const { mended } = await retryJob({ ...created, ledger }, { sections: [[4, 5], [6, 7]] });
    deepEqual(mended, ["s3://bucket/raw/s_004.png", "s3://bucket/raw/s_006.png"]);
    equal((await joinJob(created.job, { ledger, pool })).losses, 0);
    await writeFiles(join(folder, "local"), PNGS);
    await ingest([join(folder, "local/raw/*.png")], join(folder, "b"), fill);
    sameBytes(await filesBelow(join(folder, "a")), await filesBelow(join(folder, "b")));
  }));

type Policies = Pick<IngestOptions, "missing" | "onError">;

/** What happens to section 5 between the plan and the work. */
const MEANWHILE: readonly {
  readonly what: string;
  readonly change: (server: ReturnType<typeof serveBuckets>, key: string) => void;
  readonly says: RegExp;
  /** Policies under which it is lost, and as what. */
  readonly lost?: readonly [Policies, "missing" | "broken"][];
}[] = [
  {
    what: "is removed",
    change: (server, key) => void server.buckets.get("bucket")!.objects.delete(key),
    says: /s_005\.png" \(z 5\) as the plan wants it: it is not there any more/,
    lost: [[{ missing: "fill" }, "missing"], [{ onError: "fill" }, "missing"]],
  },
  {
    what: "is replaced by one of the same size and date",
    change: (server, key) => putObject(server, key, pngAt(5).map((byte, i) => i === 90 ? 1 : byte)),
    says:
      /s_005\.png" \(z 5\) as the plan wants it: it changed since the plan: it was written again/,
  },
  {
    what: "is replaced by a larger one",
    change: (server, key) => putObject(server, key, pngAt(50)),
    says: /it changed since the plan: \d+ bytes where \d+ were planned/,
  },
  {
    what: "never comes undamaged",
    change: (server, key) => {
      const { objects } = server.buckets.get("bucket")!;
      const { bytes, ...rest } = objects.get(key)!;
      objects.set(key, { ...rest, bytes: bytes.map((byte, i) => i === 90 ? byte ^ 1 : byte) });
    },
    says: /its bytes do not have its MD5, after 3 attempts/,
    lost: [[{ onError: "fill" }, "broken"]],
  },
  {
    what: "is refused",
    change: (server, key) => {
      server.intercept = ({ path }) =>
        path.endsWith(key) ? errorAnswer(403, "AccessDenied", server.behaviour) : undefined;
    },
    says: /Cannot read "s3:\/\/bucket\/raw\/s_005\.png"/,
  },
];
for (const { what, change, says, lost = [] } of MEANWHILE) {
  const policies: readonly Policies[] = [
    {},
    { missing: "fill" },
    { onError: "fill" },
    { missing: "fill", onError: "fill" },
  ];
  Deno.test(`an image that ${what} after the plan is named, and lost where a policy says so`, () =>
    inTemporaryFolder(async (folder) => {
      for (const [at, policy] of policies.entries()) {
        await using server = serveBuckets({}, { retry: { attempts: 3, random: () => 0 } });
        putObjects(server, PNGS);
        await using ledger = await openLedger("memory:");
        await using pool = new WorkerPool({ size: 0 });
        const volume = join(folder, `v${at}`);
        const report = await planIngest(["s3://bucket/raw/*.png"], { ...SMALL, ...policy });
        const { job } = await createJob(report, volume, { ledger });
        change(server, `raw/${name(5)}.png`);
        const failures: string[] = [];
        const reads = noteReads(server);
        const status = await joinJob(job, {
          ledger,
          pool,
          onFailure: (error) => void failures.push(error.message),
        });
        const expected = lost.find(([need]) =>
          Object.entries(need).every(([key, value]) => policy[key as keyof Policies] === value)
        );
        if (expected === undefined) {
          equal(status.deadLetters, 1);
          match(failures[0], says);
          ok(!failures.join().includes("s3cret"));
          continue;
        }
        deepEqual([status.state, status.losses, failures], ["done", 1, []]);
        const { losses } = await verifyVolume(volume, { pool });
        const [, kind] = policy.missing && policy.onError ? lost[0] : expected;
        deepEqual(losses.map(({ image, kind }) => [image, kind]), [
          ["s3://bucket/raw/s_005.png", kind],
        ]);
        // The others of its task were not fetched again for it.
        for (const [key, ranges] of reads) if (!key.includes("005")) equal(ranges.length, 1, key);
      }
    }));
}

Deno.test("an image whose voxels are damaged costs no other image a second fetch", () =>
  inTemporaryFolder(async (folder) => {
    await using server = serveBuckets();
    putObjects(server, PNGS);
    for (const z of [4, 6]) {
      const png = pngAt(z);
      putObject(server, `raw/${name(z)}.png`, png.map((byte, i) => i === 90 ? byte ^ 1 : byte));
    }
    const reads = noteReads(server);
    await using ledger = await openLedger("memory:");
    await using pool = new WorkerPool({ size: 2 });
    const options = { ...SMALL, onError: "fill", ledger, pool } as const;
    const { status } = await ingest(["s3://bucket/raw/*.png"], join(folder, "a"), options);
    deepEqual([status.state, status.losses], ["done", 2]);
    for (const [key, ranges] of reads) deepEqual(ranges, ["bytes=0-16383", undefined], key);
  }));

Deno.test("retry does a section anew whose object was replaced, and verify --source notices before", () =>
  inTemporaryFolder(async (folder) => {
    await using server = serveBuckets();
    putObjects(server, PNGS);
    await using ledger = await openLedger("memory:");
    await using pool = new WorkerPool({ size: 0 });
    const options = { ...SMALL, ledger, pool };
    const { created } = await ingest(["s3://bucket/raw/*.png"], join(folder, "a"), options);
    deepEqual((await verifyVolume(created.volume, { pool, source: true })).faults, []);
    const other = encodePng({
      width: WIDTH,
      height: HEIGHT,
      samples: 1,
      dtype: "uint16",
      data: voxelsOf(77),
    });
    putObject(server, `raw/${name(5)}.png`, other);
    const { faults } = await verifyVolume(created.volume, { pool, source: true });
    equal(faults.length, 1);
    match(faults[0].reason, /"s3:\/\/bucket\/raw\/s_005\.png" .*changed since the plan/);
    const { mended, tasks } = await retryJob({ ...created, ledger }, { sections: [[5, 6]] });
    deepEqual(mended, ["s3://bucket/raw/s_005.png"]);
    ok(tasks >= 1);
    equal((await joinJob(created.job, { ledger, pool })).state, "done");
    deepEqual((await verifyVolume(created.volume, { pool, source: true })).faults, []);
    await writeFiles(join(folder, "local"), { ...PNGS, [`raw/${name(5)}.png`]: other });
    await ingest([join(folder, "local/raw/*.png")], join(folder, "b"), options);
    sameBytes(await filesBelow(join(folder, "a")), await filesBelow(join(folder, "b")));
  }));

Deno.test("a job of a bucket is gone on with from its list, by another ledger as well", () =>
  inTemporaryFolder(async (folder) => {
    await using server = serveBuckets();
    const depth = 60;
    for (let z = 0; z < depth; z++) putObject(server, `raw/${name(z)}.png`, pngAt(z));
    await using pool = new WorkerPool({ size: 0 });
    const stop = new AbortController();
    const onProgress = ({ done }: JobProgress) => {
      if (done > 0) stop.abort();
    };
    const target = "s3://bucket/lab/it";
    const source = ["s3://bucket/raw/*.png"];
    {
      await using ledger = await openLedger("memory:");
      const layout = { chunk: [8, 8, 1], shard: [16, 16, 1], levels: 1 } as const;
      const options = { ...SMALL, ...layout, ledger, pool, onProgress, stop: stop.signal };
      const { status } = await ingest(source, target, options);
      equal(status.state, "active");
      ok(status.done > 0);
    }
    server.log.length = 0;
    await using found = await findJob(target, { ledgerUrl: `sqlite:${join(folder, "jobs.db")}` });
    const before = await found.ledger.status(found.job);
    ok(before.done > 0 && before.done < before.tasks);
    equal((await joinJob(found.job, { ledger: found.ledger, pool })).state, "done");
    // Nothing is listed again, and nothing is fetched again of what was done.
    ok(!server.log.some((line) => line.includes("list-type") && line.includes("raw")));
    const fetched = server.log.filter((line) => /^GET \/bucket\/raw\//.test(line));
    ok(fetched.length > 0 && fetched.length < depth, fetched.join("\n"));
    const { faults, unfinished } = await verifyVolume(target, { pool, source: true });
    deepEqual([faults, unfinished], [[], 0]);
  }));

Deno.test("an abort while images are fetched ends at once, with its reason, and leaves nothing", () =>
  inTemporaryFolder(async (folder, temporary) => {
    await using server = serveBuckets();
    putObjects(server, PNGS);
    await using ledger = await openLedger("memory:");
    await using pool = new WorkerPool({ size: 0 });
    const report = await planIngest(["s3://bucket/raw/*.png"], SMALL);
    const { job } = await createJob(report, join(folder, "a"), { ledger });
    const stopping = new AbortController();
    const reason = new Error("stopped");
    let seen = 0;
    server.intercept = async () => {
      if (++seen === 3) {
        equal((await Array.fromAsync(Deno.readDir(temporary))).length, 1);
        stopping.abort(reason);
      }
      await new Promise((resolve) => setTimeout(resolve, seen < 3 ? 0 : 300));
      return undefined;
    };
    const began = performance.now();
    await rejects(
      joinJob(job, { ledger, pool, signal: stopping.signal }),
      (error) => error === reason,
    );
    ok(performance.now() - began < 5000);
    server.intercept = undefined;
    equal((await joinJob(job, { ledger, pool })).state, "done");
  }));

Deno.test("where no copies can be kept the job stops with a name, and goes on once they can", () =>
  inTemporaryFolder(async (folder, temporary) => {
    await using server = serveBuckets();
    putObjects(server, PNGS);
    await using ledger = await openLedger("memory:");
    await using pool = new WorkerPool({ size: 0 });
    const options = { ...SMALL, ledger, pool };
    const target = join(folder, "a");
    Deno.env.set("TMPDIR", join(temporary, "none"));
    await rejects(ingest(["s3://bucket/raw/*.png"], target, options), {
      name: "SpoolError",
      message:
        /^Cannot keep a copy of "s3:\/\/bucket\/raw\/s_\d{3}\.png" in the temporary folder .*no such folder; .*TMPDIR/,
    });
    Deno.env.set("TMPDIR", temporary);
    const { status, verified } = await ingest(["s3://bucket/raw/*.png"], target, options);
    deepEqual([status.state, status.deadLetters, verified?.faults], ["done", 0, []]);
  }));

const mounts = Deno.uid() === 0 &&
  new Deno.Command("mount", { args: ["--version"] }).outputSync().success;
if (!mounts) console.warn("No full temporary folder is tested: mounting one needs root");
Deno.test({
  name: "a full temporary folder stops the job with its name, and not as the disk of the volume",
  ignore: !mounts,
  fn: () =>
    inTemporaryFolder(async (folder, temporary) => {
      await using server = serveBuckets();
      putObjects(server, PNGS);
      await using ledger = await openLedger("memory:");
      await using pool = new WorkerPool({ size: 0 });
      const mount = (...args: string[]) => new Deno.Command("mount", { args }).outputSync().success;
      ok(mount("-t", "tmpfs", "-o", "size=8k", "tmpfs", temporary));
      try {
        const run = () =>
          ingest(["s3://bucket/raw/*.png"], join(folder, "a"), { ...SMALL, ledger, pool });
        await rejects(run(), { name: "SpoolError", message: /its disk is full; make room there/ });
        deepEqual(await Array.fromAsync(Deno.readDir(temporary)), []);
        ok(mount("-o", "remount,size=8m", temporary));
        const { status, verified } = await run();
        deepEqual([status.state, verified?.faults], ["done", []]);
      } finally {
        new Deno.Command("umount", { args: [temporary] }).outputSync();
      }
    }),
});

Deno.test("what a process left behind that was killed is removed, and what lives is not", () =>
  inTemporaryFolder(async (_, temporary) => {
    const { SpoolFolder } = await import("../../stages/_spool_folder.ts");
    const module = new URL("../../stages/_spool_folder.ts", import.meta.url).href;
    const enter = `import { SpoolFolder } from "${module}";
      const { path } = await new SpoolFolder().enter(new AbortController().signal);
      await Deno.writeTextFile(path + "/0", "x");
      console.log(path);`;
    const start = async (then: string) => {
      const child = new Deno.Command(Deno.execPath(), {
        args: ["eval", `${enter}\n${then}`],
        env: { TMPDIR: temporary },
        stdout: "piped",
        stderr: "inherit",
      }).spawn();
      const reader = child.stdout.getReader();
      const path = new TextDecoder().decode((await reader.read()).value).trim();
      reader.releaseLock();
      return { child, folder: join(path, "..") };
    };
    const killed = await start("await new Promise((resolve) => setTimeout(resolve, 60_000));");
    killed.child.kill("SIGKILL");
    await killed.child.stdout.cancel();
    await killed.child.status;
    ok((await Deno.stat(join(killed.folder, "0/0"))).isFile);
    const signal = new AbortController().signal;
    const living = await new SpoolFolder().enter(signal);
    const next = await start("Deno.exit(0);");
    await next.child.stdout.cancel();
    await next.child.status;
    await rejects(Deno.stat(killed.folder), Deno.errors.NotFound);
    ok((await Deno.stat(living.path)).isDirectory);
    await living.leave();
    await Deno.remove(next.folder, { recursive: true });
  }));

Deno.test("a job of 200 images with each fault in 1 % of requests ends complete and verified", () =>
  inTemporaryFolder(async (folder) => {
    const stack = await makeStack(join(folder, "raw"), { width: 40, height: 24, depth: 200 });
    await using server = serveBuckets({ seed: 9 }, { retry: STORM_RETRY });
    for (const path of stack.paths) {
      putObject(server, path.replace(folder, "").slice(1), await Deno.readFile(path));
    }
    await using ledger = await openLedger("memory:");
    await using pool = new WorkerPool({ size: 0 });
    const options = { ...SMALL, chunk: [8, 8, 2], shard: "none", ledger, pool } as const;
    await ingest([stack.pattern], join(folder, "a"), options);
    server.behaviour.faults = STORM;
    server.next.push(...S3_FAULTS);
    const source = ["s3://bucket/raw/*.png"];
    const { status, verified } = await ingest(source, join(folder, "b"), options);
    server.behaviour.faults = {};
    deepEqual([status.state, status.deadLetters, status.losses], ["done", 0, 0]);
    deepEqual([verified?.faults, verified?.unfinished], [[], 0]);
    for (const fault of S3_FAULTS) ok((server.faults.get(fault) ?? 0) > 0, fault);
    sameBytes(await filesBelow(join(folder, "b")), await filesBelow(join(folder, "a")));
  }));
