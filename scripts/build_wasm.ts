/**
 * Compiles the AssemblyScript kernels in core/wasm/ and codecs/wasm/, and writes each as base64 into the module
 * that codecs import: `deno run -A scripts/build_wasm.ts`. A test compiles them again and compares.
 * @module
 */
import asc from "npm:assemblyscript@0.28.20/asc";

/** A kernel, the module that carries it, and what the compiler is told. */
export interface Kernel {
  readonly source: string;
  readonly target: string;
  readonly about: string;
  readonly flags: readonly string[];
}

/** Every kernel of the tree, by paths relative to its root. */
export const KERNELS: readonly Kernel[] = [
  {
    source: "core/wasm/scan.as.ts",
    target: "core/_scan_wasm.ts",
    about: "The kernel that finds the range of small integers",
    flags: ["--initialMemory", "1", "--maximumMemory", "1", "--enable", "simd"],
  },
  {
    source: "codecs/wasm/lzw.as.ts",
    target: "codecs/_lzw_wasm.ts",
    about: "The LZW kernel",
    flags: ["--initialMemory", "148", "--maximumMemory", "148"],
  },
  ...(["decode", "encode"] as const).map((way) => ({
    source: `codecs/wasm/segmentation_${way}.as.ts`,
    target: `codecs/_segmentation_${way}_wasm.ts`,
    about: `The kernel that ${way}s compressed_segmentation`,
    flags: ["--initialMemory", "1", "--enable", "simd"],
  })),
];

const ROOT = new URL("../", import.meta.url);

/**
 * Compiles one kernel.
 * @returns The text of the module that carries it.
 */
export async function buildKernel(kernel: Kernel): Promise<string> {
  const text = await Deno.readTextFile(new URL(kernel.source, ROOT));
  let binary: Uint8Array | undefined;
  const said: string[] = [];
  const { error } = await asc.main(
    [
      "kernel.ts",
      "-O3",
      "--runtime",
      "stub",
      "--noAssert",
      "--outFile",
      "kernel.wasm",
      ...kernel.flags,
    ],
    {
      stderr: { write: (line: string) => void said.push(line) },
      readFile: (name: string) => name === "kernel.ts" ? text : null,
      writeFile: (name: string, contents: string | Uint8Array) => {
        if (name === "kernel.wasm" && contents instanceof Uint8Array) binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error !== null || binary === undefined) {
    throw new Error(`Cannot compile "${kernel.source}" as WebAssembly: ${said.join("")}`, {
      cause: error,
    });
  }
  const lines = binary.toBase64().match(/.{1,96}/g) ?? [];
  return [
    "// deno-fmt-ignore-file",
    `/** ${kernel.about}, compiled from ${kernel.source} by scripts/build_wasm.ts. */`,
    "export const WASM =",
    ...lines.map((line, index) => `  "${line}"${index === lines.length - 1 ? ";" : " +"}`),
    "",
  ].join("\n");
}

if (import.meta.main) {
  for (const kernel of KERNELS) {
    await Deno.writeTextFile(new URL(kernel.target, ROOT), await buildKernel(kernel));
    console.log(`${kernel.source} -> ${kernel.target}`);
  }
}
