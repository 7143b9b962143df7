/**
 * Measures what bounds the speed of an ingest on one thread: the kernels over voxels, and the chunk codecs.
 *
 * ```sh
 * deno run -A scripts/bench_kernels.ts [--quick] [--only copy] [--seconds 0.5] [SECTION.tif ...]
 * ```
 *
 * Prints megabytes (10^6 bytes) of voxels a second, the median of runs after a warm-up. Without files, the
 * sections are those of `make_sample.ts`; with them, 8-bit grey images of one size, the sections of a stack
 * in that order. `--only` takes the beginning of a line's name. `--quick` proves that it runs, no more.
 * @module
 */
import { parseArgs } from "node:util";
import { openChunkCodec } from "../codecs/chunk_codec.ts";
import { crc32c } from "../codecs/crc32c.ts";
import { openFileSource } from "../codecs/file_source.ts";
import { tiff } from "../codecs/tiff.ts";
import { type Box, box, boxSize, boxVolume } from "../core/box.ts";
import { downsampledSize, downsampleRows, type VolumeSize } from "../core/downsample.ts";
import { type Dtype, viewBytes, viewVoxels, VOXEL_BYTES, type VoxelArray } from "../core/dtype.ts";
import type { ChunkEncoding } from "../core/layout.ts";
import { castWindow, copyBox, deinterleave, fillBox, scanVoxels } from "../core/voxels.ts";
import { sampleLabels, sampleSection } from "./make_sample.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    seconds: { type: "string" },
  },
});
const seconds = Number(values.seconds ?? (values.quick ? 0.002 : 0.5));
const leastRuns = values.quick ? 1 : 4;
const CHUNKS = [[64, 64, 64], [128, 128, 16]] as const;

/** A band on shared memory, as workers see it. */
interface Band {
  readonly voxels: VoxelArray;
  readonly box: Box;
}

function newVoxels(dtype: Dtype, count: number): VoxelArray {
  return viewVoxels(dtype, new Uint8Array(new SharedArrayBuffer(count * VOXEL_BYTES[dtype])));
}

function isWanted(name: string): boolean {
  return name.startsWith(values.only);
}

/** Megabytes a second of a work that handles so many bytes. */
function rate(bytes: number, work: () => void): number {
  const times: number[] = [];
  const begun = performance.now();
  for (let last = begun; times.length < leastRuns || last - begun < 1000 * seconds;) {
    work();
    const now = performance.now();
    times.push(now - last);
    last = now;
  }
  const warm = times.slice(Math.floor(times.length / 3)).sort((a, b) => a - b);
  return bytes / warm[warm.length >> 1] / 1000;
}

function report(name: string, bytes: number, work: () => void): void {
  if (isWanted(name)) {
    console.log(`${name.padEnd(44)} ${rate(bytes, work).toFixed(0).padStart(7)} MB/s`);
  }
}

/** The sections of 8-bit grey TIFFs. */
async function readSections(paths: readonly string[]): Promise<Band> {
  const sections: Uint8Array[] = [];
  let [width, height] = [0, 0];
  for (const path of paths) {
    await using file = await openFileSource(path);
    await using image = await tiff.open(file, (await tiff.describe(file)).images[0].at);
    ({ width, height } = image.header);
    const section = new Uint8Array(width * height);
    await image.readRows(0, height, section);
    sections.push(section);
  }
  return joinSections("uint8", sections, width, height);
}

function makeSections(dtype: "uint8" | "uint16"): Band {
  const [width, height, depth] = values.quick ? [128, 128, 16] : [1024, 128, 64];
  const sections = Array.from(
    { length: depth },
    (_, z) => viewBytes(sampleSection(z, { width, height, dtype, square: 512 })),
  );
  return joinSections(dtype, sections, width, height);
}

function joinSections(
  dtype: Dtype,
  sections: readonly Uint8Array[],
  width: number,
  height: number,
): Band {
  const voxels = newVoxels(dtype, width * height * sections.length);
  sections.forEach((section, z) => viewBytes(voxels).set(section, z * section.length));
  return { voxels, box: box([0, 0, 0], [width, height, sections.length]) };
}

