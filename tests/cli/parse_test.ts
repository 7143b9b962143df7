import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { CASTS, CODECS, LEDGER } from "../../cli/_plan_flags.ts";
import { TREE } from "../../cli/commands.ts";
import { type Call, CallError, parseCall } from "../../cli/parse.ts";
import { parseCodec } from "../../cli/values.ts";
import { isDtype } from "../../core/dtype.ts";
import { ledgerSchemes } from "../../ledgers/open_ledger.ts";

const understood = [
  {
    line: "ingest a.tif b.tif out --chunk 64 --json",
    words: { sources: ["a.tif", "b.tif"], target: ["out"] },
    flags: { chunk: "64", json: true },
  },
  { line: "--json -q status 3", words: { job: ["3"] }, flags: { json: true, quiet: true } },
  { line: "status 3 -qv", words: { job: ["3"] }, flags: { quiet: true, verbose: true } },
  {
    line: "plan a --window -100:200 --x=0:5",
    words: { sources: ["a"] },
    flags: { window: "-100:200", x: "0:5" },
  },
  {
    line: "plan --chunk 32 -- --odd-name.tif",
    words: { sources: ["--odd-name.tif"] },
    flags: { chunk: "32" },
  },
  { line: "ingest --config job.json", words: {}, flags: { config: "job.json" } },
  {
    line: "ingest --config job.json out",
    words: { target: ["out"] },
    flags: { config: "job.json" },
  },
  { line: "ingest --help", words: {}, flags: { help: true } },
  { line: "help", words: {}, flags: {} },
  { line: "create ingest.json", words: { config: ["ingest.json"] }, flags: {} },
  {
    line: "join ingest.JSON -j 42 -p 8",
    words: { config: ["ingest.JSON"] },
    flags: { "job-id": "42", workers: "8" },
  },
  {
    line: "cancel -j 42 boss.cfg",
    words: { config: ["boss.cfg"] },
    flags: { "job-id": "42" },
  },
  { line: "jobs --boss api.bossdb.io", words: {}, flags: { boss: "api.bossdb.io" } },
  { line: "join out.ome.zarr -p 8", words: { job: ["out.ome.zarr"] }, flags: { workers: "8" } },
  { line: "plan a --levels 3 --levels 3", words: { sources: ["a"] }, flags: { levels: "3" } },
] as const;
for (const { line, words, flags } of understood) {
  Deno.test(`parseCall() understands: ${line}`, async () => {
    const call = await parseCall(line.split(" "), TREE) as Call;
    deepEqual(Object.fromEntries(call.words), words);
    deepEqual(Object.fromEntries(call.flags), flags);
  });
}

const refused = [
  {
    line: "ingset a b",
    says: 'Cannot run "ingset": there is no such command; did you mean "sluice ingest"?',
  },
  { line: "xyzzy", says: 'Cannot run "xyzzy": there is no such command' },
  {
    line: "ingest a b --chnuk 3",
    says: 'Cannot use --chnuk with "ingest": there is no such flag; did you mean --chunk?',
  },
  {
    line: "plan a --no-verify",
    says:
      'Cannot use --no-verify with "plan": there is no such flag; it is a flag of "ingest", "transfer", "retry"',
  },
  {
    line: "plan a -x 0:5",
    says: 'Cannot use -x with "plan": there is no such flag; did you mean --x?',
  },
  {
    line: "ingest a b --kind label",
    says: 'Cannot use --kind label: it is one of image, labels; did you mean "labels"?',
  },
  {
    line: "ingest a b --cast unit8",
    says: `Cannot use --cast unit8: it is one of ${CASTS.join(", ")}; did you mean "uint8"?`,
  },
  {
    line: "plan a --cast uint6",
    says: `Cannot use --cast uint6: it is one of ${
      CASTS.join(", ")
    }; did you mean "uint16" or "uint64"?`,
  },
  {
    line: "plan a --cast u8",
    says: `Cannot use --cast u8: it is one of ${CASTS.join(", ")}; did you mean "uint8"?`,
  },
  {
    line: "plan a --zarr 0.3",
    says: "Cannot use --zarr 0.3: it is one of 0.5, 0.4",
  },
  {
    line: "pull a b --compression gz",
    says: 'Cannot use --compression gz: it is one of none, deflate, zstd; did you mean "deflate"?',
  },
  {
    line: "export a b",
    says: 'Cannot run "export": there is no such command; did you mean "sluice pull"?',
  },
  {
    line: "plan a --threads 3",
    says: 'Cannot use --threads with "plan": there is no such flag; did you mean --workers?',
  },
  {
    line: "plan a --c 3",
    says: 'Cannot use --c with "plan": there is no such flag; it is a flag of "pull"',
  },
  {
    line: "status 3 --x 3:4",
    says:
      'Cannot use --x with "status": there is no such flag; it is a flag of "ingest", "transfer", "plan", "create", "pull", "plugins test"',
  },
  { line: "plan a --chunk", says: "Cannot use --chunk without a value: write --chunk 64x64x64" },
  {
    line: "plan a --chunk --json",
    says: "Cannot use --chunk without a value: write --chunk 64x64x64",
  },
  { line: "plan a --chunk=", says: "Cannot use --chunk without a value: write --chunk 64x64x64" },
  {
    line: "status 3 --json=yes",
    says: "Cannot use --json=yes: the flag has no value; write --json",
  },
  {
    line: "plan a --levels 3 --levels 4",
    says: 'Cannot use --levels twice: "3" and "4"; keep one',
  },
  {
    line: "status",
    says:
      'Cannot run "status" without JOB: the number of a job, or the path or address of its volume',
  },
  {
    line: "completions bsah",
    says: 'Cannot use "bsah" as SHELL: it is one of bash, zsh, fish; did you mean "bash"?',
  },
  { line: "status 3 4", says: 'Cannot use "4" with "status": it takes JOB' },
  { line: "jobs 3", says: 'Cannot use "3" with "jobs": it takes no arguments' },
  {
    line: "ingest out",
    says:
      'Cannot run "ingest" without SOURCES: a glob, a template such as section_<z:4>.tif, a folder, or files in their order; on disk, in a bucket (s3://, gs://) or behind https://',
  },
  { line: "--jsn", says: "Cannot use --jsn: there is no such flag; did you mean --json?" },
] as const;
for (const { line, says } of refused) {
  Deno.test(`parseCall() refuses: ${line}`, async () => {
    await rejects(parseCall(line.split(" "), TREE), (error) => {
      equal(error instanceof CallError, true);
      equal((error as Error).message, says);
      return true;
    });
  });
}

