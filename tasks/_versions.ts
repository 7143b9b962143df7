/** Programs that decide the bytes of a volume. */
import { codecVersions } from "../codecs/chunk_codec.ts";
import type { ChunkEncoding } from "../core/layout.ts";
import { VERSION } from "../core/version.ts";

/** Their versions, for all encodings of a job. */
export function versionsOf(encodings: readonly ChunkEncoding[]): Record<string, string> {
  return Object.assign({ sluice: VERSION }, ...encodings.map(codecVersions));
}
