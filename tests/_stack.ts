/** A small stack on disk: odd in every axis, 16-bit with unequal bytes. */
import { join } from "node:path";
import { encodePng } from "../codecs/png_encode.ts";
import { viewBytes } from "../core/dtype.ts";

/** What a stack is to be. */
export interface StackOptions {
  readonly width?: number;
  readonly height?: number;
  readonly depth?: number;
  readonly dtype?: "uint8" | "uint16";
  /** The voxel at a place. */
  readonly voxel?: (x: number, y: number, z: number) => number;
}

/** A stack, and its voxels. */
export interface Stack {
  readonly folder: string;
  readonly pattern: string;
  readonly paths: readonly string[];
  readonly size: readonly [number, number, number];
  /** z, y, x with x fastest. */
  readonly voxels: Uint8Array | Uint16Array;
}

/** The voxel at a place, where a test has no wish of its own: every one differs from its neighbours. */
export function someVoxel(x: number, y: number, z: number): number {
  return (x * 257 + y * 4099 + z * 8221 + ((x * y * (z + 1)) % 13)) % 65521;
}

/** Writes `section_000.png` and so on into a folder. */
export async function makeStack(folder: string, options: StackOptions = {}): Promise<Stack> {
  const { width = 37, height = 29, depth = 11, dtype = "uint16", voxel = someVoxel } = options;
  const ArrayType = dtype === "uint8" ? Uint8Array : Uint16Array;
  const voxels = new ArrayType(width * height * depth);
  const paths: string[] = [];
  await Deno.mkdir(folder, { recursive: true });
  for (let z = 0; z < depth; z++) {
    const section = voxels.subarray(z * width * height, (z + 1) * width * height);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) section[y * width + x] = voxel(x, y, z);
    }
    const path = join(folder, `section_${String(z).padStart(3, "0")}.png`);
    await Deno.writeFile(
      path,
      encodePng({ width, height, samples: 1, dtype, data: viewBytes(section) }),
    );
    paths.push(path);
  }
  return {
    folder,
    pattern: join(folder, "section_*.png"),
    paths,
    size: [width, height, depth],
    voxels,
  };
}

/** Runs a test in a folder of its own, which goes when it is over. */
export async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "sluice-test-" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