/** The same values in a wider dtype. */
function withDtype(band: Band, dtype: "uint16" | "uint32" | "float32"): Band {
  const voxels = newVoxels(dtype, band.voxels.length);
  (voxels as Uint16Array).set(band.voxels as Uint8Array);
  return { voxels, box: band.box };
}

/** Labels of cells as uint64. */
function labelBand(of: Box): Band {
  const [width, height, depth] = boxSize(of);
  const voxels = newVoxels("uint64", boxVolume(of)) as BigUint64Array;
  for (let z = 0; z < depth; z++) {
    const labels = sampleLabels(z, { width, height, square: 512 });
    for (let i = 0; i < labels.length; i++) voxels[z * labels.length + i] = BigInt(labels[i]);
  }
  return { voxels, box: of };
}

/** The boxes of whole chunks in a band. */
function chunkBoxes(of: Box, chunk: readonly number[]): Box[] {
  const [width, height, depth] = boxSize(of);
  const [x, y, z] = [width, height, depth].map((edge, axis) => Math.min(edge, chunk[axis]));
  const boxes: Box[] = [];
  for (let k = 0; k + z <= depth; k += z) {
    for (let j = 0; j + y <= height; j += y) {
      for (let i = 0; i + x <= width; i += x) boxes.push(box([i, j, k], [i + x, j + y, k + z]));
    }
  }
  return boxes;
}

function newChunk(dtype: Dtype, of: Box): VoxelArray {
  return viewVoxels(dtype, new Uint8Array(boxVolume(of) * VOXEL_BYTES[dtype]));
}

function benchCopies(band: Band, dtype: Dtype): void {
  for (const size of CHUNKS) {
    const boxes = chunkBoxes(band.box, size);
    const chunk = newChunk(dtype, boxes[0]);
    report(`copyBox ${dtype} ${size.join("x")}`, chunk.byteLength * boxes.length, () => {
      for (const of of boxes) copyBox(band.voxels, band.box, chunk, of, of);
    });
  }
}

function benchFill(band: Band, dtype: Dtype): void {
  const boxes = chunkBoxes(band.box, CHUNKS[0]);
  const to = newVoxels(dtype, band.voxels.length);
  report(
    `fillBox ${dtype} ${CHUNKS[0].join("x")}`,
    boxVolume(boxes[0]) * boxes.length * VOXEL_BYTES[dtype],
    () => {
      for (const of of boxes) fillBox(to, band.box, of, 7);
    },
  );
}

function benchScan(band: Band, dtype: Dtype): void {
  report(`scanVoxels ${dtype}`, band.voxels.byteLength, () => scanVoxels(band.voxels, 0));
  const empty = newVoxels(dtype, band.voxels.length);
  report(`scanVoxels ${dtype}, empty`, empty.byteLength, () => scanVoxels(empty, 0));
}

function benchDeinterleave(dtype: Dtype): void {
  const [width, rows] = [2048, 64];
  for (const samples of [1, 3]) {
    const from = newVoxels(dtype, width * rows * samples);
    const to = newVoxels(dtype, width * rows * samples);
    const of = box([0, 0, 0, 0], [width, rows, 1, samples]);
    const image = { x: 0, y: 0, z: 0, c: 0, t: 0, width, rows };
    report(`deinterleave ${dtype}, ${samples} a pixel`, 8 * from.byteLength, () => {
      for (let i = 0; i < 8; i++) deinterleave(from, samples, to, of, image, of);
    });
  }
}

function benchCast(band: Band, from: Dtype, to: Dtype): void {
  const target = newVoxels(to, band.voxels.length);
  report(
    `castWindow ${from} to ${to}`,
    band.voxels.byteLength,
    () => castWindow(band.voxels, 10, from === "uint8" ? 200 : 40000, target),
  );
}

