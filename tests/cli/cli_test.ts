/** The real command line from start to exit code, on stacks of a few sections. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { imageFormats } from "../../codecs/image.ts";
import { VERSION } from "../../core/version.ts";
import { section, sectionName, sections, Sluice } from "./_sluice.ts";

const PATTERN = "raw/section_<z:2>.tif";
/** Five sections, in tasks of two. */
const SMALL = ["--chunk", "4x4x2", "--voxel-size", "4x4x40nm"];

Deno.test("sluice ingests, and finds that all is done", async () => {
  await using sluice = await Sluice.of(sections(5));
  const first = await sluice.run("ingest", PATTERN, "out.ome.zarr", ...SMALL);
  equal(first.code, 0, first.stderr);
  match(first.stdout, /^Wrote "out.ome.zarr", 7 x 5 x 5 voxels of uint16 \(image\) in 1 scale\n/);
  match(first.stdout, /verified: \d+ files of .* as written/);
  match(first.stdout, /napari --plugin napari-ome-zarr out.ome.zarr/);
  ok(!first.stderr.includes("\x1b"), "no terminal, no drawing");

  const second = await sluice.run("ingest", PATTERN, "out.ome.zarr", ...SMALL);
  equal(second.code, 0, second.stderr);
  match(second.stdout, /^Nothing to do, job 1 is done: "out.ome.zarr"/);

  const other = await sluice.run("ingest", PATTERN, "out.ome.zarr", "--chunk", "4");
  equal(other.code, 1);
  match(other.stderr, /^.*sluice: Cannot resume ".*out.ome.zarr" with this plan: .*--overwrite/ms);
});

