/**
 * From what a person names to the files that are meant.
 * @module
 */
import { dirname, join, relative, resolve } from "node:path";
import { UsageError } from "../core/errors.ts";
import { selectImages } from "./_folder.ts";
import { isGlob, parseGlobs, type Segment } from "./_glob.ts";
import { noMatch } from "./_no_match.ts";
import { type Indexes, isTemplate, parseTemplate, type Template } from "./_template.ts";
import { type Entry, lookUp, walk, type WalkOptions } from "./_walk.ts";
import { countOf, listSome } from "./_words.ts";
import type { Fault } from "./source.ts";

/** A file whose name says where it lies. */
export interface PlacedFile {
  readonly path: string;
  readonly indexes: Indexes;
}

/** The files that are meant; paths are relative to the root. */
export type Inputs =
  & {
    /** Absolute. */
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
    }
  );

/**
 * Finds the files of globs, folders and paths, or of one template.
 * @throws {UsageError} If one of the patterns finds nothing, or a template is not alone.
 */
export async function findInputs(
  patterns: readonly string[],
  { signal }: { readonly signal: AbortSignal },
): Promise<Inputs> {
  if (patterns.length === 0) {
    throw new UsageError(
      "Cannot find images: no path is given; name them by a glob, a template, a folder or files",
    );
  }
  const faults: Fault[] = [];
  const notes: string[] = [];
  const template = patterns.find(isTemplate);
  if (template !== undefined && (await lookUp(resolve(template))) === undefined) {
    if (patterns.length > 1) {
      throw new UsageError(
        `Cannot read "${template}" as a template beside ${
          countOf(patterns.length - 1, "other path")
        }: ` +
          "a template places its images itself; give it alone",
      );
    }
    return await findByTemplate(template, { signal, faults, notes });
  }
  return await findByName(patterns, { signal, faults, notes });
}

interface Finding {
  readonly signal: AbortSignal;
  readonly faults: Fault[];
  readonly notes: string[];
}

async function findByTemplate(text: string, finding: Finding): Promise<Inputs> {
  const { faults, notes } = finding;
  const whole = parseTemplate(resolve(text));
  const { from: root, rest } = splitFixed(whole.segments);
  const depth = whole.segments.length - rest.length;
  const template = parseTemplate(whole.text.split("/").slice(depth).join("/"));
  const files: PlacedFile[] = [];
  const strays: PlacedFile[] = [];
  const contradictions: string[] = [];
  for await (const { path } of walk(root, rest, walking(root, finding))) {
    const match = template.parse(path);
    if (match === undefined) contradictions.push(path);
    else (match.isExact ? files : strays).push({ path, indexes: match.indexes });
  }
  if (files.length === 0) throw await noMatch(text, root, rest, strays.map(({ path }) => path));
  if (contradictions.length > 0) {
    notes.push(
      `left out: ${listSome(contradictions)}, whose numbers contradict each other by the template`,
    );
  }
  return { kind: "grid", root, template, files, strays, faults: faultsWithin(root, faults), notes };
}

async function findByName(patterns: readonly string[], finding: Finding): Promise<Inputs> {
  const { faults, notes } = finding;
  const found = new Map<string, number>();
  const roots: string[] = [];
  let twice = 0;
  const add = (path: string, pattern: number) => {
    const by = found.get(path);
    if (by === undefined) found.set(path, pattern);
    else if (patterns[by] === patterns[pattern] && by !== pattern) {
      faults.push({ kind: "duplicate", path, reason: "is named twice" });
    } else twice++;
  };
  const named = patterns.map((pattern) => ({
    pattern,
    path: resolve(pattern),
    is: kindOf(pattern),
  }));
  const onlyFolders = named.every(({ is }) => is === "folder");
  for (const [at, { pattern, path, is }] of named.entries()) {
    if (is === "folder" && onlyFolders) {
      roots.push(path);
      for (const name of await imagesOfFolder(pattern, path, finding)) add(join(path, name), at);
    } else if (is !== undefined) {
      roots.push(dirname(path));
      add(path, at);
    } else if (isGlob(pattern)) {
      const { root, paths } = await findByGlob(pattern, path, finding);
      roots.push(root);
      for (const name of paths) add(join(root, name), at);
    } else {
      const { from, rest } = splitFixed(parseGlobs(path)[0].segments);
      throw await noMatch(pattern, from, rest);
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

function kindOf(pattern: string): "folder" | "file" | undefined {
  try {
    return Deno.statSync(pattern).isDirectory ? "folder" : "file";
  } catch {
    // A link that leads nowhere is a file that is missing.
    try {
      return Deno.lstatSync(pattern) && "file";
    } catch {
      return undefined;
    }
  }
}

async function imagesOfFolder(pattern: string, path: string, finding: Finding): Promise<string[]> {
  const entries: Entry[] = [];
  const all: Segment[] = [{ kind: "match", text: "*", pattern: /^/ }];
  for await (const entry of walk(path, all, walking(path, finding))) entries.push(entry);
  const images = await selectImages(pattern, path, entries, finding.notes);
  if (images.length === 0 && finding.faults.length === 0) throw await noMatch(pattern, path, []);
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
      ? await selectImages(pattern, root, entries, finding.notes)
      : entries.map((entry) => entry.path);
    for (const path of chosen) paths.push(path);
  }
  if (paths.length === 0 && finding.faults.length === 0) {
    throw await noMatch(pattern, globs[0].from, globs[0].rest);
  }
  return { root, paths };
}

function walking(from: string, { signal, faults }: Finding): WalkOptions {
  return {
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
