/** Tiles of every kind of plugin, as they lie in the bucket at the end of a job. */
import { Buffer } from "node:buffer";
import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { encodeTile } from "../../boss/tile_values.ts";
import { openFileSource } from "../../codecs/file_source.ts";
import { encodePng } from "../../codecs/png_encode.ts";
import {
  type Dtype,
  viewBytes,
  viewVoxels,
  VOXEL_BYTES,
  type VoxelArray,
} from "../../core/dtype.ts";
import { sniffFormat } from "../../plugins/_headers.ts";
import { FileCopies } from "../../boss/file_copies.ts";
import { openHdf5Array } from "../../plugins/hdf5_array.ts";
import { Planes } from "../../boss/planes.ts";
import { Spool } from "../../boss/spool.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { openBlobs } from "../../stores/blobs/open_blobs.ts";
import { serveBuckets } from "../stores/_bucket.ts";
import { HDF5_FILES } from "../plugins/_hdf5_files.ts";
import { serveRaw } from "../_raw_http.ts";
import { tiffOf } from "../_images.ts";
import { withFolder } from "../_stack.ts";
import { type BossTestServer, serveBoss, TILE_BUCKET } from "./_boss_server.ts";
import { type Cover, type Named, STACK_TILES, tileFile } from "./_configs.ts";
import { countDecodes, createJob, type TestWorker, workOn } from "./_work.ts";

interface Decoded {
  readonly width: number;
  readonly height: number;
  readonly dtype: Dtype;
  readonly format: string;
  readonly voxels: VoxelArray;
}

async function decodeBytes(bytes: Uint8Array, path: string): Promise<Decoded> {
  await Deno.writeFile(path, bytes);
  await using source = await openFileSource(path);
  const format = (await sniffFormat(bytes.subarray(0, 16)))!;
  const { images: [{ at, width, height, dtype }] } = await format.describe(source);
  await using image = await format.open(source, at);
  const found = new Uint8Array(width * height * VOXEL_BYTES[dtype]);
  await image.readRows(0, height, found);
  return { width, height, dtype, format: format.name, voxels: viewVoxels(dtype, found) };
}

/** Works on a job of few tiles; @returns Its report, and its tiles by `x y z t`. */
async function uploadAll(
  folder: string,
  [cover, paths, tiles]: readonly [Cover, Named, Named],
  datatype: string,
  options: TestWorker = {},
) {
  await using boss = serveBoss();
  boss.channels.set("colA/expA/chA", { ...boss.channels.get("colA/expA/chA")!, datatype });
  const file = tileFile(cover, paths, tiles);
  const id = await createJob(boss, file);
  const report = await workOn(boss, id, file, folder, options);
  return { report, tiles: await tilesOf(boss, folder), oddities: boss.oddities };
}

async function tilesOf(boss: BossTestServer, folder: string): Promise<Map<string, Decoded>> {
  const found = new Map<string, Decoded>();
  for (const [key, { bytes }] of boss.s3.buckets.get(TILE_BUCKET)!.objects) {
    const name = key.split("&").slice(5).join(" ");
    found.set(name, await decodeBytes(bytes, join(folder, "tile")));
  }
  return found;
}

function png(width: number, height: number, first: number): Uint8Array {
  const data = Uint8Array.from({ length: width * height }, (_, i) => (first + i) % 251);
  return encodePng({ width, height, samples: 1, dtype: "uint8", data });
}

const stackAt = (folder: string, base: string): Named => [
  "stack.ZindexStackPathProcessor",
  { root_dir: folder, extension: "png", base_filename: base },
];

Deno.test("T9: images whose names tell x and y are tiles themselves, padded, and nothing is spooled", async () => {
  await withFolder(async (folder) => {
    for (const [x, width] of [[0, 512], [1, 300]]) {
      await Deno.writeFile(join(folder, `s_0_${x}_0.png`), png(width, 400, x));
    }
    using decodes = countDecodes();
    const job = [
      { x: [0, 812], y: [0, 400], z: [0, 1], size: [512, 512] },
      stackAt(folder, "s_<>_<x>_<y>"),
      STACK_TILES,
    ] as const;
    const { report, tiles } = await uploadAll(folder, job, "uint8");
    deepEqual([report.end, report.spool.counts.made, decodes.count], ["complete", 0, 4]);
    const { width, height, voxels } = tiles.get("1 0 0 0")!;
    deepEqual([width, height], [512, 512]);
    // T8: the rest of a full tile is 0.
    deepEqual([voxels[299], voxels[300], voxels[512], voxels[400 * 512]], [
      300 % 251,
      0,
      301 % 251,
      0,
    ]);
  });
});

