/** Completion scripts at work in the shells that are installed: bash, zsh, fish. */
import { deepEqual, equal, match } from "node:assert/strict";
import type { Command } from "../../cli/command.ts";
import { TREE } from "../../cli/commands.ts";
import { completionShells } from "../../cli/completions/shells.ts";
import type { CommandTree } from "../../cli/parse.ts";
import { TestFolder } from "../_images.ts";
import { has, type Shell, shells } from "./_shells.ts";
import { command, sections, Sluice } from "./_sluice.ts";

const files = {
  "my folder/a.tif": "",
  "raw/one section.tif": "",
  "raw/two.tif": "",
  "job.json": "{}",
};
const names = [...new Set(TREE.commands.map(({ name }) => name.split(" ")[0]))];

/** What every shell offers, as the value that comes of it; fish and bash may differ in what they show. */
const cases: readonly { line: string; offers: readonly string[] }[] = [
  { line: "sluice ", offers: [...names, ...TREE.programs.map(({ name }) => name)] },
  { line: "sluice prep", offers: ["prep", "prep_ingest"] },
  { line: "sluice boss-ingest j", offers: ["job.json"] },
  // To fish's own test these two are operators.
  { line: "sluice boss-ingest -p 4 -f j", offers: ["job.json"] },
  { line: "sluice boss-ingest --js", offers: [] },
  { line: "sluice in", offers: ["info", "ingest"] },
  { line: "sluice ledger ", offers: ["init", "check"] },
  { line: "sluice --json st", offers: ["status"] },
  { line: "sluice xyzzy ", offers: [] },
  { line: "sluice ingest --co", offers: ["--config", "--codec"] },
  { line: "sluice ingest a --codec zstd --co", offers: ["--config"] },
  { line: "sluice ingest --kind ", offers: ["image", "labels"] },
  { line: "sluice ingest --kind=", offers: ["image", "labels"] },
  { line: "sluice ingest --kind=l", offers: ["labels"] },
  { line: "sluice ingest --codec g", offers: ["gzip"] },
  { line: "sluice ingest --codec blosc:", offers: ["blosc:zstd", "blosc:lz4"] },
  { line: "sluice ingest --codec=blosc:l", offers: ["blosc:lz4"] },
  { line: "sluice plan raw --cast u", offers: ["uint8", "uint16", "uint32", "uint64"] },
  { line: "sluice plan --levels ", offers: [] },
  { line: "sluice plan --levels 3 --lev", offers: [] },
  { line: "sluice plan -- --co", offers: [] },
  { line: "sluice plan --config j", offers: ["job.json"] },
  { line: "sluice plan --config=j", offers: ["job.json"] },
  { line: "sluice pull --format ", offers: ["tiff", "tiff-stack", "png"] },
  { line: "sluice jobs --ledger s", offers: ["sqlite:"] },
  { line: "sluice jobs --ledger=post", offers: ["postgres://"] },
  { line: "sluice join j", offers: ["job.json"] },
  { line: "sluice status -j 42 jo", offers: ["job.json"] },
  { line: "sluice jobs j", offers: ["job.json"] },
  { line: "sluice help sta", offers: ["status"] },
  { line: "sluice man pu", offers: ["pull"] },
  { line: "sluice completions ", offers: ["bash", "zsh", "fish"] },
  { line: "sluice completions bash b", offers: [] },
];

