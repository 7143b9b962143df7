/**
 * The WebAssembly that codes compressed_segmentation, loaded on first use: one of each kind serves a thread.
 * @module
 */
import { WASM as DECODE } from "./_segmentation_decode_wasm.ts";
import { WASM as ENCODE } from "./_segmentation_encode_wasm.ts";
import type { Xyz } from "./_xyz.ts";

/** What both kernels have; places are byte offsets into their memory. */
interface Kernel {
  readonly memory: WebAssembly.Memory;
  voxelsAt(): number;
  packedAt(): number;
}

/** Decodes layers; every function that returns a status returns 0 where all is well. */
export interface DecodeKernel extends Kernel {
  prepare(): void;
  begin(wide: boolean, x: number, y: number, ...rest: [...block: Xyz, bytes: number]): boolean;
  decodeLayer(base: number, layer: number, depth: number): number;
  faultBlock(): number;
  faultValue(): number;
}

/** Encodes layers. */
export interface EncodeKernel extends Kernel {
  begin(wide: boolean, x: number, y: number, ...rest: [...block: Xyz, layers: number]): boolean;
  encodeLayer(layer: number, depth: number): number;
  packedEnd(): number;
}

/** Memory that grew past this is given back rather than kept for the next chunk. */
const KEPT_BYTES = 128 << 20;

let decoder: DecodeKernel | undefined;
let encoder: EncodeKernel | undefined;

/** Lends the kernel that decodes. */
export function withDecoder<T>(use: (kernel: DecodeKernel) => T): T {
  if (decoder === undefined) {
    decoder = instantiate(DECODE) as unknown as DecodeKernel;
    decoder.prepare();
  }
  try {
    return use(decoder);
  } finally {
    if (decoder.memory.buffer.byteLength > KEPT_BYTES) decoder = undefined;
  }
}

/** Lends the kernel that encodes. */
export function withEncoder<T>(use: (kernel: EncodeKernel) => T): T {
  encoder ??= instantiate(ENCODE) as unknown as EncodeKernel;
  try {
    return use(encoder);
  } finally {
    if (encoder.memory.buffer.byteLength > KEPT_BYTES) encoder = undefined;
  }
}

function instantiate(wasm: string): WebAssembly.Exports {
  return new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.fromBase64(wasm))).exports;
}
