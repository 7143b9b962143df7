/**
 * Names with tokens for the place of an image: the Boss's `<o:200p:4>`, and `<z:4>`, `<y>`, `<x>`, `<c>`, `<t>`.
 *
 * The Boss's rule (ingest-client, `base_filename` of its stack plugins): a token is `<`, `o:` and an offset or
 * nothing, `p:` and a number of digits or nothing, `>`, in this order; the number in the name is the index plus
 * the offset, filled with zeros on the left and never cut. Its tokens mean z here; `<y:o:10p:3>` says the same
 * of another axis, and `<y:3>` is short for `<y:p:3>`. What is no token stands for itself.
 * @module
 */
import { UsageError } from "../core/errors.ts";
import type { Axis } from "../core/point.ts";
import { escapePattern, type Segment } from "./_glob.ts";

/** One token of a template. */
interface Token {
  readonly text: string;
  readonly axis: Axis;
  readonly offset: number;
  readonly padding: number;
}

/** The index along each axis that a template names. */
export type Indexes = Readonly<Partial<Record<Axis, number>>>;

/** What a name says. */
export interface TemplateMatch {
  readonly indexes: Indexes;
  /** Whether it is the very name that the template makes of these indexes, and not padded otherwise. */
  readonly isExact: boolean;
}

/** A template, read. */
export interface Template {
  readonly text: string;
  /** Axes it has tokens for, in the order of their first. */
  readonly axes: readonly Axis[];
  /** What the parts of its paths look like. */
  readonly segments: readonly Segment[];
  /** The offset of the first token of an axis: the number in the name is the index plus this. */
  offsetOf(axis: Axis): number;
  /** The path of an index along each of the axes; 0 where none is given. */
  format(indexes: Indexes): string;
  /** What a path says, or undefined where it is none of the template's. */
  parse(path: string): TemplateMatch | undefined;
}

const TOKEN =
  /<(?:(?:o:(\d+))?(?:p:(\d+))?|([xyzct])(?::(?:(\d+)|(?=[op])(?:o:(\d+))?(?:p:(\d+))?))?)>/g;

/** Whether a path holds a token. */
export function isTemplate(path: string): boolean {
  return path.search(TOKEN) >= 0;
}

/**
 * Reads a template.
 * @throws {UsageError} If two tokens meet and nothing says where the first number ends.
 */
export function parseTemplate(text: string): Template {
  const { texts, tokens } = cut(text);
  const sources = { exact: "^", loose: "^" };
  for (const [at, before] of texts.entries()) {
    const literal = escapePattern(before);
    const token = tokens[at];
    const meetsNext = token !== undefined && texts[at + 1] === "" && at + 1 < tokens.length;
    if (meetsNext && token.padding === 0) {
      throw new UsageError(
        `Cannot read "${text}" as a template: nothing says where the number of ${token.text} ends; give its ` +
          `digits, such as <${token.axis}:4>, or put text behind it`,
      );
    }
    sources.exact += literal + (token === undefined ? "$" : digits(token, meetsNext));
    sources.loose += literal +
      (token === undefined ? "$" : meetsNext ? digits(token, true) : "(\\d+)");
  }
  const [exact, loose] = [new RegExp(sources.exact), new RegExp(sources.loose)];
  const axes = [...new Set(tokens.map(({ axis }) => axis))];
  return {
    text,
    axes,
    segments: text.split("/").map(segmentOf),
    offsetOf: (axis) => tokens.find((token) => token.axis === axis)?.offset ?? 0,
    format: (indexes) =>
      texts.map((before, at) => {
        const token = tokens[at];
        if (token === undefined) return before;
        const number = String((indexes[token.axis] ?? 0) + token.offset);
        return before + number.padStart(token.padding, "0");
      }).join(""),
    parse(path) {
      const exactly = exact.exec(path);
      const numbers = (exactly ?? loose.exec(path))?.slice(1).map(Number);
      if (numbers === undefined) return undefined;
      const indexes: Partial<Record<Axis, number>> = {};
      for (const [at, { axis, offset }] of tokens.entries()) {
        const index = numbers[at] - offset;
        if (!Number.isSafeInteger(index) || (indexes[axis] ?? index) !== index) return undefined;
        indexes[axis] = index;
      }
      return { indexes, isExact: exactly !== null };
    },
  };
}

/** The text between tokens, one piece more than there are tokens. */
function cut(text: string): { texts: string[]; tokens: Token[] } {
  const texts: string[] = [];
  const tokens: Token[] = [];
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    const [token, bossOffset, bossPadding, axis, short, offset, padding] = match;
    texts.push(text.slice(end, match.index));
    end = match.index + token.length;
    tokens.push({
      text: token,
      axis: (axis ?? "z") as Axis,
      offset: Number(bossOffset ?? offset ?? 0),
      padding: Number(bossPadding ?? short ?? padding ?? 0),
    });
  }
  return { texts: [...texts, text.slice(end)], tokens };
}

function digits({ padding }: Token, meetsNext: boolean): string {
  if (meetsNext) return `(\\d{${padding}})`;
  return padding < 2 ? "(0|[1-9]\\d*)" : `(0\\d{${padding - 1}}|[1-9]\\d{${padding - 1},})`;
}

function segmentOf(text: string): Segment {
  const { texts } = cut(text);
  return texts.length === 1
    ? { kind: "literal", name: text }
    : { kind: "match", text, pattern: new RegExp(`^${texts.map(escapePattern).join("\\d+")}$`) };
}
