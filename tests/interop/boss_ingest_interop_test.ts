/** boss-ingest and sluice do the same jobs: the same objects, but for the faults that are mended, one by one. */
import { Buffer } from "node:buffer";
import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { type BossTestServer, COMPLETE } from "../boss/_boss_server.ts";
import type { Json } from "../boss/_configs.ts";
import { createJob, workOn } from "../boss/_work.ts";
import { withFolder } from "../_stack.ts";
import {
  bossPython,
  configOf,
  type Decoded,
  decodeObjects,
  JOBS,
  objectsOf,
  runBossIngest,
  runFiles,
  serveJobs,
} from "./_boss_ingest.ts";

/** A key's numbers of channel, x, y, z and t, of a tile. */
type Place = readonly [channel: number, x: number, y: number, z: number, t: number];

/** Something that sluice does otherwise. */
interface Difference {
  readonly trap: string;
  readonly what: string;
  readonly channel: number;
  /** How many objects it is seen in. */
  readonly count: number;
  /** What sluice leaves, made of what boss-ingest leaves in all its places; undefined where it is no such object. */
  mend(place: Place, theirs: (place: Place) => Decoded): Decoded | undefined;
}

const TILE = 512;

/** Part of an image as a tile, with zeros around. */
function tileOf({ shape, dtype, voxels }: Decoded, x: number, y: number): Decoded {
  const [height, width] = shape;
  const size = voxels!.length / (width * height);
  const tile = new Uint8Array(TILE * TILE * size);
  for (let row = y; row < Math.min(height, y + TILE); row++) {
    const at = row * width * size;
    const part = voxels!.subarray(at + x * size, at + Math.min(width, x + TILE) * size);
    tile.set(part, (row - y) * TILE * size);
  }
  return { shape: [TILE, TILE], dtype, hash: "", voxels: tile };
}

const DIFFERENCES: readonly Difference[] = [
  {
    trap: "T8",
    what: "tiles at the edge are padded to their full size",
    channel: 6,
    // Two rows of three, of which the last column and the last row are smaller; three sections.
    count: 4 * 3,
    mend: (place, theirs) => {
      const found = theirs(place);
      return found.shape.every((length) => length === TILE) ? undefined : tileOf(found, 0, 0);
    },
  },
  {
    trap: "T9",
    what: "a section in one image is cut into its tiles, and not sent whole for each",
    channel: 7,
    count: 2 * 3,
    mend: (place, theirs) => tileOf(theirs(place), place[1] * TILE, place[2] * TILE),
  },
  {
    trap: "T16",
    what: "a page of a hyperstack is found by all that one sample has, and not by its number alone",
    channel: 10,
    // Of two samples a file, they take the first for both.
    count: 2 * 2,
    mend([channel, x, y, z, t], theirs) {
      if (t % 2 === 0) return undefined;
      // Pages 2 and 3 are one and two steps of 62 further than what they took: see voxels() in boss_ingest_files.py.
      const wrong = theirs([channel, x, y, z, t]);
      const values = new Uint16Array(wrong.voxels!.slice().buffer);
      const right = values.map((value) => (value - 1 + 2 * 31) % 65535 + 1);
      return { ...wrong, hash: "", voxels: new Uint8Array(right.buffer) };
    },
  },
];

const placeOf = (key: string): Place => {
  const [channel, , x, y, z, t] = key.split("&").slice(3).map(Number);
  return [channel, x, y, z, t];
};
const isTile = (key: string) => key.split("&").length === 9;

function checkSame(name: string, ours: Decoded, wanted: Decoded): void {
  deepEqual([ours.shape, ours.dtype], [wanted.shape, wanted.dtype], name);
  if (wanted.voxels === undefined) equal(ours.hash, wanted.hash, name);
  else equal(Buffer.compare(ours.voxels!, wanted.voxels), 0, name);
}

/** Metadata of an object, with the server's own address left out. */
function metadataOf(boss: BossTestServer, key: string): Record<string, string> {
  const { headers } = objectsOf(boss).get(key)!;
  const own = Object.entries(headers).filter(([name]) => name.startsWith("x-amz-meta-"));
  return Object.fromEntries(
    own.map(([name, value]) => [name.slice(11), value.replaceAll(boss.sqs.url, "http://sqs")]),
  );
}

/** What boss-ingest posts holds copies of the job in the parameters of its plugins. */
function withoutCopies(posted: string): Json {
  const config = JSON.parse(posted);
  for (const part of ["path_processor", "tile_processor", "chunk_processor"]) {
    delete config.client[part]?.params.ingest_job;
  }
  config.client.backend.host = "";
  return config;
}

