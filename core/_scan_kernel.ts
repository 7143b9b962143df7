/** The smallest and the largest of small integers, by a WebAssembly kernel that takes sixteen bytes at a time. */
import { WASM } from "./_scan_wasm.ts";

/** Integers of one or two bytes. */
export type SmallIntegers = Uint8Array | Int8Array | Uint16Array | Int16Array;

interface ScanKernel {
  readonly memory: WebAssembly.Memory;
  readonly DATA: WebAssembly.Global;
  readonly ROOM: WebAssembly.Global;
  leastFound(): number;
  mostFound(): number;
  uint8(length: number): void;
  int8(length: number): void;
  uint16(length: number): void;
  int16(length: number): void;
}

let loaded: { kernel: ScanKernel; data: Uint8Array } | undefined;

function load() {
  const { exports } = new WebAssembly.Instance(
    new WebAssembly.Module(Uint8Array.fromBase64(WASM)),
  );
  const kernel = exports as unknown as ScanKernel;
  const data = new Uint8Array(kernel.memory.buffer, kernel.DATA.value, kernel.ROOM.value);
  return { kernel, data };
}

function kernelOf(voxels: SmallIntegers): "uint8" | "int8" | "uint16" | "int16" {
  if (voxels instanceof Uint8Array) return "uint8";
  if (voxels instanceof Int8Array) return "int8";
  return voxels instanceof Uint16Array ? "uint16" : "int16";
}

/** @param voxels At least one; they may lie on shared memory. */
export function rangeOf(voxels: SmallIntegers): [least: number, most: number] {
  const { kernel, data } = loaded ??= load();
  const name = kernelOf(voxels);
  const bytes = new Uint8Array(voxels.buffer, voxels.byteOffset, voxels.byteLength);
  let [least, most] = [Infinity, -Infinity];
  for (let at = 0; at < bytes.length; at += data.length) {
    const part = bytes.subarray(at, at + data.length);
    data.set(part);
    // The last sixteen are filled up with the first voxel of this part, which changes nothing.
    const whole = Math.ceil(part.length / 16) * 16;
    const { BYTES_PER_ELEMENT: size } = voxels;
    for (let i = part.length; i < whole; i++) data[i] = data[i % size];
    kernel[name](whole);
    least = Math.min(least, kernel.leastFound());
    most = Math.max(most, kernel.mostFound());
  }
  return [least, most];
}