/** What the tab key makes of a line. */
const tabs = [
  { line: "sluice ing", becomes: "sluice ingest " },
  { line: "sluice ingest --codec=blosc:l", becomes: "sluice ingest --codec=blosc:lz4 " },
  { line: "sluice ingest --codec blosc:z", becomes: "sluice ingest --codec blosc:zstd " },
  { line: "sluice ingest 'ra", becomes: "sluice ingest 'raw/" },
  { line: "sluice ingest raw/o", becomes: "sluice ingest raw/one\\ section.tif " },
  { line: "sluice verify my", becomes: "sluice verify my\\ folder/" },
  { line: "sluice jobs --ledger s", becomes: "sluice jobs --ledger sqlite:" },
  { line: "sluice jobs --ledger p", becomes: "sluice jobs --ledger postgres://" },
  { line: "sluice jobs --ledger=postgres:", becomes: "sluice jobs --ledger=postgres://" },
  { line: "sluice jobs --ledger sqlite:jo", becomes: "sluice jobs --ledger sqlite:job.json " },
  { line: "sluice jobs --ledger=sqlite:jo", becomes: "sluice jobs --ledger=sqlite:job.json " },
  { line: "true; sluice pull x --over", becomes: "true; sluice pull x --overwrite " },
  { line: "sluice plan 'é' --over", becomes: "sluice plan 'é' --over" },
  { line: "sluice pull 'é' --over", becomes: "sluice pull 'é' --overwrite " },
] as const;

/** Names of several words, and texts that a shell could take for something else. */
const ODD_HELP =
  `It's "odd": [a|b], <z:4>, $(touch pwned) \`touch pwned\` \\n %s; 100% {x,y} ~ * ? ! é`;
const odd = (name: string, flags: Command["flags"] = []): Command => ({
  ...TREE.commands[0],
  name,
  summary: ODD_HELP,
  flags,
  arguments: [{ name: "it's", help: ODD_HELP, choices: ["a:b", "a=c"] }],
});
const ODD: CommandTree = {
  ...TREE,
  programs: [],
  commands: [
    odd("store init", [
      { name: "odd", short: "o", value: "[A:B]", help: ODD_HELP, choices: ["x:y", "x.z"] },
    ]),
    odd("store check all"),
    odd("store check one"),
    odd("plain"),
  ],
};
const oddCases = [
  { line: "sluice ", offers: ["store", "plain"] },
  { line: "sluice store ", offers: ["init", "check"] },
  { line: "sluice store check ", offers: ["all", "one"] },
  { line: "sluice -q store check o", offers: ["one"] },
  { line: "sluice store init --o", offers: ["--odd"] },
  { line: "sluice store init --odd ", offers: ["x:y", "x.z"] },
  { line: "sluice store init -o ", offers: ["x:y", "x.z"] },
  { line: "sluice store init --odd=x:", offers: ["x:y"] },
  { line: "sluice store init -o x.z a", offers: ["a:b", "a=c"] },
  { line: "sluice store check one --o", offers: [] },
] as const;

async function offered(shell: Shell, line: string): Promise<string[]> {
  return [...(await shell.offers(line)).keys()].sort();
}

