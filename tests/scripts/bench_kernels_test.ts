import { equal, match, ok } from "node:assert/strict";

const SCRIPT = new URL("../../scripts/bench_kernels.ts", import.meta.url).pathname;

Deno.test("bench_kernels.ts --quick tells a rate of every kernel and codec", async () => {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", SCRIPT, "--quick"],
  }).output();
  equal(success, true, new TextDecoder().decode(stderr));
  const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
  for (const line of lines) {
    match(line, /^\w[^,]+(, \w[^,]*)? +\d+ MB\/s(, back +\d+ MB\/s, ratio \d+\.\d+)?$/);
  }
  for (
    const name of [
      "copyBox",
      "scanVoxels",
      "downsample",
      "castWindow",
      "fillBox",
      "crc32c",
      "codec",
    ]
  ) {
    ok(lines.some((line) => line.startsWith(name)), name);
  }
});