Deno.test("sluice names a missing section, fills it, and does it anew once it is there", async () => {
  await using sluice = await Sluice.of(sections(6, [3]));
  const ingest = ["ingest", PATTERN, "out.ome.zarr", ...SMALL] as const;
  const refused = await sluice.run(...ingest);
  equal(refused.code, 1);
  match(refused.stderr, /sluice: Cannot plan .*1 fault; mend the files, or give --missing fill/);
  match(refused.stderr, /missing: "section_03.tif" is not there/);

  const filled = await sluice.json(...ingest, "--missing", "fill");
  equal(filled.code, 3);
  equal(filled.document.exitCode, 3);
  equal(filled.document.lossCount, 1);
  deepEqual(filled.document.losses[0].box, { min: [0, 0, 3, 0, 0], max: [7, 5, 4, 1, 1] });

  const status = await sluice.run("status", "out.ome.zarr");
  equal(status.code, 0);
  match(status.stdout, /1 image lost: its voxels are fill value/);
  match(status.stdout, /missing: ".*section_03.tif" \(x 0:7 y 0:5 z 3:4\) is not there/);
  match(status.stdout, /then: sluice retry 1 --section 3\n/);

  const early = await sluice.run("retry", "out.ome.zarr", "--section", "3");
  equal(early.code, 1);
  match(early.stderr, /section_03.tif" is not there/);
  equal((await sluice.json("status", "1")).document.state, "done");

  await sluice.folder.put(sectionName(3), section(3));
  const mended = await sluice.json("retry", "out.ome.zarr", "--section", "3");
  equal(mended.code, 0);
  equal(mended.document.lossCount, 0);
  equal(mended.document.verified.faultCount, 0);
  const sound = await sluice.json("verify", "out.ome.zarr", "--source");
  equal(sound.code, 0);
  equal(sound.document.compared, 3);

  const outside = await sluice.run("retry", "out.ome.zarr", "--section", "6");
  equal(outside.code, 2);
  match(outside.stderr, /Cannot retry section 6: the volume has 6, counted from 0/);
});

const usage = [
  { line: "ingset a b", says: /^sluice: Cannot run "ingset": .*did you mean "sluice ingest"\?\n$/ },
  { line: "ingest a b --chnuk 3", says: /did you mean --chunk\?\n$/ },
  { line: "ingest a b --codec ztsd", says: /did you mean "zstd"\?\n$/ },
  {
    line: "plan a --chunk 64x",
    says: /^sluice: Cannot use --chunk 64x: .*\nSee "sluice plan --help"\n$/,
  },
  { line: "status nowhere.zarr", says: /there is no such folder/ },
  { line: "plan nowhere/*.tif", says: /^sluice: Cannot find "nowhere\/\*\.tif" as images/ },
  { line: "plan a --memory lots", says: /Cannot read "lots" as a size/ },
  {
    line: "jobs --ledger orcale://u:secret@host/db",
    says: /^(?!.*secret).*Cannot open "orcale:\/\/host\/db" as a ledger/s,
  },
  { line: "", says: /^sluice: Cannot run sluice without a command/ },
] as const;
for (const { line, says } of usage) {
  Deno.test(`sluice ${line}: exit code 2`, async () => {
    await using sluice = await Sluice.of({ "a": "" });
    const { code, stdout, stderr } = await sluice.run(...line.split(" ").filter(Boolean));
    equal(code, 2, stderr);
    equal(stdout, "");
    match(stderr, says);
  });
}

Deno.test("sluice prints versions and help", async () => {
  await using sluice = await Sluice.of();
  const said = await sluice.run("--version");
  deepEqual([said.code, said.stderr], [0, ""]);
  deepEqual(said.stdout.match(/^\w+/gm), ["sluice", "commit", "runtime", "images", "codecs"]);
  match(said.stdout, new RegExp(`^sluice ${VERSION}\ncommit ([0-9a-f]{40}|unknown)\n`));
  const { document } = await sluice.json("--version");
  deepEqual([document.sluice, document.runtime.deno], [VERSION, Deno.version.deno]);
  deepEqual(document.images, [...imageFormats.keys()]);
  deepEqual(Object.keys(document.codecs), ["zstd", "zlib", "blosc", "lz4"]);
  const [flag, command] = [
    await sluice.run("ingest", "--help"),
    await sluice.run("help", "ingest"),
  ];
  equal(flag.code, 0);
  deepEqual(flag, command);
  match(flag.stdout, /^Turn images into a volume/);
  equal((await sluice.json("help")).document.commands[0].name, "ingest");
});

Deno.test("sluice says an error as JSON, too, and where only when asked", async () => {
  await using sluice = await Sluice.of();
  const { code, document } = await sluice.json("jobs", "--ledger", "sqlite:/dev/null/jobs.db");
  equal(code, 1);
  match(document.error.message, /^Cannot open/);
  const plain = await sluice.run("status", "99");
  equal(plain.code, 1);
  equal(plain.stderr.trim().split("\n").length, 1);
  match((await sluice.run("status", "99", "--verbose")).stderr, /\n\s+at /);
});

Deno.test("sluice plans without writing", async () => {
  await using sluice = await Sluice.of(sections(5));
  const { code, stdout } = await sluice.run("plan", PATTERN, ...SMALL);
  equal(code, 0);
  match(stdout, /extent\s+7 x 5 x 5 voxels of uint16, image/);
  match(stdout, /0\s+7 x 5 x 5\s+4x4x2\s+8x8x2\s+3/);
  match(stdout, /3 tasks\s+scale 0 from the source/);
  match(stdout, /a rough guess/);
  const { document } = await sluice.json("plan", PATTERN, ...SMALL);
  equal(document.estimate.tasks, 4);
  deepEqual(await names(sluice), ["raw"]);
});

Deno.test("sluice create, jobs, cancel, retry, join: a job step by step", async () => {
  await using sluice = await Sluice.of(sections(5));
  const created = await sluice.run("create", PATTERN, "out.ome.zarr", ...SMALL);
  equal(created.code, 0, created.stderr);
  match(
    created.stdout,
    /^Created job 1: 4 tasks, active, .*\nTo work on it.*: sluice join out.ome.zarr\n$/s,
  );
  match((await sluice.run("status", "1")).stdout, /Nobody works on it: sluice join 1/);

  equal((await sluice.run("cancel", "out.ome.zarr")).code, 0);
  const jobs = await sluice.json("jobs");
  deepEqual(
    jobs.document.jobs.map(({ job, state, tasks }: Record<string, unknown>) => [job, state, tasks]),
    [
      [1, "cancelled", 4],
    ],
  );
  const cancelled = await sluice.run("join", "1");
  equal(cancelled.code, 1);
  match(cancelled.stdout, /was cancelled; to reopen it: sluice retry/);

  const reopened = await sluice.run("retry", "1", "--no-join");
  equal(reopened.code, 0, reopened.stderr);
  match(reopened.stdout, /to work on it: sluice join/);
  const joined = await sluice.json("join", "out.ome.zarr", "--workers", "0");
  equal(joined.code, 0);
  equal(joined.document.state, "done");
  equal((await sluice.run("verify", "out.ome.zarr")).code, 0);
});

Deno.test("sluice verify: exit code 1 for a byte that is wrong, and the file by name", async () => {
  await using sluice = await Sluice.of(sections(4));
  equal((await sluice.run("ingest", PATTERN, "out.ome.zarr", ...SMALL)).code, 0);
  const shard = sluice.path("out.ome.zarr/0/c/0/0/0");
  const bytes = await Deno.readFile(shard);
  const whole = bytes.slice();
  bytes[10] ^= 1;
  await Deno.writeFile(shard, bytes);
  const { code, stdout } = await sluice.run("verify", "out.ome.zarr");
  equal(code, 1);
  match(stdout, /1 fault in 1 task:\n\s+".*out.ome.zarr\/0\/c\/0\/0\/0"/);
  match(stdout, /To write it anew from the images: sluice retry .* --section 0-1\n$/);
  equal((await sluice.run("retry", "out.ome.zarr", "--section", "0-1")).code, 0);
  deepEqual(await Deno.readFile(shard), whole);
});

Deno.test("sluice fails with exit code 1 where a task is given up, and retry goes on", async () => {
  await using sluice = await Sluice.of(sections(4));
  equal((await sluice.run("create", PATTERN, "out.ome.zarr", ...SMALL)).code, 0);
  const mended = await Deno.stat(sluice.path(sectionName(2)));
  await sluice.folder.remove(sectionName(2));
  const failed = await sluice.run("join", "1");
  equal(failed.code, 1);
  match(failed.stderr, /Attempt failed: .*section_02.tif/);
  match(
    failed.stdout,
    /1 task given up:\n\s+task 1 \(x 0:7 y 0:5 z 2:4\), 3 attempts: .*section_02.tif/,
  );
  match((await sluice.run("status", "1")).stdout, /Mend the cause, then: sluice retry 1/);

  await sluice.folder.put(sectionName(2), section(2));
  await Deno.utime(sluice.path(sectionName(2)), mended.mtime!, mended.mtime!);
  const { code, document } = await sluice.json("retry", "1");
  equal(code, 0);
  equal(document.state, "done");
});

Deno.test("sluice set writes another voxel size, and leaves the rest", async () => {
  for (const zarr of ["0.5", "0.4"]) {
    await using sluice = await Sluice.of(sections(4, [2]));
    const ingest = [
      "ingest",
      PATTERN,
      "out.ome.zarr",
      "--missing",
      "fill",
      "--zarr",
      zarr,
    ] as const;
    equal((await sluice.run(...ingest)).code, 3);
    const path = sluice.path(`out.ome.zarr/${zarr === "0.5" ? "zarr.json" : ".zattrs"}`);
    const before = await Deno.readTextFile(path);
    const { code, document } = await sluice.json("set", "out.ome.zarr", "--voxel-size", "3x5x7nm");
    equal(code, 0);
    deepEqual(document.after, { x: 3, y: 5, z: 7, unit: "nanometer" });
    const after = await Deno.readTextFile(path);
    match(after, /"nanometer"/);
    const scales = (text: string) => text.replace(/"(axes|datasets)": \[.*?\n {4,12}\]/gs, "");
    equal(scales(after), scales(before));
    match(after, /"complete": true,[^}]*"losses": 1/);
    match(after, /"scale": \[\s*7,\s*5,\s*3\s*\]/);
  }
});

