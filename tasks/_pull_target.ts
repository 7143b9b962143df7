/** Where a pull writes: what its files are named, and what may lie there already. */
import { basename, dirname, join } from "node:path";
import { isNotFound, SluiceError, UsageError } from "../core/errors.ts";

/** What a volume becomes: one TIFF of many pages, a folder of TIFFs, a folder of PNGs. */
export type PullFormat = "tiff" | "tiff-stack" | "png";

/** The format that a target asks for by its name. @throws {UsageError} If the name and the format disagree. */
export function pullFormat(target: string, format: PullFormat | undefined): PullFormat {
  const extension = /\.(tiff?|png)$/i.exec(target)?.[1].toLowerCase();
  const named = extension === undefined ? undefined : extension === "png" ? "png" : "tiff";
  if (named === "png") {
    throw new UsageError(
      `Cannot pull into "${target}" as one PNG: a PNG holds one section; name a folder and give --format png`,
    );
  }
  if (format === undefined) return named ?? "tiff-stack";
  if (format === "tiff" && named === undefined) {
    throw new UsageError(
      `Cannot pull into "${target}" as one TIFF: its name does not say so; let it end with .tif, or give --format tiff-stack`,
    );
  }
  if (format !== "tiff" && named !== undefined) {
    throw new UsageError(
      `Cannot pull into "${target}" as a folder of sections: it is named like a file; name a folder, or leave --format ${format} out`,
    );
  }
  return format;
}

const SECTION = /^section_\d{4,}(?:_c\d+)?(?:_t\d+)?\.(?:tif|png)$/;
const LEFT_OVER = /^\.section_\d.*\.tmp$/;

/** Makes the folder; sections that an earlier pull left go first where `overwrite` says so. */
export async function prepareFolder(folder: string, overwrite: boolean): Promise<void> {
  const there = await listFolder(folder);
  const foreign = there.find((name) => !SECTION.test(name) && !LEFT_OVER.test(name));
  if (there.length > 0 && (!overwrite || foreign !== undefined)) {
    throw new SluiceError(
      foreign !== undefined && overwrite
        ? `Cannot overwrite "${folder}" as a folder of sections: it holds "${foreign}", which may be something you want to keep; choose another folder`
        : `Cannot pull into "${folder}": it is not empty; choose another folder, or give --overwrite if the sections in it may go`,
    );
  }
  for (const name of there) await Deno.remove(join(folder, name));
  await Deno.mkdir(folder, { recursive: true });
}

/** Makes the folder around a file that does not exist, or may be replaced. */
export async function prepareFile(path: string, overwrite: boolean): Promise<void> {
  const there = await Deno.stat(path).catch((error) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
  if (there?.isDirectory) {
    throw new SluiceError(
      `Cannot pull into "${path}" as one TIFF: a folder is there; choose another name`,
    );
  }
  if (there !== undefined && !overwrite) {
    throw new SluiceError(
      `Cannot pull into "${path}": a file is there; choose another name, or give --overwrite`,
    );
  }
  await Deno.mkdir(dirname(path), { recursive: true });
}

async function listFolder(folder: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(folder)) names.push(name);
  } catch (error) {
    if (isNotFound(error)) return [];
    if (
      error instanceof Deno.errors.NotADirectory || (error as { code?: string }).code === "ENOTDIR"
    ) {
      throw new SluiceError(
        `Cannot pull into "${folder}" as a folder: ${
          basename(folder)
        } is a file; choose another name`,
        { cause: error },
      );
    }
    throw error;
  }
  return names.sort();
}
