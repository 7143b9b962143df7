/**
 * Makes a stack of sections that looks like serial-section electron microscopy, for trials, tests and
 * benchmarks: the same options always give the same bytes.
 *
 * ```sh
 * deno run --allow-read --allow-write scripts/make_sample.ts OUT_DIR --size 512x512x64
 * ```
 * @module
 */
import { parseArgs } from "node:util";
import { join } from "node:path";
import { encodePngRows } from "./_png_stream.ts";
import { encodeTiffRows } from "./_tiff_stream.ts";
import { randomFrom, REACH } from "./_cells.ts";
import { MirroredTissue } from "./_mirrored_tissue.ts";
import { Tissue, type TissueBand } from "./_tissue.ts";

/** Which tissue, and how much of it. A smaller section is the top left corner of a larger one. */
export interface SectionOptions {
  /** Pixels in a row. @default 512 */
  readonly width?: number;
  /** Rows. @default 512 */
  readonly height?: number;
  /** Type of a pixel. @default "uint8" */
  readonly dtype?: "uint8" | "uint16";
  /** An integer; another one gives other tissue. @default 1 */
  readonly seed?: number;
  /**
   * For very wide sections: tissue of this many pixels square, a multiple of 64, fills the section with its
   * mirror images, under light and noise that do not repeat, for about a sixth of the work.
   * @default The section's own tissue throughout
   */
  readonly square?: number;
}

/** A whole stack on disk. */
export interface SampleOptions extends SectionOptions {
  /** Folder for the files; made where it is not there. */
  readonly directory: string;
  /** Sections. @default 64 */
  readonly depth?: number;
  /** Format of the section files. @default "tiff" */
  readonly format?: "tiff" | "png";
  /**
   * Whether to write the truth beside it, in `directory/labels`: TIFF, uint32, the number of the cell that
   * each pixel lies in, 0 on a membrane.
   * @default false
   */
  readonly labels?: boolean;
  /** Effort of deflate for PNG, 0 to 9. @default 4 */
  readonly level?: number;
}

/** What was written. */
export interface Sample {
  /** One file a section, in the order of z. */
  readonly paths: string[];
  /** One file a section, in the order of z; none unless asked for. */
  readonly labelPaths: string[];
  /** Pixels in a row. */
  readonly width: number;
  /** Rows of a section. */
  readonly height: number;
  /** Sections. */
  readonly depth: number;
}

const BAND_ROWS = 64;
const NOISE = 9.5;
const TEXTURE = 256;
/** A pixel of uint16 is this many times its brightness, so that its low byte matters too. */
const WIDE = 181;
const MEMBRANE = { dark: 64, halfWidth: 2.2, fade: 2.6 } as const;

/** Tables that every section of one seed shares. */
interface Surface {
  readonly tissue: Tissue;
  readonly seed: number;
  readonly normal: Float32Array;
  readonly texture: Float32Array;
  readonly membrane: Float32Array;
}

const surfaces = new Map<number, Surface>();

function surfaceOf(seed: number): Surface {
  const known = surfaces.get(seed);
  if (known) return known;
  const random = randomFrom(seed * 7919 + 5);
  const normal = Float32Array.from(
    { length: 8192 },
    () => NOISE * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
  );
  const membrane = Float32Array.from({ length: REACH * 16 + 1 }, (_, i) => {
    const fade = Math.min(1, Math.max(0, (i / 16 - MEMBRANE.halfWidth) / MEMBRANE.fade));
    const cleft = 0.2 * Math.exp(-((i / 16) ** 2) / 1.2);
    return 1 - fade * fade * (3 - 2 * fade) - cleft;
  });
  const made = { tissue: new Tissue(seed), seed, normal, texture: makeTexture(random), membrane };
  surfaces.set(seed, made);
  return made;
}

/** Granular cytoplasm: noise of two grain sizes that tiles without a seam. */
function makeTexture(random: () => number): Float32Array {
  const out = new Float32Array(TEXTURE * TEXTURE);
  for (const { radius, strength } of [{ radius: 2, strength: 7 }, { radius: 7, strength: 6 }]) {
    let grain = Float32Array.from(out, () => random() - 0.5);
    for (const step of [1, TEXTURE, 1, TEXTURE]) {
      grain = grain.map((_, i) => {
        const line = step === 1 ? i - i % TEXTURE : i % TEXTURE;
        let sum = 0;
        for (let k = -radius; k <= radius; k++) {
          sum += grain[line + ((Math.floor((i - line) / step) + k + TEXTURE) % TEXTURE) * step];
        }
        return sum / (2 * radius + 1);
      });
    }
    const spread = Math.sqrt(grain.reduce((sum, value) => sum + value * value, 0) / grain.length);
    grain.forEach((value, i) => out[i] += strength * value / spread);
  }
  return out;
}

