/** Precomputed volumes that sluice wrote, read by tensorstore and by cloud-volume. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { type Box, box, boxSize } from "../../core/box.ts";
import { copyBox } from "../../core/copy_box.ts";
import { type Dtype, viewBytes, viewVoxels, VOXEL_BYTES } from "../../core/dtype.ts";
import type { PrecomputedForm } from "../../core/layout.ts";
import { type Point, product } from "../../core/point.ts";
import { openLedger } from "../../ledgers/open_ledger.ts";
import { arraySource } from "../../plugins/array_source.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { ingest, type IngestOptions } from "../../tasks/ingest.ts";
import { seeded } from "../codecs/_png_writer.ts";
import { makeStack, withFolder } from "../_stack.ts";
import { python, runPython } from "./_python.ts";

type Sides = readonly [x: number, y: number, z: number];

interface Kind {
  readonly dtype: Dtype;
  readonly form: PrecomputedForm;
  readonly channels?: number;
}

/** What a volume is to be: one line of `CASES.json`. */
interface Case {
  readonly what: string;
  readonly volume: string;
  readonly voxels: string;
  readonly dtype: Dtype;
  /** c, z, y, x. */
  readonly shape: readonly number[];
  readonly scales: readonly (readonly [resolution: Sides, offset: Sides])[];
  readonly rule: "mean" | "mode";
  /** How far a voxel may be off. */
  readonly bound: number;
  readonly sharded: boolean;
  /** It takes the bytes of 16-bit PNGs for voxels, and the samples of a pixel for voxels of one channel. */
  readonly cloudVolume: boolean;
}

const RAW: PrecomputedForm = { codec: "raw" };
const PNG: PrecomputedForm = { codec: "png", level: 6 };
const JPEG: PrecomputedForm = { codec: "jpeg", quality: 95 };
const LABELS: PrecomputedForm = { codec: "compressed_segmentation", blockSize: [8, 8, 8] };
const KINDS: readonly Kind[] = [
  ...(Object.keys(VOXEL_BYTES) as Dtype[]).map((dtype) => ({ dtype, form: RAW })),
  { dtype: "uint8", form: RAW, channels: 3 },
  { dtype: "uint16", form: RAW, channels: 2 },
  { dtype: "uint8", form: PNG },
  { dtype: "uint16", form: PNG },
  { dtype: "uint8", form: PNG, channels: 3 },
  { dtype: "uint8", form: JPEG },
  { dtype: "uint8", form: JPEG, channels: 3 },
  { dtype: "uint32", form: LABELS },
  { dtype: "uint64", form: LABELS },
  { dtype: "uint64", form: { ...LABELS, blockSize: [4, 8, 2] } },
];
/** Extents, and chunks and shards that do not divide them. */
const SIZES: readonly { size: Sides; chunk: Sides; shard: Sides }[] = [
  { size: [7, 5, 3], chunk: [4, 4, 2], shard: [8, 8, 2] },
  { size: [100, 70, 33], chunk: [32, 16, 8], shard: [64, 64, 16] },
];
/** Edges of a voxel, and which a coarser scale doubles: those that are short. */
const EDGES: readonly { edges: Sides; doubled: readonly boolean[] }[] = [
  { edges: [4, 4.5, 40], doubled: [true, true, false] },
  { edges: [8, 8, 8], doubled: [true, true, true] },
];
const LEVELS = 3;

/** Of each scale: an axis of one voxel is not halved. */
function resolutionsOf({ edges, doubled }: typeof EDGES[number], size: readonly number[]): Sides[] {
  const halvings = size.map((side) => Math.ceil(Math.log2(side)));
  return Array.from(
    { length: LEVELS },
    (_, scale) =>
      mapSides((axis) =>
        doubled[axis] ? edges[axis] * 2 ** Math.min(scale, halvings[axis]) : edges[axis]
      ),
  );
}

function makeVoxels({ dtype, form }: Kind, size: Point) {
  const random = seeded(11);
  const voxels = viewVoxels(dtype, new Uint8Array(product(size) * VOXEL_BYTES[dtype]));
  const [width, height] = size;
  const isSmooth = form.codec === "jpeg";
  for (let i = 0; i < voxels.length; i++) {
    const [x, y, plane] = [
      i % width,
      Math.floor(i / width) % height,
      Math.floor(i / width / height),
    ];
    const label = Math.floor(x / 5) + 31 * Math.floor(y / 3) + 7 * Math.floor(plane / 2);
    if (voxels instanceof BigUint64Array) {
      voxels[i] = form.codec === "raw"
        ? BigInt(Math.floor(random() * 2 ** 32)) << 32n | BigInt(i)
        : BigInt(label) * 0x1_0000_0001n;
    } else if (form.codec === "compressed_segmentation") voxels[i] = label * 16777259;
    else if (isSmooth) voxels[i] = 128 + 90 * Math.sin(x / 19 + plane / 40) * Math.cos(y / 23);
    else voxels[i] = dtype === "float32" ? (random() - 0.5) * 1e6 : random() * 2 ** 32;
  }
  return voxels;
}

class Corpus {
  readonly cases: Case[] = [];

  constructor(readonly folder: string, readonly pool: WorkerPool) {}

