import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { SluiceError, UsageError } from "../../core/errors.ts";
import { openMemoryLedger } from "../../ledgers/memory_ledger.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { createJob } from "../../tasks/create.ts";
import {
  describeVolume,
  type ImagesDescription,
  type VolumeDescription,
} from "../../tasks/describe_volume.ts";
import { ingest, type IngestOptions } from "../../tasks/ingest.ts";
import { planIngest } from "../../tasks/plan.ts";
import { tiffOf } from "../_images.ts";
import { serveRaw } from "../_raw_http.ts";
import { makeStack, withFolder } from "../_stack.ts";
import { HDF5_FILES } from "../plugins/_hdf5_files.ts";
import {
  changed,
  group,
  sharding,
  SHARDS,
  SPACE,
  V2,
  V3,
  WRITTEN,
} from "../plugins/_zarr_samples.ts";
import { writeN5 } from "../plugins/_zarr_writer.ts";
import { serveBuckets } from "../stores/_bucket.ts";
import { filesOf, serve } from "./_served.ts";

/** Writes blobs into a folder; texts are JSON. */
async function write(folder: string, blobs: Readonly<Record<string, unknown>>): Promise<string> {
  for (const [key, blob] of Object.entries(blobs)) {
    const path = join(folder, key);
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.writeFile(
      path,
      blob instanceof Uint8Array ? blob : new TextEncoder().encode(JSON.stringify(blob)),
    );
  }
  return folder;
}

async function volumeAt(address: string): Promise<VolumeDescription> {
  const description = await describeVolume(address);
  if (description.is !== "volume") throw new TypeError(description.is);
  return description;
}

/** Writes a volume of 37 x 29 x 11 voxels. */
async function ingestInto(
  folder: string,
  target: string,
  options: Partial<IngestOptions> = {},
): Promise<string> {
  const { pattern } = await makeStack(join(folder, "raw"));
  await using pool = new WorkerPool({ size: 0 });
  await using ledger = await openMemoryLedger();
  await ingest([pattern], target, {
    ledger,
    pool,
    voxelSize: { x: 4, y: 4, z: 40, unit: "nanometer" },
    chunk: [8, 8, 4],
    ...options,
  });
  return target;
}

Deno.test("describeVolume() says all of a volume that sluice wrote", () =>
  withFolder(async (folder) => {
    const path = await ingestInto(folder, join(folder, "out.ome.zarr"), {
      levels: 2,
      x: [5, 36],
      z: [2, 11],
    });
    const { readers, contrast, written, ...volume } = await volumeAt(path);
    deepEqual(volume, {
      is: "volume",
      address: path,
      format: "zarr",
      formatName: "OME-Zarr 0.5 on Zarr v3",
      kind: "image",
      dtype: "uint16",
      axes: ["z", "y", "x"],
      extent: { min: [5, 0, 2, 0, 0], max: [36, 29, 11, 1, 1] },
      voxelSize: { x: 4, y: 4, z: 40, unit: "nanometer" },
      fill: 0,
      scales: [
        {
          name: "0",
          size: [31, 29, 9, 1, 1],
          factor: [1, 1, 1, 1, 1],
          chunk: [8, 8, 4, 1, 1],
          shard: [32, 32, 4, 1, 1],
          voxelSize: { x: 4, y: 4, z: 40, unit: "nanometer" },
          offset: [5, 0, 2, 0, 0],
          codec: "zstd level 3, crc32c",
        },
        {
          name: "1",
          size: [16, 15, 9, 1, 1],
          factor: [2, 2, 1, 1, 1],
          chunk: [8, 8, 4, 1, 1],
          shard: [16, 16, 4, 1, 1],
          voxelSize: { x: 8, y: 8, z: 40, unit: "nanometer" },
          // The middle of two voxels, from the fifth on.
          offset: [3, 0, 2, 0, 0],
          codec: "zstd level 3, crc32c",
        },
      ],
    });
    equal(contrast?.length, 1);
    ok(contrast[0][0] < contrast[0][1]);
    deepEqual({ ...written, plan: undefined }, { plan: undefined, complete: true, losses: 0 });
    match(written!.plan!, /^[0-9a-f]{64}$/);
    ok(readers.length >= 7);
  }));

