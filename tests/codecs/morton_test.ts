import { deepEqual, equal, throws } from "node:assert/strict";
import { MortonGrid } from "../../codecs/_morton.ts";
import type { Xyz } from "../../codecs/_xyz.ts";
import { fc } from "../_fast_check.ts";

/** The rule as volume.rst states it. */
function codeByTheRule(position: Xyz, grid: Xyz): bigint {
  let [code, j] = [0n, 0n];
  for (let i = 0n; i < 64n; i++) {
    for (const dim of [0, 1, 2]) {
      if (2n ** i >= BigInt(grid[dim])) continue;
      code |= (BigInt(position[dim]) >> i & 1n) << j;
      j++;
    }
  }
  return code;
}

const cases = [
  { name: "one chunk", grid: [1, 1, 1], position: [0, 0, 0], code: 0n },
  { name: "equal sides", grid: [8, 8, 8], position: [0b101, 0b011, 0b110], code: 0b101110011n },
  {
    name: "x covered after one bit",
    grid: [2, 8, 8],
    position: [1, 0b011, 0b110],
    code: 0b1011011n,
  },
  {
    name: "sides that are no powers of two",
    grid: [5, 3, 2],
    position: [4, 2, 1],
    code: 0b110100n,
  },
  {
    name: "42943 x 56068 x 82276 voxels in chunks of 64",
    grid: [671, 877, 1286],
    position: [335, 438, 1024],
    code: 0x434522d9n,
  },
] as const;
for (const { name, grid, position, code } of cases) {
  Deno.test(`MortonGrid numbers chunks of ${name}`, () => {
    equal(codeByTheRule(position, grid), code);
    equal(new MortonGrid(grid).code(position), code);
    deepEqual(new MortonGrid(grid).position(code), position);
  });
}

const side = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 2 ** 21 }));

Deno.test("MortonGrid is the rule, both ways, up to 63 bits and with one long axis up to 2^53", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.tuple(side, side, side),
        fc.tuple(
          fc.constant(1),
          fc.integer({ min: 1, max: 3 }),
          fc.maxSafeNat().map((n) => Math.max(1, n)),
        ),
      ),
      fc.tuple(fc.nat(), fc.nat(), fc.maxSafeNat()),
      (grid, [a, b, c]) => {
        const position = [a % grid[0], b % grid[1], c % grid[2]] as const;
        const morton = new MortonGrid(grid);
        const code = morton.code(position);
        equal(code, codeByTheRule(position, grid));
        deepEqual(morton.position(code), position);
      },
    ),
    { seed: 20260202, numRuns: 2000 },
  );
});

Deno.test("MortonGrid refuses grids and positions that have no number", () => {
  throws(() => new MortonGrid([2 ** 22, 2 ** 22, 2 ** 22]), /takes 66 bits, and shards have 64/);
  throws(() => new MortonGrid([0, 1, 1]), /sides must be integers from 1 on/);
  throws(() => new MortonGrid([7, 5, 3]).code([7, 0, 0]), /at \[7,0,0\]: the grid has 7 x 5 x 3/);
  throws(() => new MortonGrid([7, 5, 3]).code([0, -1, 0]), /at \[0,-1,0\]/);
});
