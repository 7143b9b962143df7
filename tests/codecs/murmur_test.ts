import { equal } from "node:assert/strict";
import { murmurHash } from "../../codecs/_murmur.ts";

/** By cloud-volume 12.15.2 (pymmh3, `hash64` with `x64arch=False`). */
const hashes = [
  [0n, 0x4772b084e028ae41n],
  [1n, 0xe8bd67d616d4ce9an],
  [2n, 0xd62f9cd21b013f5an],
  [12345n, 0x1d31307e3a65e510n],
  [0x123456789abcdefn, 0x708036264c109d93n],
  [2n ** 63n - 1n, 0x11b0aae005faa06an],
  [2n ** 64n - 1n, 0x574f66bd212b5d1an],
] as const;
for (const [key, hash] of hashes) {
  Deno.test(`murmurHash() of ${key} is another program's`, () => equal(murmurHash(key), hash));
}
