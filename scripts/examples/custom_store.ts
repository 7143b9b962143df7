/**
 * A store of one's own: every shard is a raw file, which any language reads as an array.
 *
 * ```sh
 * deno run --allow-read=raw,out --allow-write=out custom_store.ts
 * ```
 *
 * Reads the images in `raw`; writes `out/SCALE_T.C.Z.Y.X.raw` and says what they are. A zip, a database or a web
 * service is a class like this one.
 *
 * Where a host of your own serves sluice, name its `mod.ts` in the import, and add `--allow-import=HOST`.
 * @module
 */
import * as sluice from "jsr:@sluice/sluice@0.1.0";

/** Keeps each unit of a volume in a file: t, c, z, y, x with x fastest. No file is there where all is fill value. */
export class RawStore implements sluice.Store {
  readonly layout: sluice.Layout;

  constructor(layout: sluice.Layout, readonly folder: string) {
    this.layout = { ...layout, encoding: { codec: "none", crc32c: false } };
  }

  place(unit: sluice.Unit): string {
    return `${this.folder}/${sluice.unitName(unit).replace("/", "_")}.raw`;
  }

  open(unit: sluice.Unit): Promise<sluice.UnitWriter> {
    const [path, box] = [this.place(unit), sluice.unitBox(this.layout, unit)];
    return Promise.resolve(sluice.gatherUnit(this.layout, unit, async (chunks, guard) => {
      if (chunks.length === 0) {
        await guard();
        await Deno.remove(path).catch(absent);
        return;
      }
      const bytes = new Uint8Array(sluice.boxVolume(box) * sluice.VOXEL_BYTES[this.layout.dtype]);
      const voxels = sluice.viewVoxels(this.layout.dtype, bytes);
      sluice.fillBox(voxels, box, box, this.layout.fill);
      for (const chunk of chunks) this.#copy(chunk.bytes, chunk.box, voxels, box);
      const whole = `${path}.${crypto.randomUUID()}`;
      await Deno.writeFile(whole, bytes);
      try {
        await guard();
        await Deno.rename(whole, path);
      } catch (error) {
        await Deno.remove(whole);
        throw error;
      }
      return bytes;
    }));
  }

  read(of: sluice.Box, { scale = 0, signal }: sluice.ReadOptions = {}): Promise<sluice.Slab> {
    const { layout } = this;
    sluice.checkRead(layout, of, scale, this.folder);
    const slab = { box: of, scale, dtype: layout.dtype };
    return Promise.resolve(sluice.makeSlab(slab, async (part, voxels) => {
      sluice.fillBox(voxels, part, part, layout.fill);
      for (const unit of sluice.unitsOf(layout, scale, part)) {
        const bytes = await Deno.readFile(this.place(unit), { signal }).catch(absent);
        if (bytes !== undefined) this.#copy(bytes, sluice.unitBox(layout, unit), voxels, part);
      }
    }));
  }

  #copy(bytes: Uint8Array, from: sluice.Box, to: sluice.VoxelArray, toBox: sluice.Box): void {
    const shared = sluice.intersect(from, toBox)!;
    sluice.copyBox(sluice.viewVoxels(this.layout.dtype, bytes), from, to, toBox, shared);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

function absent(error: unknown): undefined {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

if (import.meta.main) {
  await Deno.mkdir("out", { recursive: true });
  await using pool = new sluice.WorkerPool();
  const { plan, stack } = await sluice.planIngest(["raw"]);
  await using store = new RawStore(plan.layout, "out");
  const run = sluice.pipeline(sluice.enumerate(plan))
    .through(sluice.readSlabs(store, { sources: sluice.SourceList.of(stack), pool }))
    .through(sluice.buildScales(store.layout, { pool }))
    .through(sluice.splitChunks(store.layout))
    .through(sluice.upload(store, { pool }));
  for await (const { value: receipt } of run) {
    for (const { unit: name, bytes, min, max } of receipt.units) {
      const unit = sluice.parseUnit(name);
      const shape = sluice.boxSize(sluice.unitBox(store.layout, unit)).slice(0, 3).join(" x ");
      console.log(`${store.place(unit)}: ${shape} voxels from ${min} to ${max}, ${bytes} bytes`);
    }
  }
}
