/** A Boss with a small tile job, its images and its configuration file. */
import { join } from "node:path";
import { makeStack, withFolder } from "../../_stack.ts";
import { type BossBehaviour, type BossTestServer, serveBoss } from "../../boss/_boss_server.ts";
import { type Json, tileFile } from "../../boss/_configs.ts";

/** Tiles of the job. */
export const TILES = 3 * 2 * 3;

/** What a test is given. */
export interface Bench {
  readonly boss: BossTestServer;
  readonly folder: string;
  /** Path of the configuration. */
  readonly path: string;
  /** As it stands in that file. */
  readonly file: Json;
  /** Writes the configuration anew. */
  save(file: Json): Promise<void>;
}

/** Makes all of it, and removes it in the end. */
export async function withBoss(
  work: (bench: Bench) => Promise<void>,
  behaviour: Partial<BossBehaviour> = {},
): Promise<void> {
  await withFolder(async (folder) => {
    await using boss = serveBoss(behaviour);
    const stack = await makeStack(join(folder, "raw"), {
      width: 1300,
      height: 700,
      depth: 3,
      dtype: "uint8",
      voxel: (x, y, z) => (x * 7 + y * 13 + z * 31) % 251 + 1,
    });
    const cover = { x: [0, 1300], y: [0, 700], z: [0, 3], size: [512, 512] } as const;
    const file = tileFile(cover, [
      "stack.ZindexStackPathProcessor",
      { root_dir: stack.folder, extension: "png", base_filename: "section_<p:3>" },
    ], ["stack.ZindexStackTileProcessor", { extension: "png", filesystem: "local" }]);
    file.client.backend = { ...file.client.backend, host: boss.host, protocol: "http" };
    const path = join(folder, "job.json");
    const save = (file: Json) => Deno.writeTextFile(path, JSON.stringify(file));
    await save(file);
    await work({ boss, folder, path, file, save });
  });
}