Deno.test("T15: a tile whose image is absent is zeros of its own shape, where the plugin is told so", async () => {
  await withFolder(async (folder) => {
    const tiles: Named = [STACK_TILES[0], { ...STACK_TILES[1], fail_gracefully: true }];
    const job = [
      { x: [0, 1024], y: [0, 512], z: [0, 1], size: [1024, 512] },
      stackAt(folder, "none_<>"),
      tiles,
    ] as const;
    const { report, tiles: found } = await uploadAll(folder, job, "uint16");
    equal(report.end, "complete");
    const { width, height, dtype, voxels } = found.get("0 0 0 0")!;
    deepEqual([width, height, dtype], [1024, 512, "uint16"]);
    ok((voxels as Uint16Array).every((voxel) => voxel === 0));
  });
});

Deno.test("pages of a TIFF in time come from their own page, with 16 bits", async () => {
  await withFolder(async (folder) => {
    const pages = [0, 50, 100].map((
      first,
    ) => ({ width: 600, height: 20, dtype: "uint16", first } as const));
    await Deno.writeFile(join(folder, "t_0.tif"), tiffOf(pages));
    const job = [
      { x: [0, 600], y: [0, 20], z: [0, 1], t: [0, 3], size: [512, 512] },
      ["multipage_tiff.TiffMultiFileHyperStackPathProcessor", {
        root_dir: folder,
        extension: "tif",
        base_filename: "t_<>",
        time_chunk_size: "3",
      }],
      ["multipage_tiff.TiffMultiFileHyperStackTileProcessor", {
        time_chunk_size: 3,
        num_z_slices: 1,
        num_channels: 1,
        channel_index: 0,
        filesystem: "local",
      }],
    ] as const;
    const { report, tiles } = await uploadAll(folder, job, "uint16");
    deepEqual([report.end, tiles.size, report.spool.counts.made], ["complete", 6, 3]);
    for (const t of [0, 1, 2]) {
      const { dtype, format, voxels, width, height } = tiles.get(`1 0 0 ${t}`)!;
      deepEqual([dtype, format, width, height], ["uint16", "tiff", 512, 512]);
      // Bytes of an image rise by 3 from its first.
      const byte = (at: number) => (pages[t].first + at * 3) % 256;
      const at = 2 * (3 * 600 + 512 + 5);
      equal(voxels[3 * 512 + 5], byte(at) + 256 * byte(at + 1));
      equal(voxels[3 * 512 + 88], 0);
    }
  });
});

Deno.test("tiles of a CATMAID server: 403 is none, anything else is what it is", async () => {
  await withFolder(async (folder) => {
    const asked = new Map<string, number>();
    await using server = serveRaw(({ method, path }) => {
      if (method === "GET") asked.set(path, (asked.get(path) ?? 0) + 1);
      if (path === "/stack/0/0/0.png") return { status: 200, body: png(512, 512, 9) };
      return { status: path === "/stack/0/0/1.png" ? 403 : 404 };
    });
    const job = [
      { x: [0, 1536], y: [0, 512], z: [0, 1], size: [512, 512] },
      ["catmaid.CatmaidURLPathProcessor", {}],
      ["catmaid.CatmainURLTileProcessor", {
        url: `${server.url}/stack/`,
        filetype: "png",
        z_offset: 0,
        x_tile: 512,
        y_tile: 512,
        x_offset: 0,
        y_offset: 0,
      }],
    ] as const;
    const { report, tiles } = await uploadAll(folder, job, "uint32");
    deepEqual([report.end, report.uploaded], ["stuck", 2]);
    const [{ what, reason }] = report.dead;
    match(`${what}: ${reason}`, /^tile x 2, .*the server answered 404/);
    const drawn = tiles.get("0 0 0 0")!;
    deepEqual([drawn.dtype, drawn.format, drawn.voxels[3]], ["uint32", "tiff", 12]);
    ok((tiles.get("1 0 0 0")!.voxels as Uint32Array).every((voxel) => voxel === 0));
  });
});

