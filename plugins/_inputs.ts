/**
 * From what a person names to the files that are meant.
 * @module
 */
import { dirname, join, relative, resolve } from "node:path";
import { UsageError } from "../core/errors.ts";
import type { Axis } from "../core/point.ts";
import { isRemote } from "../stores/place.ts";
import { type FileTree, localTree } from "./_file_tree.ts";
import { selectImages } from "./_folder.ts";
import { isGlob, parseGlobs, type Segment } from "./_glob.ts";
import { noMatch } from "./_no_match.ts";
import { type Indexes, isTemplate, parseTemplate, type Template } from "./_template.ts";
import { type Entry, walk, type WalkOptions } from "./_walk.ts";
import { countOf, listSome } from "./_words.ts";
import type { Fault } from "./source.ts";

/** Numbers along axes, half-open, as the tokens of a template count. */
export type Spans = Readonly<Partial<Record<Axis, readonly [first: number, end: number]>>>;

/** A file whose name says where it lies. */
export interface PlacedFile {
  readonly path: string;
  readonly indexes: Indexes;
}

/** The files that are meant; paths are relative to the root. */
export type Inputs =
  & {
    /** An absolute path, or an address. */
    readonly root: string;
    readonly faults: Fault[];
    readonly notes: string[];
  }
  & (
    | { readonly kind: "ordered"; readonly paths: readonly string[] }
    | {
      readonly kind: "grid";
      /** Its paths are relative to the root, too. */
      readonly template: Template;
      readonly files: readonly PlacedFile[];
      /** Files of the template's shape that pad their numbers otherwise. */
      readonly strays: readonly PlacedFile[];
      /** Axes along which the person said from which number to which there are images. */
      readonly spanned?: readonly Axis[];
    }
  );

/** How files are found. */
export interface FindOptions {
  readonly signal: AbortSignal;
  /** What a template stands for where nothing can be listed. */
  readonly spans?: Spans;
}

/**
 * Finds the files of globs, folders and paths, or of one template.
 * @throws {UsageError} If one of the patterns finds nothing, or a template is not alone.
 */
export async function findInputs(
  patterns: readonly string[],
  { signal, spans }: FindOptions,
): Promise<Inputs> {
  if (patterns.length === 0) {
    throw new UsageError(
      "Cannot find images: no path is given; name them by a glob, a template, a folder or files",
    );
  }
  if (patterns.some(isRemote)) {
    const { findRemoteInputs } = await import("./_remote_inputs.ts");
    return await findRemoteInputs(patterns, { signal, spans });
  }
  const finding = { tree: localTree, signal, faults: [], notes: [] };
  const named = patterns.map((pattern) => ({ pattern, said: pattern, path: resolve(pattern) }));
  const template = named.find(({ pattern }) => isTemplate(pattern));
  if (template !== undefined && (await localTree.lookUp(template.path)) === undefined) {
    refuseOthers(template.pattern, patterns.length);
    return await findByTemplate(template, finding);
  }
  return await findByName(named, finding);
}

/** What a person named, and the path that it stands for in its tree. */
export interface NamedPath {
  readonly pattern: string;
  /** What of it may be a glob. */
  readonly said: string;
  /** Absolute. */
  readonly path: string;
  /** Whether it can be nothing else than a folder. */
  readonly isFolder?: boolean;
}

/** What is found where, and what is wrong on the way. */
export interface Finding {
  readonly tree: FileTree;
  readonly signal: AbortSignal;
  readonly faults: Fault[];
  readonly notes: string[];
}

/** @throws {UsageError} If a template is not alone. */
export function refuseOthers(template: string, patterns: number): void {
  if (patterns < 2) return;
  throw new UsageError(
    `Cannot read "${template}" as a template beside ${countOf(patterns - 1, "other path")}: ` +
      "a template places its images itself; give it alone",
  );
}

/** A template, cut into the folder that it begins with and what names the files in it. */
export function splitTemplate(path: string): {
  root: string;
  rest: Segment[];
  template: Template;
} {
  const whole = parseTemplate(path);
  const { from: root, rest } = splitFixed(whole.segments);
  const depth = whole.segments.length - rest.length;
  return { root, rest, template: parseTemplate(whole.text.split("/").slice(depth).join("/")) };
}

/** Finds the files of a template. */
export async function findByTemplate(
  { pattern, path }: NamedPath,
  finding: Finding,
): Promise<Inputs> {
  const { tree, faults, notes } = finding;
  const { root, rest, template } = splitTemplate(path);
  const files: PlacedFile[] = [];
  const strays: PlacedFile[] = [];
  const contradictions: string[] = [];
  for await (const { path } of walk(root, rest, walking(root, finding))) {
    const match = template.parse(path);
    if (match === undefined) contradictions.push(path);
    else (match.isExact ? files : strays).push({ path, indexes: match.indexes });
  }
  if (files.length === 0) {
    throw await noMatch(tree, pattern, root, rest, strays.map(({ path }) => path));
  }
  if (contradictions.length > 0) {
    notes.push(
      `left out: ${listSome(contradictions)}, whose numbers contradict each other by the template`,
    );
  }
  return { kind: "grid", root, template, files, strays, faults: faultsWithin(root, faults), notes };
}

