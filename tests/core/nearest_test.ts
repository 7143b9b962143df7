import { equal, ok } from "node:assert/strict";
import { editDistance, nearest } from "../../core/nearest.ts";
import { fc } from "../_fast_check.ts";

const distances = [
  { a: "", b: "", distance: 0 },
  { a: "abc", b: "", distance: 3 },
  { a: "chunk", b: "chnuk", distance: 1 },
  { a: "ingest", b: "ingset", distance: 1 },
  { a: "kitten", b: "sitting", distance: 3 },
  { a: "ca", b: "abc", distance: 3 },
] as const;
for (const { a, b, distance } of distances) {
  Deno.test(`editDistance() of "${a}" and "${b}" is ${distance}`, () => {
    equal(editDistance(a, b), distance);
    equal(editDistance(b, a), distance);
  });
}

Deno.test("editDistance() is 0 for equal words alone, and 1 for two neighbours swapped", () => {
  const word = fc.string({ unit: fc.constantFrom(..."abcd"), maxLength: 8 });
  fc.assert(fc.property(word, word, (a, b) => {
    equal(editDistance(a, b) === 0, a === b);
    ok(editDistance(a, b) <= Math.max(a.length, b.length));
    equal(editDistance(`${a}xy${b}`, `${a}yx${b}`), 1);
  }));
});

const words = ["ingest", "plan", "create", "join", "status", "jobs", "cancel", "retry", "verify"];
const spellings = [
  { word: "ingset", near: "ingest" },
  { word: "INGEST", near: "ingest" },
  { word: "ver", near: "verify" },
  { word: "verifying", near: "verify" },
  { word: "statsu", near: "status" },
  { word: "job", near: "jobs" },
  { word: "download", near: undefined },
  { word: "x", near: undefined },
] as const;
for (const { word, near } of spellings) {
  Deno.test(`nearest() of "${word}" is ${near}`, () => equal(nearest(word, words), near));
}
