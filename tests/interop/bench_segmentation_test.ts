import { equal, match, ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { python } from "./_python.ts";

const SCRIPT = fileURLToPath(new URL("../../scripts/bench_segmentation.ts", import.meta.url));

Deno.test({
  name: "bench_segmentation.ts --quick tells both rates and their ratio, of the same bytes",
  ignore: python === undefined,
  fn: async () => {
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", SCRIPT, "--quick", "--python", python!],
    }).output();
    ok(success, new TextDecoder().decode(stderr));
    const [head, ...lines] = new TextDecoder().decode(stdout).trimEnd().split("\n");
    match(head, /^MB\/s \(ratio\) +encode +decode +decode into one array$/);
    equal(lines.length, 6);
    for (const line of lines) {
      match(line, /^(cells|noise)[^,]*, uint\d\d( +\d+ : \d+ \(\d+\.\d\d\)){3}$/);
    }
  },
});
