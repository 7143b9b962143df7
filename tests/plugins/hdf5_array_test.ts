import { deepEqual, equal, match, notEqual, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { SluiceError, UsageError } from "../../core/errors.ts";
import { gatherVoxels } from "../../core/gather_voxels.ts";
import { mapPoint } from "../../core/point.ts";
import { openChunks } from "../../plugins/_hdf5_chunks.ts";
import { Hdf5Fault } from "../../plugins/_hdf5_cursor.ts";
import { readDataset } from "../../plugins/_hdf5_dataset.ts";
import { Hdf5File } from "../../plugins/_hdf5_file.ts";
import { Hdf5Tree } from "../../plugins/_hdf5_tree.ts";
import { lookup3 } from "../../plugins/_hdf5_checksum.ts";
import { type ChunkedScale, readChunked } from "../../plugins/chunked_array.ts";
import { openHdf5Array, openHdf5Datasets } from "../../plugins/hdf5_array.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { withFolder } from "../_stack.ts";
import { HDF5_FILES } from "./_hdf5_files.ts";

/** Writes one of the files into a folder. */
async function write(folder: string, name: keyof typeof HDF5_FILES, bytes = bytesOf(name)) {
  const path = join(folder, `${name}.h5`);
  await Deno.writeFile(path, bytes);
  return path;
}

function bytesOf(name: keyof typeof HDF5_FILES): Uint8Array {
  return new Uint8Array(gunzipSync(Uint8Array.fromBase64(HDF5_FILES[name])));
}

async function readAll(array: ChunkedScale): Promise<number[]> {
  await using pool = new WorkerPool({ size: 0 });
  const box = { min: mapPoint(array.size, () => 0), max: array.size };
  return Array.from(await gatherVoxels(readChunked(array, box, { pool })), Number);
}

const positions = (count: number) => Array.from({ length: count }, (_, i) => i);

Deno.test("openHdf5Array() reads a named dataset, with the voxel size of CREMI", () =>
  withFolder(async (folder) => {
    const path = await write(folder, "cremi");
    for (const dataset of ["/volumes/raw", "volumes/raw/", "raw_link"]) {
      const array = await openHdf5Array(path, { dataset });
      deepEqual([array.size, array.chunk, array.dtype], [
        [7, 5, 3, 1, 1],
        [3, 2, 1, 1, 1],
        "uint8",
      ]);
      deepEqual([array.axes, array.fill], [["z", "y", "x"], 0]);
      deepEqual(array.voxelSize, { x: 4, y: 4, z: 40, unit: "nanometer" });
      deepEqual(await readAll(array), positions(105));
    }
    const ids = await openHdf5Array(path, { dataset: "/volumes/labels/neuron_ids" });
    equal(ids.dtype, "uint64");
    deepEqual(await readAll(ids), positions(105));
  }));

Deno.test("openHdf5Array() takes the only dataset that is a volume, of high bytes first, and micrometres", () =>
  withFolder(async (folder) => {
    const array = await openHdf5Array(await write(folder, "fiji"));
    equal(array.dataset, "/t0/channel0");
    deepEqual(array.voxelSize, {
      x: Math.fround(0.1),
      y: Math.fround(0.1),
      z: 0.5,
      unit: "micrometer",
    });
    deepEqual(await readAll(array), positions(105));
  }));

Deno.test("openHdf5Array() puts axes where the file says they are, or whoever opens it", () =>
  withFolder(async (folder) => {
    const path = await write(folder, "ilastik");
    const tagged = await openHdf5Array(path);
    deepEqual([tagged.axes.join(""), tagged.size], ["zyxc", [7, 5, 3, 2, 1]]);
    const channels = positions(210).map((i) => 2 * (i % 105) + Math.floor(i / 105));
    deepEqual(await readAll(tagged), channels);
    const said = await openHdf5Array(path, { axes: "tcyx" });
    deepEqual(said.size, [2, 7, 1, 5, 3]);
    deepEqual(await readAll(said), positions(210));
    const labelled = await openHdf5Array(await write(folder, "labelled"));
    deepEqual([labelled.axes.join(""), labelled.size], ["xzy", [3, 7, 5, 1, 1]]);
    deepEqual(labelled.voxelSize, { x: 0.004, y: 0.004, z: 0.04, unit: "micrometer" });
    for (const axes of ["zyx", "zzyx", "zcyq", "tczx", "tczyx"]) {
      await rejects(openHdf5Array(path, { axes }), UsageError, axes);
    }
  }));

Deno.test("openHdf5Array() fills chunks that are not stored, whatever finds the others", () =>
  withFolder(async (folder) => {
    const path = await write(folder, "newest");
    const expected = positions(105).map((i) => i < 98 ? i : 9);
    for (const dataset of ["fixed", "along", "two"]) {
      const array = await openHdf5Array(path, { dataset });
      equal(array.fill, 9);
      deepEqual(await readAll(array), expected, dataset);
    }
  }));

Deno.test("openHdf5Array() lists the datasets among which it cannot choose, and knows a slip", () =>
  withFolder(async (folder) => {
    const path = await write(folder, "cremi");
    const errorOf = async (dataset?: string) => {
      const error = await openHdf5Array(path, { dataset }).then(() => undefined, (e) => e);
      ok(error instanceof UsageError, `${dataset}: ${error}`);
      return error.message.replaceAll(path, "FILE");
    };
    equal(
      await errorOf(),
      'Cannot choose a dataset of "FILE": it holds 2; name one\n' +
        '  "/volumes/labels/neuron_ids" 3 x 5 x 7, uint64\n  "/volumes/raw" 3 x 5 x 7, uint8',
    );
    match(await errorOf("volumes/rwa"), /did you mean "\/volumes\/raw"\?$/);
    match(await errorOf("neuron_ids"), /did you mean "\/volumes\/labels\/neuron_ids"\?$/);
    match(await errorOf("volumes"), /it is a group; name one of its 2 datasets/);
    match(await errorOf("nothing/like/it"), /; it holds "\/annotations\/ids", /);
  }));

Deno.test("openHdf5Array() names what is wrong with a file", () =>
  withFolder(async (folder) => {
    const whole = bytesOf("oldest");
    const errorOf = async (path: string) => {
      const error = await openHdf5Array(path).then(() => undefined, (e) => e);
      ok(error instanceof SluiceError, String(error));
      return error.message;
    };
    match(await errorOf(join(folder, "absent.h5")), /there is no such file/);
    match(await errorOf(folder), /it is no file/);
    const path = join(folder, "it.h5");
    await Deno.writeFile(path, new Uint8Array(5000).fill(65));
    match(await errorOf(path), /it is no HDF5 file/);
    for (let bytes = 100; bytes < whole.length; bytes += 97) {
      await write(folder, "oldest", whole.slice(0, bytes));
      match(await errorOf(join(folder, "oldest.h5")), /it is cut short: it should have \d+ bytes/);
    }
    match(await errorOf(await write(folder, "written")), /open for writing \(SWMR\).*h5clear/);
  }));

Deno.test("a file that is changed after it was opened is not read on", () =>
  withFolder(async (folder) => {
    const path = await write(folder, "oldest");
    const array = await openHdf5Array(path);
    await Deno.writeFile(path, new Uint8Array(10), { append: true });
    await rejects(readAll(array), /it was changed since/);
  }));

Deno.test("the fingerprint tells datasets and versions of a file apart, not where it lies", () =>
  withFolder(async (folder) => {
    const print = async (path: string, dataset: string) =>
      (await openHdf5Array(path, { dataset })).fingerprint;
    const path = await write(folder, "newest");
    const copy = join(folder, "copy.h5");
    await Deno.copyFile(path, copy);
    const time = new Date(1_700_000_000_000);
    for (const one of [path, copy]) await Deno.utime(one, time, time);
    equal(await print(path, "fixed"), await print(copy, "fixed"));
    notEqual(await print(path, "fixed"), await print(path, "two"));
    await Deno.utime(copy, time, new Date(1_700_000_001_000));
    notEqual(await print(path, "fixed"), await print(copy, "fixed"));
  }));

/** Numbers from 0 to `end`, the same in every run. */
function randomFrom(seed: number): (end: number) => number {
  let state = seed;
  return (end) => {
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    return Math.floor((state >>> 0) / 2 ** 32 * end);
  };
}

/** Reads a dataset by the address of its header, as every dataset is read once it is found. */
async function readAt(path: string, address: number): Promise<number[]> {
  const file = Hdf5File.open(path);
  const dataset = readDataset(file, address);
  const scale = openChunks(file, dataset, ["z", "y", "x"], (error) => error);
  const voxels = dataset.shape.reduce((product, side) => product * side);
  // Of a dataset that a changed byte made huge one voxel is enough.
  const size = voxels < 1e6 ? scale.size : [1, 1, 1, 1, 1] as const;
  return await readAll({ ...scale, size });
}

/** Addresses of the headers of some datasets. */
async function addressesOf(path: string, names: readonly string[]): Promise<number[]> {
  using tree = await Hdf5Tree.open(path, 60);
  const { entries } = await tree.list();
  return names.map((name) => entries.find(({ path }) => path === name)!.address);
}

Deno.test("no byte of header, index or chunk that changed goes unnoticed where there are checksums", () =>
  withFolder(async (folder) => {
    const random = randomFrom(3);
    const path = await write(folder, "newest");
    const addresses = await addressesOf(path, ["/fixed", "/along", "/two"]);
    const expected = positions(105).map((i) => i < 98 ? i : 9);
    let errors = 0;
    for (let round = 0; round < 1000; round++) {
      const bytes = bytesOf("newest");
      const at = random(bytes.length);
      bytes[at] ^= 1 << random(8);
      await write(folder, "newest", bytes);
      try {
        deepEqual(await readAt(path, addresses[round % 3]), expected, `byte ${at}`);
      } catch (error) {
        if (!isKnown(error)) throw error;
        errors++;
      }
    }
    ok(errors > 100, `${errors} of 1000 were in what is read`);
  }));

Deno.test("hostile headers and indices without checksums are errors or other voxels, and never hang", () =>
  withFolder(async (folder) => {
    const random = randomFrom(4);
    const path = await write(folder, "oldest");
    const [address] = await addressesOf(path, ["/plain"]);
    let errors = 0;
    for (let round = 0; round < 1000; round++) {
      const bytes = bytesOf("oldest");
      const at = random(bytes.length - 8);
      if (round % 2 === 0) bytes[at] ^= 1 << random(8);
      else bytes.set(Array.from({ length: 1 + random(8) }, () => random(256)), at);
      await write(folder, "oldest", bytes);
      const begun = performance.now();
      try {
        ok((await readAt(path, address)).length > 0);
      } catch (error) {
        if (!isKnown(error)) throw error;
        errors++;
      }
      ok(performance.now() - begun < 5000, `byte ${at}`);
    }
    ok(errors > 100, `${errors} of 1000`);
  }));

function isKnown(error: unknown): boolean {
  return error instanceof Hdf5Fault || error instanceof SluiceError;
}

Deno.test("a file that leads the HDF5 library round in circles is given up", () =>
  withFolder(async (folder) => {
    const bytes = bytesOf("labelled");
    // The heap of its words: an object that says it has no length.
    const heap = indexOf(bytes, "GCOL");
    bytes.fill(0, heap + 16, heap + 4096);
    const path = await write(folder, "labelled", bytes);
    using datasets = await openHdf5Datasets(path, 1);
    await rejects(datasets.open(), /the HDF5 library found no end in 1 s/);
  }));

function indexOf(bytes: Uint8Array, letters: string): number {
  return new TextDecoder("latin1").decode(bytes).indexOf(letters);
}

Deno.test("the checksum of metadata is lookup3", () => {
  const text = new TextEncoder().encode("Four score and seven years ago");
  equal(lookup3(text), 0x17770551);
  equal(lookup3(new Uint8Array()), 0xdeadbeef);
});