function benchDownsample(band: Band, dtype: Dtype, method: "mean" | "mode"): void {
  const [x, y, z] = boxSize(band.box);
  const sourceSize: VolumeSize = [x, y, z, 1];
  for (const factor of [[2, 2, 1], [2, 2, 2], [1, 1, 2]] as const) {
    const targetSize = downsampledSize(sourceSize, factor);
    const target = newVoxels(dtype, targetSize[0] * targetSize[1] * targetSize[2]);
    const spec = { method, fill: 0, source: band.voxels, sourceSize, factor, target, targetSize };
    report(
      `downsample ${dtype} ${method} ${factor.join("x")}`,
      band.voxels.byteLength,
      () => downsampleRows({ ...spec, targetRow: 0 }, 0, targetSize[1] * targetSize[2]),
    );
  }
}

const ENCODINGS: readonly ChunkEncoding[] = [
  ...[1, 2, 3, 4, 5].map((level) => ({ codec: "zstd", level, crc32c: true }) as const),
  ...[1, 5].map((level) => ({ codec: "gzip", level, crc32c: true }) as const),
  ...[1, 3, 5].map((level) =>
    ({ codec: "blosc", cname: "zstd", level, shuffle: true, crc32c: true }) as const
  ),
  { codec: "blosc", cname: "lz4", level: 5, shuffle: true, crc32c: true },
  { codec: "none", crc32c: true },
];

function nameOf(encoding: ChunkEncoding): string {
  if (encoding.codec === "none" || encoding.codec === "precomputed") return encoding.codec;
  return encoding.codec === "blosc"
    ? `blosc ${encoding.cname} ${encoding.level}`
    : `${encoding.codec} ${encoding.level}`;
}

/** Some twenty chunks across the band, or all where there are fewer. */
async function benchCodecs(band: Band, dtype: Dtype): Promise<void> {
  for (const size of CHUNKS) {
    const all = chunkBoxes(band.box, size);
    const some = all.filter((_, i) => i % Math.ceil(all.length / 20) === 0);
    const chunks = some.map((of) => {
      const chunk = newChunk(dtype, of);
      copyBox(band.voxels, band.box, chunk, of, of);
      return viewBytes(chunk);
    });
    const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const count = boxVolume(some[0]);
    for (const encoding of ENCODINGS) {
      const name = `codec ${dtype} ${boxSize(some[0]).slice(0, 3).join("x")} ${nameOf(encoding)}`;
      if (!isWanted(name)) continue;
      const codec = await openChunkCodec(encoding, VOXEL_BYTES[dtype]);
      const stored = chunks.map((chunk) => codec.encode(chunk));
      const ratio = total / stored.reduce((sum, bytes) => sum + bytes.length, 0);
      const encode = rate(total, () => chunks.forEach((chunk) => codec.encode(chunk)));
      const decode = rate(total, () => stored.forEach((bytes) => codec.decode(bytes, count)));
      console.log(
        `${name.padEnd(44)} ${encode.toFixed(0).padStart(7)} MB/s, back ${
          decode.toFixed(0).padStart(5)
        } MB/s, ratio ${ratio.toFixed(3)}`,
      );
    }
  }
}

const fromFiles = positionals.length > 0;
const band = fromFiles ? await readSections(positionals) : makeSections("uint8");
const bands = {
  uint8: band,
  uint16: fromFiles ? withDtype(band, "uint16") : makeSections("uint16"),
  uint32: withDtype(band, "uint32"),
  float32: withDtype(band, "float32"),
};
for (const dtype of ["uint8", "uint16", "uint32", "float32"] as const) {
  benchCopies(bands[dtype], dtype);
  benchScan(bands[dtype], dtype);
  benchDownsample(bands[dtype], dtype, "mean");
  if (dtype !== "uint32") benchCast(bands[dtype], dtype, "uint8");
}
const labels = labelBand(box([0, 0, 0], [...boxSize(band.box)].slice(0, 3)));
benchCopies(labels, "uint64");
benchScan(labels, "uint64");
benchDownsample(labels, "uint64", "mode");
benchFill(band, "uint8");
benchDeinterleave("uint8");
benchDeinterleave("uint16");
report("crc32c", band.voxels.byteLength, () => crc32c(viewBytes(band.voxels)));
for (const dtype of ["uint8", "uint16"] as const) await benchCodecs(bands[dtype], dtype);
await benchCodecs(labels, "uint64");