Deno.test("describeVolume() says how far sluice came, and what was lost", () =>
  withFolder(async (folder) => {
    const { pattern, paths } = await makeStack(join(folder, "raw"));
    await using ledger = await openMemoryLedger();
    const report = await planIngest([pattern]);
    const { volume } = await createJob(report, join(folder, "created.ome.zarr"), { ledger });
    const { plan, ...rest } = (await volumeAt(volume)).written!;
    equal(plan, report.plan.id);
    deepEqual(rest, { complete: false });

    await Deno.remove(paths[3]);
    await using pool = new WorkerPool({ size: 0 });
    for (const target of ["lossy.ome.zarr", "precomputed://lossy"]) {
      const at = target.replace("lossy", join(folder, "lossy"));
      await ingest([pattern], at, {
        ledger,
        pool,
        missing: "fill",
        voxelSize: { x: 4, y: 4, z: 40, unit: "nanometer" },
      });
      const { complete, losses } = (await volumeAt(at)).written!;
      deepEqual([complete, losses], [true, 1], target);
    }
  }));

interface Sample {
  readonly name: string;
  readonly blobs: Readonly<Record<string, unknown>>;
  readonly formatName: string;
  readonly codec: string;
  readonly shard?: readonly number[];
}

const codecs = (...list: unknown[]) =>
  changed(V3, "zarr.json", {
    codecs: [{ name: "bytes", configuration: { endian: "little" } }, ...list],
  });
const N5 = writeN5({ ...WRITTEN, shape: [7, 5, 3] }, [4, 3, 2], { gzip: false, isCut: true });
const compression = (value: unknown) => changed(N5, "attributes.json", { compression: value });
const info = (scale: Record<string, unknown>, more: Record<string, unknown> = {}) => ({
  info: {
    type: "image",
    data_type: "uint8",
    num_channels: 1,
    scales: [{
      key: "s0",
      size: [70, 50, 30],
      chunk_sizes: [[16, 16, 16]],
      resolution: [4, 4, 40],
      encoding: "raw",
      ...scale,
    }],
    ...more,
  },
});
const SHARDING = {
  "@type": "neuroglancer_uint64_sharded_v1",
  preshift_bits: 2,
  hash: "identity",
  minishard_bits: 1,
  shard_bits: 4,
};