Deno.test("sluice status reads receipts where the ledger is gone, and join counts on from them", async () => {
  await using sluice = await Sluice.of(sections(6, [1]));
  equal(
    (await sluice.run("ingest", PATTERN, "out.ome.zarr", ...SMALL, "--missing", "fill")).code,
    3,
  );
  await Deno.remove(sluice.path("home"), { recursive: true });
  const { code, document } = await sluice.json("status", "out.ome.zarr");
  equal(code, 0);
  deepEqual([document.state, document.done, document.lossCount, document.job], [
    "done",
    4,
    1,
    undefined,
  ]);
  match(document.uncounted, /is not on this machine/);
  deepEqual((await names(sluice)).includes("home"), false);

  const lost = await sluice.run("retry", "out.ome.zarr", "--section", "1");
  equal(lost.code, 1);
  match(lost.stderr, /give --ledger URL/);
  await sluice.folder.put(sectionName(1), section(1));
  const retried = await sluice.json(
    "retry",
    "out.ome.zarr",
    "--section",
    "1",
    "--ledger",
    "sqlite:new.db",
  );
  equal(retried.code, 0);
  equal(
    (await sluice.json("status", "out.ome.zarr")).document.ledger,
    `sqlite:${sluice.path("new.db")}`,
  );
});