Deno.test("JPEG bodies, and T11: jpg is JPEG", async () => {
  await withFolder(async (folder) => {
    const data = Uint8Array.from({ length: 512 * 512 }, (_, i) => i % 512 >> 2);
    await Deno.writeFile(
      join(folder, "0"),
      encodePng({ width: 512, height: 512, samples: 1, dtype: "uint8", data }),
    );
    const place = join(folder, "r/0/0_0_0.jpg");
    await Deno.mkdir(dirname(place), { recursive: true });
    await Deno.rename(join(folder, "0"), place);
    const job = [
      { x: [0, 512], y: [0, 512], z: [0, 1], size: [512, 512] },
      ["catmaid.CatmaidFileImageStackPathProcessor", {
        root_dir: join(folder, "r"),
        filetype: "jpg",
      }],
      ["catmaid.CatmaidFileImageStackTileProcessor", { filetype: "jpg" }],
    ] as const;
    const { report, tiles } = await uploadAll(folder, job, "uint8");
    equal(report.end, "complete");
    const { format, voxels } = tiles.get("0 0 0 0")!;
    equal(format, "jpeg");
    ok(data.every((value, i) => Math.abs(Number(voxels[i]) - value) < 6));
  });
});

Deno.test("an image in colours is named, as a channel holds one sample", async () => {
  await withFolder(async (folder) => {
    const data = new Uint8Array(512 * 512 * 3).fill(7);
    const rgb = encodePng({ width: 512, height: 512, samples: 3, dtype: "uint8", data });
    await Deno.writeFile(join(folder, "s_0.png"), rgb);
    const job = [
      { x: [0, 512], y: [0, 512], z: [0, 1], size: [512, 512] },
      stackAt(folder, "s_<>"),
      STACK_TILES,
    ] as const;
    const { report } = await uploadAll(folder, job, "uint8");
    equal(report.end, "stuck");
    match(report.dead[0].reason, /s_0\.png" as a tile: it has 3 samples a pixel/);
  });
});

Deno.test("planes of an HDF5 dataset: chunks that several slices share are decoded once", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "it.h5");
    const bytes = gunzipSync(Uint8Array.fromBase64(HDF5_FILES.cremi));
    await Deno.writeFile(path, new Uint8Array(bytes));
    const raw = await openHdf5Array(path, { dataset: "/volumes/raw", axes: "zyx" });
    const [width, height, depth] = raw.size;
    const job = [
      { x: [0, 512], y: [0, 512], z: [0, depth], size: [512, 512] },
      ["hdf5.Hdf5SingleFilePathProcessor", { filename: path }],
      ["hdf5.Hdf5SingleFileTileProcessor", {
        upload_format: "tif",
        data_name: "volumes/raw",
        datatype: raw.dtype,
        offset_x: -2,
        offset_y: 1,
        offset_z: 0,
        filesystem: "local",
      }],
    ] as const;
    const { report, tiles } = await uploadAll(folder, job, raw.dtype);
    deepEqual([report.end, report.dead, tiles.size], ["complete", [], depth]);
    equal(report.spool.counts.made, Math.ceil(depth / raw.chunk[2]));
    for (let z = 0; z < depth; z++) {
      const { voxels } = tiles.get(`0 0 ${z} 0`)!;
      for (let y = 0; y < height - 1; y++) {
        const row = Array.from({ length: width }, (_, x) => (z * height + y + 1) * width + x);
        deepEqual(Array.from(voxels.subarray(y * 512, y * 512 + width + 2), Number), [
          0,
          0,
          ...row,
        ]);
      }
      equal(voxels[(height - 1) * 512 + 2], 0);
    }
  });
});

/** What h5py wrote: `data` of 5 x 7 bytes that count up, `offset` [10, 20] as int64, `extent` [4, 6] as float64. */
const SLICE = [
  "H4sIAAAAAAACA+v0cHHj5ZLiYgABDg4GFgYBBmTwHwqcOVD5MPkEKM0IpTug9AommDgjWE4CKi4INR9dXUiQqytI9X",
  "80ALPHgAVCo7puFIwU4OHqGACiI6B8BSh9gglVXUpiSSKIzk9LK04tYWBIrShJzStBpE8LEu1lZGCF6GWE8TUgNBNE",
  "gBWqjh1Ko/OZgSmWEZpuITo4oOo4wHwmJohBHNAcwswIVcCgjOaShkERD8F+/i6MQF9xwOKBGb96WL7vYMOvDpavK1",
  "hHRnrGTFeQkGJkhAjAkjUTejrigKUgBwLpSJkDe4k5YZiEhwRYqaCCPTw8TLgZTP4zMxAIF2Mc4dIxMgtWRiZmFlY2",
  "dg5OLm4eXj5+AUEhYRFRMXEJSSlpGVk5eQVFJS6oShHUDOsAzeAOAHHgb5NDCAAA",
].join("");

