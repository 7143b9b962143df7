/**
 * Tissue that was never alive: cells, membranes, mitochondria and vesicles as a function of position and
 * a seed, so that any part of any section can be made alone.
 *
 * Lengths are in pixels of a section; sections lie five pixels apart. A cell is a cluster of seeds of an
 * additively weighted Voronoi diagram in a warped space; its border is where the two nearest seeds of
 * different cells are equally far.
 * @module
 */

/** Rows in a band. */
export const BAND_ROWS = 64;

/** Some whole rows of one section of tissue; arrays are C order, one entry a pixel. */
export interface TissueBand {
  readonly firstRow: number;
  readonly rows: number;
  readonly width: number;
  /** Which cell: 1 and up. */
  readonly cell: Uint32Array;
  /** Pixels to the nearest other cell, at most `REACH`. */
  readonly depth: Float32Array;
  /** Brightness from 0 to 255, without noise. */
  readonly shade: Float32Array;
}

/** Distances to another cell are told up to here, in pixels. */
export const REACH = 14;

const SECTION_STEP = 5;
const SEED_GRID = 60;
/** Cells are this much flatter along z in the diagram than in the tissue: most neurites cross sections steeply. */
const FLATTEN = 0.42;
const TILE = 32;
const BLOCK = 8;
/** The warp stretches lengths by at most this much. */
const STRETCH = 1.8;
const MITO_GRID = 150;
const CLUSTER_GRID = 125;

/** A seed near the place in question. */
interface Seed {
  readonly x: number;
  readonly y: number;
  /** Squared distance to the section, along z. */
  readonly dz2: number;
  readonly weight: number;
  readonly cell: number;
  readonly shade: number;
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

function mix(value: number): number {
  let h = Math.imul(value ^ (value >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Numbers from 0 to 1, the same for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = mix(seed + 0x9e3779b9) || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4294967296;
  };
}

/** The tissue of one seed. */
export class Tissue {
  readonly #seed: number;

  /** @param seed Which tissue: an integer. */
  constructor(seed: number) {
    this.#seed = mix(seed + 1);
  }

  /**
   * Makes rows `firstRow` (inside) to `firstRow + rows` (not) of section `z`, from column 0 on.
   * @param firstRow A multiple of `BAND_ROWS`.
   */
  band(z: number, firstRow: number, rows: number, width: number): TissueBand {
    const cell = new Uint32Array(rows * width);
    const depth = new Float32Array(rows * width);
    const shade = new Float32Array(rows * width);
    const band = { firstRow, rows, width, cell, depth, shade };
    for (let top = 0; top < rows; top += TILE) {
      for (let left = 0; left < width; left += TILE) this.#tile(band, z * SECTION_STEP, left, top);
    }
    this.#addMitochondria(band, z * SECTION_STEP);
    this.#addVesicles(band, z * SECTION_STEP);
    return band;
  }

  #hash(kind: number, x: number, y: number, z: number): number {
    return mix(mix(mix(this.#seed + kind * 0x632be5ab + x) + y * 0x1b873593) + z * 0x2545f491);
  }

  /** Smooth noise from -1 to 1 that changes over `spacing` pixels. */
  #smooth(kind: number, x: number, y: number, z: number, spacing: number): number {
    const [gx, gy, gz] = [x / spacing, y / spacing, z / spacing];
    const [ix, iy, iz] = [Math.floor(gx), Math.floor(gy), Math.floor(gz)];
    const ease = (t: number) => t * t * (3 - 2 * t);
    const [fx, fy, fz] = [ease(gx - ix), ease(gy - iy), ease(gz - iz)];
    let sum = 0;
    for (let corner = 0; corner < 8; corner++) {
      const [cx, cy, cz] = [corner & 1, (corner >> 1) & 1, corner >> 2];
      sum += (cx ? fx : 1 - fx) * (cy ? fy : 1 - fy) * (cz ? fz : 1 - fz) *
        this.#hash(kind, ix + cx, iy + cy, iz + cz);
    }
    return sum / 2147483648 - 1;
  }

  #warp(x: number, y: number, z: number): [number, number] {
    return [
      x + 14 * this.#smooth(11, x, y, z, 96) + 3.5 * this.#smooth(13, x, y, z, 30),
      y + 14 * this.#smooth(12, x, y, z, 96) + 3.5 * this.#smooth(14, x, y, z, 30),
    ];
  }

  /** Seeds join a neighbour's cell more often than not, which makes cells that wind and branch. */
  #cellOf(ix: number, iy: number, iz: number): number {
    for (let step = 0; step < 5; step++) {
      const h = this.#hash(2, ix, iy, iz);
      if (h % 100 < 42) break;
      const way = (h >>> 8) % 5;
      if (way < 2) ix--;
      else if (way < 4) iy--;
      else iz--;
    }
    return (((iz + 16) << 22) | ((iy + 16) << 11) | (ix + 16)) >>> 0;
  }

  /** The seeds that may be nearest or second nearest within `radius` of a place in warped space. */
  #seedsNear(x: number, y: number, height: number, radius: number): Seed[] {
    const z = height * FLATTEN;
    const [cx, cy, cz] = [x, y, z].map((value) => Math.floor(value / SEED_GRID));
    const found: { seed: Seed; near: number }[] = [];
    let nearest = Infinity;
    for (let iz = cz - 2; iz <= cz + 2; iz++) {
      for (let iy = cy - 3; iy <= cy + 3; iy++) {
        for (let ix = cx - 3; ix <= cx + 3; ix++) {
          const h = this.#hash(1, ix, iy, iz);
          const sx = (ix + (h & 1023) / 1024) * SEED_GRID;
          const sy = (iy + ((h >>> 10) & 1023) / 1024) * SEED_GRID;
          const sz = (iz + ((h >>> 20) & 1023) / 1024) * SEED_GRID;
          const dz2 = (sz - z) ** 2;
          const weight = (h >>> 30) * 7 + (h % 97) / 12;
          const near = Math.sqrt((sx - x) ** 2 + (sy - y) ** 2 + dz2) - weight;
          if (near > nearest + 2 * (radius + REACH)) continue;
          nearest = Math.min(nearest, near);
          const cell = this.#cellOf(ix, iy, iz);
          const shade = 168 + (mix(cell) % 1000) / 1000 * 34;
          found.push({ seed: { x: sx, y: sy, dz2, weight, cell, shade }, near });
        }
      }
    }
    const limit = nearest + 2 * (radius + REACH);
    return found.filter(({ near }) => near <= limit).map(({ seed }) => seed);
  }

