/** The little XML that S3 speaks: elements with text, or with such elements. */

const ENTITIES: Readonly<Record<string, string>> = {
  lt: "<",
  gt: ">",
  amp: "&",
  quot: '"',
  apos: "'",
};

/** What lies in each element of a name; a name may lie in no other of its name. */
export function elementsOf(xml: string, name: string): string[] {
  const found = xml.matchAll(new RegExp(`<${name}(?:\\s[^>]*)?(?:/>|>(.*?)</${name}\\s*>)`, "gs"));
  return Array.from(found, ([, inside = ""]) => inside);
}

/** The text of the first element of a name. */
export function textOf(xml: string, name: string): string | undefined {
  const [inside] = elementsOf(xml, name);
  return inside?.replace(/&(?:#(x?)([0-9a-f]+)|([a-z]+));/gi, (all, hex, code, entity) => {
    if (entity !== undefined) return ENTITIES[entity] ?? all;
    const point = parseInt(code, hex ? 16 : 10);
    return point <= 0x10ffff ? String.fromCodePoint(point) : all;
  });
}

/** Whether a document came to its end. */
export function isWholeDocument(xml: string, root: string): boolean {
  return new RegExp(`^\\s*(?:<\\?xml[^>]*>\\s*)?<${root}[\\s>].*</${root}>\\s*$`, "s").test(xml);
}

/** Text as an element holds it. */
export function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
