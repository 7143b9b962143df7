/**
 * Cells that fill space without a gap, as a function of position and a seed.
 *
 * A cell is a cluster of seeds of an additively weighted Voronoi diagram in a warped space; its border is
 * where the two nearest seeds of different cells are equally far. Lengths are in pixels of a section.
 * @module
 */

/** Distances to another cell are told up to here. */
export const REACH = 9;

const SEED_GRID = 60;
/** Cells are this much flatter along z in the diagram than in the tissue: most neurites cross sections steeply. */
const FLATTEN = 0.42;
const TILE = 64;
const BLOCK = 8;
/** Blocks along the side of a tile. */
const SIDE = TILE / BLOCK;
/** The warp stretches lengths by at most this much. */
const STRETCH = 1.6;

/** Rows of one section, `firstRow` and on, from column 0; arrays are C order, one entry a pixel. */
export interface CellRows {
  readonly firstRow: number;
  readonly rows: number;
  readonly width: number;
  /** Which cell: 1 and up. */
  readonly cell: Uint32Array;
  /** Pixels to the nearest other cell, at most `REACH`. */
  readonly depth: Float32Array;
}

/** The seeds near some place, one entry a seed. */
class Seeds {
  length = 0;
  readonly x = new Float64Array(256);
  readonly y = new Float64Array(256);
  /** Squared distance to the section, along z. */
  readonly dz2 = new Float64Array(256);
  readonly weight = new Float64Array(256);
  readonly cell = new Uint32Array(256);

  add(x: number, y: number, dz2: number, weight: number, cell: number) {
    const i = this.length++;
    this.x[i] = x;
    this.y[i] = y;
    this.dz2[i] = dz2;
    this.weight[i] = weight;
    this.cell[i] = cell;
  }
}

const [tileSeeds, blockSeeds, probeSeeds] = [new Seeds(), new Seeds(), new Seeds()];
const scratch = new Float64Array(8 * 256);