  #tile(
    { firstRow, rows, width, cell, depth, shade }: TissueBand,
    z: number,
    left: number,
    top: number,
  ) {
    const reach = (side: number) => side * Math.SQRT1_2 * STRETCH;
    const [tx, ty] = this.#warp(left + TILE / 2, firstRow + top + TILE / 2, z);
    const seeds = this.#seedsNear(tx, ty, z, reach(TILE));
    const near = new Float64Array(seeds.length);
    for (let y0 = top; y0 < Math.min(top + TILE, rows); y0 += BLOCK) {
      for (let x0 = left; x0 < Math.min(left + TILE, width); x0 += BLOCK) {
        const corners = [[0, 0], [BLOCK, 0], [0, BLOCK], [BLOCK, BLOCK]].map(([dx, dy]) =>
          this.#warp(x0 + dx, firstRow + y0 + dy, z)
        );
        const cx = (corners[0][0] + corners[1][0] + corners[2][0] + corners[3][0]) / 4;
        const cy = (corners[0][1] + corners[1][1] + corners[2][1] + corners[3][1]) / 4;
        let nearest = Infinity;
        for (let i = 0; i < seeds.length; i++) {
          const s = seeds[i];
          near[i] = Math.sqrt((s.x - cx) ** 2 + (s.y - cy) ** 2 + s.dz2) - s.weight;
          if (near[i] < nearest) nearest = near[i];
        }
        const limit = nearest + 2 * (reach(BLOCK) + REACH);
        const close = seeds.filter((_, i) => near[i] <= limit);
        const [xEnd, yEnd] = [Math.min(x0 + BLOCK, width), Math.min(y0 + BLOCK, rows)];
        if (close.every((seed) => seed.cell === close[0].cell)) {
          for (let y = y0; y < yEnd; y++) {
            cell.fill(close[0].cell, y * width + x0, y * width + xEnd);
            depth.fill(REACH, y * width + x0, y * width + xEnd);
            shade.fill(close[0].shade, y * width + x0, y * width + xEnd);
          }
          continue;
        }
        const [[ax, ay], [bx, by], [px, py], [qx, qy]] = corners;
        for (let y = y0; y < yEnd; y++) {
          const v = (y - y0) / BLOCK;
          const [startX, startY] = [ax + (px - ax) * v, ay + (py - ay) * v];
          const stepX = (bx + (qx - bx) * v - startX) / BLOCK;
          const stepY = (by + (qy - by) * v - startY) / BLOCK;
          for (let x = x0; x < xEnd; x++) {
            const wx = startX + stepX * (x - x0);
            const wy = startY + stepY * (x - x0);
            let first = Infinity, second = Infinity, best = close[0], other = best;
            for (let i = 0; i < close.length; i++) {
              const s = close[i];
              const dx = s.x - wx, dy = s.y - wy;
              const d = Math.sqrt(dx * dx + dy * dy + s.dz2) - s.weight;
              if (d < first) {
                if (s.cell !== best.cell) {
                  second = first;
                  other = best;
                }
                first = d;
                best = s;
              } else if (d < second && s.cell !== best.cell) {
                second = d;
                other = s;
              }
            }
            const at = y * width + x;
            cell[at] = best.cell;
            depth[at] = Math.min(
              (second - first) / slopeOf(best, other, first, second, wx, wy),
              REACH,
            );
            shade[at] = best.shade;
          }
        }
      }
    }
  }

  /** The cell at a place, and how far from its border. */
  #at(seeds: readonly Seed[], x: number, y: number): { cell: number; depth: number } {
    let first = Infinity, second = Infinity, cell = 0;
    for (const s of seeds) {
      const d = Math.sqrt((s.x - x) ** 2 + (s.y - y) ** 2 + s.dz2) - s.weight;
      if (d < first) {
        if (s.cell !== cell) second = first;
        [first, cell] = [d, s.cell];
      } else if (d < second && s.cell !== cell) second = d;
    }
    return { cell, depth: (second - first) / 2 };
  }

  /** Cells of a coarse grid around the band, and a random source for each. */
  *#gridAround(
    kind: number,
    grid: number,
    margin: number,
    { firstRow, rows, width }: TissueBand,
    z: number,
  ) {
    for (let iz = Math.floor((z - margin) / grid); iz <= (z + margin) / grid; iz++) {
      for (
        let iy = Math.floor((firstRow - margin) / grid);
        iy <= (firstRow + rows + margin) / grid;
        iy++
      ) {
        for (let ix = Math.floor(-margin / grid); ix <= (width + margin) / grid; ix++) {
          const random = randomFrom(this.#hash(kind, ix, iy, iz));
          const place = [ix, iy, iz].map((i) => (i + random()) * grid) as [number, number, number];
          yield { random, place };
        }
      }
    }
  }

  #addMitochondria(band: TissueBand, z: number) {
    const margin = 160;
    for (const { random, place: [x, y, mz] } of this.#gridAround(3, MITO_GRID, margin, band, z)) {
      if (random() > 0.9) continue;
      let best = { x: 0, y: 0, cell: 0, depth: 0 };
      for (let i = 0; i < 6; i++) {
        const [px, py] = [x + (random() - 0.5) * 120, y + (random() - 0.5) * 120];
        const [wx, wy] = this.#warp(px, py, mz);
        const found = this.#at(this.#seedsNear(wx, wy, mz, 0), wx, wy);
        if (found.depth > best.depth && found.depth < Infinity) best = { x: px, y: py, ...found };
      }
      const [angle, rise] = [random() * 2 * Math.PI, (random() - 0.5) * 1.6];
      const axis = [
        Math.cos(angle) * Math.cos(rise),
        Math.sin(angle) * Math.cos(rise),
        Math.sin(rise),
      ] as const;
      const [long, short, phase] = [40 + random() * 55, 19 + random() * 10, random() * 6.3];
      if (best.depth > 9) stampMitochondrion(band, z, { ...best, z: mz, axis, long, short, phase });
    }
  }

  #addVesicles(band: TissueBand, z: number) {
    for (const { random, place: [x, y, cz] } of this.#gridAround(4, CLUSTER_GRID, 64, band, z)) {
      if (random() > 0.5 || Math.abs(cz - z) > 58) continue;
      const spread = 22 + random() * 28;
      const count = Math.round(50 + random() * 90);
      const [cx, cy] = this.#warp(x, y, cz);
      const { cell } = this.#at(this.#seedsNear(cx, cy, cz, 0), cx, cy);
      const [hx, hy] = this.#warp(x, y, z);
      const seeds = this.#seedsNear(hx, hy, z, spread * STRETCH);
      for (let i = 0; i < count; i++) {
        const [vx, vy, vz] = [x, y, cz].map((at) => at + (random() + random() - 1) * spread);
        const size = 5 + random() * 2.2;
        const core = random() < 0.06;
        const radius = Math.sqrt(size * size - (vz - z) ** 2);
        if (!(radius > 2)) continue;
        const [wx, wy] = this.#warp(vx, vy, z);
        const at = this.#at(seeds, wx, wy);
        if (at.cell !== cell || at.depth < size + 3.5) continue;
        stampVesicle(band, { x: vx, y: vy, radius, cell, core });
      }
    }
  }
}

