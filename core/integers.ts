/**
 * Arithmetic of whole numbers.
 * @module
 */

/** The least number that both divide. */
export function leastCommonMultiple(a: number, b: number): number {
  const gcd = (x: number, y: number): number => y === 0 ? x : gcd(y, x % y);
  return a / gcd(a, b) * b;
}
