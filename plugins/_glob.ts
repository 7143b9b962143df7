/**
 * Globs: `*` and `?` within a name, `[...]` for one character, `{a,b}` for either, `**` for folders.
 * @module
 */

/** What one part of a path may be; `folders` stands for any number of folders, none included. */
export type Segment =
  | { readonly kind: "literal"; readonly name: string }
  | { readonly kind: "match"; readonly text: string; readonly pattern: RegExp }
  | { readonly kind: "folders" };

/** A glob without braces. */
export interface Glob {
  readonly segments: readonly Segment[];
  /** Whether its last part ends in `*`, so that it says nothing of extensions. */
  readonly isOpen: boolean;
}

/** Whether a path means more than itself. */
export function isGlob(path: string): boolean {
  return /[*?]|\[[^/]+\]|\{[^/{}]*,[^{}]*\}/.test(path);
}

/** Reads a glob; its braces make several. */
export function parseGlobs(pattern: string): Glob[] {
  return expandBraces(pattern).map((path) => {
    const parts = path.split("/").filter((part, at, all) =>
      part !== "" && part !== "." && !(part === "**" && all[at - 1] === "**")
    );
    return { segments: parts.map(parseSegment), isOpen: parts.at(-1)?.endsWith("*") ?? false };
  });
}

/** `a{b,c}d` is `abd` and `acd`; braces without a comma mean themselves, as in shells. */
function expandBraces(text: string): string[] {
  for (let open = text.indexOf("{"); open >= 0; open = text.indexOf("{", open + 1)) {
    if (text[open - 1] === "\\") continue;
    const commas: number[] = [];
    let depth = 0;
    for (let at = open; at < text.length; at++) {
      if (text[at] === "\\") at++;
      else if (text[at] === "{") depth++;
      else if (text[at] === "," && depth === 1) commas.push(at);
      else if (text[at] === "}" && --depth === 0) {
        if (commas.length === 0) break;
        const cuts = [open, ...commas, at];
        return commas.concat(at).flatMap((_, choice) =>
          expandBraces(
            text.slice(0, open) + text.slice(cuts[choice] + 1, cuts[choice + 1]) +
              text.slice(at + 1),
          )
        );
      }
    }
  }
  return [text];
}

function parseSegment(text: string): Segment {
  if (text === "**") return { kind: "folders" };
  let source = "";
  let isLiteral = true;
  let name = "";
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    const close = character === "["
      ? text.indexOf("]", at + (/^\[[!^]?\]/.test(text.slice(at)) ? 3 : 2))
      : -1;
    if (character === "*" || character === "?" || close > 0) isLiteral = false;
    if (character === "*") {
      while (text[at + 1] === "*") at++;
      source += ".*";
    } else if (character === "?") source += ".";
    else if (close > 0) {
      const negated = text[at + 1] === "!" || text[at + 1] === "^";
      const members = text.slice(at + (negated ? 2 : 1), close).replace(/[\\\]\[&|~^]/g, "\\$&");
      source += `[${negated ? "^" : ""}${members}]`;
      at = close;
    } else {
      if (character === "\\" && at + 1 < text.length) at++;
      name += text[at];
      source += escapePattern(text[at]);
    }
  }
  if (isLiteral) return { kind: "literal", name };
  // A leading dot hides a name from wildcards, as in shells.
  const hidden = text.startsWith(".") || text.startsWith("\\.") ? "" : "(?!\\.)";
  return { kind: "match", text, pattern: new RegExp(`^${hidden}${source}$`, "s") };
}

/** The text as a regular expression that matches nothing else. */
export function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}
