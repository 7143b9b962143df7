/**
 * `sluice plugins test`; a file whose name ends with `_test` would be taken for a test of this program.
 * @module
 */
import type { JsonObject } from "../../boss/config.ts";
import type { BossIndex } from "../../boss/plugin.ts";
import { type PluginTest, testPlugin } from "../../tasks/test_plugin.ts";
import { grantsOf } from "../_plugin_flags.ts";
import { type Context, EXIT, InterruptedError } from "../command.ts";
import { Interrupts } from "../interrupts.ts";
import { valueOf } from "../job_options.ts";
import { type Call, CallError } from "../parse.ts";
import { parseCount } from "../values.ts";

const NAME = "plugins test";

/** Runs plugins for sample tiles or chunks. */
export async function run({ words, flags }: Call, { output }: Context): Promise<number> {
  const plugin = words.get("plugin")![0];
  const index: { -readonly [axis in keyof BossIndex]?: number } = {};
  for (const axis of ["x", "y", "z", "t"] as const) {
    const text = valueOf(flags, axis);
    if (text !== undefined) index[axis] = parseCount(axis, text, 0);
  }
  const ofClass = ["kind", "params", "path", "size"].find((name) => flags.has(name));
  if (ofClass !== undefined && !plugin.includes("#")) {
    throw new CallError(
      `Cannot use --${ofClass} with a configuration: it says all of that itself; leave it away, or name a class as ./my_plugin.ts#MyPlugin`,
      NAME,
    );
  }
  const seconds = valueOf(flags, "seconds");
  using interrupts = new Interrupts((text) => output.note(text));
  const { signal } = interrupts;
  const found = await testPlugin(plugin, {
    ...(Object.keys(index).length === 0 ? {} : { index }),
    kind: valueOf(flags, "kind") as "path" | "tile" | "chunk" | undefined,
    params: readParams(valueOf(flags, "params")),
    path: valueOf(flags, "path"),
    size: valueOf(flags, "size")?.split("x").map((side) => parseCount("size", side)),
    ...(seconds === undefined ? {} : { seconds: parseCount("seconds", seconds) }),
    grants: grantsOf(flags),
    signal,
  }).catch((error) => {
    throw signal.aborted ? new InterruptedError("Stopped") : error;
  });
  const exitCode = found.isSound ? EXIT.done : EXIT.failed;
  output.report({ ...found, exitCode }, () => describe(found));
  return exitCode;
}

function readParams(text: string | undefined): JsonObject | undefined {
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch {
    // What stands in it may be a secret, and the parser would repeat it.
  }
  throw new CallError(
    `Cannot use --params: it is no JSON object; write it as '{"root_dir": "/data"}'`,
    NAME,
  );
}

function describe({ samples }: PluginTest): string {
  return samples.map(({ index: { x, y, z, t }, paths, place, state, said }) =>
    [
      `x ${x} y ${y} z ${z} t ${t}: ${state}`,
      ...paths.filter((path) => path !== "").map((path) => `  path   ${path}`),
      ...(place === "" || paths.includes(place) ? [] : [`  place  ${place}`]),
      `  found  ${said}`,
    ].join("\n")
  ).join("\n");
}
