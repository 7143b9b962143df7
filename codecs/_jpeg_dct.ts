/**
 * The forward cosine transform of a block of eight by eight in integers, exactly as libjpeg's "islow": Loeffler,
 * Ligtenberg and Moschytz 1989, with 13 bits behind the point.
 * @module
 */

const POINT = 13;
/** Bits that rows keep for the columns. */
const KEPT = 2;

function fixed(value: number): number {
  return Math.round(value * (1 << POINT));
}

const C_0_298 = fixed(0.298631336);
const C_0_390 = fixed(0.390180644);
const C_0_541 = fixed(0.541196100);
const C_0_765 = fixed(0.765366865);
const C_0_899 = fixed(0.899976223);
const C_1_175 = fixed(1.175875602);
const C_1_501 = fixed(1.501321110);
const C_1_847 = fixed(1.847759065);
const C_1_961 = fixed(1.961570560);
const C_2_053 = fixed(2.053119869);
const C_2_562 = fixed(2.562915447);
const C_3_072 = fixed(3.072711026);

/** Transforms samples from -128 to 127 in place, into coefficients times eight. */
export function transformBlock(block: Int32Array): void {
  for (let row = 0; row < 64; row += 8) transformEight(block, row, 1, -KEPT, POINT - KEPT);
  for (let column = 0; column < 8; column++) {
    transformEight(block, column, 8, KEPT, POINT + KEPT);
  }
}

/** `shift` is for the two sums without a product, `down` for all others. */
function transformEight(
  block: Int32Array,
  at: number,
  step: number,
  shift: number,
  down: number,
): void {
  const a = block[at], b = block[at + step], c = block[at + 2 * step], d = block[at + 3 * step];
  const e = block[at + 4 * step], f = block[at + 5 * step], g = block[at + 6 * step];
  const h = block[at + 7 * step];
  const ah = a + h, bg = b + g, cf = c + f, de = d + e;
  const half = 1 << down - 1;

  const outer = ah + de, inner = bg + cf;
  if (shift < 0) {
    block[at] = outer + inner << -shift;
    block[at + 4 * step] = outer - inner << -shift;
  } else {
    block[at] = outer + inner + (1 << shift - 1) >> shift;
    block[at + 4 * step] = outer - inner + (1 << shift - 1) >> shift;
  }
  const outerDifference = ah - de, innerDifference = bg - cf;
  const even = Math.imul(outerDifference + innerDifference, C_0_541) + half;
  block[at + 2 * step] = even + Math.imul(outerDifference, C_0_765) >> down;
  block[at + 6 * step] = even - Math.imul(innerDifference, C_1_847) >> down;

  const t4 = d - e, t5 = c - f, t6 = b - g, t7 = a - h;
  const all = Math.imul(t4 + t6 + t5 + t7, C_1_175) + half;
  const z1 = Math.imul(t4 + t7, C_0_899), z2 = Math.imul(t5 + t6, C_2_562);
  const z3 = all - Math.imul(t4 + t6, C_1_961), z4 = all - Math.imul(t5 + t7, C_0_390);
  block[at + 7 * step] = Math.imul(t4, C_0_298) - z1 + z3 >> down;
  block[at + 5 * step] = Math.imul(t5, C_2_053) - z2 + z4 >> down;
  block[at + 3 * step] = Math.imul(t6, C_3_072) - z2 + z3 >> down;
  block[at + step] = Math.imul(t7, C_1_501) - z1 + z4 >> down;
}
