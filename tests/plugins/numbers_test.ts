import { deepEqual, equal } from "node:assert/strict";
import { compareNaturally, countedName, readRow } from "../../plugins/_numbers.ts";
import { fc } from "../_fast_check.ts";

const orders = [
  { name: "numbers by value", sorted: ["section_2.tif", "section_10.tif"] },
  { name: "padding after value", sorted: ["s_007.tif", "s_7.tif", "s_8.tif"] },
  { name: "all zeros as zero", sorted: ["s_0.tif", "s_000.tif", "s_1.tif"] },
  { name: "folders before what they begin", sorted: ["a/2.tif", "a1/1.tif", "a10/1.tif"] },
  { name: "folders by value", sorted: ["z2/b.tif", "z10/a.tif"] },
  { name: "numbers beyond 2^53", sorted: ["t_9007199254740992", "t_9007199254740993"] },
  { name: "digits before letters", sorted: ["1.tif", "a.tif"] },
] as const;
for (const { name, sorted } of orders) {
  Deno.test(`compareNaturally() orders ${name}`, () => {
    deepEqual(sorted.toReversed().sort(compareNaturally), sorted);
  });
}

Deno.test("compareNaturally() is a total order", () => {
  const path = fc.array(fc.constantFrom("0", "1", "9", "a", "/", "."), { maxLength: 6 })
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(path, path, path, (a, b, c) => {
      equal(Math.sign(compareNaturally(a, b)), -Math.sign(compareNaturally(b, a)) + 0);
      equal(compareNaturally(a, b) === 0, a === b);
      if (compareNaturally(a, b) <= 0 && compareNaturally(b, c) <= 0) {
        equal(compareNaturally(a, c) <= 0, true);
      }
    }),
    { seed: 7, numRuns: 2000 },
  );
});

const names = [
  { path: "s_007.tif", counted: "s_7" },
  { path: "s_7.png", counted: "s_7" },
  { path: "raw/s_1007.ome.tif", counted: "raw/s_1007" },
  { path: "0_000.tiff", counted: "0_0" },
  { path: "section.0012", counted: "section.12" },
  { path: "z_0.050mm.tif", counted: "z_0.050mm" },
] as const;
for (const { path, counted } of names) {
  Deno.test(`countedName() makes ${counted} of ${path}`, () => equal(countedName(path), counted));
}

const rows = [
  {
    name: "a gap",
    paths: ["s_08.tif", "s_09.tif", "s_11.tif"],
    first: 8,
    step: 1,
    places: [0, 1, 3],
    at: { 2: "s_10.tif" },
  },
  {
    name: "no padding",
    paths: ["s_8.tif", "s_10.tif", "s_11.tif"],
    first: 8,
    step: 1,
    places: [0, 2, 3],
    at: { 1: "s_9.tif" },
  },
  {
    name: "a step with a gap",
    paths: ["s_010.tif", "s_020.tif", "s_040.tif"],
    first: 10,
    step: 10,
    places: [0, 1, 3],
    at: { 2: "s_030.tif" },
  },
  {
    name: "the last number that varies",
    paths: ["run3/a2_s1_8bit.png", "run3/a2_s2_8bit.png", "run3/a2_s4_8bit.png"],
    first: 1,
    step: 1,
    places: [0, 1, 3],
    at: { 2: "run3/a2_s3_8bit.png" },
  },
  {
    name: "two numbers in step",
    paths: ["3253_s000.png", "3254_s001.png", "3256_s003.png"],
    first: 0,
    step: 1,
    places: [0, 1, 3],
    at: { 2: "3255_s002.png" },
  },
  {
    name: "a number beside one that does not count",
    paths: ["s_1_at_0937.tif", "s_2_at_0941.tif", "s_4_at_1822.tif"],
    first: 1,
    step: 1,
    places: [0, 1, 3],
    at: { 2: "s_3_at_*.tif" },
  },
  {
    name: "base names over two folders",
    paths: ["a/s_1.tif", "a/s_2.tif", "b/s_4.tif"],
    first: 1,
    step: 1,
    places: [0, 1, 3],
    at: { 2: "a/s_3.tif" },
  },
] as const;
for (const { name, paths, first, step, places, at } of rows) {
  Deno.test(`readRow() counts by ${name}`, () => {
    const row = readRow(paths);
    if (row.kind !== "numbered") throw new Error(row.why);
    deepEqual({ first: row.first, step: row.step, places: row.places }, { first, step, places });
    for (const [place, path] of Object.entries(at)) equal(row.pathAt(Number(place)), path);
  });
}

const ordered = [
  {
    name: "more gaps than files",
    paths: ["s_1.tif", "s_2.tif", "s_100.tif"],
    why: "as indexes the numbers from 1 to 100 would leave 97 gaps between 3 files",
  },
  {
    name: "a step that never occurs",
    paths: ["s_0.tif", "s_2.tif", "s_5.tif"],
    why: "as indexes the numbers from 0 to 5 would leave 3 gaps between 3 files",
  },
  {
    name: "no common pattern",
    paths: ["copy of s_1.tif", "s_1.tif", "s_2.tif"],
    why: '"copy of s_1.tif" and "s_1.tif" follow no common pattern',
  },
  {
    name: "tiles",
    paths: ["0_0.png", "0_1.png", "1_0.png", "1_1.png"],
    why:
      "the names hold 2 numbers that vary and none of them counts the files; tiles, channels and times need " +
      "a template, such as <z>/<y>_<x>.png",
  },
  { name: "a single file", paths: ["s_1.tif"], why: undefined },
] as const;
for (const { name, paths, why } of ordered) {
  Deno.test(`readRow() leaves it at the order for ${name}`, () => {
    const row = readRow(paths);
    deepEqual(row.kind === "ordered" ? row.why : row, why);
  });
}