/** Finds the files of globs, folders and paths. */
export async function findByName(
  patterns: readonly NamedPath[],
  finding: Finding,
): Promise<Inputs> {
  const { tree, faults, notes } = finding;
  const found = new Map<string, number>();
  const roots: string[] = [];
  let twice = 0;
  const add = (path: string, pattern: number) => {
    const by = found.get(path);
    if (by === undefined) found.set(path, pattern);
    else if (patterns[by].pattern === patterns[pattern].pattern && by !== pattern) {
      faults.push({ kind: "duplicate", path, reason: "is named twice" });
    } else twice++;
  };
  const named: (NamedPath & { is: "folder" | "file" | undefined })[] = [];
  for (const one of patterns) {
    const asked = one.isFolder ? "folder" : tree.kindOf(one.path);
    named.push({ ...one, is: asked instanceof Promise ? await asked : asked });
  }
  const onlyFolders = named.every(({ is }) => is === "folder");
  for (const [at, { pattern, said, path, is }] of named.entries()) {
    if (is === "folder" && onlyFolders) {
      roots.push(path);
      for (const name of await imagesOfFolder(pattern, path, finding)) add(join(path, name), at);
    } else if (is !== undefined) {
      roots.push(dirname(path));
      add(path, at);
    } else if (isGlob(said)) {
      const { root, paths } = await findByGlob(pattern, path, finding);
      roots.push(root);
      for (const name of paths) add(join(root, name), at);
    } else {
      const { from, rest } = splitFixed(parseGlobs(path)[0].segments);
      throw await noMatch(tree, pattern, from, rest);
    }
  }
  if (twice > 0) {
    notes.push(
      `${countOf(twice, "file")} named by two patterns ${twice === 1 ? "counts" : "count"} once`,
    );
  }
  const root = roots.reduce(commonFolder);
  return {
    kind: "ordered",
    root,
    paths: Array.from(found.keys(), (path) => relative(root, path)),
    faults: faultsWithin(root, faults),
    notes,
  };
}

async function imagesOfFolder(pattern: string, path: string, finding: Finding): Promise<string[]> {
  const entries: Entry[] = [];
  const all: Segment[] = [{ kind: "match", text: "*", pattern: /^/ }];
  for await (const entry of walk(path, all, walking(path, finding))) entries.push(entry);
  const images = await selectImages(pattern, finding.tree, path, entries, finding.notes);
  if (images.length === 0 && finding.faults.length === 0) {
    throw await noMatch(finding.tree, pattern, path, []);
  }
  return images;
}

async function findByGlob(
  pattern: string,
  path: string,
  finding: Finding,
): Promise<{ root: string; paths: string[] }> {
  const globs = parseGlobs(path).map((glob) => ({ ...glob, ...splitFixed(glob.segments) }));
  const root = globs.map(({ from }) => from).reduce(commonFolder);
  const paths: string[] = [];
  for (const { from, rest, isOpen } of globs) {
    const below = relative(root, from);
    const entries: Entry[] = [];
    for await (const entry of walk(from, rest, walking(from, finding))) {
      entries.push({ ...entry, path: join(below, entry.path) });
    }
    const chosen = isOpen
      ? await selectImages(pattern, finding.tree, root, entries, finding.notes)
      : entries.map((entry) => entry.path);
    for (const path of chosen) paths.push(path);
  }
  if (paths.length === 0 && finding.faults.length === 0) {
    throw await noMatch(finding.tree, pattern, globs[0].from, globs[0].rest);
  }
  return { root, paths };
}

function walking(from: string, { tree, signal, faults }: Finding): WalkOptions {
  return {
    tree,
    signal,
    onUnreadable: (path) =>
      faults.push({
        kind: "unreadable",
        path: join(from, path),
        reason: "is a folder that may not be listed: permission denied",
      }),
  };
}

/** Faults that were found before the root was known name whole paths. */
function faultsWithin(root: string, faults: readonly Fault[]): Fault[] {
  return faults.map((fault) => ({ ...fault, path: relative(root, fault.path) || "." }));
}

/** The folder that segments of an absolute path begin with, and the rest, of which at least one is left. */
function splitFixed(segments: readonly Segment[]): { from: string; rest: Segment[] } {
  let depth = 0;
  const folders: string[] = [];
  for (const segment of segments.slice(0, -1)) {
    if (segment.kind !== "literal") break;
    folders.push(segment.name);
    depth++;
  }
  return {
    from: "/" + folders.filter((name) => name !== "").join("/"),
    rest: segments.slice(depth),
  };
}

function commonFolder(a: string, b: string): string {
  const [one, other] = [a.split("/"), b.split("/")];
  const differs = one.findIndex((part, at) => part !== other[at]);
  return (differs < 0 ? a : one.slice(0, differs).join("/")) || "/";
}
