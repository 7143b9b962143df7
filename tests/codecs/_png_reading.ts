/** Files to decode, and what their readers give. */
import type { ByteSource, ImageReader } from "../../codecs/image.ts";
import { png } from "../../codecs/png.ts";

/** A file in memory, which counts the bytes of each read. */
export function memorySource(file: Uint8Array): ByteSource & { readonly reads: number[] } {
  const reads: number[] = [];
  return {
    size: file.length,
    reads,
    read(offset, into) {
      if (offset + into.length > file.length) throw new Error(`read past the end, at ${offset}`);
      reads.push(into.length);
      into.set(file.subarray(offset, offset + into.length));
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** A file on disk. */
export function diskSource(path: string): ByteSource {
  const file = Deno.openSync(path);
  return {
    size: file.statSync().size,
    read(offset, into) {
      file.seekSync(offset, Deno.SeekMode.Start);
      for (let at = 0; at < into.length;) {
        const count = file.readSync(into.subarray(at));
        if (count === null) throw new Error(`read past the end, at ${offset + at}`);
        at += count;
      }
      return Promise.resolve();
    },
    [Symbol.asyncDispose]() {
      file.close();
      return Promise.resolve();
    },
  };
}

/** All rows of an image, `rows` at a time. */
export async function readAll(reader: ImageReader, rows = Infinity): Promise<Uint8Array> {
  const { height } = reader.header;
  const out = new Uint8Array(height * rowBytesOf(reader));
  for (let first = 0; first < height; first += rows) {
    const end = Math.min(height, first + rows);
    await reader.readRows(
      first,
      end,
      out.subarray(first * rowBytesOf(reader), end * rowBytesOf(reader)),
    );
  }
  return out;
}

/** Bytes of one decoded row. */
export function rowBytesOf({ header: { width, samples, dtype } }: ImageReader): number {
  return width * samples * (dtype === "uint16" ? 2 : 1);
}

/** All rows of the image in these bytes. */
export async function decode(bytes: Uint8Array, wholeBytes = 1 << 30): Promise<Uint8Array> {
  await using reader = await png.open(memorySource(bytes), {}, { wholeBytes });
  return await readAll(reader);
}

/** As deepEqual, which takes seconds for a million bytes. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