async function doJobs(folder: string, theirs: BossTestServer, ours: BossTestServer) {
  await runFiles("make", folder);
  const last = JOBS.at(-1)!;
  // The last one is joined by its number, as further machines do.
  const joined = await createJob(theirs, configOf(last, theirs, folder));
  const peers = JOBS.map((job) =>
    runBossIngest(
      theirs,
      configOf(job, theirs, folder),
      join(folder, "theirs"),
      ...job === last ? ["-j", String(joined)] : [],
    )
  );
  const running = Promise.allSettled(peers);
  try {
    for (const job of [last, ...JOBS.slice(0, -1)]) {
      const config = configOf(job, ours, folder);
      const id = await createJob(ours, config);
      equal((await workOn(ours, id, config, folder)).end, "complete", job.name);
    }
  } finally {
    await running;
  }
  await Promise.all(peers);
}

// Else bossPython says what is left out.
if (bossPython !== undefined) {
  Deno.test("boss-ingest and sluice on the same jobs", async (t) => {
    await withFolder(async (folder) => {
      await using theirs = serveJobs();
      await using ours = serveJobs();
      await doJobs(folder, theirs, ours);

      await t.step("both end complete, and do nothing that no client should do", () => {
        for (const boss of [theirs, ours]) {
          equal(boss.jobs.size, JOBS.length);
          for (const { state } of boss.jobs.values()) equal(state, COMPLETE);
          deepEqual(boss.oddities, []);
        }
      });
      const keys = [...objectsOf(ours).keys()].sort();
      await t.step("the same keys", () => {
        deepEqual(keys, [...objectsOf(theirs).keys()].sort());
        equal(keys.length, 18 + 6 + 12 + 12 + 8 + 8);
      });
      await t.step("the same metadata, and T3: the number of a job stays a number", () => {
        const numbers = new Map([...theirs.jobs].map(([id, { config }]) => [
          config.database.channel,
          id,
        ]));
        for (const key of keys) {
          const [mine, other] = [metadataOf(ours, key), metadataOf(theirs, key)];
          deepEqual(Object.keys(mine).sort(), Object.keys(other).sort(), key);
          if (isTile(key)) {
            for (const name of ["message_id", "receipt_handle"]) ok(mine[name] && other[name]);
          }
          const channel = `ch${key.split("&")[3]}`;
          const number = numbers.get(channel)!;
          const own = [...ours.jobs].find(([, { config }]) =>
            config.database.channel === channel
          )![0];
          const renumbered = mine.metadata
            .replace(
              `"ingest_job":${own},`,
              `"ingest_job":${isTile(key) ? number : `"${number}"`},`,
            )
            .replaceAll(new RegExp(`-(upload|ingest)-${own}"`, "g"), `-$1-${number}"`);
          equal(renumbered, other.metadata, key);
        }
      });
      await t.step("T10: the same configuration is posted, without copies of the job", () => {
        const posted = (boss: BossTestServer) =>
          new Map([...boss.jobs.values()].map((job) => [job.config.database.channel, job.posted]));
        const [mine, other] = [posted(ours), posted(theirs)];
        equal(mine.size, JOBS.length);
        for (const [channel, text] of mine) {
          ok(!/"params":{[^}]*"ingest_job"/.test(text), channel);
          deepEqual(withoutCopies(text), withoutCopies(other.get(channel)!), channel);
        }
        ok(/"params":{[^}]*"ingest_job"/.test(other.get("ch6")!.replace(/\s/g, "")));
      });

      const [mine, other] = [
        await decodeObjects(ours, join(folder, "objects-ours")),
        await decodeObjects(theirs, join(folder, "objects-theirs")),
      ];
      const tiles = new Map(
        [...other].filter(([key]) => isTile(key)).map(([key, decoded]) => [
          placeOf(key).join(),
          decoded,
        ]),
      );
      const rest = new Set(keys);
      for (const { trap, what, channel, count, mend } of DIFFERENCES) {
        await t.step(`${trap}: ${what}`, () => {
          let seen = 0;
          for (const key of keys.filter((key) => isTile(key) && placeOf(key)[0] === channel)) {
            const mended = mend(placeOf(key), (place) => tiles.get(place.join())!);
            if (mended === undefined) continue;
            checkSame(key, mine.get(key)!, mended);
            ok(mine.get(key)!.hash !== other.get(key)!.hash, `${key} does not differ`);
            rest.delete(key);
            seen++;
          }
          equal(seen, count);
        });
      }
      await t.step("T5: frames of blosc say the same size of a voxel, in bits", () => {
        const cuboids = keys.filter((key) => !isTile(key));
        equal(cuboids.length, 8);
        for (const key of cuboids) {
          const [mine, other] = [ours, theirs].map((boss) => objectsOf(boss).get(key)!.bytes);
          deepEqual([mine[0], mine[3]], [other[0], other[3]], key);
        }
      });
      await t.step("all other voxels are equal", () => {
        for (const key of rest) checkSame(key, mine.get(key)!, other.get(key)!);
        equal(rest.size, keys.length - DIFFERENCES.reduce((sum, { count }) => sum + count, 0));
      });
    });
  });
}