const SAMPLES: readonly Sample[] = [
  { name: "Zarr v3", blobs: V3, formatName: "Zarr v3", codec: "not compressed, crc32c" },
  {
    name: "Zarr v3 with zstd",
    blobs: codecs({ name: "zstd", configuration: { level: 5, checksum: false } }, "crc32c"),
    formatName: "Zarr v3",
    codec: "zstd level 5, crc32c",
  },
  {
    name: "Zarr v3 with blosc",
    blobs: codecs({
      name: "blosc",
      configuration: { cname: "lz4", clevel: 5, shuffle: "bitshuffle", typesize: 2 },
    }),
    formatName: "Zarr v3",
    codec: "blosc (lz4 level 5, bit shuffle)",
  },
  {
    name: "Zarr v3 with a codec of numcodecs",
    blobs: codecs({ name: "numcodecs.lzma", configuration: { preset: 1 } }),
    formatName: "Zarr v3",
    codec: "lzma level 1",
  },
  {
    name: "Zarr v3, transposed and big-endian",
    blobs: changed(V3, "zarr.json", {
      codecs: [
        { name: "transpose", configuration: { order: [2, 1, 0] } },
        { name: "bytes", configuration: { endian: "big" } },
        { name: "gzip", configuration: { level: 6 } },
      ],
    }),
    formatName: "Zarr v3",
    codec: "transposed, big-endian, gzip level 6",
  },
  {
    name: "shards",
    blobs: SHARDS,
    formatName: "Zarr v3",
    codec: "not compressed, crc32c",
    shard: [8, 6, 4, 1, 1],
  },
  {
    name: "Zarr v2 with blosc",
    blobs: changed(V2, ".zarray", {
      compressor: { id: "blosc", cname: "zstd", clevel: 3, shuffle: 1, blocksize: 0 },
    }),
    formatName: "Zarr v2",
    codec: "blosc (zstd level 3, shuffle)",
  },
  {
    name: "Zarr v2 with a filter",
    blobs: changed(V2, ".zarray", {
      dtype: ">u2",
      order: "F",
      filters: [{ id: "shuffle", elementsize: 2 }],
      compressor: { id: "zlib", level: 1 },
    }),
    formatName: "Zarr v2",
    codec: "the last axis slowest, big-endian, filter shuffle, zlib level 1",
  },
  {
    name: "OME-Zarr 0.4",
    blobs: group({
      multiscales: [{ version: "0.4", axes: SPACE, datasets: [{ path: "0" }] }],
    }, "0.4"),
    formatName: "OME-Zarr 0.4 on Zarr v2",
    codec: "not compressed",
  },
  { name: "N5", blobs: N5, formatName: "N5", codec: "not compressed" },
  {
    name: "N5 with zlib",
    blobs: compression({ type: "gzip", useZlib: true, level: 2 }),
    formatName: "N5",
    codec: "zlib level 2",
  },
  {
    name: "N5 with a default level",
    blobs: compression({ type: "gzip", level: -1 }),
    formatName: "N5",
    codec: "gzip",
  },
  {
    name: "precomputed",
    blobs: info({}),
    formatName: "Neuroglancer precomputed",
    codec: "raw",
  },
  {
    name: "precomputed labels",
    blobs: info({
      encoding: "compressed_segmentation",
      compressed_segmentation_block_size: [8, 8, 4],
    }, { type: "segmentation", data_type: "uint64" }),
    formatName: "Neuroglancer precomputed",
    codec: "compressed_segmentation (blocks of 8x8x4)",
  },
  {
    name: "precomputed in shards",
    blobs: info({ encoding: "jpeg", sharding: { ...SHARDING, data_encoding: "gzip" } }),
    formatName: "Neuroglancer precomputed, sharded",
    codec: "jpeg, gzip",
    shard: [32, 32, 32, 1, 1],
  },
  {
    name: "precomputed in shards by hash",
    blobs: info({ sharding: { ...SHARDING, hash: "murmurhash3_x86_128" } }),
    formatName: "Neuroglancer precomputed, sharded",
    codec: "in shards of no box, raw",
  },
];

for (const { name, blobs, formatName, codec, shard } of SAMPLES) {
  Deno.test(`describeVolume() says how ${name} is stored`, () =>
    withFolder(async (folder) => {
      const volume = await volumeAt(await write(folder, blobs));
      equal(volume.formatName, formatName);
      deepEqual([volume.scales[0].codec, volume.scales[0].shard], [codec, shard]);
      equal(volume.written, undefined);
    }));
}

/** Who reads it, and who does not, with what is said of either. */
function verdicts({ readers }: VolumeDescription): Record<string, string> {
  return Object.fromEntries(
    readers.map(({ reader, opens, remarks }) => [
      reader,
      [opens ? "yes" : "no", ...remarks].join("; "),
    ]),
  );
}

