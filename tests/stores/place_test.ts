import { equal } from "node:assert/strict";
import { isSamePlace, shownPlace } from "../../stores/place.ts";

const cases = [
  ["https://ann:secret@lab/em?X-Amz-Signature=secret#secret", "https://lab/em"],
  ["precomputed://https://lab:8080/em?secret", "precomputed://https://lab:8080/em"],
  ["http://secret@lab", "http://lab"],
  ["s3://KEY:secret@bucket/em", "s3://bucket/em"],
  // These may be parts of a name.
  ["s3://bucket/em?1#2", "s3://bucket/em?1#2"],
  ["/data/it's 5 @ noon?#.zarr", "/data/it's 5 @ noon?#.zarr"],
  ["https://lab/em@2", "https://lab/em@2"],
] as const;
for (const [address, shown] of cases) {
  Deno.test(`shownPlace() makes ${shown} of an address`, () => equal(shownPlace(address), shown));
}

const pairs = [
  { a: "bossdb://c/e/h?at=512x0x0&replace=true", b: "bossdb://c/e/h/", same: true },
  { a: "bossdb://c/e/h", b: "bossdb://c/e/g", same: false },
  { a: "/data/it?1.zarr", b: "/data/it", same: false },
  { a: "s3://bucket/em", b: "s3://bucket/em", same: true },
];
for (const { a, b, same } of pairs) {
  Deno.test(`isSamePlace() tells ${a} and ${b} as ${same ? "one" : "two"}`, () => {
    equal(isSamePlace(a, b), same);
  });
}
