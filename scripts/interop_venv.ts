/**
 * Makes the Python environments that hold the programs sluice is tested with and measured beside, and
 * prints where their Python is.
 *
 * ```sh
 * deno run -A scripts/interop_venv.ts [--bench] [--python python3.12]
 * ```
 *
 * An environment is made anew when its requirements changed, and left alone otherwise. Several processes
 * may ask at once: one makes it, the others wait.
 * @module
 */
import { createHash } from "node:crypto";
import { parseArgs } from "node:util";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** `interop`, `boss` and `intern` for tests, `bench`, `igneous` and `boss` for benchmarks. */
export type Environment = "interop" | "boss" | "intern" | "bench" | "igneous";

/** Where to make an environment, and with what. */
export interface EnvironmentOptions {
  /** The Python to start from. @default The first of `python3`, `python3.14` … `python3.11` that will do */
  readonly python?: string;
  /** Folder for `.venv-interop` and the others. @default The root of the project */
  readonly root?: string;
  /** Requirements to install. @default The ones in `tests/interop` */
  readonly requirements?: string;
}

const PROJECT = fileURLToPath(new URL("..", import.meta.url));
const REQUIREMENTS = {
  interop: join(PROJECT, "tests", "interop", "requirements.txt"),
  boss: join(PROJECT, "tests", "interop", "requirements-boss.txt"),
  intern: join(PROJECT, "tests", "interop", "requirements-intern.txt"),
  bench: join(PROJECT, "tests", "interop", "requirements-bench.txt"),
  igneous: join(PROJECT, "tests", "interop", "requirements-igneous.txt"),
} as const satisfies Record<Environment, string>;
const PYTHONS = ["python3", "python3.14", "python3.13", "python3.12", "python3.11"];
const PROBE = "import sys, venv, ensurepip; sys.exit(0 if sys.version_info >= (3, 11) else 3)";

/**
 * Makes sure that an environment is there.
 * @returns Path of its Python.
 * @throws {Error} If there is no Python that will do, or a package could not be installed.
 */
export async function ensureEnvironment(
  name: Environment,
  { python, root = PROJECT, requirements = REQUIREMENTS[name] }: EnvironmentOptions = {},
): Promise<string> {
  const folder = join(root, `.venv-${name}`);
  const inside = join(folder, Deno.build.os === "windows" ? "Scripts/python.exe" : "bin/python");
  await Deno.mkdir(folder, { recursive: true });
  using lock = await Deno.open(join(folder, ".lock"), { write: true, create: true });
  await lock.lock(true);
  const stamp = join(folder, ".stamp");
  const wanted = createHash("sha256").update(await Deno.readFile(requirements)).digest("hex");
  if (await readIfThere(stamp) === wanted && await runs([inside, "--version"])) return inside;
  const outside = await findPython(python);
  for await (const { name } of Deno.readDir(folder)) {
    if (name !== ".lock") await Deno.remove(join(folder, name), { recursive: true });
  }
  await Deno.writeTextFile(join(folder, ".gitignore"), "*\n");
  await run([outside, "-m", "venv", folder]);
  // The lists are whole, so nothing is left for pip to work out.
  const pip = [
    inside,
    "-m",
    "pip",
    "install",
    "--no-deps",
    "--no-compile",
    "--no-input",
    "--quiet",
  ];
  await run([...pip, "--disable-pip-version-check", "--requirement", requirements]);
  await Deno.writeTextFile(stamp, wanted);
  return inside;
}

async function findPython(named?: string): Promise<string> {
  for (const python of named === undefined ? PYTHONS : [named]) {
    if (await runs([python, "-c", PROBE])) return python;
  }
  throw new Error(
    `Cannot use ${
      named === undefined ? "any Python" : `"${named}"`
    } as the start of an environment: ` +
      `none found that is 3.11 or newer and has venv; install python3 and python3-venv, ` +
      `or name another with --python`,
  );
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function runs([command, ...args]: string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(command, { args, stdout: "null", stderr: "null" }).output())
      .success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** What a program prints goes to standard error, so that standard output holds paths alone. */
async function run([command, ...args]: string[]) {
  const { success, code, stdout, stderr } = await new Deno.Command(command, { args }).output();
  if (success) return;
  await Deno.stderr.write(stdout);
  await Deno.stderr.write(stderr);
  throw new Error(
    `Cannot run "${
      [command, ...args].join(" ")
    }" as a step of the environment: exit code is ${code}; ` +
      `see what it printed above`,
  );
}

if (import.meta.main) {
  const { values } = parseArgs({
    args: Deno.args,
    options: { bench: { type: "boolean", default: false }, python: { type: "string" } },
  });
  try {
    const options = { python: values.python };
    console.log(await ensureEnvironment("interop", options));
    console.log(await ensureEnvironment("boss", options));
    console.log(await ensureEnvironment("intern", options));
    if (values.bench) console.log(await ensureEnvironment("bench", options));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(1);
  }
}
