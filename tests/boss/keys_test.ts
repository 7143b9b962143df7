import { deepEqual, equal, match, throws } from "node:assert/strict";
import { BossError } from "../../boss/boss_error.ts";
import {
  chunkKey,
  cuboidKey,
  mortonId,
  mortonPlace,
  parseChunkKey,
  parseCuboidKey,
  parseTileKey,
  storedCuboidKey,
  tileKey,
} from "../../boss/keys.ts";
import { fc } from "../_fast_check.ts";

/** Ids of collection, experiment and channel, at resolution 0. */
const ids = (collection: number, experiment: number, channel: number) => ({
  collection,
  experiment,
  channel,
  resolution: 0,
});
const at = (x: number, y: number, z: number, t = 0) => ({ x, y, z, t });

const TILES = [
  {
    place: { ...ids(1, 2, 3), ...at(5, 6, 1) },
    key: "03ca58a12ec662954ac12e06517d4269&1&2&3&0&5&6&1&0",
  },
  {
    place: { ...ids(4, 5, 6), ...at(0, 0, 17) },
    key: "c9edd1becd797415aba46ad5869fea53&4&5&6&0&0&0&17&0",
  },
];
for (const { place, key } of TILES) {
  Deno.test(`tileKey() gives ${key}, and parseTileKey() takes it apart`, () => {
    equal(tileKey(place), key);
    deepEqual(parseTileKey(key), place);
  });
}

const CHUNKS = [
  {
    place: { numTiles: 16, ...ids(4, 5, 6), ...at(0, 0, 1) },
    key: "0e5e6b38f6b3e074fafbe9eae4c6307c&16&4&5&6&0&0&0&1&0",
  },
  {
    place: { numTiles: 16, ...ids(1, 2, 3), ...at(5, 6, 0) },
    key: "72efffd20da8755bb9ae137af1e7b94b&16&1&2&3&0&5&6&0&0",
  },
  {
    place: { numTiles: 4, ...ids(1, 2, 3), ...at(0, 0, 31) },
    key: "186778b3a9378d28b031733a93a87d17&4&1&2&3&0&0&0&31&0",
  },
  {
    place: { numTiles: 1, ...ids(1, 2, 3), ...at(1, 0, 2) },
    key: "80bb7a7a149fe24b2a7d1ef8d61b35f4&1&1&2&3&0&1&0&2&0",
  },
];
for (const { place, key } of CHUNKS) {
  Deno.test(`chunkKey() gives ${key}, and parseChunkKey() takes it apart`, () => {
    equal(chunkKey(place), key);
    deepEqual(parseChunkKey(key), place);
  });
}

const CUBOIDS = [
  { ids: ids(4, 4, 30), morton: 8802n, key: "02e4578abd294eb42c5c625b6340bd59&4&4&30&0&0&8802" },
  { ids: ids(1, 2, 3), morton: 2056n, key: "871639ac69a8d613b35e5b72235c7500&1&2&3&0&0&2056" },
  { ids: ids(1, 2, 3), morton: 2057n, key: "a3f054d3497d3f93215490cc3f9e96b9&1&2&3&0&0&2057" },
  { ids: ids(1, 2, 3), morton: 2058n, key: "76c4949ae1a2ecc435b94027c950b078&1&2&3&0&0&2058" },
  { ids: ids(1, 2, 3), morton: 2095n, key: "b8955362c7ca77f07bac78680f7d7dac&1&2&3&0&0&2095" },
];
for (const { ids, morton, key } of CUBOIDS) {
  Deno.test(`cuboidKey() gives ${key}, and parseCuboidKey() takes it apart`, () => {
    const place = { ...ids, t: 0, morton };
    equal(cuboidKey(place), key);
    deepEqual(parseCuboidKey(key), place);
  });
}

Deno.test("a cuboid's key names t before the Morton id, and a version comes behind one hash", () => {
  const key = cuboidKey({ ...ids(1, 2, 3), t: 7, morton: 2n ** 62n });
  match(key, /^[0-9a-f]{32}&1&2&3&0&7&4611686018427387904$/);
  equal(storedCuboidKey(key), `${key}&0`);
});

const MORTON = [
  [0, 0, 0, 0n],
  [1, 0, 0, 1n],
  [0, 1, 0, 2n],
  [0, 0, 1, 4n],
  [1, 1, 1, 7n],
  [2, 0, 8, 2056n],
  [3, 0, 8, 2057n],
  [2, 1, 8, 2058n],
  [3, 1, 11, 2095n],
  [3, 1, 9, 2063n],
  [12, 17, 2, 8802n],
  [2, 12, 18, 17576n],
] as const;
for (const [x, y, z, id] of MORTON) {
  Deno.test(`mortonId(${x}, ${y}, ${z}) is ${id}`, () => {
    equal(mortonId(x, y, z), id);
    deepEqual(mortonPlace(id), [x, y, z]);
  });
}

Deno.test("mortonId() numbers every cuboid by bits that take turns", () => {
  const axis = fc.integer({ min: 0, max: 2 ** 21 - 1 });
  fc.assert(fc.property(axis, axis, axis, (x, y, z) => {
    const bits = mortonId(x, y, z).toString(2).padStart(63, "0");
    const everyThird = (first: number) =>
      parseInt([...bits].filter((_, i) => i % 3 === first).join(""), 2);
    deepEqual([everyThird(2), everyThird(1), everyThird(0)], [x, y, z]);
    deepEqual(mortonPlace(mortonId(x, y, z)), [x, y, z]);
  }));
  equal(mortonId(2 ** 21 - 1, 2 ** 21 - 1, 2 ** 21 - 1), 2n ** 63n - 1n);
  for (const bad of [-1, 0.5, 2 ** 21, NaN]) {
    throws(() => mortonId(0, bad, 0), { name: "RangeError", message: /at \[0,.*,0\]/ });
  }
});

Deno.test("what is no key is refused, and what is no count makes none", () => {
  const [{ key }] = TILES;
  for (
    const bad of ["", "x", `${key}&0`, key.slice(0, -2), key.replace("&5&", "&-1&"), `${key}x`]
  ) {
    throws(
      () => parseTileKey(bad),
      (error) =>
        error instanceof BossError && error.kind === "corrupt" &&
        error.message.startsWith("Cannot use "),
    );
  }
  throws(() => parseChunkKey(key), { kind: "corrupt", message: /as the key of a chunk/ });
  throws(() => parseCuboidKey("0&1&2&3&0&0&1.5"), { kind: "corrupt" });
  throws(() => parseCuboidKey("5"), { kind: "corrupt" });
  const [{ place }] = TILES;
  for (const bad of [-1, 1.5, NaN, "4" as unknown as number]) {
    throws(() => tileKey({ ...place, y: bad }), RangeError);
  }
});
