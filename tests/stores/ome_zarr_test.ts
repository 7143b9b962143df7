import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { join, relative } from "node:path";
import { viewBytes } from "../../core/dtype.ts";
import { SluiceError } from "../../core/errors.ts";
import type { ChunkEncoding, Layout } from "../../core/layout.ts";
import { planLayout } from "../../core/plan_layout.ts";
import type { Point } from "../../core/point.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import type { ZarrVersion } from "../../stores/_zarr_metadata.ts";
import { openVolume, type Volume } from "../../stores/volume.ts";
import type { EncodedChunk } from "../../stores/store.ts";
import { withFolder } from "../_stack.ts";
import { makeEmptyVolume } from "./_empty_volume.ts";
import {
  encodeUnit,
  FIRST,
  makeVoxels,
  ORDERS,
  putAll,
  readBox,
  whole,
  writeScale,
} from "./_voxels.ts";

/** How volumes are stored whose files are looked at; what every store promises is in `conformance.ts`. */
interface Form {
  readonly name: string;
  readonly zarr: ZarrVersion;
  readonly shard: readonly [number, number, number] | "none";
  readonly encoding: ChunkEncoding;
}
const FORMS: Form[] = [
  {
    name: "0.5 sharded",
    zarr: "0.5",
    shard: [16, 16, 8],
    encoding: { codec: "zstd", level: 1, crc32c: true },
  },
  {
    name: "0.5 with a file a chunk",
    zarr: "0.5",
    shard: "none",
    encoding: { codec: "gzip", level: 1, crc32c: true },
  },
  {
    name: "0.4",
    zarr: "0.4",
    shard: "none",
    encoding: { codec: "zstd", level: 1, crc32c: false },
  },
];
interface EmptyVolume {
  readonly path: string;
  readonly layout: Layout;
  readonly store: Volume;
}

/** An empty volume with a claim, as a job makes it. */
async function makeVolume(path: string, pool: WorkerPool, form: Form): Promise<EmptyVolume> {
  const { layout } = planLayout({
    size: [37, 29, 11, 1, 1],
    dtype: "uint16",
    axes: ["z", "y", "x"],
    kind: "image",
    encoding: form.encoding,
    chunk: [8, 8, 4],
    shard: form.shard,
    levels: 1,
    samples: 1,
  });
  await makeEmptyVolume(path, form.zarr, layout);
  return { path, layout, store: await openVolume(path, { pool, bandBytes: 1 }) };
}

/** Every file below a folder, and what it holds. */
async function filesBelow(folder: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  const walk = async (path: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(path)) {
      const inside = join(path, name);
      if (isDirectory) await walk(inside);
      else files.set(relative(folder, inside), await Deno.readFile(inside));
    }
  };
  await walk(folder);
  return new Map([...files].sort(([a], [b]) => a < b ? -1 : 1));
}

/** Voxel files alone. */
async function shardsOf({ path }: EmptyVolume): Promise<Map<string, Uint8Array>> {
  const files = await filesBelow(path);
  return new Map([...files].filter(([name]) => /^0\/(?!.*(json|\.z))/.test(name)));
}

async function withVolume(
  form: Form,
  test: (volume: EmptyVolume, pool: WorkerPool, folder: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    await using pool = new WorkerPool({ size: 0 });
    await test(await makeVolume(join(folder, "it.ome.zarr"), pool, form), pool, folder);
  });
}

