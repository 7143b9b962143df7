/**
 * Voxels of channels: an OME-Zarr volume each, that grows by whole cuboids in any order.
 *
 * A cuboid is a chunk, and a chunk is a file: written under another name and renamed, so that it is whole at any time.
 * @module
 */
import { join } from "node:path";
import { type ChunkCodec, openChunkCodec } from "../../codecs/chunk_codec.ts";
import { type Box, boxVolume, intersect } from "../../core/box.ts";
import { copyBox } from "../../core/copy_box.ts";
import {
  type Dtype,
  viewBytes,
  viewVoxels,
  VOXEL_BYTES,
  type VoxelArray,
} from "../../core/dtype.ts";
import { isNotFound } from "../../core/errors.ts";
import { cellsOf, eachCell, type Layout } from "../../core/layout.ts";
import { mapPoint, type Point, product } from "../../core/point.ts";
import { unitPath, volumeDocuments } from "../../stores/zarr_documents.ts";
import { CUBOID, layoutOf, voxelSizeOf } from "./_levels.ts";
import { Locks } from "./_locks.ts";
import type { ChannelPlace } from "./_resources.ts";

/** What happens to voxels that are there. */
export type WriteMode =
  /** They are replaced. */
  | "replace"
  /** Those stay where the new one is 0, as the Boss does it. */
  | "overlay";

/** The volumes of one server. */
export class Volumes {
  readonly #root: string;
  readonly #locks = new Locks();
  readonly #codecs = new Map<Dtype, ChunkCodec>();
  #temporary = 0;

  /** @param root Folder of them all. */
  constructor(root: string) {
    this.#root = root;
  }

  /** Folder of the volume of a channel. */
  pathOf({ collection, experiment, channel }: ChannelPlace): string {
    return join(
      this.#root,
      "volumes",
      collection.name,
      experiment.name,
      `${channel.name}.ome.zarr`,
    );
  }

  /** Whether there is a volume. */
  async isThere(place: ChannelPlace): Promise<boolean> {
    return await exists(join(this.pathOf(place), "zarr.json"));
  }

  /** Levels of which voxels were written. */
  async levels(place: ChannelPlace): Promise<number[]> {
    const all = layoutOf(place).scales.map((_, level) => level);
    const found = await Promise.all(
      all.map((level) => exists(join(this.pathOf(place), String(level), "zarr.json"))),
    );
    return all.filter((level) => found[level]);
  }

  /** Reads a box, which may reach beyond the volume: there is nothing there, and it is 0. */
  async read(
    place: ChannelPlace,
    level: number,
    box: Box,
    signal?: AbortSignal,
  ): Promise<VoxelArray> {
    const layout = layoutOf(place);
    const voxels = emptyVoxels(layout.dtype, boxVolume(box));
    const inside = intersect(box, { min: [0, 0, 0, 0, 0], max: layout.scales[level].size });
    if (inside === undefined) return voxels;
    for (const index of eachCell(cellsOf(inside, CUBOID))) {
      signal?.throwIfAborted();
      const chunk = await this.#load(place, layout, level, index);
      if (chunk === undefined) continue;
      const around = boxOf(index);
      copyBox(chunk, around, voxels, box, intersect(around, inside)!);
    }
    return voxels;
  }

