/**
 * Neuroglancer precomputed as jobs write it: every chunk a blob, or chunks in shards.
 *
 * Source of the rules: the precomputed volume and sharded formats as Neuroglancer documents them.
 * @module
 */
import { MortonGrid } from "../codecs/_morton.ts";
import { shardIndexBytes, ShardPacker } from "../codecs/precomputed_shard.ts";
import { locateChunk, type Sharding, shardName } from "../codecs/precomputed_sharding.ts";
import { boxSize } from "../core/box.ts";
import { cellBox, type Layout, type Unit } from "../core/layout.ts";
import { mapPoint, type Point, unravel } from "../core/point.ts";
import { fileName, openPrecomputedVolume } from "../plugins/precomputed_array.ts";
import type { PrecomputedScale } from "../plugins/precomputed_info.ts";
import { gridOf, precomputedDocuments, type Provenance, TASK } from "./_precomputed_metadata.ts";
import { unitShape } from "./_unit_tally.ts";
import { ONE_CHUNK, type UnitContainer } from "./_unit_writer.ts";
import type { Blobs } from "./blobs/blobs.ts";
import { readJson, writeDocument } from "./job_folder.ts";
import type { ChannelDisplay } from "./read_contrast.ts";
import type { UnitForm, VolumeFormat, VolumeState } from "./volume.ts";

/** How the units of a volume lie, by its info. */
class PrecomputedUnits implements UnitForm {
  readonly #layout: Layout;
  readonly #scales: readonly PrecomputedScale[];

  constructor(layout: Layout, scales: readonly PrecomputedScale[]) {
    this.#layout = layout;
    this.#scales = scales;
  }

  key(unit: Unit): string {
    const scale = this.#scales[unit.scale];
    const first = this.#firstChunk(unit);
    if (scale.sharding === undefined) return fileName(scale, first);
    const { shard } = locateChunk(scale.sharding, this.#idOf(unit.scale, first));
    return `${scale.key}/${shardName(scale.sharding, shard)}`;
  }

  container(unit: Unit): UnitContainer {
    const { sharding } = this.#scales[unit.scale];
    return sharding === undefined ? ONE_CHUNK : this.#shard(unit, sharding);
  }

  #shard(unit: Unit, sharding: Sharding): UnitContainer {
    const first = this.#firstChunk(unit);
    const { shard } = locateChunk(sharding, this.#idOf(unit.scale, first));
    const packer = new ShardPacker(sharding, shard);
    const idAt = this.#idsIn(unit);
    return {
      headBytes: shardIndexBytes(sharding),
      add: (position, length) => void packer.place(idAt(position), length),
      finish() {
        const { index, tail } = packer.finish();
        return { head: index, tail };
      },
    };
  }

  check(unit: Unit) {
    const { chunk, size } = this.#layout.scales[unit.scale];
    const { present, grid, first } = unitShape(this.#layout, unit);
    const { sharding } = this.#scales[unit.scale];
    const shapes = present.map((position) =>
      boxSize(
        cellBox(
          mapPoint(unravel(position, grid), (value, axis) => value + first[axis]),
          chunk,
          size,
        ),
      )
    );
    return {
      grid: undefined,
      ...(sharding === undefined
        ? {}
        : { shard: { sharding, ids: present.map(this.#idsIn(unit)) } }),
      shapes,
    };
  }

  /** Numbers of the chunks of a unit by their positions in its grid. */
  #idsIn(unit: Unit): (position: number) => bigint {
    const { grid, first } = unitShape(this.#layout, unit);
    return (position) =>
      this.#idOf(
        unit.scale,
        mapPoint(unravel(position, grid), (value, axis) => value + first[axis]),
      );
  }

  #idOf(scale: number, [x, y, z]: Point): bigint {
    return new MortonGrid(gridOf(this.#layout.scales[scale])).code([x, y, z]);
  }

  #firstChunk(unit: Unit): Point {
    return unitShape(this.#layout, unit).first;
  }
}

async function readState(blobs: Blobs): Promise<VolumeState | undefined> {
  const provenance = await readJson(blobs, "provenance") as Provenance | undefined;
  const method = provenance?.processing?.find(({ method }) => method?.task === TASK)?.method;
  if (method === undefined) return undefined;
  const { complete = false, losses, contrast } = method;
  return {
    complete,
    ...(losses === undefined ? {} : { losses }),
    ...(contrast === undefined ? {} : { contrast }),
  };
}

/** Precomputed as one of the formats. */
export const precomputed: VolumeFormat = {
  async read(blobs) {
    const { array, info } = await openPrecomputedVolume(blobs);
    const state = await readState(blobs);
    return {
      array,
      state,
      units: (layout) => new PrecomputedUnits(layout, info.scales),
      /** Windows of the channels, as they were measured. */
      displays: () =>
        Promise.resolve(
          state?.contrast?.map(({ start, end }): ChannelDisplay => ({
            window: [start, end],
            color: [1, 1, 1],
          })),
        ),
    };
  },
  async writeMetadata(folder, plan, state) {
    const { voxelSize = plan.voxelSize } = await folder.overrides();
    for (const [key, document] of precomputedDocuments(plan, voxelSize, state)) {
      await writeDocument(folder.blobs, key, document);
    }
  },
};