Deno.test("sluice writes labels into the image they belong to, and finds them there", async () => {
  await using sluice = await Sluice.of(sections(3));
  equal((await sluice.run("ingest", PATTERN, "out.ome.zarr", ...SMALL)).code, 0);
  const labels = ["ingest", PATTERN, "out.ome.zarr", "--kind", "labels", "--label-name"] as const;
  const { code, document } = await sluice.json(...labels, "cells");
  equal(code, 0);
  equal(document.volume, sluice.path("out.ome.zarr/labels/cells"));
  equal((await sluice.json("status", "out.ome.zarr")).document.job, 1);
  equal((await sluice.json("status", "out.ome.zarr/labels/cells")).document.job, 2);

  const alone = await sluice.run("ingest", PATTERN, "alone.ome.zarr", "--kind", "labels");
  equal(alone.code, 0, alone.stderr);
  match(alone.stdout, /napari --plugin napari-ome-zarr .*alone.ome.zarr\/labels\/segmentation/);
  equal((await sluice.json("status", "alone.ome.zarr")).document.job, 3);
});

Deno.test("sluice pull reads a box back", async () => {
  await using sluice = await Sluice.of(sections(5));
  equal((await sluice.run("ingest", PATTERN, "out.ome.zarr", ...SMALL, "--quiet")).code, 0);
  const { code, document } = await sluice.json(
    "pull",
    "out.ome.zarr",
    "back",
    "--z",
    "2:",
    "--compression",
    "none",
  );
  equal(code, 0);
  deepEqual([document.files, document.sections], [3, 3]);
  const pulled = await names(sluice, "back");
  deepEqual(pulled, ["section_0002.tif", "section_0003.tif", "section_0004.tif"]);
  const again = await sluice.run("ingest", "back", "again.ome.zarr", ...SMALL);
  equal(again.code, 0, again.stderr);
  equal((await sluice.run("pull", "out.ome.zarr", "back")).code, 1);
  equal((await sluice.run("pull", "out.ome.zarr", "b", "--format", "tif")).code, 2);
});

Deno.test("sluice ingest --config, and --quiet", async () => {
  await using sluice = await Sluice.of({
    ...sections(3),
    "job.json": JSON.stringify({
      source: PATTERN,
      target: "out.ome.zarr",
      chunk: 4,
      ledger: "sqlite:own.db",
    }),
  });
  const { code, stderr } = await sluice.run("ingest", "--config", "job.json", "--quiet");
  deepEqual([code, stderr], [0, ""]);
  deepEqual(await names(sluice), ["job.json", "out.ome.zarr", "own.db", "own.db.workers", "raw"]);
});

async function names(sluice: Sluice, folder = "."): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(sluice.path(folder)), ({ name }) => name)).sort();
}
