/**
 * The error for a pattern that finds nothing: what was looked for, what is there, and what comes closest.
 * @module
 */
import { basename, dirname, join } from "node:path";
import { messageOf, UsageError } from "../core/errors.ts";
import { editDistance } from "../core/nearest.ts";
import type { FileTree } from "./_file_tree.ts";
import { extensionOf, isImageExtension } from "./_folder.ts";
import { parseGlobs, type Segment } from "./_glob.ts";
import { isTemplate, parseTemplate } from "./_template.ts";
import { countOf, listSome } from "./_words.ts";

const MOST_NAMES = 20_000;
const MOST_COMPARED = 500;

/**
 * Says that a pattern finds nothing.
 * @param tree Where it was looked for.
 * @param pattern As the person wrote it.
 * @param from The folder its fixed part leads to, absolute.
 * @param rest The parts that were looked for in it.
 * @param strays Names that fit a template but for their padding.
 */
export async function noMatch(
  tree: FileTree,
  pattern: string,
  from: string,
  rest: readonly Segment[],
  strays: readonly string[] = [],
): Promise<UsageError> {
  const cannot = `Cannot find "${pattern}" as images:`;
  if (strays.length > 0) {
    return new UsageError(
      `${cannot} ${countOf(strays.length, "name")} in "${
        tree.nameOf(from)
      }" would fit but for the digits of their numbers, such as ` +
        `${listSome(strays)}; write how many digits they have, such as <z:4>`,
    );
  }
  let folder = from;
  let wanted = rest[0];
  while (await tree.kindOf(folder) !== "folder" && dirname(folder) !== folder) {
    wanted = { kind: "literal", name: basename(folder) };
    folder = dirname(folder);
  }
  let names: { files: string[]; folders: string[] };
  try {
    names = await namesIn(tree, folder);
  } catch (error) {
    return new UsageError(
      `${cannot} the folder "${tree.nameOf(folder)}" cannot be listed: ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
  const looked = wanted === undefined
    ? "has no image"
    : folder === from
    ? `has nothing that matches "${rest.map(textOf).join("/")}"`
    : `has no "${textOf(wanted)}"`;
  const among = rest.length > 1 || folder !== from
    ? names.folders
    : wanted?.kind === "literal"
    ? [...names.files, ...names.folders]
    : names.files;
  const near = wanted && nearest(wanted, among);
  return new UsageError(
    `${cannot} "${tree.nameOf(folder)}", which holds ${inventory(names)}, ${looked}; ` +
      (wanted === undefined || near === undefined
        ? "name images by a glob, a template, a folder or files"
        : `did you mean "${pattern.replace(textOf(wanted), () => near)}"?`),
  );
}

async function namesIn(
  tree: FileTree,
  folder: string,
): Promise<{ files: string[]; folders: string[] }> {
  const [files, folders]: [string[], string[]] = [[], []];
  for await (const { name, isDirectory, isSymlink } of tree.list(folder)) {
    const isFolder = isDirectory ||
      isSymlink && await tree.kindOf(join(folder, name)) === "folder";
    (isFolder ? folders : files).push(name);
    if (files.length + folders.length >= MOST_NAMES) break;
  }
  return { files: files.sort(), folders: folders.sort() };
}

function inventory({ files, folders }: { files: string[]; folders: string[] }): string {
  const counts = [...Map.groupBy(files, extensionOf)]
    .map(([extension, { length }]) => ({ extension, length }))
    .sort((a, b) => b.length - a.length);
  const shown = counts.slice(0, 4).map(({ extension, length }) =>
    `${length} ${extension || "without extension"}`
  );
  const others = counts.slice(4).reduce((sum, { length }) => sum + length, 0);
  if (others > 0) shown.push(countOf(others, "other file"));
  if (folders.length > 0) {
    shown.push(countOf(folders.length, "folder"));
  }
  const most = files.length + folders.length >= MOST_NAMES ? "more than " : "";
  return shown.length === 0 ? "nothing" : most + shown.join(", ");
}

function textOf(segment: Segment): string {
  return segment.kind === "literal" ? segment.name : segment.kind === "match" ? segment.text : "**";
}

function nearest(wanted: Segment, names: readonly string[]): string | undefined {
  if (wanted.kind === "folders") return undefined;
  const text = textOf(wanted);
  if (wanted.kind === "match") {
    const said = extensionOf(text);
    const extensions = [...new Set(names.map((name) => name.slice(name.lastIndexOf("."))))]
      .filter(isImageExtension)
      .sort((a, b) => editDistance(said, a) - editDistance(said, b));
    for (const extension of extensions) {
      const other = text.replace(/\.[A-Za-z][A-Za-z0-9]*$/, extension);
      const [segment] = isTemplate(other)
        ? parseTemplate(other).segments
        : parseGlobs(other)[0].segments;
      if (
        segment.kind === "match" && other !== text &&
        names.some((name) => segment.pattern.test(name))
      ) return other;
    }
  }
  const spelled = wanted.kind === "literal" ? text : shapeOf(text);
  const shapes = wanted.kind === "literal" ? names : new Set(names.map(shapeOf));
  let best: { name: string; distance: number } | undefined;
  for (const name of [...shapes].slice(0, MOST_COMPARED)) {
    const distance = editDistance(spelled, name);
    if (best === undefined || distance < best.distance) best = { name, distance };
  }
  return best === undefined || best.name === spelled ||
      best.distance > Math.max(2, spelled.length / 3)
    ? undefined
    : best.name;
}

/** A name with every number, token and wildcard as a `*`. */
function shapeOf(name: string): string {
  return name.replace(/<[a-z:\d]*>|\d+|\[[^\]]*\]|[*?]/g, "*").replace(/\*+/g, "*");
}
