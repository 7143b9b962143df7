/**
 * Names of files as the Boss's plugins make them (ingest-client, `base_filename` of its stack plugins).
 * @module
 */

/**
 * Puts a number into a name: a token is `<`, `o:` and an offset or nothing, `p:` and a number of digits or nothing,
 * `>`, in this order. The number plus the offset is filled with zeros on the left and never cut; what is no token
 * stands for itself. `plugins/_template.ts` reads more than this, and so must not read a file of the Boss's.
 */
export function nameOfNumber(template: string, number: number): string {
  // Offsets may be longer than a double holds, such as times.
  return template.replace(
    /<(?:o:(\d+))?(?:p:(\d+))?>/g,
    (_, offset: string | undefined, digits: string | undefined) =>
      (BigInt(offset ?? 0) + BigInt(number)).toString().padStart(Number(digits ?? 0), "0"),
  );
}

/** Joins as Python's `os.path.join`: a part that begins with `/` begins anew, and an empty one adds nothing before. */
export function joinPath(...parts: readonly string[]): string {
  return parts.reduce((path, part) => {
    if (part.startsWith("/") || path === "") return part;
    return path.endsWith("/") ? path + part : `${path}/${part}`;
  });
}