function tissueOf(seed: number, square?: number): Tissue | MirroredTissue {
  const { tissue } = surfaceOf(seed);
  return square === undefined ? tissue : new MirroredTissue(tissue, square);
}

/** The bands of a section: first row and rows. */
function* bandsOf(height: number): Generator<[firstRow: number, rows: number]> {
  for (let row = 0; row < height; row += BAND_ROWS) yield [row, Math.min(BAND_ROWS, height - row)];
}

/** Adds membranes, texture, light and noise to a band of tissue. */
function render(z: number, band: TissueBand, seed: number, out: Uint8Array | Uint16Array) {
  const { normal, texture, membrane } = surfaceOf(seed);
  const { firstRow, rows, width, depth, shade } = band;
  const scale = out.BYTES_PER_ELEMENT === 1 ? 1 : WIDE;
  const limit = out.BYTES_PER_ELEMENT === 1 ? 255 : 65535;
  const section = randomFrom(seed * 31 + z * 1009);
  const [shiftX, shiftY, light] = [
    section() * TEXTURE | 0,
    section() * TEXTURE | 0,
    section() * 8 - 4,
  ];
  let above = noiseRow(normal, seed, z, firstRow - 1, width);
  for (let y = 0; y < rows; y++) {
    const row = firstRow + y;
    const noise = noiseRow(normal, seed, z, row, width);
    const grain = ((row + shiftY) & (TEXTURE - 1)) * TEXTURE;
    const slope = light + 5 * Math.sin(row / 1400 + 0.02 * z);
    let before = noise[0];
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const m = membrane[depth[at] * 16 | 0];
      let value = shade[at];
      value += m * (MEMBRANE.dark - value);
      value += texture[grain + ((x + shiftX) & (TEXTURE - 1))] * (1 - 0.5 * m) + slope;
      value += 0.8 * noise[x] + 0.4 * (before + above[x]);
      before = noise[x];
      const level = value * scale + 0.5 | 0;
      out[at] = level < 0 ? 0 : level > limit ? limit : level;
    }
    above = noise;
  }
}

/** Noise of one row; a row's depends on nothing but its place, so bands can be made alone. */
function noiseRow(
  normal: Float32Array,
  seed: number,
  z: number,
  row: number,
  width: number,
): Float32Array {
  const out = new Float32Array(width);
  let state = Math.floor(randomFrom(seed * 65537 + z * 8191 + row * 131 + 17)() * 4294967296) | 1;
  for (let x = 0; x < width; x += 2) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    out[x] = normal[state & 8191];
    if (x + 1 < width) out[x + 1] = normal[(state >>> 13) & 8191];
  }
  return out;
}

function arrayOf(dtype: "uint8" | "uint16", length: number): Uint8Array | Uint16Array {
  return dtype === "uint8" ? new Uint8Array(length) : new Uint16Array(length);
}

/** Section `z`, some whole rows at a time. */
export function* sampleBands(
  z: number,
  { width = 512, height = 512, dtype = "uint8", seed = 1, square }: SectionOptions = {},
): Generator<Uint8Array | Uint16Array> {
  const tissue = tissueOf(seed, square);
  for (const [firstRow, rows] of bandsOf(height)) {
    const band = tissue.band(z, firstRow, rows, width);
    const out = arrayOf(dtype, band.rows * width);
    render(z, band, seed, out);
    yield out;
  }
}

/** Section `z` as one array, rows one after the other. */
export function sampleSection(z: number, options: SectionOptions = {}): Uint8Array | Uint16Array {
  const { width = 512, height = 512, dtype = "uint8" } = options;
  const whole = arrayOf(dtype, width * height);
  let at = 0;
  for (const band of sampleBands(z, options)) {
    whole.set(band, at);
    at += band.length;
  }
  return whole;
}

function* labelBands(
  z: number,
  { width = 512, height = 512, seed = 1, square }: SectionOptions,
) {
  const tissue = tissueOf(seed, square);
  for (const [firstRow, rows] of bandsOf(height)) {
    const { cell, depth } = tissue.cells(z, firstRow, rows, width);
    yield cell.map((value, i) => depth[i] < MEMBRANE.halfWidth ? 0 : value);
  }
}

