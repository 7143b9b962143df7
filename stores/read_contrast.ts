/**
 * How a volume says it is best shown.
 * @module
 */
import type { Blobs } from "./blobs/blobs.ts";
import { readJson } from "./job_folder.ts";

/** Display of one channel. */
export interface ChannelDisplay {
  /** Values that are shown as black and in full colour. */
  readonly window: readonly [low: number, high: number];
  /** Red, green and blue from 0 to 1. */
  readonly color: readonly [number, number, number];
}

interface Omero {
  readonly channels?: readonly {
    readonly color?: string;
    readonly window?: { readonly start?: unknown; readonly end?: unknown };
  }[];
}

/**
 * Reads the `omero` part of an OME-Zarr volume's metadata.
 * @returns One a channel; undefined where the volume says nothing of use.
 */
export async function readContrast(
  volume: Pick<Blobs, "get" | "url">,
): Promise<ChannelDisplay[] | undefined> {
  const v3 = await readJson(volume, "zarr.json") as
    | { readonly attributes?: { readonly ome?: { readonly omero?: Omero } } }
    | undefined;
  const v2 = v3 === undefined
    ? await readJson(volume, ".zattrs") as { readonly omero?: Omero } | undefined
    : undefined;
  const channels = (v3?.attributes?.ome ?? v2)?.omero?.channels;
  if (!Array.isArray(channels) || channels.length === 0) return undefined;
  const displays: ChannelDisplay[] = [];
  for (const { color, window } of channels as NonNullable<Omero["channels"]>) {
    const [low, high] = [Number(window?.start), Number(window?.end)];
    if (!(high > low)) return undefined;
    displays.push({ window: [low, high], color: parseColor(color) });
  }
  return displays;
}

function parseColor(text: string | undefined): [number, number, number] {
  const hex = /^#?([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})/i.exec(text ?? "");
  if (hex === null) return [1, 1, 1];
  const part = (at: number) => parseInt(hex[at], 16) / 255;
  return [part(1), part(2), part(3)];
}
