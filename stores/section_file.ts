/**
 * A file of sections, written strip by strip.
 * @module
 */
import type { EncodedStrip, StripEncoding } from "../pool/_encode_strips.ts";

/** A file of one section or many; disposed without commit, nothing of it is left. */
export interface SectionFile extends AsyncDisposable {
  /** Where it appears. */
  readonly path: string;
  /** Rows of every strip but the last of a section. */
  readonly rowsPerStrip: number;
  /** How its strips are encoded; undefined where rows are stored as they are. */
  readonly encoding: StripEncoding | undefined;
  /**
   * Takes the next strip of a section; strips of a section come from the top, sections in any order.
   * @param page Which section of the file, from 0.
   */
  put(page: number, strip: EncodedStrip): void;
  /** Makes the file visible, in the place of what was there. @returns Its bytes. */
  commit(): Promise<number>;
}
