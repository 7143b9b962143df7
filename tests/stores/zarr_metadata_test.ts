import { deepEqual, equal } from "node:assert/strict";
import { type Dtype, VOXEL_BYTES } from "../../core/dtype.ts";
import type { ChunkEncoding, Layout, ScaleLayout } from "../../core/layout.ts";
import type { Axis, Point } from "../../core/point.ts";
import {
  volumeDocuments,
  type VolumeMetadata,
  type ZarrVersion,
} from "../../stores/_zarr_metadata.ts";
import { openZarrArray } from "../../plugins/zarr_array.ts";

const SCALES: ScaleLayout[] = [
  {
    size: [37, 29, 11, 3, 2],
    factor: [1, 1, 1, 1, 1],
    chunk: [8, 8, 4, 1, 1],
    shard: [16, 16, 4, 1, 1],
  },
  {
    size: [19, 15, 11, 3, 2],
    factor: [2, 2, 1, 1, 1],
    chunk: [8, 8, 4, 1, 1],
    shard: [16, 8, 4, 1, 1],
  },
  {
    size: [10, 8, 6, 3, 2],
    factor: [4, 4, 2, 1, 1],
    chunk: [8, 8, 4, 1, 1],
    shard: [8, 8, 4, 1, 1],
  },
];
const METADATA: VolumeMetadata = {
  name: "image",
  kind: "image",
  voxelSize: { x: 4.6, y: 4.6, z: 45, unit: "nanometer" },
  origin: [0, 0, 0, 0, 0],
  sluice: { complete: false, plan: "abc" },
};

function layoutOf(zarr: ZarrVersion, changes: Partial<Layout> = {}): Layout {
  const axes = changes.axes ?? ["t", "c", "z", "y", "x"];
  const only = (point: Point): Point =>
    [
      ...point.slice(0, 2),
      ...(["z", "c", "t"] as const).map((axis, i) => axes.includes(axis) ? point[i + 2] : 1),
    ] as unknown as Point;
  return {
    dtype: "uint16",
    fill: 0,
    downsample: "mean",
    encoding: { codec: "zstd", level: 3, crc32c: zarr === "0.5" },
    ...changes,
    axes,
    scales: SCALES.map(({ size, factor, chunk, shard }) => ({
      size: only(size),
      factor: only(factor),
      chunk: only(chunk),
      shard: only(zarr === "0.5" ? shard : chunk),
    })),
  };
}

/** What other programs would get: through JSON. */
function documentsOf(zarr: ZarrVersion, layout: Layout, metadata = METADATA) {
  return new Map(
    [...volumeDocuments(zarr, layout, metadata)].map(([path, document]) => [
      path,
      JSON.parse(JSON.stringify(document)),
    ]),
  );
}

const open = (documents: Map<string, unknown>) =>
  openZarrArray({
    url: "it",
    get(key) {
      const document = documents.get(key);
      return Promise.resolve(
        document === undefined ? undefined : new TextEncoder().encode(JSON.stringify(document)),
      );
    },
    head: () => Promise.resolve(undefined),
  });

function imageOf(zarr: ZarrVersion, metadata: Partial<VolumeMetadata>, layout = layoutOf(zarr)) {
  const documents = documentsOf(zarr, layout, { ...METADATA, ...metadata });
  const root = documents.get(zarr === "0.5" ? "zarr.json" : ".zattrs");
  const ome = zarr === "0.5" ? root.attributes.ome : root;
  return ome.multiscales[0] as {
    axes: { name: string; type: string; unit?: string }[];
    datasets: {
      path: string;
      coordinateTransformations: { type: string; scale?: number[]; translation?: number[] }[];
    }[];
  };
}

const AXES: Axis[][] = [["y", "x"], ["z", "y", "x"], ["c", "z", "y", "x"], [
  "t",
  "c",
  "z",
  "y",
  "x",
]];
const ENCODINGS: ChunkEncoding[] = [
  { codec: "none", crc32c: false },
  { codec: "gzip", level: 5, crc32c: false },
  { codec: "zstd", level: 1, crc32c: false },
  { codec: "blosc", cname: "lz4", level: 5, shuffle: true, crc32c: false },
  { codec: "blosc", cname: "zstd", level: 7, shuffle: false, crc32c: false },
];

