/** Channels of a Boss beside the intern SDK: what one writes the other reads. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BossToken } from "../../boss/credentials.ts";
import { box } from "../../core/box.ts";
import { viewBytes } from "../../core/dtype.ts";
import { gatherVoxels } from "../../core/gather_voxels.ts";
import { parseVoxelSize } from "../../core/units.ts";
import { openLedger } from "../../ledgers/open_ledger.ts";
import { arraySource } from "../../plugins/array_source.ts";
import { openBossdbArray } from "../../plugins/bossdb_array.ts";
import { readChunked } from "../../plugins/chunked_array.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { openBossServer } from "../../services/boss/server.ts";
import { ingest } from "../../tasks/ingest.ts";
import { withFolder } from "../_stack.ts";
import { findThere } from "./_python.ts";

const python = findThere(
  fileURLToPath(new URL("../../.venv-intern/bin/python", import.meta.url)),
  "Python with intern; run scripts/interop_venv.ts",
);
const SIZE = [600, 530, 21] as const;

Deno.test({
  name: "intern reads from a channel what sluice has written, and sluice what intern has",
  ignore: python === undefined,
  fn: () =>
    withFolder(async (folder) => {
      await using boss = await openBossServer({ root: join(folder, "boss"), port: 0 });
      const intern = async (act: "make" | "write" | "read", file = "") => {
        const script = fileURLToPath(new URL("intern_channel.py", import.meta.url));
        const { success, stderr } = await new Deno.Command(python!, {
          args: [script, act, boss.url, boss.tokenFile, file],
        }).output();
        ok(success, new TextDecoder().decode(stderr));
      };
      const token = (await Deno.readTextFile(boss.tokenFile)).trim();
      const env = { SLUICE_HOME: join(folder, "home"), INTERN_TOKEN: token, HOME: folder };
      const before = Object.keys(env).map((name) => [name, Deno.env.get(name)] as const);
      try {
        for (const [name, value] of Object.entries(env)) Deno.env.set(name, value);
        await intern("make");
        // Unequal bytes, none of them 0 in both.
        const voxels = Uint16Array.from(
          { length: SIZE[0] * SIZE[1] * SIZE[2] },
          (_, i) => i * 40503 | 1,
        );
        await Deno.writeFile(`${folder}/it`, viewBytes(voxels));
        await using pool = new WorkerPool({ size: 0 });

        await intern("write", `${folder}/it`);
        const theirs = await openBossdbArray(`bossdb://${boss.url}/lab/exp/theirs`, {
          token: new BossToken(token, "the test"),
        });
        const sizes = [[1300, 700, 40, 1, 2], [650, 350, 40, 1, 2], [325, 175, 40, 1, 2]];
        deepEqual(theirs.scales.map(({ size }) => size), sizes);
        deepEqual((await theirs.about!()).at(-1), { name: "metadata staining", value: "osmium" });
        const of = box([512, 0, 16], [1112, 530, 37]);
        const read = await gatherVoxels(readChunked(theirs.scales[0], of, { pool }));
        equal(Buffer.compare(viewBytes(read), viewBytes(voxels)), 0);
        // Of the other time the sections are in the other order.
        const last = box([512, 0, 36, 0, 1], [1112, 530, 37, 1, 2]);
        const section = await gatherVoxels(readChunked(theirs.scales[0], last, { pool }));
        equal(Buffer.compare(viewBytes(section), viewBytes(voxels.subarray(0, 600 * 530))), 0);

        const source = arraySource({ name: "it", size: SIZE, dtype: "uint16" }, (part, into) => {
          const [x0, y0, z0] = part.min;
          const [x1, y1, z1] = part.max;
          let at = 0;
          for (let z = z0; z < z1; z++) {
            for (let y = y0; y < y1; y++, at += x1 - x0) {
              const row = (z * SIZE[1] + y) * SIZE[0];
              (into as Uint16Array).set(voxels.subarray(row + x0, row + x1), at);
            }
          }
        });
        await using ledger = await openLedger("memory:");
        const target = `bossdb://${boss.url}/lab/exp/ours?at=512x0x16`;
        const { verified } = await ingest(source, target, {
          ledger,
          pool,
          format: "bossdb",
          voxelSize: parseVoxelSize("4x5x40.5nm"),
        });
        deepEqual(verified?.faults, []);
        await intern("read", `${folder}/back`);
        equal(Buffer.compare(await Deno.readFile(`${folder}/back`), viewBytes(voxels)), 0);
      } finally {
        for (const [name, value] of before) {
          if (value === undefined) Deno.env.delete(name);
          else Deno.env.set(name, value);
        }
      }
    }),
});