  /** Ingests voxels, all or a crop. */
  async add(
    kind: Kind,
    { size: [x, y, z], chunk, shard }: { size: Sides; chunk: Sides; shard: Sides | "none" },
    of: typeof EDGES[number],
    isCut: boolean,
  ): Promise<void> {
    const { dtype, form, channels = 1 } = kind;
    const whole = box([0, 0, 0, 0, 0], [x, y, z, channels, 1]);
    const all = makeVoxels(kind, whole.max);
    const part: Box = isCut ? box([1, 1, 1, 0, 0], [x, y - 1, z, channels, 1]) : whole;
    const cut = viewVoxels(dtype, new Uint8Array(product(boxSize(part)) * VOXEL_BYTES[dtype]));
    copyBox(all, whole, cut, part, part);
    const rule = form.codec === "compressed_segmentation" ? "mode" : "mean";
    const name = String(this.cases.length).padStart(4, "0");
    const source = arraySource(
      {
        name,
        size: channels > 1 ? [x, y, z, channels] : [x, y, z],
        dtype,
        voxelSize: { x: of.edges[0], y: of.edges[1], z: of.edges[2], unit: "nanometer" },
      },
      (band, voxels) => copyBox(all, whole, voxels, band, band),
    );
    const span = (axis: 0 | 1 | 2) => [part.min[axis], part.max[axis]] as const;
    const volume = await this.ingest(source, name, {
      kind: rule === "mode" ? "labels" : "image",
      codec: { codec: "precomputed", form, crc32c: false },
      chunk,
      shard,
      levels: LEVELS,
      ...(isCut ? { x: span(0), y: span(1), z: span(2) } : {}),
    });
    const voxels = join(this.folder, `${name}.raw`);
    await Deno.writeFile(voxels, viewBytes(cut));
    this.cases.push({
      what: `${dtype} ${form.codec} ${channels} of ${boxSize(part)}, shard ${shard}`,
      volume,
      voxels,
      dtype,
      shape: boxSize(part).slice(0, 4).toReversed(),
      scales: resolutionsOf(of, boxSize(part)).map((resolution) => [
        resolution,
        mapSides((axis) => Math.floor(part.min[axis] * of.edges[axis] / resolution[axis])),
      ]),
      cloudVolume: form.codec === "raw" || form.codec === "compressed_segmentation" ||
        (dtype === "uint8" && channels === 1),
      rule,
      bound: form.codec === "jpeg" ? 12 : 0,
      sharded: shard !== "none",
    });
  }

  async ingest(
    source: Parameters<typeof ingest>[0],
    name: string,
    options: Partial<Omit<IngestOptions, "onProgress">>,
  ): Promise<string> {
    await using ledger = await openLedger("memory:");
    const target = `precomputed://${join(this.folder, name)}`;
    const { created, status, verified } = await ingest(source, target, {
      ledger,
      pool: this.pool,
      ...options,
    });
    equal(status.state, "done");
    deepEqual(verified?.faults, []);
    return created.volume;
  }

  /** What the others see that is not as it should be. */
  async check(): Promise<void> {
    const path = join(this.folder, "cases.json");
    await Deno.writeTextFile(path, JSON.stringify(this.cases));
    const { faults, scales } = JSON.parse(
      // Before it lie the words of cloud-volume.
      (await runPython("precomputed_read_back.py", path)).split("\n").at(-1)!,
    );
    deepEqual(faults, []);
    equal(scales, this.cases.reduce((sum, { scales }) => sum + scales.length, 0));
  }
}

function mapSides(of: (axis: number) => number): Sides {
  return [of(0), of(1), of(2)];
}

for (const shards of ["sharded", "a file a chunk"] as const) {
  Deno.test({
    name: `tensorstore and cloud-volume read every scale of what is written, ${shards}`,
    ignore: python === undefined,
    fn: () =>
      withFolder(async (folder) => {
        await using pool = new WorkerPool({ size: 2 });
        const corpus = new Corpus(folder, pool);
        for (const kind of KINDS) {
          for (const size of SIZES) {
            for (const [i, edges] of EDGES.entries()) {
              const shard = shards === "sharded" ? size.shard : "none";
              await corpus.add(kind, { ...size, shard }, edges, i === 1);
            }
          }
        }
        ok(corpus.cases.length > 70);
        await corpus.check();
      }),
  });
}

Deno.test({
  name: "tensorstore and cloud-volume read shards of many minishards, and a stack of PNGs",
  ignore: python === undefined,
  fn: () =>
    withFolder(async (folder) => {
      await using pool = new WorkerPool({ size: 2 });
      const corpus = new Corpus(folder, pool);
      const many = { size: [100, 70, 33], chunk: [2, 2, 2], shard: [64, 64, 32] } as const;
      await corpus.add({ dtype: "uint16", form: RAW }, many, EDGES[1], false);
      const { sharding } = JSON.parse(
        await Deno.readTextFile(join(corpus.cases[0].volume, "info")),
      ).scales[0];
      ok(sharding.minishard_bits > 0 && sharding.shard_bits > 0, JSON.stringify(sharding));

      const stack = await makeStack(join(folder, "raw"), { width: 100, height: 70, depth: 33 });
      const volume = await corpus.ingest([stack.pattern], "stack", {
        voxelSize: { x: 8, y: 8, z: 8, unit: "nanometer" },
        levels: LEVELS,
        x: [3, 100],
        y: [1, 70],
        z: [5, 33],
      });
      const whole = box([0, 0, 0], stack.size);
      const part = box([3, 1, 5], [100, 70, 33]);
      const cut = new Uint16Array(product(boxSize(part)));
      copyBox(stack.voxels, whole, cut, part, part);
      await Deno.writeFile(join(folder, "stack.raw"), viewBytes(cut));
      corpus.cases.push({
        what: "a stack of PNGs",
        volume,
        voxels: join(folder, "stack.raw"),
        dtype: "uint16",
        shape: [1, 28, 69, 97],
        scales: resolutionsOf(EDGES[1], boxSize(part)).map((resolution, i) => [
          resolution,
          mapSides((axis) => Math.floor([3, 1, 5][axis] / 2 ** i)),
        ]),
        rule: "mean",
        bound: 0,
        sharded: true,
        cloudVolume: true,
      });
      await corpus.check();
    }),
});
