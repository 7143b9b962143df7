/**
 * From addresses in a bucket, or of a web server, to the images that are meant.
 * @module
 */
import { UsageError } from "../core/errors.ts";
import type { Axis } from "../core/point.ts";
import { openBlobs } from "../stores/blobs/open_blobs.ts";
import { BlobTree } from "./_blob_tree.ts";
import {
  findByName,
  findByTemplate,
  type Finding,
  type FindOptions,
  type Inputs,
  type NamedPath,
  type PlacedFile,
  refuseOthers,
  type Spans,
  splitTemplate,
} from "./_inputs.ts";
import { parseRemotePaths, type RemotePath } from "./_remote_address.ts";
import { type Indexes, isTemplate } from "./_template.ts";
import { countOf, listSome } from "./_words.ts";

/** More images than any list of sources holds: a digit too many. */
const MOST_IMAGES = 1e7;
const SPANNED = ["x", "y", "z"] as const satisfies readonly Axis[];

/**
 * Finds the images of globs, folders, paths or one template that lie outside of this machine.
 * @throws {UsageError} If one of them finds nothing; what is meant cannot be listed; or they lie in several places.
 */
export async function findRemoteInputs(
  patterns: readonly string[],
  { signal, spans }: FindOptions,
): Promise<Inputs> {
  const paths = parseRemotePaths(patterns);
  const [{ place }] = paths;
  await using blobs = await openBlobs(place.address);
  const tree = new BlobTree(blobs, place, signal);
  const finding: Finding = { tree, signal, faults: [], notes: [] };
  const template = paths.find(({ path }) => isTemplate(path));
  if (template !== undefined) refuseOthers(template.pattern, patterns.length);
  const inputs = template === undefined
    ? await findByName(paths.map(nameOf), finding)
    : place.canList
    ? await findByTemplate(nameOf(template), finding)
    : spellOut(template, spans ?? {}, finding);
  if (tree.unusable.length > 0) {
    finding.notes.push(
      `left out: ${countOf(tree.unusable.length, "key")} with a name that is empty, "." or "..", ` +
        `or holds a backslash: ${listSome(tree.unusable)}`,
    );
  }
  return { ...inputs, root: place.addressOf(inputs.root) };
}

function nameOf({ pattern, path, isFolder }: RemotePath): NamedPath {
  return { pattern, said: path, path: path === "" ? "/" : path, isFolder };
}

/** All the images that a template stands for between two numbers along each of its axes. */
function spellOut({ pattern, path }: RemotePath, spans: Spans, finding: Finding): Inputs {
  const { root, template } = splitTemplate(path);
  const other = template.axes.find((axis) => !SPANNED.some((known) => known === axis));
  if (other !== undefined) {
    throw new UsageError(
      `Cannot find the images of "${pattern}": over HTTP nothing can be listed, and how many there are along ` +
        `${other} cannot be said; write a number for <${other}>, and make a volume of each`,
    );
  }
  const axes = SPANNED.filter((axis) => template.axes.includes(axis));
  if (axes.some((axis) => spans[axis] === undefined)) {
    throw new UsageError(
      `Cannot find the images of "${pattern}": over HTTP nothing can be listed; say from which number to which ` +
        `there are some, the last left out: ${
          axes.map((axis) => `--${axis} ${spans[axis]?.join(":") ?? "FIRST:END"}`).join(" ")
        }`,
    );
  }
  const [x, y, z] = SPANNED.map((axis) =>
    axes.includes(axis) ? spans[axis]! : [undefined, undefined] as const
  );
  const count = [x, y, z].reduce(
    (product, [first = 0, end = 1]) => product * Math.max(0, end - first),
    1,
  );
  if (!(count > 0 && count <= MOST_IMAGES)) {
    throw new UsageError(
      `Cannot read "${pattern}" as a grid of images: by ${
        axes.map((axis) => `--${axis} ${spans[axis]!.join(":")}`).join(" ")
      } it has ${count} of them; give the numbers in their names, first and last, the last plus one`,
    );
  }
  const files: PlacedFile[] = [];
  for (const at of numbers(z)) {
    for (const row of numbers(y)) {
      for (const column of numbers(x)) {
        const indexes: Indexes = {
          ...column === undefined ? {} : { x: column },
          ...row === undefined ? {} : { y: row },
          ...at === undefined ? {} : { z: at },
        };
        files.push({ path: template.format(indexes), indexes });
      }
    }
  }
  const { faults, notes } = finding;
  return { kind: "grid", root, template, files, strays: [], spanned: axes, faults, notes };
}

function* numbers(
  [first, end]: readonly [number, number] | readonly [undefined, undefined],
): Generator<number | undefined> {
  if (first === undefined) yield undefined;
  else for (let at = first; at < end; at++) yield at;
}
