/** Reading of xz. */
import imported from "npm:xz-decompress@0.2.3";

/** What is used of the package: it exports its class as a property of one default object. */
const { XzReadableStream } = imported as unknown as {
  readonly XzReadableStream: new (packed: ReadableStream<Uint8Array>) => ReadableStream<Uint8Array>;
};

/** Decompresses xz; its checksums must fit where they are CRCs, and no other kind is read. */
export async function decompressXz(bytes: Uint8Array, most: number): Promise<Uint8Array> {
  const plain = new Uint8Array(most);
  let made = 0;
  const packed = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();
  for await (const part of new XzReadableStream(packed)) {
    if (part.length > most - made) {
      throw Object.assign(new RangeError(), { code: "ERR_BUFFER_TOO_LARGE" });
    }
    plain.set(part, made);
    made += part.length;
  }
  return plain.subarray(0, made);
}
