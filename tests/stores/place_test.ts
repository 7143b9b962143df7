import { equal } from "node:assert/strict";
import { shownPlace } from "../../stores/place.ts";

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