Deno.test("T18: a slice of HDF5 lies where its own datasets say, less the origin of each axis", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "s_0.h5");
    await Deno.writeFile(path, new Uint8Array(gunzipSync(Uint8Array.fromBase64(SLICE))));
    const job = [
      { x: [0, 512], y: [0, 512], z: [0, 1], size: [512, 512] },
      ["hdf5.Hdf5SlicePathProcessor", { root_dir: folder, extension: "h5", base_filename: "s_<>" }],
      ["hdf5.Hdf5SliceTileProcessor", {
        upload_format: "png",
        data_name: "data",
        offset_name: "offset",
        extent_name: "extent",
        offset_origin_x: 3,
        offset_origin_y: 100,
        datatype: "uint8",
        filesystem: "local",
      }],
    ] as const;
    const { report, tiles } = await uploadAll(folder, job, "uint8");
    deepEqual([report.end, report.dead], ["complete", []]);
    const wanted = new Uint8Array(512 * 512);
    for (let y = 0; y < 4; y++) {
      for (let x = 0; x < 6; x++) wanted[(y + 110) * 512 + x + 23] = y * 7 + x;
    }
    equal(Buffer.compare(tiles.get("0 0 0 0")!.voxels as Uint8Array, wanted), 0);
  });
});

Deno.test("slices of HDF5 in a bucket are copied to a disk once each, and no copy is left", async () => {
  await withFolder(async (folder) => {
    await using _ = serveBuckets();
    await using blobs = await openBlobs("s3://bucket");
    const bytes = new Uint8Array(gunzipSync(Uint8Array.fromBase64(SLICE)));
    for (const z of [0, 1]) await blobs.put(`raw/s_${z}.h5`, bytes);
    const copies = join(folder, "copies");
    await Deno.mkdir(copies);
    const job = [
      { x: [0, 1024], y: [0, 512], z: [0, 3], size: [512, 512] },
      ["hdf5.Hdf5SlicePathProcessor", { root_dir: "raw", extension: "h5", base_filename: "s_<>" }],
      ["hdf5.Hdf5SliceTileProcessor", {
        upload_format: "png",
        data_name: "data",
        offset_name: "offset",
        extent_name: "extent",
        offset_origin_x: 3,
        offset_origin_y: 100,
        datatype: "uint8",
        filesystem: "s3",
        bucket: "bucket",
        temp_dir: copies,
      }],
    ] as const;
    const { report, tiles } = await uploadAll(folder, job, "uint8");
    // The third is not there: its tiles are named, and the others are done.
    equal(report.end, "stuck");
    deepEqual(report.dead.map(({ reason }) => /raw\/s_2\.h5.*no such file/.test(reason)), [
      true,
      true,
    ]);
    deepEqual([...tiles.keys()].sort(), ["0 0 0 0", "0 0 1 0", "1 0 0 0", "1 0 1 0"]);
    const wanted = new Uint8Array(512 * 512);
    for (let y = 0; y < 4; y++) {
      for (let x = 0; x < 6; x++) wanted[(y + 110) * 512 + x + 23] = y * 7 + x;
    }
    equal(Buffer.compare(tiles.get("0 0 1 0")!.voxels as Uint8Array, wanted), 0);
    deepEqual(await Array.fromAsync(Deno.readDir(copies)), []);
  });
});

