/** Reading of bzip2. */
import process from "node:process";
import imported from "npm:seek-bzip@2.0.0";

/** What is used of the package, which has no types. */
const { decode }: {
  decode(
    bytes: Uint8Array,
    output: { writeByte(byte: number): void },
    manyStreams: boolean,
  ): void;
} = imported;

/** Decompresses every stream that the bytes hold; each has checksums, which must fit. */
export function decompressBzip2(bytes: Uint8Array, most: number): Uint8Array {
  const plain = new Uint8Array(most);
  let made = 0;
  const writeByte = (byte: number) => {
    if (made === most) throw Object.assign(new RangeError(), { code: "ERR_BUFFER_TOO_LARGE" });
    plain[made++] = byte;
  };
  // The package still says `new Buffer()`, of which a bundle of it would warn.
  const runtime = process as typeof process & { noDeprecation?: boolean };
  const { noDeprecation } = runtime;
  runtime.noDeprecation = true;
  try {
    decode(bytes, { writeByte }, true);
  } finally {
    runtime.noDeprecation = noDeprecation;
  }
  return plain.subarray(0, made);
}
