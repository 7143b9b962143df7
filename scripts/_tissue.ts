/**
 * Tissue that was never alive: cells with mitochondria and vesicles as a function of position and a seed,
 * so that any rows of any section can be made alone. Sections lie five pixels apart.
 * @module
 */
import { type CellRows, Cells, mix, randomFrom } from "./_cells.ts";

const SECTION_STEP = 5;
const MITO_GRID = 150;
const CLUSTER_GRID = 125;

/** Some whole rows of one section of tissue. */
export interface TissueBand extends CellRows {
  /** Brightness from 0 to 255, without membranes and noise. */
  readonly shade: Float32Array;
}

interface Mitochondrion {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly axis: readonly [number, number, number];
  readonly long: number;
  readonly short: number;
  readonly phase: number;
  readonly cell: number;
}

interface Vesicle {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly cell: number;
  readonly core: boolean;
}

/** The tissue of one seed. */
export class Tissue {
  readonly #cells: Cells;
  /** By position in their grid; null: none there. */
  readonly #mitochondria = new Map<string, Mitochondrion | null>();

  /** @param seed Which tissue: an integer. */
  constructor(seed: number) {
    this.#cells = new Cells(seed);
  }

  /**
   * Which cell each pixel of some rows lies in.
   * @param firstRow A multiple of 64, or what is made would depend on where bands begin.
   */
  cells(section: number, firstRow: number, rows: number, width: number): CellRows {
    const cell = new Uint32Array(rows * width);
    const depth = new Float32Array(rows * width);
    const band = { firstRow, rows, width, cell, depth };
    this.#cells.fill(band, section * SECTION_STEP);
    return band;
  }

  /** The same rows with what the cells hold. */
  band(section: number, firstRow: number, rows: number, width: number): TissueBand {
    const band = this.cells(section, firstRow, rows, width);
    const shade = new Float32Array(rows * width);
    let [last, shadeOfLast] = [0, 0];
    for (let i = 0; i < shade.length; i++) {
      if (band.cell[i] !== last) {
        last = band.cell[i];
        shadeOfLast = 168 + (mix(last) & 1023) / 30;
      }
      shade[i] = shadeOfLast;
    }
    const tissue = { ...band, shade };
    this.#addMitochondria(tissue, section * SECTION_STEP);
    this.#addVesicles(tissue, section * SECTION_STEP);
    return tissue;
  }

  #addMitochondria(band: TissueBand, z: number) {
    for (const [ix, iy, iz] of gridAround(MITO_GRID, 160, band, z)) {
      const key = `${ix},${iy},${iz}`;
      let mito = this.#mitochondria.get(key);
      if (mito === undefined) {
        mito = this.#placeMitochondrion(ix, iy, iz);
        // A section of a very wide stack needs some tens of thousands, and the next one the same again.
        if (this.#mitochondria.size > 100_000) this.#mitochondria.clear();
        this.#mitochondria.set(key, mito);
      }
      if (mito !== null) stampMitochondrion(band, z, mito);
    }
  }

  /** The mitochondrion of one cell of the grid, at the roomiest of a few places; null where none has room. */
  #placeMitochondrion(ix: number, iy: number, iz: number): Mitochondrion | null {
    const random = randomFrom(this.#cells.hash(3, ix, iy, iz));
    const [x, y, z] = [ix, iy, iz].map((i) => (i + random()) * MITO_GRID);
    const [angle, rise] = [random() * 2 * Math.PI, (random() - 0.5) * 1.6];
    const axis = [
      Math.cos(angle) * Math.cos(rise),
      Math.sin(angle) * Math.cos(rise),
      Math.sin(rise),
    ] as const;
    const [long, short, phase] = [40 + random() * 55, 19 + random() * 10, random() * 6.3];
    let best = { x, y, cell: 0, depth: 9 };
    for (let i = 0; i < 6; i++) {
      const [px, py] = [x + (random() - 0.5) * 120, y + (random() - 0.5) * 120];
      const found = this.#cells.probe(px, py, z, 8)(px, py);
      if (found.depth > best.depth && found.depth < Infinity) best = { x: px, y: py, ...found };
    }
    return best.cell === 0 ? null : { ...best, z, axis, long, short, phase };
  }