Deno.test("copies are shared, are made anew of what was replaced, and go when nobody reads them", async () => {
  await withFolder(async (folder) => {
    await using _ = serveBuckets();
    await using blobs = await openBlobs("s3://bucket");
    const object = { address: "s3://bucket", key: "it", folder };
    const { signal } = new AbortController();
    const files = async () => (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
    await using copies = new FileCopies({ idleBytes: 4 });
    equal(await copies.use(object, signal, () => Promise.resolve(1)), undefined);
    await blobs.put("it", new Uint8Array([1, 2, 3]));
    const read = (path: string) => Deno.readFile(path);
    const [one, two] = await Promise.all([
      copies.use(object, signal, read),
      copies.use(object, signal, read),
    ]);
    deepEqual([one, two], [new Uint8Array([1, 2, 3]), new Uint8Array([1, 2, 3])]);
    const first = await files();
    equal(first.length, 1);
    await blobs.put("it", new Uint8Array([4, 5, 6]));
    deepEqual(await copies.use(object, signal, read), new Uint8Array([4, 5, 6]));
    const second = await files();
    deepEqual([second.length, second[0] === first[0]], [1, false]);
    await copies[Symbol.asyncDispose]();
    deepEqual(await files(), []);
  });
});

Deno.test("a large image in a bucket is copied to a disk, and decoded from there", async () => {
  await withFolder(async (folder) => {
    await using _ = serveBuckets();
    await using blobs = await openBlobs("s3://bucket");
    const data = Uint8Array.from({ length: 7 * 5 }, (_, i) => i + 1);
    await blobs.put("a.png", encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data }));
    const spool = await Spool.open(join(folder, "spool"));
    for (const heldBytes of [0, 1 << 20]) {
      await using pool = new WorkerPool({ size: 0 });
      const temporary = join(folder, `${heldBytes}`);
      await Deno.mkdir(temporary);
      await using copies = new FileCopies();
      const planes = new Planes({ spool, pool, copies, heldBytes });
      const file = {
        filesystem: "s3_copy",
        bucket: "bucket",
        path: "a.png",
        tempDir: temporary,
      } as const;
      const { signal } = new AbortController();
      const image = { kind: "image", file, page: { index: 0 } } as const;
      const plane = await planes.open(image, { width: 4, height: 4 }, signal);
      deepEqual([plane!.size, plane!.dtype], [{ width: 7, height: 5 }, "uint8"]);
      const found = await plane!.read({ x: 4, y: 3 }, { width: 3, height: 2 });
      deepEqual(Array.from(found, Number), [26, 27, 28, 33, 34, 35]);
      const left = await Array.fromAsync(Deno.readDir(temporary));
      equal(left.length, heldBytes === 0 ? 1 : 0);
    }
  });
});

const size = { width: 2, height: 2 };
Deno.test("T33: 32 bits of a channel of 32 survive, and ids that a channel of 64 would get wrong are refused", async () => {
  await withFolder(async (folder) => {
    const ids = new Uint32Array([0, 1, 2 ** 31, 2 ** 32 - 1]);
    const tiff = encodeTile(ids, size, { kind: "tiff" }, "uint32");
    const { voxels } = await decodeBytes(tiff, join(folder, "it"));
    deepEqual(voxels, ids);
    throws(
      () => encodeTile(ids, size, { kind: "tiff" }, "uint64"),
      /a pixel is 2147483648, and it takes 2147483647 in tiles; make a volumetric job of it$/,
    );
    const wide = new BigUint64Array([0n, 1n, 5n, 2n ** 31n - 1n]);
    const small = await decodeBytes(
      encodeTile(wide, size, { kind: "tiff" }, "uint64"),
      join(folder, "it"),
    );
    deepEqual(Array.from(small.voxels, Number), [0, 1, 5, 2 ** 31 - 1]);
    throws(
      () => encodeTile(new BigUint64Array(4).fill(2n ** 40n), size, { kind: "tiff" }),
      /1099511627776/,
    );
  });
});

const refused = [
  {
    name: "a PNG of more than 16 bits",
    voxels: new Uint32Array(4).fill(70000),
    body: "png",
    channel: "uint32",
  },
  { name: "a value below 0", voxels: new Int16Array(4).fill(-1), body: "tiff", channel: "uint16" },
  {
    name: "a value that a channel of 8 bits would cut",
    voxels: new Uint16Array(4).fill(256),
    body: "tiff",
    channel: "uint8",
  },
] as const;
for (const { name, voxels, body, channel } of refused) {
  Deno.test(`encodeTile() refuses ${name}`, () => {
    throws(() => encodeTile(voxels, size, { kind: body }, channel), { name: "SluiceError" });
  });
}

Deno.test("encodeTile() makes smaller pixels of what fits", async () => {
  await withFolder(async (folder) => {
    const voxels = new Uint32Array([0, 1, 2, 65535]);
    const { dtype, voxels: found } = await decodeBytes(
      encodeTile(voxels, size, { kind: "png" }, "uint32"),
      join(folder, "it"),
    );
    deepEqual([dtype, ...found], ["uint16", 0, 1, 2, 65535]);
    equal(viewBytes(found).length, 8);
  });
});
