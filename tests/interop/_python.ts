/** Programs that others wrote, by the Python that holds them. */
import { ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";

/** The Python to run them with; undefined where there is none: then what needs it is left out. */
export const python = findThere(
  Deno.env.get("SLUICE_PYTHON") ??
    fileURLToPath(new URL("../../.venv-interop/bin/python", import.meta.url)),
  "Python with the peers; run scripts/interop_venv.ts, or set SLUICE_PYTHON",
);

/** A path if something is there; else a warning of what is left out. */
export function findThere(path: string, what: string): string | undefined {
  try {
    Deno.statSync(path);
    return path;
  } catch {
    console.warn(`Left out what needs it: there is no ${what} (${path})`);
    return undefined;
  }
}

/** Runs a script of this folder. @returns What it printed. @throws If it failed, with what it said. */
export function runPython(script: string, ...args: string[]): Promise<string> {
  return runPythonWith({}, script, ...args);
}

/** The same with more in its environment. */
export async function runPythonWith(
  env: Readonly<Record<string, string>>,
  script: string,
  ...args: string[]
): Promise<string> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const { success, stdout, stderr } = await new Deno.Command(python!, {
    args: [path, ...args],
    env: { ...env },
  }).output();
  ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).trim();
}
