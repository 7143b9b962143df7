/** What an executable of this tree would be made of. */
import { join } from "node:path";
import { bundle } from "../../scripts/_bundle.ts";
import type { Parts } from "../../scripts/_sbom.ts";

/** Bundles the tree into a folder to find its packages. */
export async function partsOfTree(folder: string): Promise<Parts> {
  const { deno, v8, typescript } = Deno.version;
  const runtime = { deno, v8, typescript, platform: "linux-x86_64", sha256: "ab".repeat(32) };
  const packages = await bundle(join(folder, "bundle"), {});
  return { version: "1.2.3", commit: "c0ffee", sha256: "cd".repeat(32), runtime, packages };
}
