/** Whole images and frames, encoded by threads as they are encoded here. */
import { Buffer } from "node:buffer";
import { deepEqual, equal } from "node:assert/strict";
import { decompressBlosc } from "../../codecs/blosc.ts";
import { viewBytes } from "../../core/dtype.ts";
import { frameBytes } from "../../pool/encode_frame.ts";
import { imageBytes, type ImageEncoding } from "../../pool/encode_image.ts";
import { ownBuffer, WorkerPool } from "../../pool/worker_pool.ts";

const pixels = () => Uint8Array.from({ length: 7 * 5 }, (_, i) => i * 37 % 251);
const encodings: readonly ImageEncoding[] = [
  { kind: "png" },
  { kind: "tiff" },
  { kind: "jpeg", quality: 90 },
];
for (const encoding of encodings) {
  Deno.test(`a thread makes the same ${encoding.kind} of an image, and takes its pixels away`, async () => {
    await using pool = new WorkerPool({ size: 1 });
    const image = { dtype: "uint8", width: 7, height: 5, encoding } as const;
    const wanted = imageBytes({ ...image, data: pixels() });
    const data = pixels();
    const bytes = await pool.run("encodeImage", { ...image, data }, { transfer: ownBuffer(data) });
    equal(Buffer.compare(bytes, wanted), 0);
    equal(data.length, 0);
  });
}

Deno.test("a thread makes the same frame of voxels, with the typesize that is asked for", async () => {
  await using pool = new WorkerPool({ size: 1 });
  const data = Uint16Array.from({ length: 7 * 5 * 3 }, (_, i) => i * 257);
  const input = { data, typesize: 16, level: 9 };
  const wanted = frameBytes(input);
  const bytes = await pool.run("encodeFrame", input);
  equal(Buffer.compare(bytes, wanted), 0);
  equal(bytes[3], 16);
  equal(Buffer.compare(decompressBlosc(bytes, data.byteLength), viewBytes(data)), 0);
});

Deno.test("ownBuffer() gives nothing away that others may use", () => {
  const whole = new Uint8Array(8);
  deepEqual(ownBuffer(whole), [whole.buffer]);
  deepEqual(ownBuffer(whole.subarray(1)), []);
  const shared = new Uint8Array(new SharedArrayBuffer(8));
  deepEqual(ownBuffer(shared), []);
});
