/** Volumes that others wrote, behind web servers that others wrote: read, transferred and pulled. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { type Box, box, boxSize } from "../../core/box.ts";
import { copyBox } from "../../core/copy_box.ts";
import { type Dtype, viewBytes, viewVoxels, VOXEL_BYTES } from "../../core/dtype.ts";
import { gatherVoxels } from "../../core/gather_voxels.ts";
import { type Point, product } from "../../core/point.ts";
import { openLedger } from "../../ledgers/open_ledger.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { openVolume } from "../../stores/volume.ts";
import { ingest } from "../../tasks/ingest.ts";
import { pullVolume } from "../../tasks/pull.ts";
import { withFolder } from "../_stack.ts";
import { isInstalled, npmProgram, silent, start } from "./_programs.ts";
import { findThere, python, runPython } from "./_python.ts";

/** A volume of a folder. */
interface Entry {
  readonly name: string;
  /** Below the folder. */
  readonly path: string;
  /** t c z y x, x fastest. */
  readonly voxels: string;
  readonly dtype: Dtype;
  readonly size: Point;
  readonly scale: number;
  /** Whether its chunks lie in shards, or may. */
  readonly sharded: boolean;
}

/** What the scripts that write volumes say of one. */
interface Written {
  readonly what?: string;
  readonly volume: string;
  readonly name: string;
  readonly path: string;
  readonly voxels: string;
  readonly dtype: Dtype;
  readonly size: readonly number[];
  readonly channels?: number;
  readonly scale?: number;
}

/** Lets others write volumes into a folder. */
async function writeVolumes(folder: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  const add = (part: string, written: readonly Written[], wanted: (name: string) => boolean) => {
    for (const one of written) {
      const { what, name = what!, voxels, dtype, scale = 0 } = one;
      if (!wanted(name)) continue;
      const [x, y, z, c = one.channels ?? 1, t = 1] = one.size;
      const path = relative(folder, one.volume ?? one.path);
      const sharded = /shard(?!.*None)/.test(name) || name.includes("@type") ||
        name.includes("minishard");
      const size: Point = [x, y, z, c, t];
      entries.push({ name: `${part}: ${name}`, path, voxels, dtype, size, scale, sharded });
    }
  };
  for (const program of ["tensorstore", "cloud-volume"]) {
    const below = join(folder, program);
    await Deno.mkdir(below);
    // Sharded in each way and not; by cloud-volume gzipped, as files, and sharded.
    const wanted = String
      .raw`(uint16 raw|uint8 png|uint64 compressed_segmentation) 1 \(100|uint16 raw 1 \(7`;
    const printed = await runPython("precomputed_volumes.py", program, below, wanted);
    add(program, JSON.parse(printed.split("\n").at(-1)!), () => true);
  }
  for (const part of ["large", "ome"]) {
    const below = join(folder, part);
    await runPython("array_corpus.py", part, below);
    const written = JSON.parse(await Deno.readTextFile(join(below, "manifest.json")));
    add(part, written, (name) => !/uint8|float32/.test(name));
  }
  return entries;
}

async function readEntry(address: string, entry: Entry, pool: WorkerPool): Promise<void> {
  const { size, dtype, scale, name } = entry;
  await using volume = await openVolume(address, { pool });
  deepEqual([volume.layout.dtype, volume.layout.scales[scale].size], [dtype, size], name);
  const whole = box([0, 0, 0, 0, 0], size);
  const all = await Deno.readFile(entry.voxels);
  const [x, y, z, c, t] = size;
  const part: Box = { min: [2, 1, 1, c - 1, t - 1], max: [x - 1, y, Math.min(z, 5), c, t] };
  const cut = viewVoxels(dtype, new Uint8Array(product(boxSize(part)) * VOXEL_BYTES[dtype]));
  copyBox(viewVoxels(dtype, all), whole, cut, part, part);
  for (const [of, expected] of [[whole, all], [part, viewBytes(cut)]] as const) {
    const found = viewBytes(await gatherVoxels(await volume.read(of, { scale })));
    equal(Buffer.compare(found, expected), 0, `${name} ${JSON.stringify(of)}`);
  }
}

/** A web server, and what starts it. */
interface WebServer {
  readonly name: string;
  /** Whether it sends parts of files. */
  readonly ranges: boolean;
  command(port: number, folder: string): Deno.Command;
}

