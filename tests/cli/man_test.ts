/** Manual pages, as they are written and as the formatters that are installed show them. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { EXIT } from "../../cli/command.ts";
import { TREE } from "../../cli/commands.ts";
import { wordsOf } from "../../cli/help.ts";
import { manualName, manualPage } from "../../cli/man.ts";
import { ENVIRONMENT } from "../../cli/manual.ts";
import { has } from "./_shells.ts";
import { command, Sluice } from "./_sluice.ts";

const pages = [undefined, ...TREE.commands].map((command) => ({
  name: manualName(command),
  command,
  page: manualPage(TREE, command),
}));

/** Gives a page to a program; what it says on both of its outputs. */
async function feed(page: string, [program, ...args]: readonly string[]): Promise<string> {
  const process = new Deno.Command(program, {
    args: [...args],
    env: { LC_ALL: "C.UTF-8", MANWIDTH: "1000" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(page));
  await writer.close();
  const { stdout, stderr } = await process.output();
  return new TextDecoder().decode(stderr) + new TextDecoder().decode(stdout);
}

const SECTIONS = [
  "NAME",
  "SYNOPSIS",
  "DESCRIPTION",
  "COMMANDS",
  "ARGUMENTS",
  "FLAGS",
  "EXAMPLES",
  "EXIT STATUS",
  "ENVIRONMENT",
  "FILES",
  "SEE ALSO",
];

Deno.test("manual pages have their sections in the usual order", () => {
  for (const { name, command, page } of pages) {
    const found = [...page.matchAll(/^\.SH "?([^"\n]*)"?$/gm)].map(([, title]) => title);
    const wanted = SECTIONS.filter((title) =>
      title === "COMMANDS"
        ? command === undefined
        : title === "ARGUMENTS"
        ? command !== undefined && wordsOf(command).length > 0
        : true
    );
    deepEqual(found, wanted, name);
  }
});

const linters = [
  { program: "groff", words: ["groff", "-ww", "-man", "-Tutf8", "-z"] },
  { program: "man", words: ["man", "--warnings", "-l", "-"], isFormatter: true },
  // No page has a date: the same version gives the same bytes.
  {
    program: "mandoc",
    words: ["mandoc", "-Tlint"],
    says: /^mandoc: <stdin>:1:\d+: WARNING: missing date, using "": TH\n$/,
  },
];
for (const { program, words, isFormatter, says = /^$/ } of linters) {
  const ignore = !has(program);
  Deno.test({
    name: `${program} has nothing to say of any manual page${
      ignore ? " (skipped: not installed)" : ""
    }`,
    ignore,
    async fn() {
      for (const { name, page } of pages) {
        const said = await feed(page, words);
        if (isFormatter) ok(!/warning|error/i.test(said.split("\n")[0]), `${name}: ${said}`);
        else match(said, says, name);
      }
    },
  });
}

const formatters = [
  { program: "groff", words: ["groff", "-man", "-Tutf8", "-P-c", "-P-b", "-P-u", "-rLL=1000n"] },
  { program: "mandoc", words: ["mandoc", "-Tutf8", "-Owidth=1000"] },
];
/** As a reader sees it: without overstriking, and with the dash that some devices draw as a minus. */
async function render(page: string, words: readonly string[]): Promise<string> {
  // deno-lint-ignore no-control-regex
  return (await feed(page, words)).replace(/.\x08/g, "").replaceAll("\u2212", "-");
}

const ODD = 'it\'s "odd" `x` \\n .TH ^ ~ - -- … é <z:4> $HOME %s';
for (const { program, words } of formatters) {
  const ignore = !has(program);
  Deno.test({
    name: `${program} shows flags, examples and odd text as they are typed${
      ignore ? " (skipped: not installed)" : ""
    }`,
    ignore,
    async fn() {
      for (const { name, command, page } of pages) {
        const shown = await render(page, words);
        for (const flag of [...command?.flags ?? [], ...TREE.everywhere]) {
          ok(shown.includes(`--${flag.name}`), `${name}: --${flag.name}`);
        }
        for (const { line } of (command ?? TREE.commands[0]).examples) {
          ok(shown.includes(` ${line}\n`), `${name}: ${line}`);
        }
        for (const code of Object.values(EXIT)) match(shown, new RegExp(`^ +${code} +\\S`, "m"));
      }
      const [plan] = TREE.commands.filter(({ name }) => name === "plan");
      const odd = { ...plan, details: [ODD, ".SH is no heading", "'nor is this"] };
      const shown = await render(manualPage(TREE, odd), words);
      for (const text of odd.details) ok(shown.includes(text.replace("…", "...")), shown);
    },
  });
}

Deno.test("sluice man prints a page, and writes all of them", async () => {
  await using sluice = await Sluice.of();
  const { code, stdout } = await sluice.run("man", "ingest");
  deepEqual([code, stdout], [0, pages.find(({ name }) => name === "sluice-ingest")!.page]);
  equal((await sluice.run("man")).stdout, pages[0].page);

  const written = await sluice.json("man", "--output", "share/man1");
  equal(written.code, 0);
  const folder = sluice.path("share/man1");
  const files = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
  deepEqual(files.sort(), pages.map(({ name }) => `${name}.1`).sort());
  equal(written.document.files.length, files.length);
  for (const { name, page } of pages) {
    equal(await Deno.readTextFile(`${folder}/${name}.1`), page);
  }
  const unknown = await sluice.run("man", "ingset");
  equal(unknown.code, 2);
  match(unknown.stderr, /did you mean "sluice ingest"\?\n$/);
  const blocked = await sluice.run("man", "--output", "/dev/null/man1");
  equal(blocked.code, 1);
  match(blocked.stderr, /Cannot write manual pages to "\/dev\/null\/man1": .*--output/);
});

Deno.test("manual pages name every variable that sluice may read", () => {
  const allowed = command.find((word) => word.startsWith("--allow-env="))!
    .replace("--allow-env=", "").split(",");
  // Colours are decided by the runtime, which needs no leave to read this one.
  deepEqual(
    ENVIRONMENT.map(({ name }) => name).sort(),
    [...allowed, "NO_COLOR"].sort(),
    "cli/manual.ts and the permissions of deno task sluice name different variables",
  );
});
