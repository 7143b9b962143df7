/**
 * `sluice plugins`.
 * @module
 */
import { type ListedPlugin, listPlugins, type PluginParameter } from "../../tasks/list_plugins.ts";
import { type Context, EXIT } from "../command.ts";
import type { Call } from "../parse.ts";

/** Lists the classes that a configuration may name. */
export async function run(_call: Call, { output }: Context): Promise<number> {
  const plugins = await listPlugins();
  output.report({ plugins }, () => describe(plugins));
  return EXIT.done;
}

function describe(plugins: readonly ListedPlugin[]): string {
  const lines: string[] = [];
  for (const kind of ["path", "tile", "chunk"] as const) {
    lines.push(`client.${kind}_processor`);
    for (const { className, params } of plugins.filter((one) => one.kind === kind)) {
      lines.push(`  ${className}`);
      if (params.length > 0) lines.push(`    ${params.map(describeParameter).join("; ")}`);
    }
    lines.push("");
  }
  lines.push(
    "What stands in brackets may be left away. A plugin of your own: sluice plugins new NAME",
  );
  return lines.join("\n");
}

function describeParameter({ name, type, optional }: PluginParameter): string {
  const text = type === "any" || type === "text" ? name : `${name}: ${type}`;
  return optional ? `[${text}]` : text;
}
