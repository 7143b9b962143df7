/**
 * An executable that unpacks itself: a shell script, and after its last line an archive of the runtime and the program.
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { packTar } from "npm:modern-tar@0.8.6";
import { filesBelow, ROOT } from "./_bundle.ts";

/** What goes into the executable. */
export interface Contents {
  /** Folder of the bundled program. */
  readonly bundle: string;
  /** The Deno that runs it. */
  readonly runtime: string;
  /** Permissions and the like. */
  readonly flags: readonly string[];
  readonly version: string;
}

/**
 * Writes the executable. The same contents give the same bytes.
 * @returns The name of the folder that it unpacks into, below its cache.
 */
export async function writeSelfUnpacking(path: string, contents: Contents): Promise<string> {
  const { bundle, runtime, flags, version } = contents;
  const names = await filesBelow(bundle);
  const files = [
    { name: "deno", mode: 0o755, body: await Deno.readFile(runtime) },
    ...await Promise.all(
      names.map(async (name) => ({
        name,
        mode: 0o644,
        body: await Deno.readFile(join(bundle, name)),
      })),
    ),
  ];
  const folders = [...new Set(names.map((name) => name.split("/").slice(0, -1).join("/")))];
  const archive = await packTar([
    ...folders.filter((name) => name !== "").map((name) => ({
      header: {
        name: `${name}/`,
        type: "directory" as const,
        size: 0,
        mode: 0o755,
        mtime: new Date(0),
      },
    })),
    ...files.map(({ name, mode, body }) => ({
      header: { name, mode, size: body.length, mtime: new Date(0) },
      body,
    })),
  ]);
  const hash = createHash("sha256").update(archive).digest("hex").slice(0, 12);
  const name = `sluice-${version}-${hash}`;
  const header = await launcher({
    name,
    files: String(files.length),
    bytes: String(files.reduce((sum, { body }) => sum + body.length, 0)),
    flags: flags.join(" "),
  });
  // Level 9 makes 41 MB where 6 makes 43 and 1 makes 53, unpacks as fast, and takes 4 s once.
  const packed = gzipSync(archive, { level: 9 });
  await Deno.writeFile(path, header);
  await Deno.writeFile(path, packed, { append: true });
  await Deno.chmod(path, 0o755);
  return name;
}

/** The shell script, which says itself where it ends. */
async function launcher(words: Readonly<Record<string, string>>): Promise<Uint8Array> {
  const template = await Deno.readTextFile(join(ROOT, "scripts/launcher.sh"));
  const fill = (offset: number) => {
    const known: Readonly<Record<string, string>> = { ...words, offset: String(offset) };
    const text = template.replace(/@(\w+)@/g, (mark, word: string) => known[word] ?? mark);
    return new TextEncoder().encode(text);
  };
  let text = fill(0);
  while (fill(text.length + 1).length !== text.length) text = fill(text.length + 1);
  return fill(text.length + 1);
}
