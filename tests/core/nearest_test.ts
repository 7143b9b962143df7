import { deepEqual, equal, ok } from "node:assert/strict";
import { VALUE_NAMES } from "../../core/_value_names.ts";
import { didYouMean, editDistance, nearest } from "../../core/nearest.ts";
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

const commands = [
  "ingest",
  "plan",
  "create",
  "join",
  "status",
  "jobs",
  "cancel",
  "retry",
  "verify",
];
const codecs = ["zstd", "gzip", "blosc", "none", "blosc:lz4"];
const dtypes = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "float32"];
const flags = ["config", "codec", "x", "y", "z", "json", "levels", "lease-seconds", "no-verify"];
const versions = ["0.5", "0.4"];
const spellings: readonly [word: string, known: readonly string[], near: string][] = [
  // Slips: one letter in three may be wrong.
  ["ingset", commands, "ingest"],
  ["INGEST", commands, "ingest"],
  ["statsu", commands, "status"],
  ["job", commands, "jobs"],
  ["jon", flags, "json"],
  ["ztsd", codecs, "zstd"],
  ["zstandart", codecs, ""],
  ["unit8", dtypes, "uint8"],
  ["floot32", dtypes, "float32"],
  ["uint6", dtypes, "uint16 uint64"],
  // Beginnings.
  ["ver", commands, "verify"],
  ["verifying", commands, "verify"],
  ["co", flags, "config codec"],
  ["le", flags, "levels lease-seconds"],
  ["uin", dtypes, ""],
  ["plan-everything", commands, ""],
  // Other names.
  ["zstandard", codecs, "zstd"],
  ["gz", codecs, "gzip"],
  ["lz4", codecs, "blosc:lz4"],
  ["u8", dtypes, "uint8"],
  ["F32", dtypes, "float32"],
  ["gz", ["none", "deflate", "zstd"], "deflate"],
  // Nothing at all rather than something silly.
  ["download", commands, ""],
  ["x", commands, ""],
  ["", commands, ""],
  ["a", flags, ""],
  ["ab", flags, ""],
  ["uint7", dtypes, ""],
  ["uint128", dtypes, ""],
  ["0.3", versions, ""],
  ["jpeg2000", codecs, ""],
  ["toString", dtypes, ""],
];
for (const [word, known, near] of spellings) {
  Deno.test(`nearest() of "${word}" is ${near || "none"}`, () => {
    equal(nearest(word, known).join(" "), near);
  });
}

Deno.test("nearest() prefers the other names it is given, of words that may be written", () => {
  const otherNames = { pull: ["export"], push: ["export", "import"] };
  deepEqual(nearest("export", ["plan", "pull"], otherNames), ["pull"]);
  deepEqual(nearest("export", ["plan", "pull", "push"], otherNames), ["pull", "push"]);
  deepEqual(nearest("export", ["plan"], otherNames), []);
});

Deno.test("every other name of a value is in small letters", () => {
  for (const name of Object.values(VALUE_NAMES).flat()) equal(name, name.toLowerCase());
});

Deno.test("nearest() never suggests more than three words, nor one that is not known", () => {
  const word = fc.string({ unit: fc.constantFrom(..."ab1-"), maxLength: 6 });
  fc.assert(fc.property(word, fc.array(word, { maxLength: 12 }), (wanted, known) => {
    const near = nearest(wanted, known);
    ok(near.length <= 3);
    for (const name of near) ok(known.includes(name));
  }));
});

Deno.test("didYouMean() says what is near, and nothing where nothing is", () => {
  equal(didYouMean("ztsd", codecs), '; did you mean "zstd"?');
  equal(didYouMean("uint6", dtypes), '; did you mean "uint16" or "uint64"?');
  const write = (name: string) => `--${name}`;
  equal(
    didYouMean("ab", ["abx", "aby", "abz"], { write, lead: ", " }),
    ", did you mean --abx, --aby or --abz?",
  );
  equal(didYouMean("xyzzy", codecs), "");
});
