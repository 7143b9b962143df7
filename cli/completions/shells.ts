/**
 * The shells that completion scripts are made for.
 * @module
 */
import type { CommandTree } from "../parse.ts";

/** What writes the script of a shell, by its name. */
export const completionShells: ReadonlyMap<
  string,
  () => Promise<(tree: CommandTree) => string>
> = new Map([
  ["bash", async () => (await import("./bash.ts")).bashCompletions],
  ["zsh", async () => (await import("./zsh.ts")).zshCompletions],
  ["fish", async () => (await import("./fish.ts")).fishCompletions],
]);