/** The truth of section `z`: the number of the cell that each pixel lies in, 0 on a membrane. */
export function sampleLabels(z: number, options: SectionOptions = {}): Uint32Array {
  const { width = 512, height = 512 } = options;
  const whole = new Uint32Array(width * height);
  let at = 0;
  for (const band of labelBands(z, options)) {
    whole.set(band, at);
    at += band.length;
  }
  return whole;
}

/**
 * Writes a stack, `section_0000.tif` and on, holding some rows of one section in memory.
 * @throws {RangeError} If a side is not an integer >= 1.
 */
export async function makeSample(options: SampleOptions): Promise<Sample> {
  const { directory, width = 512, height = 512, depth = 64, dtype = "uint8" } = options;
  const { format = "tiff", labels = false, level = 4 } = options;
  for (const [name, side] of Object.entries({ width, height, depth })) {
    if (!Number.isSafeInteger(side) || side < 1) {
      throw new RangeError(
        `Cannot make a sample with a ${name} of ${side}: choose an integer >= 1`,
      );
    }
  }
  const labelDirectory = join(directory, "labels");
  await Deno.mkdir(labels ? labelDirectory : directory, { recursive: true });
  const [paths, labelPaths]: [string[], string[]] = [[], []];
  const digits = Math.max(4, String(depth - 1).length);
  for (let z = 0; z < depth; z++) {
    const name = `section_${String(z).padStart(digits, "0")}`;
    const header = { width, height, dtype };
    const bands = sampleBands(z, options);
    paths.push(join(directory, `${name}.${format === "png" ? "png" : "tif"}`));
    await writeParts(
      paths[z],
      format === "png" ? encodePngRows(header, bands, level) : encodeTiffRows(header, bands),
    );
    if (!labels) continue;
    labelPaths.push(join(labelDirectory, `${name}.tif`));
    await writeParts(
      labelPaths[z],
      encodeTiffRows({ width, height, dtype: "uint32" }, labelBands(z, options)),
    );
  }
  return { paths, labelPaths, width, height, depth };
}

async function writeParts(path: string, parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>) {
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  for await (const part of parts) {
    for (let at = 0; at < part.length;) at += file.writeSync(part.subarray(at));
  }
}

const USAGE = "Usage: make_sample.ts OUT_DIR [--size 512x512x64] [--dtype uint8|uint16] " +
  "[--format tiff|png] [--seed 1] [--labels] [--square 2048]";

/** Options from a command line, or what is wrong with it. */
export function parseSampleArguments(args: readonly string[]): SampleOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      size: { type: "string", default: "512x512x64" },
      dtype: { type: "string", default: "uint8" },
      format: { type: "string", default: "tiff" },
      seed: { type: "string", default: "1" },
      labels: { type: "boolean", default: false },
      square: { type: "string" },
    },
  });
  const { dtype, format, labels } = values;
  const size = /^(\d+)x(\d+)x(\d+)$/.exec(values.size)?.slice(1).map(Number);
  const seed = Number(values.seed);
  if (positionals.length !== 1) throw new TypeError(`name one folder; ${positionals.length} given`);
  if (!size) throw new TypeError(`--size ${values.size} is not WIDTHxHEIGHTxDEPTH`);
  if (dtype !== "uint8" && dtype !== "uint16") {
    throw new TypeError(`--dtype ${dtype} is not uint8 or uint16`);
  }
  if (format !== "tiff" && format !== "png") {
    throw new TypeError(`--format ${format} is not tiff or png`);
  }
  if (!Number.isSafeInteger(seed)) throw new TypeError(`--seed ${values.seed} is not an integer`);
  const square = values.square === undefined ? undefined : Number(values.square);
  if (square !== undefined && !(square >= 64 && square % 64 === 0)) {
    throw new TypeError(`--square ${values.square} is not a multiple of 64`);
  }
  const [width, height, depth] = size;
  return { directory: positionals[0], width, height, depth, dtype, format, seed, labels, square };
}

if (import.meta.main) {
  let options: SampleOptions;
  try {
    options = parseSampleArguments(Deno.args);
  } catch (error) {
    console.error(
      `Cannot make a sample: ${error instanceof Error ? error.message : error}\n${USAGE}`,
    );
    Deno.exit(2);
  }
  const { paths, width, height, depth } = await makeSample(options);
  console.log(`${depth} sections of ${width} x ${height}: ${paths[0]} …`);
}
