/**
 * Writes a plugin of a lab's own, to begin with: a class that works, and its test.
 * @module
 */
import { join } from "node:path";
import { UsageError } from "../core/errors.ts";

/** What is written. */
export interface NewPluginOptions {
  /** What it is to do: name files, or make tiles or chunks. @default "path" */
  readonly kind?: "path" | "tile" | "chunk";
  /** Folder for it. @default The working folder */
  readonly folder?: string;
}

/** What was written. */
export interface NewPlugin {
  /** What it does. */
  readonly kind: "path" | "tile" | "chunk";
  /** The module. */
  readonly module: string;
  /** Its test. */
  readonly test: string;
  /** What a configuration that lies in the same folder says. */
  readonly className: string;
}

/**
 * Writes a plugin and its test; neither imports anything of this program.
 * @param name Of the class, such as `MyPaths`.
 * @throws {UsageError} If the name is none of a class, or a file is there.
 * @example
 * ```ts
 * import { newPlugin } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * const { className } = await newPlugin("MyPaths", { folder });
 * equal(className, "./my_paths.ts#MyPaths");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function newPlugin(
  name: string,
  { kind = "path", folder = "." }: NewPluginOptions = {},
): Promise<NewPlugin> {
  if (!/^[A-Z][A-Za-z\d]{0,63}$/.test(name)) {
    throw new UsageError(
      `Cannot write a plugin ${
        JSON.stringify(name)
      }: that is no name of a class; begin with a capital letter, and go on with letters and digits, as MyPaths`,
    );
  }
  const base = name.replace(/(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, "_").toLowerCase();
  const [module, test] = [join(folder, `${base}.ts`), join(folder, `${base}_test.ts`)];
  const [text, testText] = TEMPLATES[kind](name, `./${base}.ts`);
  await Deno.mkdir(folder, { recursive: true });
  await write(module, text);
  try {
    await write(test, testText);
  } catch (error) {
    await Deno.remove(module);
    throw error;
  }
  return { kind, module, test, className: `./${base}.ts#${name}` };
}

async function write(path: string, text: string): Promise<void> {
  try {
    await Deno.writeTextFile(path, text, { createNew: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    throw new UsageError(`Cannot write "${path}": it is there; choose another name, or remove it`);
  }
}

const INDEX = `/** Which tile, or chunk: column, row, slice (layer of chunks) and time. */
interface Index {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly t: number;
}
`;

type Template = (name: string, module: string) => [module: string, test: string];

const path: Template = (name, module) => [
  `/** Says in which file a tile lies: below root_dir, a folder for each slice. */
${INDEX}
export class ${name} {
  readonly #root: string;

  constructor({ params }: { params: { root_dir: string } }) {
    this.#root = params.root_dir;
  }

  process({ x, y, z }: Index): string {
    return \`\${this.#root}/\${String(z).padStart(4, "0")}/\${y}_\${x}.png\`;
  }
}
`,
  `import { equal } from "node:assert/strict";
import { ${name} } from "${module}";

Deno.test("${name} names the file of a tile", () => {
  const paths = new ${name}({ params: { root_dir: "/data" } });
  equal(paths.process({ x: 2, y: 1, z: 7, t: 0 }), "/data/0007/1_2.png");
});
`,
];

const tile: Template = (name, module) => [
  `/** Reads tiles from files of bare pixels of 8 bits, row by row. */
${INDEX}
export class ${name} {
  readonly #size: { readonly x: number; readonly y: number };

  constructor({ job }: { job: { tileSize: { x: number; y: number } } }) {
    this.#size = job.tileSize;
  }

  /** Pixels; the bytes of a PNG, TIFF or JPEG would do as well. */
  async process(path: string, _index: Index) {
    const { x: width, y: height } = this.#size;
    return { data: await Deno.readFile(path), width, height };
  }
}
`,
  `import { deepEqual } from "node:assert/strict";
import { ${name} } from "${module}";

Deno.test("${name} reads the pixels of a tile", async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeFile(path, new Uint8Array([1, 2, 3, 4, 5, 6]));
  const tiles = new ${name}({ job: { tileSize: { x: 3, y: 2 } } });
  const { data, width, height } = await tiles.process(path, { x: 0, y: 0, z: 0, t: 0 });
  await Deno.remove(path);
  deepEqual([...data, width, height], [1, 2, 3, 4, 5, 6, 3, 2]);
});
`,
];

const chunk: Template = (name, module) => [
  `/** Reads chunks from files of bare voxels of 8 bits below root_dir, in the order z, y, x with x fastest. */
${INDEX}
export class ${name} {
  readonly #root: string;
  readonly #size: { readonly x: number; readonly y: number; readonly z: number };

  constructor(
    { params, job }: {
      params: { root_dir: string };
      job: { chunkSize: { x: number; y: number; z: number } };
    },
  ) {
    this.#root = params.root_dir;
    this.#size = job.chunkSize;
  }

  /** The voxels of a chunk; with an offset, those of a part of it. */
  async process(_path: string, { x, y, z }: Index) {
    const data = await Deno.readFile(\`\${this.#root}/\${x}_\${y}_\${z}.raw\`);
    return { data, size: [this.#size.x, this.#size.y, this.#size.z] };
  }
}
`,
  `import { deepEqual } from "node:assert/strict";
import { ${name} } from "${module}";

Deno.test("${name} reads the voxels of a chunk", async () => {
  const root_dir = await Deno.makeTempDir();
  await Deno.writeFile(\`\${root_dir}/1_0_2.raw\`, new Uint8Array([1, 2, 3, 4, 5, 6]));
  const chunks = new ${name}({ params: { root_dir }, job: { chunkSize: { x: 3, y: 2, z: 1 } } });
  const { data, size } = await chunks.process("", { x: 1, y: 0, z: 2, t: 0 });
  await Deno.remove(root_dir, { recursive: true });
  deepEqual([[...data], size], [[1, 2, 3, 4, 5, 6], [3, 2, 1]]);
});
`,
];

const TEMPLATES = { path, tile, chunk } as const;
