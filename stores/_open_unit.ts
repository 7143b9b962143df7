/** A unit of a volume, opened for writing wherever the volume lies. */
import { SluiceError } from "../core/errors.ts";
import type { Layout, Unit } from "../core/layout.ts";
import { BlobSink, FileSink } from "./_unit_sink.ts";
import { PackedUnitWriter, type UnitContainer } from "./_unit_writer.ts";
import type { JobFolder } from "./job_folder.ts";
import type { OpenUnitOptions, UnitWriter } from "./store.ts";

/** Which unit, and how it lies. */
export interface UnitToWrite {
  readonly layout: Layout;
  readonly unit: Unit;
  /** Below the volume. */
  readonly key: string;
  readonly container: UnitContainer;
}

/** @param claim That of the job that writes. */
export function openUnit(
  folder: JobFolder,
  claim: string | undefined,
  { layout, unit, key, container }: UnitToWrite,
  { signal }: OpenUnitOptions = {},
): UnitWriter {
  const { blobs } = folder;
  if (claim === undefined) {
    throw new SluiceError(
      `Cannot write into "${blobs.url}" as no job was created for it; run \`sluice create\``,
    );
  }
  const { headBytes = 0 } = container;
  const [path, temporary] = [blobs.localPath?.(key), folder.temporaryPath(claim)];
  const sink = path !== undefined && temporary !== undefined
    ? new FileSink(unit, { path, temporary: `${temporary}/${crypto.randomUUID()}` }, headBytes)
    : new BlobSink(unit, {
      blobs,
      key,
      signal,
      isCurrent: async () => (await folder.claim())?.claim === claim,
    }, headBytes);
  return new PackedUnitWriter(layout, unit, container, sink);
}