for (const zarr of ["0.5", "0.4"] as const) {
  for (const kind of ["image", "labels"] as const) {
    Deno.test(`OME-Zarr ${zarr}, ${kind}: what was written is what is read`, async () => {
      const check = async (changes: Partial<Layout>) => {
        const layout = layoutOf(zarr, {
          downsample: kind === "labels" ? "mode" : "mean",
          ...changes,
        });
        const volume = await open(documentsOf(zarr, layout, { ...METADATA, kind }));
        const { x, y, z, unit } = METADATA.voxelSize!;
        deepEqual([volume.kind, volume.axes], [kind, layout.axes]);
        deepEqual(
          volume.scales.map(({ size, chunk, dtype, fill }) => ({ size, chunk, dtype, fill })),
          layout.scales.map(({ size, chunk }) => {
            const { dtype, fill } = layout;
            return { size, chunk, dtype, fill };
          }),
        );
        deepEqual(
          volume.scales[0].voxelSize,
          layout.axes.includes("z") ? { x, y, z, unit } : { x, y, unit },
        );
      };
      for (const axes of AXES) await check({ axes });
      for (const dtype of Object.keys(VOXEL_BYTES) as Dtype[]) await check({ dtype });
      for (const encoding of ENCODINGS) {
        await check({ encoding });
        if (zarr === "0.5") await check({ encoding: { ...encoding, crc32c: true } });
      }
      await check({ fill: 7 });
    });
  }

  Deno.test(`OME-Zarr ${zarr}: a coarser voxel lies in the middle of those it is made from`, () => {
    const { datasets } = imageOf(zarr, {});
    deepEqual(datasets.map(({ coordinateTransformations }) => coordinateTransformations), [
      [{ type: "scale", scale: [1, 1, 45, 4.6, 4.6] }],
      [
        { type: "scale", scale: [1, 1, 45, 9.2, 9.2] },
        { type: "translation", translation: [0, 0, 0, 2.3, 2.3] },
      ],
      [
        { type: "scale", scale: [1, 1, 90, 18.4, 18.4] },
        { type: "translation", translation: [0, 0, 22.5, 6.9, 6.9] },
      ],
    ]);
  });

  Deno.test(`OME-Zarr ${zarr}: a crop moves every scale by whole voxels of the source`, () => {
    const { datasets } = imageOf(zarr, { origin: [3, 5, 2, 0, 0] });
    deepEqual(
      datasets.map(({ coordinateTransformations: [, moved] }) => moved.translation),
      [[0, 0, 90, 23, 13.8], [0, 0, 90, 25.3, 16.1], [0, 0, 112.5, 29.9, 20.7]],
    );
  });

  Deno.test(`OME-Zarr ${zarr}: lengths that nobody knows have no unit`, async () => {
    const unknown = imageOf(zarr, { voxelSize: undefined });
    deepEqual(unknown.axes.map((axis) => axis.unit), Array(5).fill(undefined));
    deepEqual(unknown.axes.map(({ type }) => type), ["time", "channel", "space", "space", "space"]);
    deepEqual(unknown.datasets[2].coordinateTransformations[0].scale, [1, 1, 2, 4, 4]);
    const flat = { x: 4, y: 4, unit: "nanometer" } as const;
    deepEqual(imageOf(zarr, { voxelSize: flat }).axes.map((axis) => axis.unit), [
      undefined,
      undefined,
      undefined,
      "nanometer",
      "nanometer",
    ]);
    const layout = layoutOf(zarr);
    const of = async (voxelSize: VolumeMetadata["voxelSize"]) =>
      (await open(documentsOf(zarr, layout, { ...METADATA, voxelSize }))).scales[0].voxelSize;
    equal(await of(undefined), undefined);
    deepEqual(await of(flat), flat);
  });

  Deno.test(`OME-Zarr ${zarr}: axes may have units of their own`, async () => {
    const documents = documentsOf(zarr, layoutOf(zarr));
    const root = documents.get(zarr === "0.5" ? "zarr.json" : ".zattrs");
    const [image] = (zarr === "0.5" ? root.attributes.ome : root).multiscales;
    image.axes[2].unit = "micrometer";
    deepEqual((await open(documents)).scales[0].voxelSize, {
      x: 4.6,
      y: 4.6,
      z: 45000,
      unit: "nanometer",
    });
  });
}
