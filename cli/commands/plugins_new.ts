/**
 * `sluice plugins new`.
 * @module
 */
import { basename, dirname } from "node:path";
import { newPlugin } from "../../tasks/new_plugin.ts";
import { type Context, EXIT } from "../command.ts";
import { valueOf } from "../job_options.ts";
import type { Call } from "../parse.ts";
import { quote } from "../text.ts";

const PARAMS = { path: '{"root_dir": "/data"}', tile: "{}", chunk: '{"root_dir": "/data"}' };

/** Writes a plugin and its test. */
export async function run({ words, flags }: Call, { output }: Context): Promise<number> {
  const made = await newPlugin(words.get("name")![0], {
    kind: valueOf(flags, "kind") as "path" | "tile" | "chunk" | undefined,
    folder: valueOf(flags, "output"),
  });
  const { kind, module, test, className } = made;
  const folder = dirname(module);
  const way = kind === "tile" ? "--path FILE" : `--params '${PARAMS[kind]}'`;
  output.report({ ...made, exitCode: EXIT.done }, () =>
    [
      `Wrote ${quote(module)} and ${quote(test)}`,
      `Test it:   deno test --allow-read --allow-write ${quote(test)}`,
      `Try it:    sluice plugins test ${
        quote(
          `${folder === "." ? "." : folder}/${basename(module)}${
            className.slice(className.indexOf("#"))
          }`,
        )
      } --kind ${kind} ${way}`,
      `Use it, in a configuration in the same folder:`,
      `  "${kind}_processor": {"class": "${className}", "params": ${PARAMS[kind]}}`,
    ].join("\n"));
  return EXIT.done;
}
