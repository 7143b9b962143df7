/** That every public part is shown at work. The examples themselves are run by `deno test --doc`. */
import { deepEqual, ok } from "node:assert/strict";
import { join } from "node:path";
import { withFolder } from "./_stack.ts";

const root = new URL("../", import.meta.url).pathname;

/** What `deno doc --json` says of one entry point, as far as it is asked here. */
interface Documented {
  readonly symbols: readonly {
    readonly name: string;
    readonly declarations: readonly {
      readonly kind: string;
      readonly jsDoc?: {
        readonly tags?: readonly { readonly kind: string; readonly doc?: string }[];
      };
      readonly def?: { readonly tsType?: { readonly value?: { readonly operator?: string } } };
    }[];
  }[];
}

async function document(path: string): Promise<Documented> {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", path],
    cwd: root,
    stderr: "inherit",
  }).output();
  ok(success);
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout)) as {
    nodes: Record<string, Documented>;
  };
  return Object.values(nodes)[0];
}

const SHOWN = new Set(["function", "class", "variable"]);

/** Functions, classes and variables that no example names and asserts something of. */
function withoutExample({ symbols }: Documented): string[] {
  return symbols.flatMap(({ name, declarations }) => {
    const shown = declarations.filter(({ kind, def }) =>
      // A unique symbol brands a type: there is no value to show.
      SHOWN.has(kind) && def?.tsType?.value?.operator !== "unique"
    );
    const examples = shown.flatMap(({ jsDoc }) => jsDoc?.tags ?? [])
      .filter(({ kind, doc = "" }) =>
        kind === "example" && /```ts\n/.test(doc) && doc.includes("node:assert/strict") &&
        new RegExp(`\\b${name}\\b`).test(doc)
      );
    return shown.length > 0 && examples.length === 0 ? [`${shown[0].kind} ${name}`] : [];
  });
}

/** Types that no other public part takes, gives, extends or links to: nobody would come across them. */
function unmentioned({ symbols }: Documented): string[] {
  const texts = symbols.map(({ name, declarations }) => ({
    name,
    text: JSON.stringify(declarations),
  }));
  return symbols
    .filter(({ declarations }) =>
      declarations.some(({ kind }) => kind === "interface" || kind === "typeAlias")
    )
    .filter(({ name }) =>
      !texts.some((other) =>
        other.name !== name &&
        (other.text.includes(`"typeName":"${name}"`) || other.text.includes(`@linkcode ${name}}`))
      )
    )
    .map(({ name }) => name);
}

Deno.test("every function, class and variable that mod.ts exports has an example", async () => {
  deepEqual(withoutExample(await document("mod.ts")), []);
});

Deno.test("every type that mod.ts exports is met in what uses it", async () => {
  deepEqual(unmentioned(await document("mod.ts")), []);
});

Deno.test("what has no example, or a type that nothing uses, is named", () =>
  withFolder(async (folder) => {
    const example = (code: string) => `/**\n * @example\n * \`\`\`ts\n * ${code}\n * \`\`\`\n */\n`;
    const asserted = (code: string) => example(`import "node:assert/strict"; ${code}`);
    const path = join(folder, "entry.ts");
    await Deno.writeTextFile(
      path,
      `${asserted("shown()")}export function shown(options: Used): void {}
      export function bare(): void {}
      ${example("unproven()")}export function unproven(): void {}
      ${asserted("another()")}export class Unnamed {}
      /** Three. */
      export const COUNT = 3;
      export declare const brand: unique symbol;
      export interface Used {}
      /** Nobody takes it. */
      export type Unused = string;`,
    );
    const documented = await document(path);
    deepEqual(withoutExample(documented).sort(), [
      "class Unnamed",
      "function bare",
      "function unproven",
      "variable COUNT",
    ]);
    deepEqual(unmentioned(documented), ["Unused"]);
  }));
