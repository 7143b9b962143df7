/** What lies in a folder, byte for byte. */
import { createHash } from "node:crypto";
import { join } from "node:path";

/** SHA-256 of every file below a folder by its path; the job's own folder `.sluice` is left out. */
export async function hashTree(root: string, below = ""): Promise<Map<string, string>> {
  const hashes = new Map<string, string>();
  for await (const { name, isDirectory } of Deno.readDir(join(root, below))) {
    if (name === ".sluice") continue;
    const path = join(below, name);
    if (isDirectory) {
      for (const [inner, hash] of await hashTree(root, path)) hashes.set(inner, hash);
    } else {hashes.set(
        path,
        createHash("sha256").update(await Deno.readFile(join(root, path))).digest("hex"),
      );}
  }
  return hashes;
}

/** Paths whose files differ, or are in one of the two only. */
export function compareTrees(a: Map<string, string>, b: Map<string, string>): string[] {
  return [...new Set([...a.keys(), ...b.keys()])].filter((path) => a.get(path) !== b.get(path))
    .sort();
}
