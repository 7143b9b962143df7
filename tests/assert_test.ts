import { deepEqual, equal, notEqual, throws } from "node:assert/strict";

Deno.test("assertions are strict: types count", () => {
  throws(() => equal(1 as unknown, "1"));
  throws(() => deepEqual([1] as unknown, ["1"]));
  throws(() => deepEqual({ a: undefined } as unknown, {}));
  notEqual(1 as unknown, "1");
});
