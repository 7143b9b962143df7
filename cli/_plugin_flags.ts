/**
 * The flags that grant custom plugins of a Boss configuration more than reading below their source root.
 * @module
 */
import type { PluginGrants } from "../boss/custom_plugin.ts";
import type { Flag } from "./command.ts";

const GROUP = "Plugins of your own";

/** What they may do. */
export const GRANT_FLAGS: readonly Flag[] = [
  {
    name: "grant-net",
    value: "HOST",
    many: true,
    help: "A host that they may reach, and import modules from; HOST:PORT for one port; repeatable",
    default: "none",
    group: GROUP,
  },
  {
    name: "grant-read",
    value: "DIR",
    many: true,
    help: "A folder that they may read below, beside root_dir of their parameters; repeatable",
    default: "none",
    group: GROUP,
    completes: "folder",
  },
];

/** What is granted. */
export function grantsOf(flags: ReadonlyMap<string, string | true>): PluginGrants {
  const list = (name: string) => {
    const text = flags.get(name);
    return typeof text === "string" ? text.split("\n") : [];
  };
  return { net: list("grant-net"), read: list("grant-read") };
}