const HTTP_SERVER = "npm:http-server@14.1.1";
const NGINX = findThere("/usr/sbin/nginx", "nginx");

function nginx(port: number, folder: string): Deno.Command {
  const config = join(folder, "nginx.conf");
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/nginx-tmp;`).join("\n");
  Deno.writeTextFileSync(
    config,
    `daemon off;\nuser root;\npid ${folder}/nginx.pid;\nerror_log /dev/null;\nevents {}\nhttp {\n${temporary}\naccess_log off;\nserver { listen 127.0.0.1:${port}; root ${folder}; gzip on; gzip_types *; gzip_min_length 1; }\n}\n`,
  );
  return new Deno.Command(NGINX!, { args: ["-c", config], ...silent });
}

const script = fileURLToPath(new URL("web_server.py", import.meta.url));
const SERVERS: readonly WebServer[] = python === undefined ? [] : [
  {
    name: "Python's http.server",
    ranges: false,
    command: (port, folder) =>
      new Deno.Command(python!, {
        args: ["-m", "http.server", "--bind", "127.0.0.1", "--directory", folder, `${port}`],
        ...silent,
      }),
  },
  {
    name: "Flask",
    ranges: true,
    command: (port, folder) =>
      new Deno.Command(python!, { args: [script, `${port}`, folder], ...silent }),
  },
  ...(await isInstalled(HTTP_SERVER)
    ? [{
      name: "http-server",
      ranges: true,
      command: (port: number, folder: string) =>
        npmProgram(HTTP_SERVER, [folder, "-a", "127.0.0.1", "-p", `${port}`, "-s", "-c-1"]),
    }]
    : []),
  ...(NGINX === undefined ? [] : [{ name: "nginx", ranges: true, command: nginx }]),
];

Deno.test({
  name: "volumes that others wrote are read, transferred and pulled through web servers of others",
  ignore: SERVERS.length === 0,
  fn: (t) =>
    withFolder(async (folder) => {
      const data = join(folder, "data");
      await Deno.mkdir(data);
      const entries = await writeVolumes(data);
      const [sharded, plain] = [true, false].map((is) =>
        entries.filter((one) => one.sharded === is)
      );
      ok(sharded.length >= 6 && plain.length >= 12, `${sharded.length} and ${plain.length}`);
      await using pool = new WorkerPool({ size: 2 });
      for (const server of SERVERS) {
        await t.step(`${server.name} ${server.ranges ? "with" : "without"} ranges`, async () => {
          await using program = await start((port) => server.command(port, data));
          for (const [i, entry] of entries.entries()) {
            // It lets five wait at the door, and turns the others away for a second.
            if (!server.ranges && !entry.sharded && i % 8 > 0) continue;
            const address = `${program.url}/${entry.path}`;
            if (server.ranges || !entry.sharded) await readEntry(address, entry, pool);
            else {
              await rejects(readEntry(address, entry, pool), {
                name: "BlobError",
                kind: "unsupported",
                message: /in part: the server sends the whole for a Range; serve it with a server/,
              });
            }
          }
          const [one, other] = server.ranges ? sharded : plain;
          const into = join(folder, server.name);
          await transferAndPull(program.url, data, one, join(into, "one"), pool);
          if (server.ranges) {
            await transferAndPull(program.url, data, other, join(into, "other"), pool);
          }
        });
      }
    }),
});

/** A transfer over HTTP holds the same voxels, and a pull gives the same file as one from the disk. */
async function transferAndPull(
  url: string,
  data: string,
  entry: Entry,
  folder: string,
  pool: WorkerPool,
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  await using ledger = await openLedger("memory:");
  const address = `${url}/${entry.path}`;
  const { created, status, verified } = await ingest([address], join(folder, "out.ome.zarr"), {
    ledger,
    pool,
    scale: entry.scale,
    levels: 1,
    kind: "labels",
  });
  deepEqual([status.state, verified?.faults], ["done", []]);
  await readEntry(created.volume, { ...entry, scale: 0 }, pool);
  const [near, far] = ["near.tif", "far.tif"].map((name) => join(folder, name));
  const { scale } = entry;
  const ofOthers = await pullVolume(address, far, { pool, scale });
  deepEqual(await pullVolume(join(data, entry.path), near, { pool, scale }), ofOthers);
  equal(Buffer.compare(await Deno.readFile(near), await Deno.readFile(far)), 0);
}
