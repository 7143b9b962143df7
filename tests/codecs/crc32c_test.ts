import { equal } from "node:assert/strict";
import { crc32c } from "../../codecs/crc32c.ts";
import { fc } from "../_fast_check.ts";

/** RFC 3720, appendix B.4, the checksums as numbers (there as bytes in the order they are sent). */
const rfc3720 = [
  { name: "32 bytes of 0", bytes: new Array(32).fill(0), sum: 0x8a9136aa },
  { name: "32 bytes of 255", bytes: new Array(32).fill(255), sum: 0x62a8ab43 },
  { name: "0 to 31", bytes: Array.from({ length: 32 }, (_, i) => i), sum: 0x46dd794e },
  { name: "31 to 0", bytes: Array.from({ length: 32 }, (_, i) => 31 - i), sum: 0x113fdb5c },
  {
    name: "an iSCSI read command",
    // deno-fmt-ignore
    bytes: [
      0x01, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
      0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x18,
      0x28, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    ],
    sum: 0xd9963a56,
  },
];
for (const { name, bytes, sum } of rfc3720) {
  Deno.test(`crc32c() of RFC 3720's ${name}`, () => equal(crc32c(Uint8Array.from(bytes)), sum));
}

Deno.test("crc32c() of nothing and of the check string", () => {
  equal(crc32c(new Uint8Array(0)), 0);
  equal(crc32c(new TextEncoder().encode("123456789")), 0xe3069283);
});

/** Bit by bit, straight from the definition. */
function bitwise(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >>> 1 ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

Deno.test("crc32c() is that of the definition at any length and alignment, whole or in parts", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(7), fc.nat(200), (bytes, skip, cut) => {
      const shared = new Uint8Array(
        new SharedArrayBuffer(bytes.length + skip + 3),
        skip,
        bytes.length,
      );
      shared.set(bytes);
      const expected = bitwise(bytes);
      equal(crc32c(shared), expected);
      equal(crc32c(shared.subarray(cut), crc32c(shared.subarray(0, cut))), expected);
    }),
    { seed: 20260104, numRuns: 2000 },
  );
});