for (const [name, { needs, open }] of Object.entries(shells)) {
  const missing = needs.filter((program) => !has(program));
  const ignore = missing.length > 0;
  const skipped = ignore ? ` (skipped: ${missing.join(" and ")} not installed)` : "";

  /** Opens the shell with the completions of a tree. */
  const test = (
    what: string,
    tree: CommandTree,
    run: (shell: Shell, folder: TestFolder) => Promise<void>,
  ) =>
    Deno.test({
      name: `${name} ${what}${skipped}`,
      ignore,
      async fn() {
        const write = await completionShells.get(name)!();
        await using folder = await TestFolder.of(files);
        const script = await Deno.makeTempFile();
        try {
          await Deno.writeTextFile(script, write(tree));
          await using shell = await open({ script, folder: folder.path });
          await run(shell, folder);
        } finally {
          await Deno.remove(script);
        }
      },
    });

  test("completes commands, flags, values and files", TREE, async (shell) => {
    for (const { line, offers } of cases) {
      deepEqual(await offered(shell, line), [...offers].sort(), line);
    }
    for (const { line, becomes } of shell.tab === undefined ? [] : tabs) {
      equal(await shell.tab!(line), becomes);
    }
  });

  test("completes every flag and every choice there is", TREE, async (shell) => {
    for (const { name, flags } of TREE.commands) {
      const all = [...flags, ...TREE.everywhere];
      deepEqual(
        await offered(shell, `sluice ${name} --`),
        all.map((flag) => `--${flag.name}`).sort(),
        name,
      );
      for (const { name: flag, choices } of all.filter(({ choices }) => choices !== undefined)) {
        deepEqual(await offered(shell, `sluice ${name} --${flag} `), [...choices!].sort());
      }
    }
  });

  test("completes names of several words, whatever the help says", ODD, async (shell, folder) => {
    for (const { line, offers } of oddCases) {
      const found = await shell.offers(line);
      deepEqual([...found.keys()].sort(), [...offers].sort(), line);
    }
    if (name !== "bash") {
      equal((await shell.offers("sluice pl")).get("plain"), ODD_HELP);
      equal((await shell.offers("sluice store init --od")).get("--odd"), ODD_HELP);
      equal((await shell.offers("sluice s")).get("store"), "init, check all, check one");
    }
    const left = await Array.fromAsync(Deno.readDir(folder.path), (entry) => entry.name);
    deepEqual(left.sort(), ["job.json", "my folder", "raw"]);
  });

  Deno.test({
    name: `${name} completes jobs and folders${skipped}`,
    ignore,
    async fn() {
      await using sluice = await Sluice.of(sections(2));
      for (const target of ["a.ome.zarr", "b.ome.zarr"]) {
        equal((await sluice.run("create", "raw/*.tif", target)).code, 0);
      }
      equal((await sluice.run("cancel", "1")).code, 0);
      const printed = await sluice.run("completions", name);
      equal(printed.code, 0);
      const write = await completionShells.get(name)!();
      equal(printed.stdout.trimEnd(), write(TREE).trimEnd());
      const script = sluice.path("script");
      await Deno.writeTextFile(script, printed.stdout);
      await Deno.mkdir(sluice.path("bin"));
      await Deno.writeTextFile(
        sluice.path("bin/sluice"),
        `#!/bin/sh\nexec '${Deno.execPath()}' ${command.join(" ")} "$@"\n`,
        { mode: 0o755 },
      );
      await using shell = await open({
        script,
        installed: true,
        folder: sluice.folder.path,
        env: {
          PATH: `${sluice.path("bin")}:${Deno.env.get("PATH")}`,
          SLUICE_HOME: sluice.path("home"),
        },
      });
      const offers = await shell.offers("sluice status ");
      const bare = [...offers.keys()].map((word) => word.replace(/\/$/, ""));
      deepEqual(bare.sort(), ["1", "2", "a.ome.zarr", "b.ome.zarr", "bin", "home", "raw"]);
      if (name !== "bash") match(offers.get("1")!, /^cancelled, 0 of \d+ tasks: .*a\.ome\.zarr$/);
      const ofA = [...(await shell.offers("sluice join a")).keys()];
      deepEqual(ofA.map((word) => word.replace(/\/$/, "")), ["a.ome.zarr"]);
      const elsewhere = await offered(shell, "sluice join --ledger sqlite:none.db 1");
      deepEqual(elsewhere, [], "a ledger that is not there has no jobs, and is not made");
      deepEqual(await offered(shell, "sluice join --ledger=sqlite:home/jobs.db 1"), ["1"]);
      equal(await isThere(sluice.path("none.db")), false);
    },
  });
}

Deno.test("sluice completions --jobs asks neither a ledger elsewhere nor one that is not there", async () => {
  await using sluice = await Sluice.of();
  for (const ledger of ["postgres://nobody@db.invalid/jobs", "memory:", "sqlite:none.db"]) {
    deepEqual(await sluice.run("completions", "--jobs", "--ledger", ledger), {
      code: 0,
      stdout: "",
      stderr: "",
    });
  }
  deepEqual(await sluice.run("completions", "--jobs"), { code: 0, stdout: "", stderr: "" });
  equal(await isThere(sluice.path("home")), false);
  const { code, stderr } = await sluice.run("completions");
  equal(code, 2);
  match(stderr, /without SHELL: name one of bash, zsh, fish/);
});

Deno.test("completions are made for the shells that the command line names", () => {
  const { arguments: [shell] } = TREE.commands.find(({ name }) => name === "completions")!;
  deepEqual(shell.choices, [...completionShells.keys()]);
  deepEqual(Object.keys(shells), [...completionShells.keys()]);
});

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
