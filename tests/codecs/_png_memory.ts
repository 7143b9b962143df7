/** Reads a PNG with many readers side by side, 128 rows at a time; prints by how many MB the peak of the memory rose. */
import { png } from "../../codecs/png.ts";
import { diskSource } from "./_png_reading.ts";

/** Not maxRSS of getrusage: that starts at what the parent process had. */
function peakMb(): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(Deno.readTextFileSync("/proc/self/status"))![1]) / 1024;
}

const BAND = 128;
const [path, count, wholeBytes] = Deno.args;
const { images: [{ width, height }] } = await png.describe(diskSource(path));
const out = new Uint8Array(BAND * width).fill(1);
const before = peakMb();
const readers = await Promise.all(
  Array.from(
    { length: Number(count) },
    () => png.open(diskSource(path), {}, { wholeBytes: Number(wholeBytes) }),
  ),
);
for (let first = 0; first < height; first += BAND) {
  for (const reader of readers) await reader.readRows(first, first + BAND, out);
}
console.log(Math.ceil(peakMb() - before));