for (const form of FORMS) {
  Deno.test(`${form.name}: chunks put in any order give the same bytes and receipts`, () =>
    withFolder(async (folder) => {
      await using pool = new WorkerPool({ size: 0 });
      const outcomes = [];
      for (const [i, order] of ORDERS.entries()) {
        const volume = await makeVolume(join(folder, `${i}`), pool, form);
        const receipts = await writeScale(
          volume.store,
          makeVoxels("uint16", whole(volume.layout)),
          { order },
        );
        outcomes.push([receipts, await shardsOf(volume)]);
      }
      deepEqual(outcomes[1], outcomes[0]);
      deepEqual(outcomes[2], outcomes[0]);
    }));

  Deno.test(`${form.name}: disposed without commit, nothing is there`, () =>
    withVolume(form, async (volume) => {
      const before = [...(await filesBelow(volume.path)).keys()];
      const chunks = await encodeUnit(
        volume.layout,
        FIRST,
        makeVoxels("uint16", whole(volume.layout)),
      );
      const writer = await volume.store.open(FIRST);
      putAll(writer, chunks);
      await writer[Symbol.asyncDispose]();
      deepEqual([...(await filesBelow(volume.path)).keys()], before);
      await rejects(writer.commit(), /committed or disposed before/);
      deepEqual([...(await filesBelow(volume.path)).keys()], before);
    }));

  Deno.test(`${form.name}: a guard that throws leaves nothing, and an older unit as it was`, () =>
    withVolume(form, async (volume) => {
      const before = [...(await filesBelow(volume.path)).keys()];
      const chunks = await encodeUnit(
        volume.layout,
        FIRST,
        makeVoxels("uint16", whole(volume.layout)),
      );
      const lost = new Error("lease lost");
      const attempt = async (put: typeof chunks) => {
        await using writer = await volume.store.open(FIRST);
        putAll(writer, put);
        await rejects(
          writer.commit(() => {
            throw lost;
          }),
          (error) => error === lost,
        );
      };
      await attempt(chunks);
      deepEqual([...(await filesBelow(volume.path)).keys()], before);
      {
        await using writer = await volume.store.open(FIRST);
        putAll(writer, chunks);
        await writer.commit();
        await rejects(writer.commit(), /committed or disposed before/);
      }
      const written = await filesBelow(volume.path);
      equal(written.size, before.length + 1);
      const empty = chunks.map(([index]): [Point, EncodedChunk] => [
        index,
        { bytes: undefined, crc: 0, min: 0, max: 0 },
      ]);
      await attempt(empty);
      deepEqual(await filesBelow(volume.path), written);
    }));

  Deno.test(`${form.name}: empty chunks are not stored, nor empty units`, () =>
    withVolume(form, async (volume) => {
      const voxels = makeVoxels("uint16", whole(volume.layout));
      viewBytes(voxels).fill(0);
      await writeScale(volume.store, makeVoxels("uint16", whole(volume.layout)));
      ok((await shardsOf(volume)).size > 0);
      const receipts = await writeScale(volume.store, voxels);
      equal((await shardsOf(volume)).size, 0);
      deepEqual(receipts.map(({ bytes, crc, min, max }) => [bytes, crc, min, max]), [
        ...receipts.map(() => [0, 0, 0, 0]),
      ]);
      voxels[0] = 7;
      await writeScale(volume.store, voxels);
      deepEqual((await shardsOf(volume)).size, 1);
      deepEqual([...await readBox(volume.store, whole(volume.layout))], [...voxels]);
    }));

  for (const how of ["removed", "replaced"] as const) {
    for (
      const when of ["before the first chunk", "before the commit", "during the guard"] as const
    ) {
      Deno.test(`${form.name}: a volume ${how} ${when}: nothing new appears`, () =>
        withVolume(form, async (volume, pool) => {
          const chunks = await encodeUnit(
            volume.layout,
            FIRST,
            makeVoxels("uint16", whole(volume.layout)),
          );
          await using writer = await volume.store.open(FIRST);
          const change = async () => {
            await Deno.remove(volume.path, { recursive: true });
            if (how === "replaced") await makeVolume(volume.path, pool, form);
          };
          const act = async () => {
            if (when === "before the first chunk") await change();
            putAll(writer, chunks);
            if (when === "before the commit") await change();
            await writer.commit(when === "during the guard" ? change : undefined);
          };
          await rejects(act(), (error) => {
            ok(error instanceof SluiceError);
            ok(
              /Cannot write unit 0\/0\.0\.0\.0\.0 as ".*": the volume was removed or replaced/.test(
                error.message,
              ),
            );
            return true;
          });
          const left = await shardsOf(volume).catch(() => new Map());
          equal(left.size, 0);
          equal(await Deno.stat(volume.path).then(() => "replaced", () => "removed"), how);
        }));
    }
  }

  Deno.test(`${form.name}: an empty unit is refused, too, once the volume is gone`, () =>
    withVolume(form, async (volume) => {
      const voxels = makeVoxels("uint16", whole(volume.layout));
      viewBytes(voxels).fill(0);
      const chunks = await encodeUnit(volume.layout, FIRST, voxels);
      await using writer = await volume.store.open(FIRST);
      putAll(writer, chunks);
      await Deno.remove(volume.path, { recursive: true });
      await rejects(writer.commit(), /removed or replaced/);
    }));

  Deno.test(`${form.name}: what is broken is named, with the file it lies in`, () =>
    withVolume(form, async (volume) => {
      await writeScale(volume.store, makeVoxels("uint16", whole(volume.layout)));
      const path = volume.store.place(FIRST);
      const stored = await Deno.readFile(path);
      const named = async (bytes: Uint8Array, message: RegExp) => {
        await Deno.writeFile(path, bytes);
        await rejects(readBox(volume.store, whole(volume.layout)), (error) => {
          ok(error instanceof SluiceError, `${error}`);
          ok(message.test(error.message) && error.message.includes(path), error.message);
          ok(error.message.endsWith("run `sluice verify`"), error.message);
          return true;
        });
      };
      const flip = (at: number) => stored.map((byte, i) => i === at ? byte ^ 0x10 : byte);
      await named(flip(5), /Cannot read the chunk (at byte 0 of )?"/);
      await named(
        stored.slice(0, 3),
        form.shard === "none" ? /Cannot read the chunk "/ : /is cut short/,
      );
      if (form.shard !== "none") {
        await named(flip(stored.length - 1), /the index of its shard .*crc32c/);
        await named(flip(stored.length - 40), /the index of its shard .*crc32c/);
        await named(stored.slice(0, -1), /the index of its shard .*crc32c/);
      }
    }));
}

Deno.test("a volume that no job was created for is read, and not written", () =>
  withVolume(FORMS[0], async (volume, pool) => {
    await Deno.remove(join(volume.path, ".sluice"), { recursive: true });
    await using store = await openVolume(volume.path, { pool });
    ok((await readBox(store, whole(volume.layout))).every((value) => value === 0));
    await rejects(async () => await store.open(FIRST), /no job was created for it/);
  }));
