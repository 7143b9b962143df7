/**
 * Makes sluice one executable file, which needs neither Deno nor Node nor a network where it runs.
 *
 * deno task compile [--self-unpacking] [--runtime PATH]
 *
 * `dist/sluice-VERSION-PLATFORM` comes from `deno compile` where its base can be fetched. Otherwise, or if asked, it is
 * a shell script that unpacks the runtime and the program on its first run. Beside it are its parts (CycloneDX) and
 * the SHA-256 sums of both.
 */
import { createHash } from "node:crypto";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Build } from "../cli/version.ts";
import { VERSION } from "../core/version.ts";
import { bundle, ROOT } from "./_bundle.ts";
import { run } from "./_run.ts";
import { listParts, type Runtime } from "./_sbom.ts";
import { writeSelfUnpacking } from "./_self_unpacking.ts";

/** How an executable is made. */
export interface CompileOptions {
  /** Folder for it. @default `dist` in the tree */
  readonly folder?: string;
  /** Do not try `deno compile`. @default false */
  readonly selfUnpacking?: boolean;
  /** The Deno to put into one that unpacks itself. @default The one that runs this */
  readonly runtime?: string;
  /** What is going on. @default Nobody is told */
  readonly say?: (text: string) => void;
}

/** What was made. */
export interface Executable {
  readonly path: string;
  /** Folder that it unpacks into, below its cache; absent if it does not. */
  readonly unpacks?: string;
}

/** The flags that `deno run` is documented to need with the network: the task `sluice:net` of deno.json says them. */
export async function programFlags(): Promise<string[]> {
  const { tasks } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
  const words = (tasks["sluice:net"] as string).split(" ");
  // Whatever is made says that one for itself.
  const flags = words.slice(2, -1).filter((flag) => flag !== "--no-prompt");
  if (
    words[0] !== "deno" || words.at(-1) !== "cli.ts" ||
    !flags.every((flag) => /^--[\w=,.:*/-]+$/.test(flag))
  ) {
    throw new Error(
      `Cannot take flags from the task "sluice:net" of deno.json: it is "${tasks["sluice:net"]}"`,
    );
  }
  return flags;
}

/** Makes the executable, runs it, and writes what belongs beside it. */
export async function compile({
  folder = join(ROOT, "dist"),
  selfUnpacking = false,
  runtime: runtimePath,
  say = () => {},
}: CompileOptions = {}): Promise<Executable> {
  await Deno.mkdir(folder, { recursive: true });
  const work = await Deno.makeTempDir({ dir: folder, prefix: ".build-" });
  try {
    const build = await buildOf();
    const packages = await bundle(join(work, "bundle"), build);
    const runtime = await askRuntime(runtimePath ?? Deno.execPath());
    const name = `sluice-${VERSION}-${runtime.platform}`;
    const made = join(work, name);
    const flags = await programFlags();
    const isCompiled = !selfUnpacking && runtimePath === undefined &&
      await denoCompile(made, join(work, "bundle"), flags, say);
    const unpacks = isCompiled ? undefined : await writeSelfUnpacking(made, {
      bundle: join(work, "bundle"),
      runtime: runtimePath ?? Deno.execPath(),
      flags,
      version: VERSION,
    });
    await tryOut(made, work, build);
    const [path, partsPath] = [join(folder, name), join(folder, `${name}.cdx.json`)];
    const sha256 = await sha256Of(made);
    const { sha256: runtimeSha256, ...ran } = runtime;
    const parts = await listParts({
      version: VERSION,
      commit: build.commit,
      sha256,
      runtime: isCompiled ? ran : { ...ran, sha256: runtimeSha256 },
      packages,
    });
    await Deno.writeTextFile(partsPath, parts);
    await Deno.writeTextFile(
      join(folder, `${name}.sha256`),
      `${sha256}  ${name}\n${await sha256Of(partsPath)}  ${name}.cdx.json\n`,
    );
    await Deno.rename(made, path);
    return { path, ...(unpacks === undefined ? {} : { unpacks }) };
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

async function buildOf(): Promise<Build> {
  try {
    const commit = (await run(["git", "rev-parse", "HEAD"], { cwd: ROOT })).trim();
    const changes = await run(["git", "status", "--porcelain"], { cwd: ROOT });
    return { commit, ...(changes === "" ? {} : { modified: true }) };
  } catch {
    return {};
  }
}

async function askRuntime(path: string): Promise<Runtime> {
  const question =
    "console.log(JSON.stringify({ ...Deno.version, platform: `${Deno.build.os}-${Deno.build.arch}` }))";
  return {
    ...JSON.parse(await run([path, "eval", "--no-config", question])),
    sha256: await sha256Of(path),
  };
}

/** Uses `deno compile`, whose base may have to be fetched. @returns Whether that could be done. */
export async function denoCompile(
  path: string,
  bundle: string,
  flags: readonly string[],
  say: (text: string) => void,
): Promise<boolean> {
  say("Using deno compile, which may fetch its base");
  try {
    await run(
      [
        "deno",
        "compile",
        "--no-config",
        "--no-lock",
        "--cached-only",
        "--no-prompt",
        ...flags,
        "--include",
        ".",
        "--output",
        path,
        "cli.js",
      ],
      { cwd: bundle },
    );
    return true;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const cause = error.message.split("\n").findLast((line) => /^\s*\d+: (?!<unknown>)/.test(line));
    say(
      `deno compile cannot be used here (${
        cause?.replace(/^\s*\d+: /, "") ?? error.message.split("\n")[0]
      }); making an executable that unpacks itself instead`,
    );
    return false;
  }
}

/** Runs what was made, once, from an empty cache. */
async function tryOut(path: string, work: string, build: Build): Promise<void> {
  const { stdout, stderr } = await new Deno.Command(path, {
    args: ["--version", "--json"],
    env: { SLUICE_CACHE: join(work, "cache") },
    stdin: "null",
  }).output();
  const said = new TextDecoder().decode(stdout);
  const report = said.startsWith("{") ? JSON.parse(said) : {};
  if (report.sluice === VERSION && report.commit === build.commit) return;
  throw new Error(
    `Cannot use "${path}" as it does not answer as sluice ${VERSION}: it says "${said}${
      new TextDecoder().decode(stderr)
    }"`,
  );
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of (await Deno.open(path)).readable) hash.update(piece);
  return hash.digest("hex");
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { "self-unpacking": { type: "boolean" }, runtime: { type: "string" } },
  });
  const { path, unpacks } = await compile({
    selfUnpacking: values["self-unpacking"],
    runtime: values.runtime === undefined ? undefined : resolve(values.runtime),
    say: console.log,
  });
  const { size } = await Deno.stat(path);
  const kind = unpacks === undefined ? "by deno compile" : `which unpacks into ${unpacks}`;
  console.log(`${relative(Deno.cwd(), path)}: ${(size / 1e6).toFixed(1)} MB, ${kind}`);
}