/** Scrambles an integer into 32 bits. */
export function mix(value: number): number {
  let h = Math.imul(value ^ (value >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Numbers from 0 (inside) to 1 (not), the same for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = mix(seed + 0x9e3779b9) || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4294967296;
  };
}

/** The cells of one seed. */
export class Cells {
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = mix(seed + 1);
  }

  /** 32 bits that are the same for the same place and purpose. */
  hash(purpose: number, x: number, y: number, z: number): number {
    return mix(mix(mix(this.#seed + purpose * 0x632be5ab + x) + y * 0x1b873593) + z * 0x2545f491);
  }

  /** Finds the cell and the depth of every pixel of some rows. */
  fill({ firstRow, rows, width, cell, depth }: CellRows, z: number) {
    for (let top = 0; top < rows; top += TILE) {
      for (let left = 0; left < width; left += TILE) {
        const [tx, ty] = this.#warp(left + TILE / 2, firstRow + top + TILE / 2, z);
        this.#seedsNear(tx, ty, z, reach(TILE), tileSeeds);
        const at = this.#warpGrid(left, firstRow + top, z);
        for (let y0 = top; y0 < Math.min(top + TILE, rows); y0 += BLOCK) {
          for (let x0 = left; x0 < Math.min(left + TILE, width); x0 += BLOCK) {
            const first = (y0 - top) / BLOCK * (SIDE + 1) + (x0 - left) / BLOCK;
            const corners = [at[first], at[first + 1], at[first + SIDE + 1], at[first + SIDE + 2]];
            const [xEnd, yEnd] = [Math.min(x0 + BLOCK, width), Math.min(y0 + BLOCK, rows)];
            fillBlock(corners, tileSeeds, x0, xEnd, y0, yEnd, width, cell, depth);
          }
        }
      }
    }
  }

  /**
   * Makes a function that tells which cell lies at a place of section `z` within `radius` of (x, y), and how
   * deep in it that place is: exact up to `REACH` and some of the radius, perhaps Infinity beyond.
   */
  probe(
    x: number,
    y: number,
    z: number,
    radius = 0,
  ): (px: number, py: number) => { cell: number; depth: number } {
    const [cx, cy] = this.#warp(x, y, z);
    this.#seedsNear(cx, cy, z, radius * STRETCH, probeSeeds);
    return (px, py) => {
      const [wx, wy] = this.#warp(px, py, z);
      return nearestTwo(probeSeeds, wx, wy);
    };
  }

  /** Smooth noise from -1 to 1 that changes over `spacing` pixels. */
  #smooth(purpose: number, x: number, y: number, z: number, spacing: number): number {
    const gx = x / spacing, gy = y / spacing, gz = z / spacing;
    const ix = Math.floor(gx), iy = Math.floor(gy), iz = Math.floor(gz);
    const fx = ease(gx - ix), fy = ease(gy - iy), fz = ease(gz - iz);
    let sum = 0;
    for (let corner = 0; corner < 8; corner++) {
      const cx = corner & 1, cy = (corner >> 1) & 1, cz = corner >> 2;
      sum += (cx ? fx : 1 - fx) * (cy ? fy : 1 - fy) * (cz ? fz : 1 - fz) *
        this.hash(purpose, ix + cx, iy + cy, iz + cz);
    }
    return sum / 2147483648 - 1;
  }

  #warp(x: number, y: number, z: number): [number, number] {
    return [
      x + 14 * this.#smooth(11, x, y, z, 96) + 3.5 * this.#smooth(13, x, y, z, 30),
      y + 14 * this.#smooth(12, x, y, z, 96) + 3.5 * this.#smooth(14, x, y, z, 30),
    ];
  }

  /** The warped corners of the blocks of a tile, row by row. */
  #warpGrid(left: number, top: number, z: number): [number, number][] {
    return Array.from({ length: (SIDE + 1) ** 2 }, (_, i) => {
      const [column, row] = [i % (SIDE + 1), Math.floor(i / (SIDE + 1))];
      return this.#warp(left + column * BLOCK, top + row * BLOCK, z);
    });
  }

  /** Seeds join a neighbour's cell more often than not, which makes cells that wind and branch. */
  #cellOf(ix: number, iy: number, iz: number): number {
    for (let step = 0; step < 5; step++) {
      const h = this.hash(2, ix, iy, iz);
      if (h % 100 < 42) break;
      const way = (h >>> 8) % 5;
      if (way < 2) ix--;
      else if (way < 4) iy--;
      else iz--;
    }
    return (((iz + 16) << 22) | ((iy + 16) << 11) | (ix + 16)) >>> 0;
  }

  /** Collects the seeds that may be nearest or second nearest within `radius` of a place in warped space. */
  #seedsNear(x: number, y: number, height: number, radius: number, into: Seeds) {
    const z = height * FLATTEN;
    const [cx, cy, cz] = [x, y, z].map((value) => Math.floor(value / SEED_GRID));
    const margin = 2 * (radius + REACH);
    let nearest = Infinity, end = 0;
    for (let iz = cz - 2; iz <= cz + 2; iz++) {
      for (let iy = cy - 3; iy <= cy + 3; iy++) {
        for (let ix = cx - 3; ix <= cx + 3; ix++) {
          const h = this.hash(1, ix, iy, iz);
          const dx = (ix + (h & 1023) / 1024) * SEED_GRID - x;
          const dy = (iy + ((h >>> 10) & 1023) / 1024) * SEED_GRID - y;
          const dz = (iz + ((h >>> 20) & 1023) / 1024) * SEED_GRID - z;
          const weight = (h >>> 30) * 7 + (h % 97) / 12;
          const near = Math.sqrt(dx * dx + dy * dy + dz * dz) - weight;
          if (near > nearest + margin) continue;
          if (near < nearest) nearest = near;
          scratch[end] = ix;
          scratch[end + 1] = iy;
          scratch[end + 2] = iz;
          scratch[end + 3] = x + dx;
          scratch[end + 4] = y + dy;
          scratch[end + 5] = dz * dz;
          scratch[end + 6] = weight;
          scratch[end + 7] = near;
          end += 8;
        }
      }
    }
    into.length = 0;
    for (let i = 0; i < end; i += 8) {
      if (scratch[i + 7] > nearest + margin) continue;
      const cell = this.#cellOf(scratch[i], scratch[i + 1], scratch[i + 2]);
      into.add(scratch[i + 3], scratch[i + 4], scratch[i + 5], scratch[i + 6], cell);
    }
  }
}

function ease(t: number): number {
  return t * t * (3 - 2 * t);
}

/** How far from the middle of a square its warped pixels lie at most. */
function reach(side: number): number {
  return side * Math.SQRT1_2 * STRETCH;
}

