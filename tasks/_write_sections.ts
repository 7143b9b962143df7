/** Rows of a band become strips of files. */
import { boxSize } from "../core/box.ts";
import { type Dtype, viewBytes, VOXEL_BYTES } from "../core/dtype.ts";
import type { WorkerPool } from "../pool/worker_pool.ts";
import type { RowCut } from "./_cut_rows.ts";
import type { OpenSection } from "./_pull_files.ts";

/** Bytes of voxels that one job encodes. */
const JOB_BYTES = 1 << 20;

/**
 * Encodes rows of every section, in the threads of a pool, and writes them in order: the same bytes, whoever was first.
 * @param cut Rows of a box of one channel and one time.
 */
export async function writeSections(
  { data, box, first, end }: RowCut,
  sections: readonly OpenSection[],
  pool: WorkerPool,
  dtype: Dtype,
  signal: AbortSignal | undefined,
): Promise<void> {
  const [width, high] = boxSize(box);
  const { rowsPerStrip } = sections[0].file;
  const rowBytes = width * VOXEL_BYTES[dtype];
  const most = Math.max(1, Math.floor(JOB_BYTES / (rowsPerStrip * rowBytes))) * rowsPerStrip;
  const parts = sections.flatMap((section) =>
    Array.from({ length: Math.ceil((end - first) / most) }, (_, i) => {
      const from = first + i * most;
      const row = (section.z - box.min[2]) * high + from - box.min[1];
      return { section, row, rows: Math.min(most, end - from) };
    })
  );
  const jobs = parts.map(async ({ section: { file }, row, rows }) => {
    const { encoding } = file;
    if (encoding !== undefined) {
      const offset = row * width;
      const input = { data, dtype, offset, width, rows, rowsPerStrip, encoding };
      return await pool.run("encodeStrips", input, { signal });
    }
    const bytes = viewBytes(data).subarray(row * rowBytes, (row + rows) * rowBytes);
    return Array.from({ length: Math.ceil(rows / rowsPerStrip) }, (_, i) => ({
      bytes: bytes.subarray(i * rowsPerStrip * rowBytes, (i + 1) * rowsPerStrip * rowBytes),
    }));
  });
  // Nobody may read the band once this returns, nor may a failure go unheard.
  const all = Promise.allSettled(jobs);
  try {
    for (const [i, job] of jobs.entries()) {
      const { file, page } = parts[i].section;
      for (const strip of await job) file.put(page, strip);
      signal?.throwIfAborted();
    }
  } finally {
    await all;
  }
}
