/**
 * Times compressed_segmentation beside the package that cloud-volume uses, on the same chunks of labels.
 *
 * ```sh
 * deno run -A scripts/bench_segmentation.ts [--quick] [--rounds 3] [--seconds 0.5] [--python PYTHON]
 * ```
 *
 * Prints megabytes (10^6 bytes) of voxels a second of both, and the ratio of sluice to the package (above 1: sluice is
 * ahead). One thread each, blocks of 8 x 8 x 8; each has its turn in every round, and its fastest run counts, as others
 * may use the machine. Cells are the truth of `make_sample.ts --labels`; noise is what no segmentation is. What is
 * decoded goes into a new array each time, as the package does it, and then into one that is used again, as sluice can.
 * Both write the same bytes. Needs Python 3 with venv: the package is installed into `.venv-interop`, unless another
 * Python has it.
 * @module
 */
import { equal } from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  decodeSegmentation,
  encodeSegmentation,
  type SegmentationShape,
} from "../codecs/compressed_segmentation.ts";
import { ensureEnvironment } from "./interop_venv.ts";
import { sampleLabels } from "./make_sample.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    seconds: { type: "string" },
    python: { type: "string" },
  },
});
const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
const seconds = Number(values.seconds ?? (values.quick ? 0.01 : 0.5));
const SIDE = values.quick ? 32 : 64;
const COUNT = values.quick ? 1 : 4;
const SIZE = [SIDE, SIDE, SIDE] as const;

interface Kind {
  readonly name: string;
  readonly shape: SegmentationShape;
  readonly chunks: readonly Uint8Array[];
}

interface Rates {
  readonly name: string;
  readonly encode: number;
  readonly decode: number;
  readonly into?: number;
  readonly bytes: number;
}

/** Chunks side by side along x of a stack of label sections. */
function cells(): Uint32Array[] {
  const width = SIDE * COUNT;
  const sections = Array.from(
    { length: SIDE },
    (_, z) => sampleLabels(z, { width, height: SIDE }),
  );
  return Array.from({ length: COUNT }, (_, chunk) => {
    const voxels = new Uint32Array(SIDE ** 3);
    for (let i = 0; i < voxels.length; i += SIDE) {
      const row = (i / SIDE % SIDE) * width + chunk * SIDE;
      voxels.set(sections[Math.floor(i / SIDE ** 2)].subarray(row, row + SIDE), i);
    }
    return voxels;
  });
}

function noise(most: number): Uint32Array[] {
  let state = 1;
  const next = () => (state = Math.imul(state ^ state >>> 15, 0x2c1b3c6d) + 0x9e3779b9 | 0) >>> 0;
  return Array.from(
    { length: COUNT },
    () => Uint32Array.from({ length: SIDE ** 3 }, () => next() % most),
  );
}

/** The same labels as uint32, and as uint64 that need more than 32 bits. */
function* bothWidths(name: string, chunks: readonly Uint32Array[]): Generator<Kind> {
  yield {
    name: `${name}, uint32`,
    shape: { dtype: "uint32", size: SIZE },
    chunks: chunks.map(({ buffer }) => new Uint8Array(buffer)),
  };
  yield {
    name: `${name}, uint64`,
    shape: { dtype: "uint64", size: SIZE },
    chunks: chunks.map((chunk) =>
      new Uint8Array(BigUint64Array.from(chunk, (label) => BigInt(label) * 0x1_0000_0001n).buffer)
    ),
  };
}

function rate(work: () => void, bytes: number): number {
  let fastest = Infinity;
  const begun = performance.now();
  for (let runs = 0, last = begun; runs < 3 || last - begun < 1000 * seconds; runs++) {
    work();
    const now = performance.now();
    fastest = Math.min(fastest, now - last);
    last = now;
  }
  return bytes / fastest / 1000;
}

function measure({ name, shape, chunks }: Kind): Rates {
  const packed = chunks.map((chunk) => encodeSegmentation(chunk, shape));
  const bytes = chunks.reduce((sum, { length }) => sum + length, 0);
  const buffer = new Uint8Array(chunks[0].length);
  return {
    name,
    encode: rate(() => chunks.forEach((chunk) => void encodeSegmentation(chunk, shape)), bytes),
    decode: rate(() => packed.forEach((stored) => void decodeSegmentation(stored, shape)), bytes),
    into: rate(
      () => packed.forEach((stored) => void decodeSegmentation(stored, shape, buffer)),
      bytes,
    ),
    bytes: packed.reduce((sum, { length }) => sum + length, 0),
  };
}

async function measurePeer(python: string, folder: string): Promise<Rates[]> {
  const script = fileURLToPath(new URL("bench_peers/segmentation.py", import.meta.url));
  const { success, stdout, stderr } = await new Deno.Command(python, {
    args: [script, folder, `${seconds}`],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

const kinds = [
  ...bothWidths("cells", cells()),
  ...bothWidths("noise of 1000 labels", noise(1000)),
  ...bothWidths("noise", noise(2 ** 32)),
];
const python = values.python ?? await ensureEnvironment("interop");
const folder = await Deno.makeTempDir({ prefix: "sluice-bench-" });
try {
  const manifest = [];
  for (const [i, { name, shape: { dtype, size }, chunks }] of kinds.entries()) {
    const file = `labels${i}.bin`;
    await Deno.writeFile(
      join(folder, file),
      new Uint8Array(await new Blob(chunks.map((chunk) => chunk.slice())).arrayBuffer()),
    );
    manifest.push({ name, dtype, size, count: chunks.length, file });
  }
  await Deno.writeTextFile(join(folder, "manifest.json"), JSON.stringify(manifest));
  const [ours, theirs]: Rates[][][] = [[], []];
  for (let round = 0; round < rounds; round++) {
    ours.push(kinds.map(measure));
    theirs.push(await measurePeer(python, folder));
  }
  console.log(
    `${"MB/s (ratio)".padEnd(29)}${
      ["encode", "decode", "decode into one array"].map((name) => name.padStart(24)).join("")
    }`,
  );
  for (const [i, { name }] of kinds.entries()) {
    equal(ours[0][i].bytes, theirs[0][i].bytes, `${name}: not the same bytes`);
    const of = (rates: Rates[][], way: "encode" | "decode" | "into") =>
      Math.max(...rates.map((round) => round[i][way] ?? 0));
    const column = (way: "encode" | "decode" | "into", peer: "encode" | "decode") => {
      const [our, their] = [of(ours, way), of(theirs, peer)];
      return `${our.toFixed(0)} : ${their.toFixed(0)} (${(our / their).toFixed(2)})`.padStart(24);
    };
    console.log(
      name.padEnd(29) + column("encode", "encode") + column("decode", "decode") +
        column("into", "decode"),
    );
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}
