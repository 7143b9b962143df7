/**
 * XML as a tree of elements. References to outside entities are never followed.
 * @module
 */
import { parseXml as parse, XmlElement, XmlText } from "npm:@rgrove/parse-xml@5.0.0";

/** One element; names are without their namespace prefix. */
export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Element[];
  /** The text directly inside it. */
  readonly text: string;
}

/**
 * Parses a document.
 * @throws {SyntaxError} If it is not well-formed.
 */
export function parseXml(text: string): Element {
  let root: XmlElement | null;
  try {
    ({ root } = parse(text));
  } catch (error) {
    throw new SyntaxError(error instanceof Error ? error.message.split("\n")[0] : String(error), {
      cause: error,
    });
  }
  if (root === null) throw new SyntaxError("there is no element");
  return elementOf(root);
}

function elementOf(element: XmlElement): Element {
  const children: Element[] = [];
  let text = "";
  for (const child of element.children) {
    if (child instanceof XmlElement) children.push(elementOf(child));
    else if (child instanceof XmlText) text += child.text;
  }
  const { attributes } = element;
  return { name: element.name.slice(element.name.indexOf(":") + 1), attributes, children, text };
}
