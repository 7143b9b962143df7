/**
 * The program as plain JavaScript in one folder, which runs without the tree, a cache of packages or a network.
 * @module
 */
import { createRequire } from "node:module";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { type Build, BUILD_FILE } from "../cli/version.ts";
import { run } from "./_run.ts";

/** Root of the tree. */
export const ROOT: string = fileURLToPath(new URL("..", import.meta.url));

/** A package from npm that is part of the bundle. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** Where it lies unpacked. */
  readonly localPath: string;
}

/** Where the program starts. */
export const ENTRY = "cli.ts";

/** Looked for by the program, and done without. */
const OPTIONAL: readonly string[] = [`./${BUILD_FILE}`, "../.git/"];

interface Graph {
  readonly modules: readonly {
    readonly kind: string;
    readonly local?: string;
    readonly npmPackage?: string;
  }[];
  readonly npmPackages: Readonly<
    Record<string, NpmPackage & { readonly dependencies: readonly string[] }>
  >;
}

/** A path or package that a module names by `import.meta`. */
interface Reference {
  /** As it is written, such as `./worker.ts`. */
  readonly written: string;
  /** The module or file it means, as a path. */
  readonly means: string;
}

const BY_URL = /new URL\(\s*"(\.[^"]+)",\s*import\.meta\.url,?\s*\)/g;
const BY_RESOLVE = /import\.meta\.resolve\(\s*"([^"]+)",?\s*\)/g;
/** What Emscripten remembers to find its WebAssembly by, which h5wasm holds in itself. */
const UNUSED = /\bvar _scriptName = import\.meta\.url;/g;
const BY_IMPORT = /\bimport\("(\.[^"]+)"\)/g;
/** How `deno bundle` gives `require` to CommonJS: by a module that every command would load first. */
const REQUIRE =
  /import \{ createRequire as (\w+) \} from "node:module";\s*var __require = \1\(import\.meta\.url\);/;

/**
 * Bundles the program.
 * @param folder A new folder for it; `cli.js` in it starts it.
 * @param build What it says of itself.
 * @returns The packages that are part of it, by name.
 * @throws {Error} If a module names something by `import.meta` that would not be found beside the bundle.
 */
export async function bundle(folder: string, build: Build): Promise<readonly NpmPackage[]> {
  const entries = [ENTRY];
  const references = new Map<string, string>();
  const packages = new Map<string, NpmPackage>();
  for (const entry of entries) {
    const graph = await graphOf(entry);
    for (const one of packagesOf(graph)) packages.set(`${one.name}@${one.version}`, one);
    for (const { written, means } of await referencesOf(graph)) {
      if ((references.get(written) ?? means) !== means) {
        throw new Error(
          `Cannot bundle "${written}" as it means both "${means}" and "${
            references.get(written)
          }": rename one`,
        );
      }
      references.set(written, means);
      const own = relative(ROOT, means);
      if (own.endsWith(".ts") && !entries.includes(own)) entries.push(own);
    }
  }
  await run(["deno", "bundle", "--code-splitting", "--outdir", folder, ...entries], { cwd: ROOT });
  const bundled = new Map<string, string>();
  for (const [written, means] of references) {
    const own = relative(ROOT, means);
    const name = own.endsWith(".ts") ? own.replace(/\.ts$/, ".js") : basename(means);
    if (name === basename(means)) await Deno.copyFile(means, join(folder, name));
    bundled.set(written, name);
  }
  await Deno.writeTextFile(join(folder, BUILD_FILE), `${JSON.stringify(build)}\n`);
  const files = await filesBelow(folder);
  for (const name of files) if (name.endsWith(".js")) await settle(folder, name, files, bundled);
  return [...packages.values()].sort((a, b) => a.name < b.name ? -1 : 1);
}

/** Files below a folder, by path, in order. */
export async function filesBelow(folder: string, below = ""): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(join(folder, below))) {
    const path = join(below, name);
    names.push(...(isDirectory ? await filesBelow(folder, path) : [path]));
  }
  return names.sort();
}

async function graphOf(entry: string): Promise<Graph> {
  return JSON.parse(await run(["deno", "info", "--json", entry], { cwd: ROOT }));
}

function packagesOf({ modules, npmPackages }: Graph): NpmPackage[] {
  const names = modules.flatMap(({ npmPackage }) => npmPackage ?? []);
  for (const name of names) {
    names.push(...npmPackages[name].dependencies.filter((one) => !names.includes(one)));
  }
  return names.map((name) => npmPackages[name]);
}

/** What the modules of the tree name by `import.meta`, and do not import. */
async function referencesOf({ modules, npmPackages }: Graph): Promise<Reference[]> {
  const found: Reference[] = [];
  for (const { kind, local } of modules) {
    if (kind !== "esm" || local === undefined || !local.startsWith(ROOT)) continue;
    const text = await Deno.readTextFile(local);
    for (const [, written] of text.matchAll(BY_URL)) {
      if (OPTIONAL.includes(written)) continue;
      found.push({ written, means: join(dirname(local), written) });
    }
    for (const [, written] of text.matchAll(BY_RESOLVE)) {
      const [, id, name, path] = /^npm:((@?[^@]+)@[^/]+)(\/.*)$/.exec(written) ?? [];
      if (id === undefined) throw new Error(`Cannot bundle "${written}", of "${local}"`);
      const { resolve } = createRequire(join(npmPackages[id].localPath, "package.json"));
      found.push({ written, means: resolve(name + path) });
    }
  }
  return found;
}

/** Makes one file of the bundle find what lies beside it, and load nothing before it is used. */
async function settle(
  folder: string,
  name: string,
  files: readonly string[],
  bundled: ReadonlyMap<string, string>,
): Promise<void> {
  const path = join(folder, name);
  const text = await Deno.readTextFile(path);
  const beside = (written: string) => {
    const file = bundled.get(written);
    return file === undefined ? written : `./${relative(dirname(name), file)}`;
  };
  const settled = text
    .replace(BY_URL, (_, written) => `new URL("${beside(written)}", import.meta.url)`)
    .replace(BY_RESOLVE, (_, written) => `import.meta.resolve("${beside(written)}")`)
    .replace(REQUIRE, "var __require = (name) => process.getBuiltinModule(name);")
    // Deno reads and parses all that it sees a module may import; of a sum it sees nothing.
    .replace(BY_IMPORT, (_, written) => `import((0, "${written}"))`);
  const isThere = (whole: string, written: string) =>
    OPTIONAL.includes(written) || files.includes(join(dirname(name), written)) ? "" : whole;
  const [lost] = settled.replace(BY_URL, isThere).replace(BY_RESOLVE, isThere)
    .replace(UNUSED, "").match(/import\.meta\b(?!\.main\b).{0,80}/) ?? [];
  if (lost !== undefined) {
    throw new Error(`Cannot bundle "${lost}" of ${name}: there is no such file beside the bundle`);
  }
  // CommonJS, too, may ask where it lies.
  const places = ["dirname", "filename"].filter((place) => settled.includes(`__${place}`))
    .map((place) => `const __${place} = import.meta.${place};\n`);
  await Deno.writeTextFile(path, places.join("") + settled);
}
