/**
 * `node:assert/strict` as it is in Node: Deno 2.9 exports the loose `equal` and `deepEqual` by name, for which 1 equals
 * "1". deno.json puts this in its place, for tests and for the examples in docs.
 */
import assert from "node:assert";

export const {
  AssertionError,
  deepEqual,
  doesNotMatch,
  doesNotReject,
  doesNotThrow,
  equal,
  fail,
  match,
  notDeepEqual,
  notEqual,
  ok,
  rejects,
  throws,
}: typeof assert.strict = assert.strict;
