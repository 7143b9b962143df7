/**
 * Shows what sluice does, with images that it makes itself: a stack of sections becomes a volume, is verified, and is
 * drawn in one picture.
 *
 * ```sh
 * deno task demo
 * ```
 *
 * Everything lies in `./demo`, which may be deleted. Running it again begins anew. `--quick` makes it tiny.
 * @module
 */
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { SluiceError } from "../core/errors.ts";
import type { VoxelSize } from "../core/units.ts";
import { formatVoxelSize } from "../core/units.ts";
import { openLedger } from "../ledgers/open_ledger.ts";
import { WorkerPool } from "../pool/worker_pool.ts";
import { contactSheet } from "../tasks/contact_sheet.ts";
import { ingest } from "../tasks/ingest.ts";
import { mebibytes } from "../tasks/memory.ts";
import { makeSample } from "./make_sample.ts";

/** How large a demonstration is. */
export interface DemoOptions {
  /** Where everything is written. @default "demo" */
  readonly folder?: string;
  /** Voxels along x and y. @default 512 */
  readonly side?: number;
  /** Sections. @default 64 */
  readonly depth?: number;
  /** Threads. @default The number of processors */
  readonly workers?: number;
  /** Told every line. @default `console.log` */
  readonly print?: (line: string) => void;
}

/** What a demonstration made. */
export interface Demo {
  /** Paths of the volumes, below the current folder, */
  readonly volumes: readonly string[];
  /** and of the picture. */
  readonly picture: string;
  /** What to try next. */
  readonly commands: readonly string[];
}

const VOXEL_SIZE: VoxelSize = { x: 4, y: 4, z: 40, unit: "nanometer" };
const KINDS = [
  { dtype: "uint8", format: "tiff" },
  { dtype: "uint16", format: "png" },
] as const;

/**
 * Makes a small stack in 8 and in 16 bits, ingests both, verifies them and draws a contact sheet.
 * @throws {SluiceError} If what was read back is not what was written.
 */
export async function runDemo(options: DemoOptions = {}): Promise<Demo> {
  const { folder = "demo", side = 512, depth = 64, workers, print = console.log } = options;
  const begun = performance.now();
  await Deno.mkdir(folder, { recursive: true });
  const ledgerUrl = `sqlite:${resolve(folder, "jobs.db")}`;
  await using ledger = await openLedger(ledgerUrl);
  await using pool = new WorkerPool(workers === undefined ? {} : { size: workers });
  const volumes: string[] = [];
  for (const { dtype, format } of KINDS) {
    const raw = join(folder, `raw-${dtype}`);
    await Deno.remove(raw, { recursive: true }).catch(() => {});
    const { paths } = await timed(
      print,
      ({ paths }) => `Made ${paths.length} sections of ${side} x ${side} ${dtype}: ${paths[0]} …`,
      () => makeSample({ directory: raw, width: side, height: side, depth, dtype, format }),
    );
    const target = join(folder, `em-${dtype}.ome.zarr`);
    const volume = await timed(
      print,
      ({ text }) => text,
      () => ingestAndVerify([...paths], target),
    );
    volumes.push(volume.path);
  }
  const picture = join(folder, "contact-sheet.png");
  await timed(
    print,
    ({ sections }) => `Drew ${sections.length} of its sections: ${picture}`,
    () => contactSheet(volumes[0], picture, { pool }),
  );
  const commands = [
    `deno task sluice verify ${volumes[0]} --source`,
    `deno task sluice pull ${volumes[0]} ${join(folder, "crop.tif")} --x 100:300 --y 100:300`,
    `deno task sluice status ${volumes[1]}`,
  ];
  print("");
  print(`All of it took ${seconds(performance.now() - begun)}. To see it:`);
  print(`  open ${picture}, or a volume in napari, Fiji or Neuroglancer (${volumes.join(", ")})`);
  print("To try next:");
  for (const command of commands) print(`  ${command}`);
  return { volumes, picture, commands };

  async function ingestAndVerify(paths: string[], target: string) {
    const { status, verified, created } = await ingest(paths, target, {
      ledger,
      ledgerUrl,
      pool,
      voxelSize: VOXEL_SIZE,
      overwrite: true,
      memory: 512 << 20,
    });
    const path = relative(".", created.volume);
    if (status.state !== "done" || verified === undefined || verified.faults.length > 0) {
      throw new SluiceError(
        `Cannot show "${path}" as a finished volume: its job is ${status.state}, with ${
          verified?.faults.length ?? "no"
        } faults; run \`deno task sluice status ${path}\``,
      );
    }
    const text = `Ingested and verified them as ${path}: ${formatVoxelSize(VOXEL_SIZE)} voxels, ${
      mebibytes(verified.bytes)
    } in ${verified.units} shards, every one read back`;
    return { path, text };
  }
}

async function timed<T>(
  print: (line: string) => void,
  say: (result: T) => string,
  work: () => Promise<T>,
): Promise<T> {
  const begun = performance.now();
  const result = await work();
  print(`${seconds(performance.now() - begun).padStart(7)}  ${say(result)}`);
  return result;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1e3).toFixed(1)} s`;
}

if (import.meta.main) {
  try {
    const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
    await runDemo(values.quick ? { side: 96, depth: 9 } : {});
  } catch (error) {
    if (error instanceof TypeError && "code" in error) {
      console.error(`${error.message}\nUsage: deno task demo [--quick]`);
      Deno.exit(2);
    }
    if (!(error instanceof SluiceError)) throw error;
    console.error(error.message);
    Deno.exit(1);
  }
}