/**
 * How fast the difference of two distances grows across the section, so that dividing by it makes of the
 * difference a length in the section. Bounded below: a membrane cut along its face is wide, not endless.
 */
function slopeOf(
  best: Seed,
  other: Seed,
  first: number,
  second: number,
  x: number,
  y: number,
): number {
  const [near, far] = [first + best.weight, second + other.weight];
  const gx = (x - other.x) / far - (x - best.x) / near;
  const gy = (y - other.y) / far - (y - best.y) / near;
  return Math.max(0.7, Math.sqrt(gx * gx + gy * gy));
}

/** The smaller of two lengths, with the corner rounded off. */
function smoothMin(a: number, b: number): number {
  const blend = Math.max(0, 7 - Math.abs(a - b)) / 7;
  return Math.min(a, b) - blend * blend * 7 / 4;
}

function stampMitochondrion(band: TissueBand, z: number, mito: Mitochondrion) {
  const { firstRow, rows, width, cell, depth, shade } = band;
  const dz = z - mito.z;
  const side = mito.long + 2;
  const [y0, y1] = [
    Math.max(0, Math.ceil(mito.y - side) - firstRow),
    Math.min(rows, mito.y + side - firstRow),
  ];
  const [x0, x1] = [Math.max(0, Math.ceil(mito.x - side)), Math.min(width, mito.x + side)];
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
      const cover = Math.min(1, inside + 1);
      shade[at] += cover * (matrix * (1 - rim) + 74 * rim - shade[at]);
    }
  }
}

function stampVesicle(band: TissueBand, { x: vx, y: vy, radius, cell: owner, core }: Vesicle) {
  const { firstRow, rows, width, cell, shade } = band;
  const side = radius + 3;
  const [y0, y1] = [
    Math.max(0, Math.ceil(vy - side) - firstRow),
    Math.min(rows, vy + side - firstRow),
  ];
  const [x0, x1] = [Math.max(0, Math.ceil(vx - side)), Math.min(width, vx + side)];
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      const at = y * width + x;
      if (cell[at] !== owner) continue;
      const r = Math.hypot(x - vx, y + firstRow - vy);
      const ring = Math.exp(-((r - radius) ** 2) / 1.6);
      const lumen = core ? 0.8 * Math.exp(-(r ** 2) / 5) : r < radius ? -0.12 : 0;
      shade[at] += (82 - shade[at]) * Math.min(1, Math.max(0.85 * ring, 0) + lumen);
    }
  }
}
