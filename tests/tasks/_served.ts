/** Volumes behind servers of their own, good ones and others. */
import { join, relative } from "node:path";
import type { VoxelSize } from "../../core/units.ts";
import { openMemoryLedger } from "../../ledgers/memory_ledger.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { ingest } from "../../tasks/ingest.ts";
import type { PlanOptions } from "../../tasks/plan.ts";
import { type RawAnswer, type RawHandler, type RawServer, serveRaw } from "../_raw_http.ts";
import { makeStack, withFolder } from "../_stack.ts";
import { serveFiles } from "../stores/blobs/_places.ts";

/** Files by their path on the server. */
export type Files = Map<string, Uint8Array<ArrayBuffer>>;

const VOXEL_SIZE: VoxelSize = { x: 4, y: 4, z: 40, unit: "nanometer" };

/** How a volume is written. */
export interface WriteOptions extends Pick<PlanOptions, "format" | "zarr" | "shard" | "codec"> {
  readonly dtype?: "uint8" | "uint16";
}

/** A volume of 37 x 29 x 11 voxels, as its files under `/em/`. */
export async function filesOf(options: WriteOptions = {}): Promise<Files> {
  const { format = "ome-zarr", dtype = "uint16", ...layout } = options;
  const files: Files = new Map();
  await withFolder(async (folder) => {
    const { pattern } = await makeStack(join(folder, "raw"), { dtype });
    await using pool = new WorkerPool({ size: 0 });
    await using ledger = await openMemoryLedger();
    const volume = join(folder, "volume");
    await ingest([pattern], format === "precomputed" ? `precomputed://${volume}` : volume, {
      ledger,
      pool,
      voxelSize: VOXEL_SIZE,
      chunk: [8, 8, 4],
      levels: 2,
      ...layout,
    });
    for await (const path of walk(volume)) {
      const key = relative(volume, path);
      if (!key.startsWith(".sluice")) files.set(`/em/${key}`, await Deno.readFile(path));
    }
  });
  return files;
}

async function* walk(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) yield* walk(path);
    else yield path;
  }
}

/** Documents as files. */
export function documents(of: Readonly<Record<string, unknown>>): Files {
  return new Map(
    Object.entries(of).map(([path, document]) => [
      path,
      document instanceof Uint8Array ? new Uint8Array(document) : new TextEncoder().encode(
        typeof document === "string" ? document : JSON.stringify(document),
      ),
    ]),
  );
}

/** What a server for viewers says with every answer. */
export const CORS: Readonly<Record<string, string>> = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "Range",
  "access-control-expose-headers": "Content-Range, Content-Length",
};

/** A server as viewers need it. */
export function good(files: Files): RawHandler {
  const serve = serveFiles(files);
  return async (request) => {
    if (request.method === "OPTIONS") return { status: 204, headers: CORS };
    return withHeaders(await serve(request), CORS);
  };
}

/** The same answer, with other headers: those that are undefined go. */
export function withHeaders(
  answer: RawAnswer,
  headers: Readonly<Record<string, string | undefined>>,
): RawAnswer {
  const all = { ...answer.headers, ...headers };
  const there = Object.entries(all).filter((pair): pair is [string, string] =>
    pair[1] !== undefined
  );
  return { ...answer, headers: Object.fromEntries(there) };
}

/** Changes what a server answers. */
export type Change = (
  answer: RawAnswer,
  request: Parameters<RawHandler>[0],
) => RawAnswer | Promise<RawAnswer>;

/** A good server whose answers are changed. */
export function serve(files: Files, change: Change = (answer) => answer): RawServer {
  const handler = good(files);
  return serveRaw(async (request) => await change(await handler(request), request));
}
