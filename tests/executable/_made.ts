/**
 * The executable, made once for all tests of this folder: making it takes seconds.
 * @module
 */
import { join } from "node:path";
import { type AloneOptions, bareFolder, namesIn, runAlone } from "../../scripts/_executable.ts";
import type { Outcome } from "../../scripts/_process.ts";
import { compile } from "../../scripts/compile.ts";

/** A folder that everybody may enter, with the executable in it. */
class Made implements AsyncDisposable {
  #folders = 0;
  #used: Promise<string> | undefined;

  private constructor(
    readonly folder: string,
    readonly path: string,
    /** Name of the folder that it unpacks into. */
    readonly unpacks: string,
    /** Folder of the programs that it needs. */
    readonly bin: string,
  ) {}

  /** Makes the executable. */
  static async make(): Promise<Made> {
    const folder = await Deno.makeTempDir({ prefix: "sluice-executable-" });
    await Deno.chmod(folder, 0o755);
    const { path, unpacks } = await compile({ folder, selfUnpacking: true });
    return new Made(folder, path, unpacks!, await bareFolder(join(folder, "bin")));
  }

  /** A new folder. */
  async place(mode = 0o755): Promise<string> {
    const folder = join(this.folder, `place${++this.#folders}`);
    await Deno.mkdir(folder);
    await Deno.chmod(folder, mode);
    return folder;
  }

  /** Runs it with an empty environment but for the few programs that it needs. */
  run(
    args: readonly string[],
    { env, ...options }: AloneOptions = {},
  ): Promise<Outcome> {
    return runAlone([this.path, ...args], { ...options, env: { PATH: this.bin, ...env } });
  }

  /** A cache that is made once, for runs that leave it alone. */
  used(): Promise<string> {
    return this.#used ??= this.cache();
  }

  /** A cache of its own that a first run has made. */
  async cache(): Promise<string> {
    const cache = await this.place();
    const { code, stderr } = await this.run(["--version"], { env: { SLUICE_CACHE: cache } });
    if (code !== 0) throw new Error(stderr);
    return cache;
  }

  /** Whether a folder holds what the executable unpacks, and nothing else. */
  async isWhole(cache: string): Promise<boolean> {
    const names = await namesIn(cache);
    const files = await namesIn(join(cache, this.unpacks));
    return names.join() === this.unpacks && files.includes("deno") && files.includes("cli.js");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

let made: Made | undefined;
Deno.test.beforeAll(async () => {
  made = await Made.make();
});
Deno.test.afterAll(() => made?.[Symbol.asyncDispose]());

/** The executable that the tests share. */
export function shared(): Made {
  if (made === undefined) throw new Error("The executable could not be made");
  return made;
}

/** What a run says that cannot unpack: one line. @returns The folder that it names, and what is wrong with it. */
export function refusal(stderr: string): readonly string[] {
  const said =
    /^sluice: Cannot unpack itself into "(.*)": it (.*); set SLUICE_CACHE to a folder of your own where programs may run, with \d+ MiB free\n$/
      .exec(stderr);
  return said?.slice(1) ?? [stderr];
}
