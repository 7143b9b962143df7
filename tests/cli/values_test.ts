import { deepEqual, equal, rejects, throws } from "node:assert/strict";
import { TREE } from "../../cli/commands.ts";
import { gather, planOptions } from "../../cli/job_options.ts";
import { type Call, parseCall } from "../../cli/parse.ts";
import {
  OPEN_END,
  parseCodec,
  parseCount,
  parsePart,
  parseSections,
  parseSides,
  parseSpan,
  parseWindow,
} from "../../cli/values.ts";

type Parse = (flag: string, text: string) => unknown;
const zstd = (level: number) => ({ codec: "zstd", level, crc32c: false });
const blosc = (cname: string, level: number) => ({
  codec: "blosc",
  cname,
  level,
  shuffle: true,
  crc32c: false,
});

const tables: readonly { parse: Parse; good: Record<string, unknown>; bad: readonly string[] }[] = [
  {
    parse: parseSides,
    good: { "64": [64, 64, 64], "7x5x3": [7, 5, 3], "7,5,3": [7, 5, 3], "7×5×3": [7, 5, 3] },
    bad: ["0", "7x5", "7x5x0", "-1x2x3", "a", "1.5", "7x5x3x1", ""],
  },
  {
    parse: parseSpan,
    good: { "0:512": [0, 512], "100:": [100, OPEN_END], ":9": [0, 9], " 3 : 5 ": [3, 5] },
    bad: ["5", ":", "5:5", "9:3", "-3:5", "1:2:3", "a:b"],
  },
  {
    parse: parseWindow,
    good: { "0:4095": [0, 4095], "-1.5:2e3": [-1.5, 2000] },
    bad: ["0", "0:", ":4", "4:4", "5:4", "a:b", "1:2:3", "0:Infinity"],
  },
  { parse: parseCount, good: { "1": 1, "64": 64 }, bad: ["0", "-1", "1.5", "x", "", "1e3"] },
  {
    parse: parsePart,
    good: { "5%": 0.05, "0.05": 0.05, "100%": 1, "1": 1, ".5": 0.5 },
    bad: ["0", "101%", "2", "-5%", "x", "5%%"],
  },
  {
    parse: parseSections,
    good: {
      "37": [[37, 38]],
      "3,7": [[3, 4], [7, 8]],
      "7,3-5": [[3, 6], [7, 8]],
      "3-5,4-9,10": [[3, 11]],
      "3,3": [[3, 4]],
    },
    bad: ["", "a", "5-3", "3,", "-3"],
  },
  {
    parse: parseCodec,
    good: {
      "zstd": zstd(3),
      "zstd:22": zstd(22),
      "ZSTD:1": zstd(1),
      "gzip:0": { codec: "gzip", level: 0, crc32c: false },
      "none": { codec: "none", crc32c: false },
      "blosc": blosc("zstd", 5),
      "blosc:lz4": blosc("lz4", 5),
      "blosc:lz4:9": blosc("lz4", 9),
      "blosc:3": blosc("zstd", 3),
    },
    bad: [
      "zst",
      "zstd:0",
      "zstd:23",
      "gzip:10",
      "none:1",
      "blosc:snappy",
      "blosc:lz4:10",
      "zstd:3:4",
      "zstd:x",
      "",
    ],
  },
];
for (const { parse, good, bad } of tables) {
  for (const [text, value] of Object.entries(good)) {
    Deno.test(`${parse.name}() reads "${text}"`, () => deepEqual(parse("flag", text), value));
  }
  for (const text of bad) {
    Deno.test(`${parse.name}() refuses "${text}"`, () => {
      throws(() => parse("flag", text), { name: "UsageError", message: /^Cannot use --flag / });
    });
  }
}

Deno.test("parseCodec() names the nearest codec", () => {
  for (
    const [text, near] of [
      ["ztsd", "zstd"],
      ["zsdt:3", "zstd"],
      ["zstandard", "zstd"],
      ["gz:6", "gzip"],
      ["lz4", "blosc:lz4"],
      ["blosc:lz", "lz4"],
      ["blosc:zstandard:3", "zstd"],
    ]
  ) throws(() => parseCodec("codec", text), new RegExp(`; did you mean "${near}"\\?$`), text);
  throws(
    () => parseCodec("codec", "jpeg2000"),
    /the codecs are zstd, gzip, blosc, none, raw, png, jpeg, compressed_segmentation$/,
  );
});

Deno.test("parseCount() counts from where it is told", () =>
  equal(parseCount("workers", "0", 0), 0));

for (const [name, value] of [["shard", "none"], ["zarr", "0.4"]] as const) {
  Deno.test(`--sharded is refused beside --${name} ${value}, and says nothing else alone`, () => {
    throws(
      () => planOptions(new Map<string, string | true>([["sharded", true], [name, value]])),
      new RegExp(`--sharded wants: --${name} ${value} has none`),
    );
    deepEqual(planOptions(new Map([["sharded", true]])), planOptions(new Map()));
  });
}

Deno.test("a target that stands beside --to is told from a source", async () => {
  const line = ["ingest", "raw/*.tif", "out.ome.zarr", "--to", "precomputed://b"];
  const call = await parseCall(line, TREE) as Call;
  await rejects(
    gather(call, { needsTarget: true }),
    /with --to every word is a source; give it as --to out\.ome\.zarr, too/,
  );
});