/** Leaves the seeds that matter within `radius` of a place. */
function narrow(from: Seeds, x: number, y: number, radius: number, into: Seeds) {
  let nearest = Infinity;
  for (let i = 0; i < from.length; i++) {
    const dx = from.x[i] - x, dy = from.y[i] - y;
    scratch[i] = Math.sqrt(dx * dx + dy * dy + from.dz2[i]) - from.weight[i];
    if (scratch[i] < nearest) nearest = scratch[i];
  }
  const limit = nearest + 2 * (radius + REACH);
  into.length = 0;
  for (let i = 0; i < from.length; i++) {
    if (scratch[i] <= limit) {
      into.add(from.x[i], from.y[i], from.dz2[i], from.weight[i], from.cell[i]);
    }
  }
}

function isOneCell({ cell, length }: Seeds): boolean {
  for (let i = 1; i < length; i++) if (cell[i] !== cell[0]) return false;
  return true;
}

function nearestTwo({ length, x, y, dz2, weight, cell }: Seeds, px: number, py: number) {
  let first = Infinity, second = Infinity, found = 0;
  for (let i = 0; i < length; i++) {
    const d = Math.sqrt((x[i] - px) ** 2 + (y[i] - py) ** 2 + dz2[i]) - weight[i];
    if (d < first) {
      if (cell[i] !== found) second = first;
      [first, found] = [d, cell[i]];
    } else if (d < second && cell[i] !== found) second = d;
  }
  return { cell: found, depth: (second - first) / 2 };
}

/** Most pixels of a section pass through here, so it works on plain arrays. */
function fillBlock(
  [[ax, ay], [bx, by], [px, py], [qx, qy]]: [number, number][],
  all: Seeds,
  x0: number,
  xEnd: number,
  y0: number,
  yEnd: number,
  width: number,
  cell: Uint32Array,
  depth: Float32Array,
) {
  narrow(all, (ax + bx + px + qx) / 4, (ay + by + py + qy) / 4, reach(BLOCK), blockSeeds);
  const { length, x: sx, y: sy, dz2, weight, cell: owner } = blockSeeds;
  if (isOneCell(blockSeeds)) {
    for (let at = y0 * width; at < yEnd * width; at += width) {
      cell.fill(owner[0], at + x0, at + xEnd);
      depth.fill(REACH, at + x0, at + xEnd);
    }
    return;
  }
  for (let y = y0; y < yEnd; y++) {
    const v = (y - y0) / BLOCK;
    const startX = ax + (px - ax) * v, startY = ay + (py - ay) * v;
    const stepX = (bx + (qx - bx) * v - startX) / BLOCK;
    const stepY = (by + (qy - by) * v - startY) / BLOCK;
    for (let x = x0; x < xEnd; x++) {
      const wx = startX + stepX * (x - x0);
      const wy = startY + stepY * (x - x0);
      let first = Infinity, second = Infinity, best = 0, other = 0;
      for (let i = 0; i < length; i++) {
        const dx = sx[i] - wx, dy = sy[i] - wy;
        const d = Math.sqrt(dx * dx + dy * dy + dz2[i]) - weight[i];
        if (d < first) {
          if (owner[i] !== owner[best]) {
            second = first;
            other = best;
          }
          first = d;
          best = i;
        } else if (d < second && owner[i] !== owner[best]) {
          second = d;
          other = i;
        }
      }
      let far = second - first;
      // No slope is steeper than 2, and most pixels lie deep.
      if (far < 2 * REACH) far /= slopeOf(blockSeeds, best, other, wx, wy);
      cell[y * width + x] = owner[best];
      depth[y * width + x] = far < REACH ? far : REACH;
    }
  }
}

/**
 * How fast the difference of two distances grows across the section, so that dividing by it makes of the
 * difference a length in the section. Bounded below: a membrane cut along its face is wide, not endless.
 */
function slopeOf(seeds: Seeds, best: number, other: number, x: number, y: number): number {
  const ax = x - seeds.x[best], ay = y - seeds.y[best];
  const bx = x - seeds.x[other], by = y - seeds.y[other];
  const near = Math.sqrt(ax * ax + ay * ay + seeds.dz2[best]);
  const far = Math.sqrt(bx * bx + by * by + seeds.dz2[other]);
  const gx = bx / far - ax / near, gy = by / far - ay / near;
  const slope = Math.sqrt(gx * gx + gy * gy);
  return slope > 0.7 ? slope : 0.7;
}
