/** That what `info` says of who reads a volume is so: by the programs themselves, on what each of them wrote. */
import { deepEqual, ok } from "node:assert/strict";
import { join } from "node:path";
import { openMemoryLedger } from "../../ledgers/memory_ledger.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { describeVolume } from "../../tasks/describe_volume.ts";
import { ingest, type IngestOptions } from "../../tasks/ingest.ts";
import { makeStack, withFolder } from "../_stack.ts";
import { python, runPython } from "./_python.ts";

interface Volume {
  readonly name: string;
  readonly format: string;
  readonly path: string;
}

/** Asks the programs, and holds what they did against what was said of them. */
async function holdToVerdicts(
  folder: string,
  volumes: readonly Volume[],
  tried: readonly string[],
): Promise<Map<string, Set<boolean>>> {
  const said = [];
  for (const { name, format, path } of volumes) {
    const description = await describeVolume(path);
    ok(description.is === "volume", name);
    const readers = description.readers.filter(({ reader, readsFormat }) =>
      tried.includes(reader) && readsFormat
    );
    said.push({ name, format, path, verdicts: readers, readers: readers.map((one) => one.reader) });
  }
  const list = join(folder, "asked.json");
  await Deno.writeTextFile(list, JSON.stringify(said));
  const did: Record<string, string>[] = JSON.parse(await runPython("readers.py", list));
  const wrong: string[] = [];
  const seen = new Map<string, Set<boolean>>();
  for (const [i, { name, verdicts }] of said.entries()) {
    for (const { reader, opens, remarks } of verdicts) {
      const why = did[i][reader];
      // What it needs may not be installed.
      const [, lacks] = /^ModuleNotFoundError: No module named '(.*)'$/.exec(why) ?? [];
      if (lacks !== undefined && remarks.includes(`with the package ${lacks}`)) continue;
      seen.set(reader, (seen.get(reader) ?? new Set()).add(opens));
      if (opens !== (why === "")) wrong.push(`${reader}, ${name}: said ${opens}, but "${why}"`);
    }
  }
  deepEqual(wrong.slice(0, 20), [], `${wrong.length} verdicts are wrong`);
  return seen;
}

for (const part of ["zarr-v2", "zarr-v3", "shards", "tensorstore", "z5", "ome"]) {
  Deno.test({
    name: `zarr-python and tensorstore read what info says of volumes: ${part}`,
    ignore: python === undefined,
    fn: () =>
      withFolder(async (folder) => {
        await runPython("array_corpus.py", part, folder);
        const volumes: Volume[] = JSON.parse(await Deno.readTextFile(`${folder}/manifest.json`));
        ok(volumes.length > 0);
        await holdToVerdicts(folder, volumes, ["zarr-python", "tensorstore"]);
      }),
  });
}

const WRITTEN: Readonly<Record<string, Partial<IngestOptions> & { readonly dtype?: "uint8" }>> = {
  "shards": {},
  "zstd": { shard: "none" },
  "gzip": { shard: "none", codec: { codec: "gzip", level: 6, crc32c: true } },
  "blosc": {
    shard: "none",
    codec: { codec: "blosc", cname: "lz4", level: 5, shuffle: true, crc32c: false },
  },
  "v2 zstd": { zarr: "0.4" },
  "v2 gzip": { zarr: "0.4", codec: { codec: "gzip", level: 6, crc32c: false } },
  "v2 blosc": {
    zarr: "0.4",
    codec: { codec: "blosc", cname: "zstd", level: 3, shuffle: true, crc32c: false },
  },
  "precomputed shards": { format: "precomputed" },
  "precomputed": { format: "precomputed", shard: "none" },
  "precomputed jpeg": {
    format: "precomputed",
    dtype: "uint8",
    codec: { codec: "precomputed", form: { codec: "jpeg", quality: 90 }, crc32c: false },
  },
};

Deno.test({
  name:
    "cloud-volume, zarr-python and tensorstore read what info says of volumes that sluice wrote",
  ignore: python === undefined,
  fn: () =>
    withFolder(async (folder) => {
      await using pool = new WorkerPool({ size: 0 });
      await using ledger = await openMemoryLedger();
      const volumes: Volume[] = [];
      for (const [name, { dtype = "uint16", format, ...options }] of Object.entries(WRITTEN)) {
        const { pattern } = await makeStack(join(folder, `raw ${dtype}`), { dtype });
        const path = join(folder, name);
        await ingest([pattern], format === "precomputed" ? `precomputed://${path}` : path, {
          ledger,
          pool,
          voxelSize: { x: 4, y: 4, z: 40, unit: "nanometer" },
          chunk: [8, 8, 4],
          levels: 2,
          ...options,
        });
        volumes.push({ name, path, format: format ?? "zarr" });
      }
      const tried = ["zarr-python", "tensorstore", "cloud-volume"];
      const seen = await holdToVerdicts(folder, volumes, tried);
      deepEqual([...seen.keys()].sort(), tried.toSorted());
      // It reads some, and it reads others not.
      deepEqual([...seen.get("cloud-volume")!].sort(), [false, true]);
    }),
});
