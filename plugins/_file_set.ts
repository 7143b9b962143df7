/**
 * Sets of files that together are one stack, as OME-TIFF has them: each file names all the others.
 * @module
 */
import { dirname, join, normalize } from "node:path";
import { chooseSeries, type FileLayout, namesOthers, type Plane } from "./_file_layout.ts";
import { baseOf } from "./_folder.ts";
import type { Described } from "./_headers.ts";
import type { Fault } from "./source.ts";

/** One stack made of several files. */
export interface FileSet {
  /** The file whose metadata was used. */
  readonly lead: Described;
  readonly layout: FileLayout;
  /** Paths of all its files. */
  readonly paths: ReadonlySet<string>;
}

/** What was found in the files that were given. */
export interface FileSets {
  readonly sets: readonly FileSet[];
  readonly faults: readonly Fault[];
  readonly notes: readonly string[];
}

/**
 * Gathers the files that name each other. A glob over a set finds each of its files, and each describes the
 * whole: the first that can be read speaks for all.
 * @param describe Reads files of a set that were not given themselves.
 * @throws {UsageError} If a file holds several series and none is chosen.
 */
export async function gatherSets(
  given: readonly Described[],
  series: number | string | undefined,
  describe: (paths: readonly string[]) => Promise<Described[]>,
): Promise<FileSets> {
  const known = new Map(given.map((described) => [described.path, described]));
  const covered = new Set<string>();
  const sets: FileSet[] = [];
  const faults: Fault[] = [];
  const notes: string[] = [];
  for (const lead of given) {
    if (lead.file === undefined || covered.has(lead.path)) continue;
    const chosen = lead.file.series === undefined
      ? undefined
      : chooseSeries(lead.path, lead.file, series);
    if (chosen === undefined || !namesOthers(lead.path, chosen)) continue;
    const pathOf = pathsBeside(lead.path);
    const names = [...new Set(chosen.layout.planes.map(({ file }) => file ?? baseOf(lead.path)))];
    const outside = names.filter((name) => pathOf(name) === undefined);
    for (const name of outside) {
      faults.push({
        kind: "unreadable",
        path: lead.path,
        reason: `names "${name}" as a file of its set, which does not lie in its folder`,
      });
    }
    const paths = names.flatMap((name) => pathOf(name) ?? []);
    for (const described of await describe(paths.filter((path) => !known.has(path)))) {
      known.set(described.path, described);
    }
    if (names.length === 1 && known.get(paths[0])?.fault?.kind === "missing") {
      notes.push(`"${lead.path}" calls itself "${names[0]}": it was renamed, and counts as itself`);
      known.set(paths[0], lead);
    }
    const { planes, sizeZ, sizeC, sizeT } = chosen.layout;
    const { samples } = lead.file.images[0];
    sets.push({
      lead,
      layout: {
        sizeZ,
        sizeC: sizeC * samples,
        sizeT,
        planes: planes.flatMap(({ file, image, z, c, t }): Plane[] => {
          const of = known.get(pathOf(file ?? baseOf(lead.path)) ?? "");
          return of === undefined ? [] : [{ image, z, c: c * samples, t, of }];
        }),
      },
      paths: new Set([lead.path, ...paths]),
    });
    for (const path of [lead.path, ...paths]) covered.add(path);
  }
  return { sets, faults, notes };
}

/** Paths of the files that one file speaks of. */
export function filesNamedBy(
  { path, file }: Described,
  series: number | string | undefined,
): ReadonlySet<string> {
  if (file?.series === undefined) return new Set();
  const pathOf = pathsBeside(path);
  const planes = chooseSeries(path, file, series)?.layout.planes ?? [];
  return new Set(planes.flatMap(({ file }) => file === undefined ? [] : pathOf(file) ?? []));
}

/** Finds names in the folder of a file; never outside of it. */
function pathsBeside(path: string): (name: string) => string | undefined {
  const folder = dirname(path);
  return (name) => {
    const inside = normalize(name);
    if (/^(?:\.\.(?:[/\\]|$)|[/\\]|[A-Za-z]:)/.test(inside) || name.includes("\\")) {
      return undefined;
    }
    return join(folder, inside);
  };
}
