/** How chunks are stored, in the words that people use for it. */
import type { ScaleStorage } from "./volume_array.ts";

/** One step from voxels to bytes. */
export interface StorageStep {
  /** As the format names it. */
  readonly name: string;
  /** What people read of it, such as `gzip level 6`; absent: what nobody asks for, such as the order of bytes. */
  readonly words?: string;
}

/** What makes no chunk smaller. */
const PLAIN: readonly string[] = [
  "big-endian",
  "bytes",
  "crc32c",
  "fletcher32",
  "order F",
  "packed shards",
  "transpose",
];

/** Brings the steps of a level together. */
export function storageOf(
  steps: readonly StorageStep[],
  rest: Omit<ScaleStorage, "codec" | "steps"> = {},
): ScaleStorage {
  const isPlain = steps.every(({ name, words }) => words === undefined || PLAIN.includes(name));
  return {
    codec: [...(isPlain ? ["not compressed"] : []), ...steps.flatMap(({ words }) => words ?? [])]
      .join(", "),
    steps: steps.map(({ name }) => name),
    ...rest,
  };
}

/** A compressor with what it was told: `zstd level 3`, `blosc (lz4 level 5, shuffle)`. */
export function spellCompressor(
  name: string,
  told: Readonly<Record<string, unknown>>,
): string {
  const level = told.level ?? told.clevel ?? told.preset ?? told.acceleration;
  const isLevel = typeof level === "number" && level >= 0;
  if (name !== "blosc") return isLevel ? `${name} level ${level}` : name;
  const { cname } = told;
  const inner = typeof cname === "string" ? `${cname}${isLevel ? ` level ${level}` : ""}` : "";
  const parts = [inner, spellShuffle(told.shuffle)].filter((part) => part !== "");
  return parts.length === 0 ? name : `${name} (${parts.join(", ")})`;
}

/** Numbers are those of Blosc. */
function spellShuffle(shuffle: unknown): string {
  switch (shuffle) {
    case 0:
    case "noshuffle":
      return "no shuffle";
    case 1:
    case "shuffle":
      return "shuffle";
    case 2:
    case "bitshuffle":
      return "bit shuffle";
    default:
      return "";
  }
}
