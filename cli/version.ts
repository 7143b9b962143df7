/**
 * What `sluice --version` says: which sluice this is, and all that its bytes depend on.
 * @module
 */
import { codecVersions } from "../codecs/chunk_codec.ts";
import { imageFormats } from "../codecs/image.ts";
import { VERSION } from "../core/version.ts";

/** What a build of an executable knows of itself. */
export interface Build {
  /** The commit it was made of; absent where that is unknown. */
  readonly commit?: string;
  /** Whether files had been changed since that commit. */
  readonly modified?: boolean;
}

/** Name of the file beside a bundled program that holds its {@linkcode Build}. */
export const BUILD_FILE = "build.json";

/** Which sluice this is. */
export interface VersionReport {
  readonly sluice: string;
  /** Absent where it is unknown. */
  readonly commit?: string;
  readonly modified?: boolean;
  readonly runtime: { readonly deno: string; readonly v8: string; readonly platform: string };
  /** Image formats that it reads. */
  readonly images: readonly string[];
  /** Who encodes: another version may give other bytes for the same voxels. */
  readonly codecs: Readonly<Record<string, string>>;
}

/** Which sluice this is. */
export async function versionReport(): Promise<VersionReport> {
  return {
    sluice: VERSION,
    ...(await builtFrom() ?? await checkedOut()),
    runtime: {
      deno: Deno.version.deno,
      v8: Deno.version.v8,
      platform: `${Deno.build.os}-${Deno.build.arch}`,
    },
    images: [...imageFormats.keys()],
    codecs: {
      ...codecVersions({ codec: "zstd", level: 3, crc32c: true }),
      ...codecVersions({ codec: "gzip", level: 6, crc32c: true }),
      ...codecVersions({ codec: "blosc", cname: "zstd", level: 3, shuffle: true, crc32c: true }),
      ...codecVersions({ codec: "blosc", cname: "lz4", level: 3, shuffle: true, crc32c: true }),
    },
  };
}

/** The report as lines. */
export function versionText(
  { sluice, commit, modified, runtime, images, codecs }: VersionReport,
): string {
  const { deno, v8, platform } = runtime;
  return [
    `sluice ${sluice}`,
    `commit ${commit ?? "unknown"}${modified ? ", with changes" : ""}`,
    `runtime deno ${deno}, v8 ${v8}, ${platform}`,
    `images ${images.join(", ")}`,
    `codecs ${Object.entries(codecs).map(([name, who]) => `${name} (${who})`).join(", ")}`,
  ].join("\n");
}

async function builtFrom(): Promise<Build | undefined> {
  const text = await readBeside(new URL("./build.json", import.meta.url));
  return text === undefined ? undefined : JSON.parse(text);
}

/** The commit of a checkout; whether files have been changed since only git could tell. */
async function checkedOut(): Promise<Build> {
  const git = new URL("../.git/", import.meta.url);
  const head = (await readBeside(new URL("HEAD", git)))?.trim();
  if (head === undefined) return {};
  if (!head.startsWith("ref: ")) return { commit: head };
  const branch = head.slice("ref: ".length);
  const loose = (await readBeside(new URL(branch, git)))?.trim();
  const packed = (await readBeside(new URL("packed-refs", git)))?.split("\n");
  const commit = loose ?? packed?.find((line) => line.endsWith(` ${branch}`))?.split(" ")[0];
  return commit === undefined ? {} : { commit };
}

/** A file near this module, if there is one and it may be read without asking. */
async function readBeside(path: URL): Promise<string | undefined> {
  if (path.protocol !== "file:") return undefined;
  const { state } = await Deno.permissions.query({ name: "read", path });
  if (state !== "granted") return undefined;
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    throw error;
  }
}