const [PLAN] = TREE.commands.filter(({ name }) => name === "plan");
/** A tree with commands whose names are several words. */
const GROUPED = {
  ...TREE,
  commands: [
    ...TREE.commands,
    ...["store", "store init", "store init all"].map((name) => ({ ...PLAN, name })),
    { ...PLAN, name: "disk check" },
  ],
};

Deno.test("parseCall() takes the longest name that is there", async () => {
  for (
    const [line, name, sources] of [
      ["store init a.tif", "store init", ["a.tif"]],
      ["--json store init a.tif --levels 3", "store init", ["a.tif"]],
      ["store init all b.tif", "store init all", ["b.tif"]],
      ["store b.tif", "store", ["b.tif"]],
      ["disk check b.tif", "disk check", ["b.tif"]],
    ] as const
  ) {
    const call = await parseCall(line.split(" "), GROUPED);
    equal(call.command?.name, name);
    deepEqual((call as Call).words.get("sources"), sources);
  }
});

Deno.test("parseCall() says what a first word alone lacks", async () => {
  const { command, flags, ...rest } = await parseCall(["disk", "--help"], GROUPED);
  deepEqual([command, [...flags.keys()], rest], [undefined, ["help"], { group: "disk" }]);
  await rejects(parseCall(["disk", "chekc"], GROUPED), {
    message: 'Cannot run "disk chekc": there is no such command; did you mean "sluice disk check"?',
  });
  await rejects(parseCall(["dsik"], GROUPED), { message: /did you mean "sluice disk"\?$/ });
});

Deno.test("no two flags of a command, and no two commands, share a name", () => {
  const unique = (names: readonly (string | undefined)[]) => {
    const given = names.filter((name) => name !== undefined);
    equal(new Set(given).size, given.length);
  };
  unique(TREE.commands.map(({ name }) => name));
  for (const { flags } of TREE.commands) {
    unique([...flags, ...TREE.everywhere].map(({ name }) => name));
    unique([...flags, ...TREE.everywhere].map(({ short }) => short));
  }
});

Deno.test("every command loads, and its examples are calls of it", async () => {
  for (const { name, run, boss, examples } of TREE.commands) {
    for (const load of [run, ...(boss === undefined ? [] : [boss.run])]) {
      equal(typeof (await load()).run, "function");
    }
    for (const { line } of examples) {
      const [call] = line.split(/ [|>] /);
      const words = call.match(/'[^']*'|\S+/g)!.map((word) => word.replaceAll("'", ""));
      equal((await parseCall(words.slice(1), TREE)).command?.name, name);
    }
  }
});

Deno.test("what completions offer exists", () => {
  for (const dtype of CASTS) equal(isDtype(dtype), true);
  for (const codec of CODECS) parseCodec("codec", codec);
  for (const address of LEDGER.offers ?? []) ok(ledgerSchemes.has(address.split(":")[0]), address);
});