  /** Writes a box; what of it lies beyond the volume is left out. */
  async write(
    place: ChannelPlace,
    level: number,
    box: Box,
    voxels: VoxelArray,
    mode: WriteMode,
  ): Promise<void> {
    const layout = await this.#prepare(place, level);
    const inside = intersect(box, { min: [0, 0, 0, 0, 0], max: layout.scales[level].size });
    if (inside === undefined) return;
    for (const index of eachCell(cellsOf(inside, CUBOID))) {
      const around = boxOf(index);
      const part = intersect(around, inside)!;
      await this.#locks.hold(`${this.pathOf(place)} ${level} ${index}`, async () => {
        const isWhole = part.max.every((value, axis) => value - part.min[axis] === CUBOID[axis]);
        const fresh = emptyVoxels(layout.dtype, product(CUBOID));
        const old = isWhole && mode === "replace"
          ? undefined
          : await this.#load(place, layout, level, index);
        if (mode === "replace" && old !== undefined) fresh.set(old as never);
        copyBox(voxels, box, fresh, around, part);
        if (mode === "overlay" && old !== undefined) {
          for (let i = 0; i < fresh.length; i++) if (!fresh[i]) fresh[i] = old[i];
        }
        await this.#store(place, layout, level, index, fresh);
      });
    }
  }

  /**
   * Puts a cuboid in its place as the frame that it came as.
   * @throws {ChunkError} If the frame is none, or holds more or fewer voxels.
   */
  async putCuboid(
    place: ChannelPlace,
    level: number,
    index: Point,
    frame: Uint8Array,
  ): Promise<void> {
    const layout = await this.#prepare(place, level);
    (await this.#codec(layout)).decode(frame, product(CUBOID));
    const isInside = index.every((at, axis) => at * CUBOID[axis] < layout.scales[level].size[axis]);
    if (!isInside) return;
    const path = join(this.pathOf(place), unitPath("0.5", layout, level, index));
    await this.#locks.hold(
      `${this.pathOf(place)} ${level} ${index}`,
      () => this.#replace(path, frame),
    );
  }

  /** Writes the metadata of a volume anew, if there is one. */
  async describe(place: ChannelPlace): Promise<void> {
    if (await this.isThere(place)) await this.#describe(place, layoutOf(place));
  }

  /** Moves the volume of a channel out of the way. */
  async remove(place: ChannelPlace): Promise<void> {
    if (!await this.isThere(place)) return;
    const { channel } = place;
    await Deno.mkdir(join(this.#root, "deleted"), { recursive: true });
    await Deno.rename(
      this.pathOf(place),
      join(this.#root, "deleted", `${channel.id}-${channel.name}.ome.zarr`),
    );
  }

  /** Makes sure that a level is there, and that the volume says so. */
  async #prepare(place: ChannelPlace, level: number): Promise<Layout> {
    const layout = layoutOf(place);
    const path = this.pathOf(place);
    if (await exists(join(path, String(level), "zarr.json"))) return layout;
    await this.#locks.hold(path, async () => {
      await Deno.mkdir(join(path, String(level)), { recursive: true });
      const array = volumeDocuments("0.5", layout, metadataOf(place)).get(`${level}/zarr.json`);
      await this.#writeJson(join(path, String(level), "zarr.json"), array);
      await this.#describe(place, layout);
    });
    return layout;
  }

  async #describe(place: ChannelPlace, layout: Layout): Promise<void> {
    const levels = await this.levels(place);
    const documents = volumeDocuments("0.5", layout, metadataOf(place));
    for (const level of levels) {
      const path = join(this.pathOf(place), String(level), "zarr.json");
      await this.#writeJson(path, documents.get(`${level}/zarr.json`));
    }
    // Levels without voxels would look empty to whoever zooms out.
    const group = structuredClone(documents.get("zarr.json")) as OmeGroup;
    const [image] = group.attributes.ome.multiscales;
    image.datasets = image.datasets.filter(({ path }) => levels.includes(Number(path)));
    await this.#writeJson(join(this.pathOf(place), "zarr.json"), group);
  }

  async #load(
    place: ChannelPlace,
    layout: Layout,
    level: number,
    index: Point,
  ): Promise<VoxelArray | undefined> {
    const path = join(this.pathOf(place), unitPath("0.5", layout, level, index));
    let bytes: Uint8Array;
    try {
      bytes = await Deno.readFile(path);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
    return viewVoxels(layout.dtype, (await this.#codec(layout)).decode(bytes, product(CUBOID)));
  }

  async #store(
    place: ChannelPlace,
    layout: Layout,
    level: number,
    index: Point,
    voxels: VoxelArray,
  ): Promise<void> {
    const path = join(this.pathOf(place), unitPath("0.5", layout, level, index));
    if (viewWords(voxels).every((word) => word === 0)) {
      await Deno.remove(path).catch((error) => {
        if (!isNotFound(error)) throw error;
      });
      return;
    }
    await this.#replace(path, (await this.#codec(layout)).encode(viewBytes(voxels)));
  }

  async #codec({ dtype, encoding }: Layout): Promise<ChunkCodec> {
    let codec = this.#codecs.get(dtype);
    if (codec === undefined) {
      codec = await openChunkCodec(encoding, VOXEL_BYTES[dtype]);
      this.#codecs.set(dtype, codec);
    }
    return codec;
  }

  async #replace(path: string, bytes: Uint8Array): Promise<void> {
    // Readers of Zarr look at names that they make up themselves: this one they never do.
    const temporary = `${path}.${++this.#temporary}.partial`;
    for (let isSecond = false;; isSecond = true) {
      try {
        await Deno.writeFile(temporary, bytes);
        break;
      } catch (error) {
        if (!isNotFound(error) || isSecond) throw error;
        await Deno.mkdir(join(path, ".."), { recursive: true });
      }
    }
    await Deno.rename(temporary, path);
  }

  #writeJson(path: string, document: unknown): Promise<void> {
    return this.#replace(path, new TextEncoder().encode(`${JSON.stringify(document, null, 2)}\n`));
  }
}

interface OmeGroup {
  readonly attributes: {
    readonly ome: { readonly multiscales: { datasets: { readonly path: string }[] }[] };
  };
}

function metadataOf(place: ChannelPlace) {
  return {
    name: place.channel.name,
    kind: "image",
    voxelSize: voxelSizeOf(place),
    origin: [0, 0, 0, 0, 0],
    sluice: {
      complete: true,
      boss: `${place.collection.name}/${place.experiment.name}/${place.channel.name}`,
    },
  } as const;
}

function emptyVoxels(dtype: Dtype, count: number): VoxelArray {
  return viewVoxels(dtype, new Uint8Array(count * VOXEL_BYTES[dtype]));
}

/** Whole cuboids, so it is whole words. */
function viewWords(voxels: VoxelArray): Uint32Array {
  return new Uint32Array(voxels.buffer, voxels.byteOffset, voxels.byteLength / 4);
}

function boxOf(index: Point): Box {
  return {
    min: mapPoint(index, (at, axis) => at * CUBOID[axis]),
    max: mapPoint(index, (at, axis) => (at + 1) * CUBOID[axis]),
  };
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
