/**
 * One image a line: what it shares with most others stands once, in the first line of the list.
 * @module
 */
import { isAbsolute } from "node:path";
import type { ImageAt } from "../codecs/image.ts";
import { isDtype } from "../core/dtype.ts";
import { SluiceError } from "../core/errors.ts";
import { Votes } from "./_norm.ts";
import type { SourceImage } from "./source.ts";

/** What most images of a list share. */
export type Common = Omit<SourceImage, "path" | "mtime" | "tag" | "page" | "lost">;

/** The first line of a list. Its hash leaves the root out. */
export interface Head {
  readonly format: "sluice-sources";
  readonly version: 1;
  readonly root: string;
  /** Lines that follow. */
  readonly images: number;
  readonly common: Common;
}

const NUMBERS = [
  "size",
  "width",
  "height",
  "samples",
  "rowGroup",
  "x",
  "y",
  "z",
  "c",
  "t",
] as const;

const SAMPLED = 1000;
/** Places are kept as 32-bit integers. */
const LAST_VOXEL = 2 ** 31 - 1;

/** Finds what most images share, by asking some of them. */
export function commonOf(images: readonly SourceImage[]): Common {
  const some: SourceImage[] = [];
  const stride = Math.max(1, Math.floor(images.length / SAMPLED));
  for (let at = 0; at < images.length; at += stride) some.push(images[at]);
  const most = <K extends keyof Common>(key: K, none: Common[K]): Common[K] => {
    const votes = new Votes<Common[K]>();
    for (const image of some) votes.add(JSON.stringify(image[key]), image[key]);
    return votes.winner ?? none;
  };
  return {
    format: most("format", ""),
    at: most("at", {}),
    size: most("size", 0),
    width: most("width", 1),
    height: most("height", 1),
    samples: most("samples", 1),
    dtype: most("dtype", "uint8"),
    rowGroup: most("rowGroup", 1),
    x: most("x", 0),
    y: most("y", 0),
    z: most("z", 0),
    c: most("c", 0),
    t: most("t", 0),
  };
}

/** Writes an image as what differs from the others, without a line feed. */
export function formatLine(image: SourceImage, common: Common): string {
  let line = `{"path":${JSON.stringify(image.path)},"mtime":${image.mtime}`;
  for (const key of NUMBERS) {
    if (image[key] !== common[key]) line += `,"${key}":${image[key]}`;
  }
  if (image.format !== common.format) line += `,"format":${JSON.stringify(image.format)}`;
  if (image.dtype !== common.dtype) line += `,"dtype":"${image.dtype}"`;
  if (image.at !== common.at) {
    const { ifd, plane } = image.at;
    if (ifd !== common.at.ifd || plane !== common.at.plane) {
      line += `,"at":${JSON.stringify({ ifd, plane })}`;
    }
  }
  if (image.tag !== undefined) line += `,"tag":${JSON.stringify(image.tag)}`;
  if (image.page !== undefined) line += `,"page":${image.page}`;
  if (image.lost !== undefined) line += `,"lost":${JSON.stringify(image.lost)}`;
  return line + "}";
}

/**
 * Makes an image of what a line says.
 * @param root Folder that the path must not lead out of, unless it is the root of all.
 * @throws {SluiceError} If something is not what it should be.
 */
export function parseImage(line: unknown, common: Partial<Common>, root: string): SourceImage {
  const said = Object(line) as Readonly<Record<keyof SourceImage, unknown>>;
  const { path, mtime, tag, page, lost } = said;
  const { format = common.format, at = common.at, dtype = common.dtype } = said;
  const whole = (key: (typeof NUMBERS)[number]): number => {
    const value = said[key] ?? common[key];
    const most = key === "size" ? Number.MAX_SAFE_INTEGER : LAST_VOXEL;
    if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most) {
      return value as number;
    }
    throw damaged(path, key, value, `a whole number up to ${most}`);
  };
  if (typeof path !== "string" || path === "") throw damaged(path, "path", path, "a path");
  if (root !== "/" && leadsOut(path)) {
    throw new SluiceError(
      `Cannot use "${path}" as an image of the list: it leads out of its root "${root}"; plan again`,
    );
  }
  if (typeof format !== "string") throw damaged(path, "format", format, "text");
  if (typeof dtype !== "string" || !isDtype(dtype)) throw damaged(path, "dtype", dtype, "a dtype");
  if (typeof mtime !== "number") throw damaged(path, "mtime", mtime, "a number");
  if (tag !== undefined && typeof tag !== "string") throw damaged(path, "tag", tag, "text");
  if (page !== undefined && !Number.isSafeInteger(page)) {
    throw damaged(path, "page", page, "a whole number");
  }
  if (typeof at !== "object" || at === null) throw damaged(path, "at", at, "an object");
  return {
    path,
    format,
    at: at as ImageAt,
    ...page === undefined ? {} : { page: page as number },
    size: whole("size"),
    mtime,
    ...tag === undefined ? {} : { tag },
    width: whole("width"),
    height: whole("height"),
    samples: whole("samples"),
    dtype,
    rowGroup: whole("rowGroup"),
    x: whole("x"),
    y: whole("y"),
    z: whole("z"),
    c: whole("c"),
    t: whole("t"),
    ...lost === undefined ? {} : { lost: parseLost(path, lost) },
  };
}

function leadsOut(path: string): boolean {
  return isAbsolute(path) || path.includes("..") && path.split(/[/\\]/).includes("..");
}

function parseLost(path: string, lost: unknown): SourceImage["lost"] {
  const { kind, reason } = Object(lost) as Record<string, unknown>;
  if ((kind !== "missing" && kind !== "broken") || typeof reason !== "string") {
    throw damaged(path, "lost", lost, "a kind and a reason");
  }
  return { kind, reason };
}

function damaged(path: unknown, key: string, value: unknown, wanted: string): SluiceError {
  return new SluiceError(
    `Cannot use ${JSON.stringify(path)} as an image of the list: its "${key}" is ` +
      `${JSON.stringify(value)}, not ${wanted}; restore the list from a copy, or plan again`,
  );
}
