/**
 * Physical pixel sizes, as PNG's pHYs chunk spells them: whole pixels a metre.
 * @module
 */
import { toNanometres, type VoxelSize } from "../core/units.ts";

const METRE_NM = 1e9;
const MAX_PER_METRE = 0x7fffffff;

/**
 * Reads the nine bytes of a pHYs chunk: nanometres below a micrometre, else micrometres. Of the lengths that
 * would have been written so, it gives the one with the fewest digits.
 * @returns Undefined where the unit is not the metre, or an edge is not given.
 */
export function readPixelSize(data: Uint8Array): VoxelSize | undefined {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const perMetre = [view.getUint32(0), view.getUint32(4)];
  if (data[8] !== 1 || perMetre.some((count) => count === 0 || count > MAX_PER_METRE)) {
    return undefined;
  }
  const fine = perMetre.every((count) => count > 1e6);
  const [x, y] = perMetre.map((count) => shortest(count, fine ? METRE_NM : METRE_NM / 1e3));
  return { x, y, unit: fine ? "nanometer" : "micrometer" };
}

/**
 * The nine bytes of a pHYs chunk; z has no place in it.
 * @throws {RangeError} If an edge is not between 0.47 nm and 1 m, which is as far as the chunk reaches.
 */
export function writePixelSize(size: VoxelSize): Uint8Array {
  const data = new Uint8Array(9);
  const view = new DataView(data.buffer);
  for (const [at, edge] of [[0, size.x], [4, size.y]]) {
    const perMetre = Math.round(METRE_NM / toNanometres(edge, size.unit));
    if (!(perMetre >= 1 && perMetre <= MAX_PER_METRE)) {
      throw new RangeError(
        `Cannot write ${edge} ${size.unit} as the pixel size of a PNG: it must lie between 0.47 nm and 1 m; leave it out`,
      );
    }
    view.setUint32(at, perMetre);
  }
  data[8] = 1;
  return data;
}

function shortest(perMetre: number, unitsPerMetre: number): number {
  for (let digits = 1; digits < 15; digits++) {
    const length = Number((unitsPerMetre / perMetre).toPrecision(digits));
    if (Math.round(unitsPerMetre / length) === perMetre) return length;
  }
  return unitsPerMetre / perMetre;
}
