/**
 * Secrets in a configuration: the token of another Boss, the keys of a bucket.
 * @module
 */
import { isObject, type JsonValue } from "./_config_json.ts";

const SECRET = /token|secret|passw|credential|(access|api|private)_?key/i;

/** Puts `…` in the place of each secret of a value, wherever it stands in a text. */
export function cleanerOf(value: JsonValue): (text: string) => string {
  const secrets = [...secretsIn(value, false)].filter((secret) => secret.length > 3)
    .sort((a, b) => b.length - a.length);
  return (text) => secrets.reduce((clean, secret) => clean.replaceAll(secret, "…"), text);
}

function* secretsIn(value: JsonValue, isSecret: boolean): Generator<string> {
  if (typeof value === "string" && isSecret) yield value;
  if (Array.isArray(value)) { for (const item of value) yield* secretsIn(item, isSecret); }
  else if (isObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      yield* secretsIn(item, isSecret || SECRET.test(key));
    }
  }
}

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
