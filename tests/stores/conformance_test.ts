import { join } from "node:path";
import type { ChunkEncoding, PrecomputedForm } from "../../core/layout.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import type { ZarrVersion } from "../../stores/_zarr_metadata.ts";
import { MemoryStore } from "../../stores/memory_store.ts";
import { openVolume } from "../../stores/volume.ts";
import { planFormat } from "../../tasks/_plan_format.ts";
import { RawStore } from "../../scripts/examples/custom_store.ts";
import { makeEmptyPrecomputed, makeEmptyVolume } from "./_empty_volume.ts";
import { serveBuckets } from "./_bucket.ts";
import { conform, type StoreKind } from "./conformance.ts";

/** Where a volume lies until it is disposed. */
interface Place extends AsyncDisposable {
  readonly address: string;
}

type MakePlace = () => Promise<Place>;

const onDisk: MakePlace = async () => {
  const folder = await Deno.makeTempDir({ prefix: "sluice-test-" });
  return {
    address: join(folder, "it"),
    [Symbol.asyncDispose]: async () => await Deno.remove(folder, { recursive: true }),
  };
};

const inBucket: MakePlace = () => {
  const server = serveBuckets();
  return Promise.resolve({
    address: "s3://bucket/lab/it",
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  });
};

function omeZarr(
  zarr: ZarrVersion,
  sharded: boolean,
  encoding: ChunkEncoding,
  makePlace = onDisk,
): StoreKind {
  return {
    name: `OME-Zarr ${zarr}${sharded ? ", sharded" : ""}${makePlace === inBucket ? ", S3" : ""}`,
    encoding,
    sharded,
    ...(makePlace === inBucket ? { dtypes: ["int16"] as const } : {}),
    async create(layout) {
      const place = await makePlace();
      await makeEmptyVolume(place.address, zarr, layout);
      const pool = new WorkerPool({ size: 0 });
      // A small band, so that a box is read in many.
      const open = () => openVolume(place.address, { pool, bandBytes: 1 });
      return {
        store: await open(),
        again: open,
        [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
      };
    },
  };
}

function precomputed(sharded: boolean, form: PrecomputedForm, makePlace = onDisk): StoreKind {
  const voxelSize = { x: 4, y: 4, z: 4, unit: "nanometer" } as const;
  const encoding = { codec: "precomputed", form, crc32c: false } as const;
  const planned = planFormat(
    { format: "precomputed", codec: encoding, ...(sharded ? {} : { shard: "none" }) },
    { dtype: "uint16", kind: "image", channels: 1, hasTime: false, voxelSize },
  );
  return {
    name: `precomputed, ${form.codec}${sharded ? ", sharded" : ""}${
      makePlace === inBucket ? ", S3" : ""
    }`,
    encoding: planned.encoding,
    sharded,
    storesFill: true,
    joinsChannels: true,
    hasTimeAndFill: false,
    shapeShard: planned.shapeShard,
    ...(makePlace === inBucket ? { dtypes: ["int16"] as const } : {}),
    async create(layout) {
      const place = await makePlace();
      const store = planned.store(layout);
      await makeEmptyPrecomputed(
        place.address,
        layout,
        store.kind === "precomputed" ? store.sharding : undefined,
      );
      const pool = new WorkerPool({ size: 0 });
      const open = () => openVolume(place.address, { pool, bandBytes: 1 });
      return {
        store: await open(),
        again: open,
        [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
      };
    },
  };
}

function memory(sharded: boolean, encoding: ChunkEncoding): StoreKind {
  return {
    name: `memory, ${encoding.codec}${sharded ? ", sharded" : ""}`,
    encoding,
    sharded,
    create(layout) {
      const store = new MemoryStore(layout);
      return Promise.resolve({
        store,
        again: () => Promise.resolve(store),
        [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
      });
    },
  };
}

/** The store that a script is shown to bring. */
const raw: StoreKind = {
  name: "custom_store.ts",
  encoding: { codec: "none", crc32c: false },
  sharded: true,
  async create(layout) {
    const folder = await Deno.makeTempDir({ prefix: "sluice-test-" });
    return {
      store: new RawStore(layout, folder),
      again: () => Promise.resolve(new RawStore(layout, folder)),
      [Symbol.asyncDispose]: async () => await Deno.remove(folder, { recursive: true }),
    };
  },
};

const kinds: StoreKind[] = [
  omeZarr("0.5", true, { codec: "zstd", level: 1, crc32c: true }),
  omeZarr("0.5", false, { codec: "gzip", level: 1, crc32c: true }),
  omeZarr("0.4", false, { codec: "zstd", level: 1, crc32c: false }),
  precomputed(true, { codec: "raw" }),
  precomputed(false, { codec: "raw" }),
  omeZarr("0.5", true, { codec: "zstd", level: 1, crc32c: true }, inBucket),
  omeZarr("0.4", false, { codec: "gzip", level: 1, crc32c: false }, inBucket),
  precomputed(true, { codec: "raw" }, inBucket),
  precomputed(false, { codec: "raw" }, inBucket),
  memory(true, { codec: "zstd", level: 1, crc32c: true }),
  memory(false, { codec: "none", crc32c: false }),
  raw,
];

for (const kind of kinds) conform(kind);
