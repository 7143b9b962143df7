/** That a call loads what it needs, and no more. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { relative } from "node:path";

const root = new URL("../../", import.meta.url).pathname;

interface Graph {
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly {
      readonly code?: { readonly specifier?: string };
      readonly isDynamic?: boolean;
    }[];
  }[];
}

/** Modules that a module loads before it runs: without types and without what it imports later. */
async function loaded(name: string): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", name],
    cwd: root,
    stderr: "inherit",
  }).output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as Graph;
  const found = new Set<string>();
  const visit = (specifier: string) => {
    if (found.has(specifier)) return;
    found.add(specifier);
    for (
      const { code, isDynamic }
        of modules.find((one) => one.specifier === specifier)?.dependencies ?? []
    ) {
      if (!isDynamic && code?.specifier !== undefined) visit(code.specifier);
    }
  };
  visit(`file://${root}${name}`);
  return [...found].map((one) =>
    one.startsWith("file:") ? relative(root, new URL(one).pathname) : one
  ).sort();
}

Deno.test("the command line starts with its tree and parser alone", async () => {
  deepEqual(await loaded("cli.ts"), [
    "cli.ts",
    "cli/_boss_flags.ts",
    "cli/_plan_flags.ts",
    "cli/_plugin_flags.ts",
    "cli/command.ts",
    "cli/commands.ts",
    "cli/drop_in/programs.ts",
    "cli/main.ts",
    "cli/output.ts",
    "cli/parse.ts",
    "core/errors.ts",
    "node:util",
  ]);
});

Deno.test("no command loads an npm package before it needs one", async () => {
  for await (const { name } of Deno.readDir(new URL("../../cli/commands/", import.meta.url))) {
    const packages = (await loaded(`cli/commands/${name}`)).filter((one) => one.startsWith("npm:"));
    deepEqual(packages, [], name);
  }
});

/** Milliseconds of the quickest of some runs. */
async function quickest(args: readonly string[], runs: number): Promise<number> {
  let best = Infinity;
  for (let i = 0; i < runs; i++) {
    const began = performance.now();
    const { code } = await new Deno.Command(Deno.execPath(), {
      args: [...args],
      cwd: root,
      stdout: "null",
    }).output();
    equal(code, 0);
    best = Math.min(best, performance.now() - began);
  }
  return best;
}

Deno.test("no program in whose place sluice is called loads an npm package before it needs one", async () => {
  for (const name of ["boss_ingest.ts", "prep_ingest.ts"]) {
    const packages = (await loaded(`cli/drop_in/${name}`)).filter((one) => one.startsWith("npm:"));
    deepEqual(packages, [], name);
  }
});

Deno.test("sluice --help starts in less than three times what an empty script takes", async () => {
  const empty = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    const ratios: number[] = [];
    // A machine that is busy with other things may spoil a round.
    for (let round = 0; round < 6; round++) {
      const bare = await quickest(["run", empty], 4);
      const help = await quickest(["run", "--allow-read", "cli.ts", "--help"], 4);
      ratios.push(help / bare);
      if (help < 3 * bare) return;
    }
    ok(false, `${ratios.map((ratio) => ratio.toFixed(1))} times an empty script`);
  } finally {
    await Deno.remove(empty);
  }
});
