/**
 * Scripts that are copied out of the tree, as people copy them.
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ServedTree } from "./_served_tree.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const { name, version } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));

/** What the examples import: what deno.json publishes. */
export const PACKAGE = `jsr:${name}@${version}`;

/** What came of a run. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** One script in a folder that holds nothing else of the project. */
export class CopiedScript {
  private constructor(
    readonly name: string,
    readonly folder: string,
    /** What its head says to run it with. */
    readonly flags: readonly string[],
    /** And the words behind its name. */
    readonly words: readonly string[],
    readonly tree: ServedTree,
    readonly denoDir: string,
  ) {}

  /**
   * Copies a script, with the one import it has pointed to the served tree.
   * @param denoDir A cache that is empty but for npm packages.
   */
  static async into(
    folder: string,
    script: string,
    { tree, denoDir }: { tree: ServedTree; denoDir: string },
  ): Promise<CopiedScript> {
    const text = await Deno.readTextFile(join(ROOT, "scripts/examples", script));
    const head = text.slice(0, text.indexOf("*/"));
    const [, flags, words] = new RegExp(`^ \\* deno run (.*)\\b${script}(.*)$`, "m").exec(head)!;
    const imports = text.split(`"${PACKAGE}"`);
    if (imports.length !== 2 || /\bfrom "(?!jsr:)|import\(/.test(text)) {
      throw new Error(`${script} must import "${PACKAGE}" once, and nothing else`);
    }
    if (!head.includes("add `--allow-import=HOST`")) {
      throw new Error(`${script} must say what it takes to import from a host of one's own`);
    }
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(join(folder, script), imports.join(`"${tree.url("mod.ts")}"`));
    return new CopiedScript(
      script,
      folder,
      // What the head says where a host of one's own serves sluice.
      [`--allow-import=${tree.host}`, ...flags.trim().split(" ")],
      words.trim() === "" ? [] : words.trim().split(" "),
      tree,
      denoDir,
    );
  }

  /** Runs it with the flags of its head and no others, unless told. */
  async run(
    { flags = this.flags }: { flags?: readonly string[]; words?: string[] } = {},
  ): Promise<Ran> {
    return await runDeno(["run", ...flags, this.name, ...this.words], this);
  }
}

/** Runs Deno in a folder without a configuration above it, with a cache of its own. */
export async function runDeno(
  args: readonly string[],
  { folder, denoDir }: { folder: string; denoDir: string },
): Promise<Ran> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: folder,
    env: { DENO_DIR: denoDir, NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

/** Makes a cache that holds the npm packages this process can have, and no module of any URL. */
export async function makeDenoDir(path: string): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const { npmCache } = JSON.parse(new TextDecoder().decode(stdout)) as { npmCache: string };
  await Deno.mkdir(npmCache, { recursive: true });
  await Deno.mkdir(path, { recursive: true });
  await Deno.symlink(npmCache, join(path, "npm"));
  return path;
}
