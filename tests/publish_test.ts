/** That the package can be published as it is, and holds what scripts need. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const { exports } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
const entries = Object.values<string>(exports).map((path) => path.replace("./", ""));

async function deno(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

/** Every module of the project that an entry point loads, now or later. */
async function modulesOf(entry: string): Promise<string[]> {
  const { modules } = JSON.parse((await deno("info", "--json", entry)).out) as {
    modules: { specifier: string }[];
  };
  return modules.map(({ specifier }) => specifier).filter((one) => one.startsWith("file:"))
    .map((one) => fileURLToPath(one).slice(ROOT.length));
}

Deno.test("deno publish --dry-run finds no slow type, and takes all that scripts need", async () => {
  const { code, out, err } = await deno("publish", "--dry-run", "--allow-dirty");
  const said = out + err;
  equal(code, 0, said);
  match(said, /Checking for slow types in the public API/);
  // A custom plugin is imported by the address that its user gives.
  const warnings = said.match(/^warning.*\n.*$/gm) ?? [];
  deepEqual(
    warnings.map((one) => /^warning\[(\S+)\].*\n.*\/boss\/(\S+?):/.exec(one)?.slice(1)),
    [["unanalyzable-dynamic-import", "_plugin_host.ts"]],
    said,
  );
  const files = new Set(
    [...said.matchAll(/file:\/\/(\S+) \(/g)].map(([, path]) => path.slice(ROOT.length)),
  );
  const modules = (await Promise.all(entries.map(modulesOf))).flat();
  ok(modules.length > 100);
  // Workers are modules that no import names.
  const needed = [
    ...entries,
    ...modules,
    "pool/worker.ts",
    "boss/_plugin_host.ts",
    "LICENSE",
    "README.md",
    "deno.json",
  ];
  deepEqual(needed.filter((path) => !files.has(path)), []);
  deepEqual([...files].filter((path) => /^(tests|demo|\.[^/]+)\//.test(path)), []);
});

Deno.test("deno doc --lint finds nothing in what is exported", async () => {
  const { code, out, err } = await deno("doc", "--lint", ...entries);
  equal(code, 0, out + err);
});