const READERS: readonly {
  readonly name: string;
  readonly blobs: Readonly<Record<string, unknown>>;
  readonly says: Readonly<Record<string, string | undefined>>;
}[] = [
  {
    name: "shards of Zarr",
    blobs: SHARDS,
    says: {
      Neuroglancer: "yes",
      "Viv, vizarr": "yes",
      "zarr-python": "yes; version 3 or newer",
      tensorstore: "yes",
      "cloud-volume": "no; it reads no shards of Zarr",
      Fiji: "yes; n5-zarr of 2026 or newer",
      napari: undefined,
    },
  },
  {
    name: "shards whose index comes first",
    blobs: sharding({ index_location: "start" }),
    says: {
      Neuroglancer: "yes",
      "Viv, vizarr": "no; they look for the index of a shard at its end",
    },
  },
  {
    name: "OME-Zarr of a version that Neuroglancer does not read",
    blobs: group({ multiscales: [{ version: "0.1", datasets: [{ path: "0" }] }] }, "0.4"),
    says: {
      Neuroglancer: "no; it reads OME-Zarr 0.4 and 0.5, not 0.1; each array alone it may read",
      napari: "yes; with napari-ome-zarr",
      "cloud-volume": "yes; as zarr2://",
    },
  },
  {
    name: "a filter of Zarr v2",
    blobs: changed(V2, ".zarray", { filters: [{ id: "shuffle", elementsize: 2 }] }),
    says: {
      Neuroglancer: "no; it does not know the filter shuffle",
      "Viv, vizarr": "yes",
      tensorstore: "no; it does not know the filter shuffle",
      Fiji: "no; it knows no filters of Zarr v2",
    },
  },
  {
    name: "lz4 in Zarr v2",
    blobs: changed(V2, ".zarray", { compressor: { id: "lz4", acceleration: 1 } }),
    says: {
      Neuroglancer: "no; it does not know lz4",
      "Viv, vizarr": "yes",
      tensorstore: "no; it does not know lz4",
      "zarr-python": "yes",
    },
  },
  {
    name: "bzip2 in N5",
    blobs: compression({ type: "bzip2", blockSize: 9 }),
    says: {
      Neuroglancer: "no; it does not know bzip2",
      "Viv, vizarr": "no; they read Zarr alone",
      tensorstore: "yes",
      Fiji: "yes",
    },
  },
  {
    name: "blosc in N5",
    blobs: compression({ type: "blosc", cname: "lz4", clevel: 5, shuffle: 1 }),
    says: { Neuroglancer: "yes", Fiji: "yes; libblosc1 is to be installed" },
  },
  {
    name: "precomputed",
    blobs: info({}),
    says: { Neuroglancer: "yes", tensorstore: "yes", "cloud-volume": "yes", Fiji: undefined },
  },
  {
    name: "PNG of 16 bits in precomputed",
    blobs: info({ encoding: "png" }, { data_type: "uint16" }),
    says: { tensorstore: "yes", "cloud-volume": "no; it misreads PNG of 16 bits" },
  },
  {
    name: "JPEG of three channels in precomputed",
    blobs: info({ encoding: "jpeg" }, { num_channels: 3 }),
    says: {
      Neuroglancer: "yes",
      "cloud-volume": "no; it misreads PNG and JPEG of several channels",
    },
  },
];

for (const { name, blobs, says } of READERS) {
  Deno.test(`describeVolume() says who reads ${name}`, () =>
    withFolder(async (folder) => {
      const found = verdicts(await volumeAt(await write(folder, blobs)));
      for (const [reader, expected] of Object.entries(says)) equal(found[reader], expected, reader);
    }));
}

async function hdf5(folder: string, name: keyof typeof HDF5_FILES): Promise<string> {
  const path = join(folder, `${name}.h5`);
  await Deno.writeFile(path, gunzipSync(Uint8Array.fromBase64(HDF5_FILES[name])));
  return path;
}

Deno.test("describeVolume() lists the datasets of an HDF5 file, and says what one of them is", () =>
  withFolder(async (folder) => {
    const path = await hdf5(folder, "cremi");
    for (const address of [path, `hdf5://${path}`]) {
      deepEqual(await describeVolume(address), {
        is: "datasets",
        address: path,
        datasets: [
          { path: "/annotations/ids", shape: [5], type: "int64", isVolume: false },
          {
            path: "/volumes/labels/neuron_ids",
            shape: [3, 5, 7],
            type: "uint64",
            isVolume: true,
          },
          { path: "/volumes/raw", shape: [3, 5, 7], type: "uint8", isVolume: true },
        ],
        isWhole: true,
      });
    }
    const raw = await volumeAt(`${path}:/volumes/raw`);
    equal(raw.address, `${path}:/volumes/raw`);
    deepEqual([raw.formatName, raw.dtype, raw.voxelSize?.z], ["HDF5", "uint8", 40]);
    deepEqual([raw.scales[0].chunk, raw.scales[0].codec], [[3, 2, 1, 1, 1], "gzip level 4"]);
    deepEqual([verdicts(raw).h5py, verdicts(raw).Neuroglancer], ["yes", "no; it reads no HDF5"]);

    const whole = await volumeAt(`${await hdf5(folder, "fiji")}:/t0/channel0`);
    deepEqual([whole.scales[0].chunk, whole.scales[0].codec], [undefined, "not compressed"]);
  }));