  #addVesicles(band: TissueBand, z: number) {
    const { firstRow, rows } = band;
    for (const [ix, iy, iz] of gridAround(CLUSTER_GRID, 64, band, z)) {
      const random = randomFrom(this.#cells.hash(4, ix, iy, iz));
      const [x, y, cz] = [ix, iy, iz].map((i) => (i + random()) * CLUSTER_GRID);
      const spread = 22 + random() * 28;
      const isNear = y + spread + 10 > firstRow && y - spread - 10 < firstRow + rows;
      if (random() > 0.5 || Math.abs(cz - z) > spread + 8 || !isNear) continue;
      const count = Math.round(50 + random() * 90);
      const { cell } = this.#cells.probe(x, y, cz)(x, y);
      const probe = this.#cells.probe(x, y, z, spread);
      for (let i = 0; i < count; i++) {
        const [vx, vy, vz] = [x, y, cz].map((at) => at + (random() + random() - 1) * spread);
        const size = 5 + random() * 2.2;
        const core = random() < 0.06;
        const radius = Math.sqrt(size * size - (vz - z) ** 2);
        if (!(radius > 2)) continue;
        const at = probe(vx, vy);
        if (at.cell !== cell || at.depth < size + 3.5) continue;
        stampVesicle(band, { x: vx, y: vy, radius, cell, core });
      }
    }
  }
}

/** The cells of a coarse grid that may reach into a band, as positions in the grid. */
function* gridAround(grid: number, margin: number, { firstRow, rows, width }: CellRows, z: number) {
  const range = (low: number, high: number) => {
    const first = Math.floor((low - margin) / grid);
    const count = Math.floor((high + margin) / grid) - first + 1;
    return Array.from({ length: count }, (_, i) => first + i);
  };
  for (const iz of range(z, z)) {
    for (const iy of range(firstRow, firstRow + rows)) {
      for (const ix of range(0, width)) yield [ix, iy, iz];
    }
  }
}

/** The pixels of a band that lie within `side` of a place. */
function boxAround(x: number, y: number, side: number, { firstRow, rows, width }: CellRows) {
  return {
    x0: Math.max(0, Math.ceil(x - side)),
    x1: Math.min(width, x + side),
    y0: Math.max(0, Math.ceil(y - side) - firstRow),
    y1: Math.min(rows, y + side - firstRow),
  };
}

/** The smaller of two lengths, with the corner rounded off. */
function smoothMin(a: number, b: number): number {
  const blend = Math.max(0, 7 - Math.abs(a - b)) / 7;
  return Math.min(a, b) - blend * blend * 7 / 4;
}

function stampMitochondrion(band: TissueBand, z: number, mito: Mitochondrion) {
  const { firstRow, width, cell, depth, shade } = band;
  const dz = z - mito.z;
  const { x0, x1, y0, y1 } = boxAround(mito.x, mito.y, mito.long + 2, band);
  for (let y = y0; y < y1; y++) {
    const dy = y + firstRow - mito.y;
    for (let x = x0; x < x1; x++) {
      const at = y * width + x;
      if (cell[at] !== mito.cell || depth[at] < 5) continue;
      const dx = x - mito.x;
      const along = dx * mito.axis[0] + dy * mito.axis[1] + dz * mito.axis[2];
      const across2 = dx * dx + dy * dy + dz * dz - along * along;
      const ellipse = Math.sqrt(along ** 2 / mito.long ** 2 + across2 / mito.short ** 2);
      const inside = smoothMin((1 - ellipse) * mito.short, depth[at] - 5);
      if (inside < -1) continue;
      const wobble = 3.5 * Math.sin(Math.sqrt(across2) * 0.22 + mito.phase) +
        2 * Math.sin(along * 0.13);
      const crista = Math.max(0, Math.sin((along + wobble) * 0.62 + mito.phase)) ** 2;
      const matrix = 132 - 44 * crista * Math.min(1, Math.max(0, inside - 2) / 2);
      const rim = Math.exp(-((inside - 0.8) ** 2) / 2.2);
      shade[at] += Math.min(1, inside + 1) * (matrix * (1 - rim) + 74 * rim - shade[at]);
    }
  }
}

function stampVesicle(band: TissueBand, { x: vx, y: vy, radius, cell: owner, core }: Vesicle) {
  const { firstRow, width, cell, shade } = band;
  const { x0, x1, y0, y1 } = boxAround(vx, vy, radius + 3, band);
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      const at = y * width + x;
      if (cell[at] !== owner) continue;
      const r = Math.hypot(x - vx, y + firstRow - vy);
      const ring = Math.exp(-((r - radius) ** 2) / 1.6);
      const lumen = core ? 0.8 * Math.exp(-(r ** 2) / 5) : r < radius ? -0.12 : 0;
      shade[at] += (82 - shade[at]) * Math.min(1, 0.85 * ring + lumen);
    }
  }
}
