/**
 * Secrets in a configuration: the token of another Boss, the keys of a bucket.
 * @module
 */
import { isObject, type JsonValue } from "./_config_json.ts";

const SECRET = /token|secret|passw|credential|(access|api|private)_?key/i;

/**
 * A value without its secrets, and without names and passwords in addresses.
 * @param mask What stands in their place. @default They are left out
 */
export function withoutSecrets(value: JsonValue, mask?: string): JsonValue {
  if (typeof value === "string") return value.replace(/(\/\/)[^/?#\s]*@/g, "$1");
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item, mask));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => {
      if (!SECRET.test(key) || item === null) return [[key, withoutSecrets(item, mask)]];
      return mask === undefined ? [] : [[key, mask]];
    }),
  );
}