Deno.test("describeVolume() says what images make together, and counts what is wrong with them", () =>
  withFolder(async (folder) => {
    const { pattern, paths } = await makeStack(join(folder, "raw"));
    await Deno.remove(paths[2]);
    await Deno.writeFile(paths[7], (await Deno.readFile(paths[7])).subarray(0, 100));
    await Deno.writeFile(paths[8], tiffOf([{ dtype: "uint8" }]));
    for (const address of [pattern, [pattern], join(folder, "raw")]) {
      const images = await describeVolume(address) as ImagesDescription;
      equal(images.is, "images");
      deepEqual([images.extent.max, images.dtype], [[37, 29, 11, 1, 1], "uint16"]);
      deepEqual(images.formats, ["png"]);
      const { missing, ...others } = images.faultCounts;
      equal(missing, 1);
      deepEqual(Object.values(others).reduce((sum, count) => sum + count, 0), 2);
      equal(images.faults[0].path, "section_002.png");
      equal(images.images, 8);
    }
    const files = paths.filter((_, z) => z > 8);
    const images = await describeVolume(files) as ImagesDescription;
    deepEqual([images.images, images.extent.max[2], images.faultCounts], [2, 2, {}]);
  }));

Deno.test("describeVolume() says at most 20 faults of images, and counts the rest", () =>
  withFolder(async (folder) => {
    const { pattern, paths } = await makeStack(join(folder, "raw"), {
      width: 3,
      height: 2,
      depth: 64,
    });
    for (const [z, path] of paths.entries()) {
      if (z % 2 === 1 && z < 60) await Deno.remove(path);
    }
    const images = await describeVolume(pattern) as ImagesDescription;
    const count = Object.values(images.faultCounts).reduce((sum, one) => sum + one, 0);
    deepEqual([images.faults.length, count >= 20], [20, true]);
  }));

Deno.test("describeVolume() reads from servers and buckets, also those that say 403 of what is not there", async () => {
  const files = await filesOf();
  await using server = serve(files);
  const served = await volumeAt(`${server.url}/em`);
  deepEqual([served.address, served.written?.complete], [`${server.url}/em`, true]);

  const old = await filesOf({ zarr: "0.4" });
  const precomputed = await filesOf({ format: "precomputed", shard: "none" });
  for (
    const [kind, of] of [["OME-Zarr 0.4 on Zarr v2", old], [
      "Neuroglancer precomputed",
      precomputed,
    ]] as const
  ) {
    await using server = serveRaw(({ path }) =>
      of.has(path) ? { status: 200, body: of.get(path)! } : { status: 403 }
    );
    equal((await volumeAt(`${server.url}/em`)).formatName, kind);
  }

  await using bucket = serveBuckets();
  const { objects } = bucket.buckets.get("bucket")!;
  for (const [path, bytes] of files) {
    objects.set(path.slice(1), { bytes, tag: '"1"', modified: 0, headers: {} });
  }
  const inBucket = await volumeAt("s3://bucket/em");
  deepEqual([inBucket.address, inBucket.scales], ["s3://bucket/em", served.scales]);
});

Deno.test("describeVolume() says that nothing is there, or that it may not be read", () =>
  withFolder(async (folder) => {
    await using server = serve(new Map());
    await rejects(describeVolume(`${server.url}/em`), (error) => {
      ok(error instanceof UsageError);
      match(error.message, /Cannot say what "http.*\/em" is: there is no zarr\.json/);
      return true;
    });
    await using closed = serveRaw(() => ({ status: 403 }));
    await rejects(describeVolume(`${closed.url}/em`), /the server answered 403/);
    await rejects(describeVolume(join(folder, "none")), UsageError);
    await rejects(describeVolume(join(folder, "none.h5")), /there is no such file/);
    await write(folder, changed(V3, "zarr.json", { data_type: "float64" }));
    await rejects(describeVolume(folder), (error) => {
      ok(error instanceof SluiceError);
      match(error.message, /its voxels are float64/);
      return true;
    });
  }));
