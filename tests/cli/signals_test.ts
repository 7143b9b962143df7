/** What signals and terminals do to the real command line. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { makeSample } from "../../scripts/make_sample.ts";
import { command, ended, type Ran, Sluice } from "./_sluice.ts";

const INGEST = ["ingest", "raw", "out.ome.zarr", "--chunk", "32x32x2", "--workers", "1"] as const;

/** A stack that takes some seconds: many small tasks. */
async function slowStack(side = 160): Promise<Sluice> {
  const sluice = await Sluice.of();
  await makeSample({ directory: sluice.path("raw"), width: side, height: side, depth: 120 });
  return sluice;
}

/** Waits until a job has done some tasks. */
async function waitForTasks(sluice: Sluice, least: number): Promise<void> {
  const receipts = sluice.path("out.ome.zarr/.sluice/receipts");
  for (let i = 0; i < 600; i++) {
    let lines = 0;
    try {
      for await (const { name } of Deno.readDir(receipts)) {
        lines += (await Deno.readTextFile(join(receipts, name))).split("\n").length - 1;
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      lines = -1;
    }
    if (lines >= least) return;
    await pause(20);
  }
  throw new Error(`No ${least} tasks were done in time`);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function goesOn(sluice: Sluice, stopped: Ran): Promise<void> {
  equal(stopped.code, 130, `${stopped.stdout}${stopped.stderr}`);
  const status = await sluice.json("status", "out.ome.zarr");
  equal(status.document.state, "active");
  ok(status.document.done > 0 && status.document.done < status.document.tasks);
  equal(status.document.leases.length, 0, "leases are given back");
  const resumed = await sluice.json(...INGEST);
  equal(resumed.code, 0);
  equal(resumed.document.job, 1);
  equal(resumed.document.verified.faultCount, 0);
  ok(resumed.document.thisProcess.voxelBytes < 160 * 160 * 120, "what was done is not done again");
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`${signal} once: what is in hand is finished, and the same command goes on`, async () => {
    await using sluice = await slowStack();
    const process = sluice.start(...INGEST);
    await waitForTasks(sluice, 2);
    process.kill(signal);
    const stopped = await ended(process);
    match(stopped.stderr, /Finishing what is in hand; press Ctrl-C again to stop at once/);
    match(
      stopped.stdout,
      /^Stopped with \d+ of 61 tasks done; nothing is lost\. To go on: the same command again, or sluice join out\.ome\.zarr\n$/,
    );
    await goesOn(sluice, stopped);
  });
}

Deno.test("SIGINT twice: all ends at once, leases are given back, and nothing is lost", async () => {
  await using sluice = await slowStack(384);
  const slow = [
    ...INGEST.slice(0, 3),
    "--chunk",
    "32x32x60",
    "--codec",
    "zstd:20",
    "--workers",
    "1",
  ];
  const process = sluice.start(...slow);
  await waitForTasks(sluice, 0);
  await pause(400);
  process.kill("SIGINT");
  await pause(300);
  process.kill("SIGINT");
  const again = performance.now();
  const stopped = await ended(process);
  ok(performance.now() - again < 3000, "it waits for nothing");
  equal(stopped.code, 130, `${stopped.stdout}${stopped.stderr}`);
  equal(stopped.stdout, "");
  match(
    stopped.stderr,
    /\nsluice: Stopped with \d of 4 tasks done; to go on: the same command again, or sluice join/,
  );
  const { document } = await sluice.json("status", "out.ome.zarr");
  equal(document.state, "active");
  equal(document.leases.length, 0, "leases are given back");
  const resumed = await sluice.json("join", "1");
  deepEqual([resumed.code, resumed.document.state], [0, "done"]);
});

Deno.test("progress without a terminal is plain lines on stderr", async () => {
  await using sluice = await slowStack();
  const { code, stdout, stderr } = await sluice.run(...INGEST);
  equal(code, 0, stderr);
  match(stdout, /^Wrote/);
  ok(!stderr.includes("\r") && !stderr.includes("\x1b"));
  const { stderr: quiet } = await sluice.run(...INGEST, "--overwrite", "--quiet");
  equal(quiet, "");
});

const hasScript = await new Deno.Command("script", {
  args: ["--version"],
  stdout: "null",
  stderr: "null",
})
  .output().then(({ success }) => success, () => false);

/** Runs in a terminal of some columns, by util-linux's `script`; what the terminal would show. */
async function inTerminal(sluice: Sluice, columns: number): Promise<string> {
  const words = [Deno.execPath(), ...command, ...INGEST].map((word) => `'${word}'`).join(" ");
  const { stdout, code } = await new Deno.Command("script", {
    args: ["-qfec", `stty cols ${columns}; ${words}`, "/dev/null"],
    cwd: sluice.folder.path,
    env: { SLUICE_HOME: sluice.path("home") },
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(stdout);
  equal(code, 0, text);
  return text;
}

Deno.test({
  name:
    "progress on a terminal is one line that is drawn again; on one of 0 columns plain lines (needs script)",
  ignore: !hasScript,
  fn: async () => {
    await using sluice = await slowStack();
    const wide = await inTerminal(sluice, 90);
    const drawn = wide.split("\r\x1b[2K");
    ok(drawn.some((line) => /^writing [█▌░]+ +\d+ %/u.test(line)));
    match(drawn.at(-1)!, /^Wrote "out\.ome\.zarr"/);
    await Deno.remove(sluice.path("out.ome.zarr"), { recursive: true });
    const none = await inTerminal(sluice, 0);
    ok(!none.includes("\x1b[2K"));
    match(none, /Wrote "out\.ome\.zarr"/);
  },
});
