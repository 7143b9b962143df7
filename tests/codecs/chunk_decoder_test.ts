import { deepEqual, rejects } from "node:assert/strict";
import { type ChunkDecoding, openChunkDecoder } from "../../codecs/chunk_decoder.ts";
import { ChunkError } from "../../codecs/chunk_error.ts";

const SHAPE = [3, 2, 1, 1, 1] as const;
const VOXELS = Uint8Array.from({ length: 12 }, (_, i) => i * 19);
const HEADER = Uint8Array.of(0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 2);

const cases: readonly { name: string; decoding: ChunkDecoding; bytes: Uint8Array }[] = [
  {
    name: "Zarr",
    decoding: { format: "zarr", kind: "voxels", order: [0, 1], bigEndian: true, packings: [] },
    bytes: VOXELS,
  },
  {
    name: "N5",
    decoding: { format: "n5", order: [0, 1], packings: [] },
    bytes: Uint8Array.of(...HEADER, ...VOXELS),
  },
];
for (const { name, decoding, bytes } of cases) {
  Deno.test(`big-endian chunks of ${name} are decoded at any alignment, and stay what they were`, async () => {
    const decoder = await openChunkDecoder(decoding, "uint16");
    const expected = Array.from({ length: 6 }, (_, i) => VOXELS[2 * i] * 256 + VOXELS[2 * i + 1]);
    for (const skip of [0, 1, 4]) {
      const stored = new Uint8Array(bytes.length + skip).subarray(skip);
      stored.set(bytes);
      // Decoded twice, they would be swapped back if it were done in place.
      for (let time = 0; time < 2; time++) {
        const { voxels, shape, strides } = await decoder.decode(stored, SHAPE);
        deepEqual([[...voxels], shape, strides], [expected, SHAPE, [1, 3, 0, 0, 0]]);
      }
      deepEqual(stored, bytes);
    }
    await rejects(async () => await decoder.decode(bytes.slice(0, -1), SHAPE), ChunkError);
  });
}
