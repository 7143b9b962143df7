/** The plugins that a configuration may name: their names, their parameters, and where they say that voxels lie. */
import { Buffer } from "node:buffer";
import { deepEqual, doesNotMatch, equal, match, notDeepEqual, rejects } from "node:assert/strict";
import { type BossConfig, parseBossConfig } from "../../boss/config.ts";
import {
  chunkProcessors,
  openBossPlugins,
  pathProcessors,
  tileProcessors,
} from "../../boss/plugins.ts";
import { boxSize } from "../../core/box.ts";
import { fc } from "../_fast_check.ts";
import { testData } from "../_images.ts";
import {
  chunkFile,
  chunkOf,
  type Json,
  type Named,
  openTiles,
  STACK_PATHS,
  STACK_TILES,
  tileFile,
  tileOf,
} from "./_configs.ts";

const configOf = (file: Json): BossConfig => parseBossConfig(file, "a.json");
const PREFIXES = ["ingestclient.plugins.", "ingest.plugins.", "bossingest.plugins."];

for (const prefix of PREFIXES) {
  Deno.test(`every plugin is found under ${prefix}`, async () => {
    const named = (className: string, key: string) => {
      const file = key === "chunk_processor" ? chunkFile() : tileFile();
      file.client[key] = { class: prefix + className, params: {} };
      return openBossPlugins(configOf(file)).catch((error: Error) => error.message);
    };
    for (const name of pathProcessors.keys()) {
      doesNotMatch(String(await named(name, "path_processor")), /there is no/, name);
    }
    for (const name of tileProcessors.keys()) {
      doesNotMatch(String(await named(name, "tile_processor")), /there is no/, name);
    }
    for (const name of chunkProcessors.keys()) {
      doesNotMatch(String(await named(name, "chunk_processor")), /there is no/, name);
    }
  });
}

Deno.test("CATMAID's plugins are found in the module that they have left", async () => {
  const file = tileFile();
  const params = { root_dir: "/tiles", filetype: "png" };
  const name = "ingest.plugins.filesystem.CatmaidFileImageStack";
  file.client.path_processor = { class: `${name}PathProcessor`, params };
  file.client.tile_processor = { class: `${name}TileProcessor`, params };
  equal(
    (await tileOf(await openBossPlugins(configOf(file)), { x: 1, z: 3 })).path,
    "/tiles/3/0_1_0.png",
  );
});

const unknown = [
  {
    name: "a slip in a class",
    key: "tile_processor",
    className: "ingest.plugins.stack.ZindexStackTilProcessor",
    says:
      /^Cannot use the plugins of "a\.json": client\.tile_processor\.class: there is no tile processor "ingest\.plugins\.stack\.ZindexStackTilProcessor": Python is not run, .* in the table tileProcessors, under this name; did you mean "ingest\.plugins\.stack\.ZindexStackTileProcessor"\?$/,
  },
  {
    name: "a slip in a prefix",
    key: "path_processor",
    className: "ingestclent.plugins.stack.ZindexStackPathProcessor",
    says: /did you mean "ingestclient\.plugins\.stack\.ZindexStackPathProcessor"\?$/,
  },
  {
    name: "somebody's own class",
    key: "path_processor",
    className: "mylab.naming.OddPaths",
    says:
      /there is no path processor "mylab\.naming\.OddPaths": Python is not run, .* under this name$/,
  },
  {
    name: "a plugin of another kind",
    key: "tile_processor",
    className: "ingestclient.plugins.stack.ZindexStackPathProcessor",
    says:
      /"ingestclient\.plugins\.stack\.ZindexStackPathProcessor" is a path processor: it stands in client\.path_processor$/,
  },
  {
    name: "a name of Object's",
    key: "tile_processor",
    className: "ingestclient.plugins.constructor",
    says: /there is no tile processor "ingestclient\.plugins\.constructor"/,
  },
];
for (const { name, key, className, says } of unknown) {
  Deno.test(`openBossPlugins() refuses ${name}`, async () => {
    const file = tileFile();
    file.client[key].class = className;
    await rejects(openBossPlugins(configOf(file)), { name: "UsageError", message: says });
  });
}

Deno.test("openBossPlugins() names every fault of every plugin", async () => {
  const file = tileFile({}, [STACK_PATHS[0], { root_dir: 7, base_filenam: "s<>", extension: "" }], [
    STACK_TILES[0],
    { extension: "gif", filesystem: "S3", fail_gracefully: "yes" },
  ]);
  await rejects(openBossPlugins(configOf(file)), {
    name: "UsageError",
    message: 'Cannot use the plugins of "a.json": ' + [
      "client.path_processor.params.root_dir: it must be a string, and is 7",
      "client.path_processor.params.extension: it must not be empty",
      'client.path_processor.params.base_filename: it is missing; did you mean it by "base_filenam"?',
      'client.tile_processor.params.filesystem: it must be one of "local", "s3", "s3_copy", and is "S3"; did you mean "s3"?',
      'client.tile_processor.params.extension: it must be png, tiff or jpeg, and is "gif"',
      "client.tile_processor.params.fail_gracefully: it must be true or false, and is a string",
    ].join("; "),
  });
});

Deno.test("openBossPlugins() tells of parameters that look like others", async () => {
  const { warnings } = await openTiles({}, STACK_PATHS, [
    STACK_TILES[0],
    { ...STACK_TILES[1], fail_gracefuly: true, note: "mine" },
  ]);
  deepEqual(warnings, [{
    path: "client.tile_processor.params.fail_gracefuly",
    reason: 'nothing reads this key; did you mean "fail_gracefully"?',
  }]);
});

Deno.test("a script adds plugins of its own", async () => {
  pathProcessors.set("mylab.Paths", () =>
    Promise.resolve(({ params, job }) => {
      const root = params.text("root");
      return {
        varies: [],
        process: ({ z }) => Promise.resolve(`${root}/${job.extent.max[2] - z}.png`),
      };
    }));
  tileProcessors.set(
    "ingestclient.plugins.mylab.Tiles",
    () =>
      Promise.resolve(({ job: { tileSize } }) => ({
        process: (path, { x }) => ({
          size: { width: tileSize.x, height: tileSize.y },
          plane: { kind: "image", file: { filesystem: "local", path }, page: { index: x } },
          placement: { x: { kind: "whole" }, y: { kind: "whole" } },
          values: { kind: "keep" },
          body: { kind: "png" },
          absent: "error",
        }),
      })),
  );
  try {
    const file = tileFile();
    file.client.path_processor = { class: "mylab.Paths", params: { root: "/lab" } };
    file.client.tile_processor = { class: "ingestclient.plugins.mylab.Tiles", params: {} };
    const recipe = await tileOf(await openBossPlugins(configOf(file)), { x: 1, z: 2 });
    deepEqual([recipe.path, recipe.plane], ["/lab/30.png", {
      kind: "image",
      file: { filesystem: "local", path: "/lab/30.png" },
      page: { index: 1 },
    }]);
    file.client.path_processor.params = {};
    await rejects(
      openBossPlugins(configOf(file)),
      /client\.path_processor\.params\.root: it is missing$/,
    );
  } finally {
    pathProcessors.delete("mylab.Paths");
    tileProcessors.delete("ingestclient.plugins.mylab.Tiles");
  }
});

const places: readonly { name: string; params: Json; file: Json }[] = [
  {
    name: "local",
    params: { filesystem: "local" },
    file: { filesystem: "local", path: "/data/s0007.png" },
  },
  {
    name: "local with a bucket, which means nothing",
    params: { filesystem: "local", bucket: "" },
    file: { filesystem: "local", path: "/data/s0007.png" },
  },
  {
    name: "s3",
    params: { filesystem: "s3", bucket: "b" },
    file: { filesystem: "s3", bucket: "b", path: "/data/s0007.png" },
  },
  {
    name: "s3_copy",
    params: { filesystem: "s3_copy", bucket: "b", temp_dir: "/tmp/x" },
    file: { filesystem: "s3_copy", bucket: "b", path: "/data/s0007.png", tempDir: "/tmp/x" },
  },
];
for (const { name, params, file } of places) {
  Deno.test(`a recipe says where its file lies: ${name}`, async () => {
    const plugins = await openTiles({}, STACK_PATHS, [STACK_TILES[0], {
      extension: "png",
      ...params,
    }]);
    deepEqual((await tileOf(plugins, { z: 7 })).plane, { kind: "image", file, page: { index: 0 } });
  });
}

Deno.test("a bucket without a name is refused, and copies where there are none", async () => {
  const tiles: Named = [STACK_TILES[0], { extension: "png", filesystem: "s3", bucket: "" }];
  await rejects(
    openTiles({}, STACK_PATHS, tiles),
    /tile_processor\.params\.bucket: it must not be empty$/,
  );
  const hdf5: Named = ["hdf5.Hdf5SingleFileTileProcessor", {
    filesystem: "s3_copy",
    upload_format: "png",
    data_name: "img",
    datatype: "uint8",
    offset_x: 0,
    offset_y: 0,
    offset_z: 0,
  }];
  await rejects(
    openTiles({}, STACK_PATHS, hdf5),
    /filesystem: it must be one of "local", "s3", and is "s3_copy"/,
  );
});

const bodies = [
  { word: "png", body: { kind: "png" } },
  { word: "PNG", body: { kind: "png" } },
  { word: "tif", body: { kind: "tiff" } },
  { word: "TIFF", body: { kind: "tiff" } },
  { word: "jpg", body: { kind: "jpeg", quality: 75 } },
  { word: "jpeg", body: { kind: "jpeg", quality: 75 } },
];
const CATMAID: Named = [
  "catmaid.CatmaidFileImageStackPathProcessor",
  { root_dir: "/tiles", filetype: "png" },
];
const CATMAID_TILES = "catmaid.CatmaidFileImageStackTileProcessor";
const hdf5Slice = (change: Json): Named => ["hdf5.Hdf5SliceTileProcessor", {
  filesystem: "local",
  upload_format: "tiff",
  data_name: "img",
  offset_name: "offset",
  extent_name: "extent",
  offset_origin_x: 0,
  offset_origin_y: 0,
  datatype: "uint8",
  ...change,
}];
for (const { word, body } of bodies) {
  Deno.test(`T11: ${word} means ${body.kind} for every plugin`, async () => {
    const all: Named[] = [
      [STACK_TILES[0], { extension: word, filesystem: "local" }],
      [CATMAID_TILES, { filetype: word }],
      hdf5Slice({ upload_format: word }),
    ];
    for (const tiles of all) {
      deepEqual((await tileOf(await openTiles({}, STACK_PATHS, tiles))).body, body);
    }
  });
}

Deno.test("T11: a JPEG of 16 bits is refused before a tile is made", async () => {
  await rejects(
    openTiles({}, STACK_PATHS, hdf5Slice({ upload_format: "jpg", datatype: "uint16" })),
    /upload_format: a JPEG holds 8 bits a pixel, and these have 16: write tiff$/,
  );
});

Deno.test("T33: tiles of uint64 are refused, which no image holds", async () => {
  await rejects(
    openTiles({}, STACK_PATHS, hdf5Slice({ datatype: "uint64" })),
    /datatype: tiles hold 32 bits at most: uint64 needs a volumetric job$/,
  );
});

const named = (base: string): Named => [STACK_PATHS[0], { ...STACK_PATHS[1], base_filename: base }];
const cuts = [
  { base: "s<p:4>", x: { kind: "part", from: 1024 }, y: { kind: "part", from: 512 } },
  { base: "<z>/<y>_<x>", x: { kind: "whole" }, y: { kind: "whole" } },
  { base: "<x>_<>", x: { kind: "whole" }, y: { kind: "part", from: 512 } },
] as const;
for (const { base, x, y } of cuts) {
  Deno.test(`T9: images named ${base} are cut along x: ${x.kind}, along y: ${y.kind}`, async () => {
    const cover = { x: [0, 2048], size: [512, 512] } as const;
    const { placement } = await tileOf(await openTiles(cover, named(base), STACK_TILES), {
      x: 2,
      y: 1,
    });
    deepEqual(placement, { x, y });
  });
}

Deno.test("T12: a tile that reaches beyond the extent is one, and the next is none", async () => {
  const cover = { x: [0, 1000], y: [0, 513], z: [16, 20] } as const;
  const plugins = await openTiles(cover, CATMAID, [CATMAID_TILES, { filetype: "png" }]);
  equal((await tileOf(plugins, { x: 1, y: 1, z: 19 })).path, "/tiles/19/1_1_0.png");
  for (const index of [{ x: 2, z: 16 }, { y: 2, z: 16 }, { z: 15 }, { z: 20 }, { z: 16, t: 1 }]) {
    await rejects(tileOf(plugins, index), {
      name: "SluiceError",
      message:
        /^Cannot find the image of tile x \d, y \d, z \d+, t \d: .*; join the job with the configuration/,
    });
  }
});

Deno.test("T13: CATMAID's directories are {y}/{x}, and as the original named them in second place", async () => {
  const paths: Named = ["catmaid.CatmaidDirectoryImageStackPathProcessor", CATMAID[1]];
  const plugins = await openTiles({ x: [0, 2048], resolution: 3 }, paths, [CATMAID_TILES, {
    filetype: "png",
  }]);
  deepEqual(await plugins.paths.process({ x: 3, y: 1, z: 9, t: 0 }), [
    "/tiles/3/9/1/3.png",
    "/tiles/3/9/1/1.3",
  ]);
});

const URL_TILES: Named = ["catmaid.CatmainURLTileProcessor", {
  url: "https://tiles.example.org/0/",
  filetype: "jpg",
  z_offset: -2,
  x_tile: 100,
  y_tile: 200,
}];
const NO_PATHS: Named = ["catmaid.CatmaidURLPathProcessor", {}];
const absent: readonly { name: string; paths?: Named; tiles: Named; absent: "zeros" | "error" }[] =
  [
    {
      name: "of a stack that fails gracefully",
      tiles: [STACK_TILES[0], { ...STACK_TILES[1], fail_gracefully: true }],
      absent: "zeros",
    },
    { name: "of a stack", tiles: STACK_TILES, absent: "error" },
    { name: "of CATMAID's server", paths: NO_PATHS, tiles: URL_TILES, absent: "zeros" },
    {
      name: "of HDF5 chunks",
      tiles: ["hdf5.Hdf5ChunkTileProcessor", {
        filesystem: "local",
        upload_format: "tiff",
        data_name: "img",
        z_chunk_size: 4,
        datatype: "uint16",
      }],
      absent: "zeros",
    },
  ];
for (const { name, paths = STACK_PATHS, tiles, absent: wanted } of absent) {
  Deno.test(`T15: an absent tile ${name} is ${wanted}, of the size of a tile, columns first`, async () => {
    const cover = { x: [0, 1024], y: [0, 512], size: [1024, 512] } as const;
    const recipe = await tileOf(await openTiles(cover, paths, tiles));
    deepEqual([recipe.absent, recipe.size], [wanted, { width: 1024, height: 512 }]);
  });
}

Deno.test("T40: the address of a tile does not know of z_offset, which tells the empty slices", async () => {
  const plugins = await openTiles({ z: [0, 9] }, NO_PATHS, URL_TILES);
  deepEqual((await tileOf(plugins, { x: 1, y: 0, z: 2 })).plane, {
    kind: "image",
    file: {
      filesystem: "http",
      path: "https://tiles.example.org/0/2/0/1.jpg",
      absentStatus: 403,
    },
    page: { index: 0 },
  });
  for (const z of [0, 1]) deepEqual((await tileOf(plugins, { z })).plane, { kind: "zeros" });
});

for (
  const url of ["ftp://a/", "https://a/0", "https://me:hush@a/0/", "https://a/0/?key=hush", "a/"]
) {
  Deno.test(`T40: "${url}" is refused as an address of tiles`, async () => {
    const tiles: Named = [URL_TILES[0], { ...URL_TILES[1], url }];
    await rejects(openTiles({}, NO_PATHS, tiles), (error: Error) => {
      match(error.message, /client\.tile_processor\.params\.url: it must begin with http/);
      doesNotMatch(error.message, /hush/);
      return true;
    });
  });
}

const STACKED = {
  time_chunk_size: 100,
  num_z_slices: 3,
  num_channels: 2,
  channel_index: 1,
  filesystem: "local",
};
Deno.test("T16: a page of a hyperstack is counted over all pages of its file, or as before in a file of as many", async () => {
  const paths: Named = ["multipage_tiff.TiffMultiFileHyperStackPathProcessor", {
    root_dir: "",
    extension: "tif",
    base_filename: "v<>",
    time_chunk_size: 100,
  }];
  const tiles: Named = ["multipage_tiff.TiffMultiFileHyperStackTileProcessor", STACKED];
  const plugins = await openTiles({ z: [0, 3], t: [0, 400] }, paths, tiles);
  const { path, plane } = await tileOf(plugins, { z: 2, t: 217 });
  deepEqual([path, plane], ["v2.tif", {
    kind: "image",
    file: { filesystem: "local", path: "v2.tif" },
    page: {
      index: 17 * 6 + 2 * 2 + 1,
      exactly: { images: 100, index: (217 * 6 + 2 * 2 + 1) % 100 },
    },
  }]);
  const single: Named = [tiles[0], {
    ...STACKED,
    num_z_slices: 1,
    num_channels: 1,
    channel_index: 0,
  }];
  const image =
    (await tileOf(await openTiles({ z: [0, 1], t: [0, 400] }, paths, single), { t: 217 })).plane;
  deepEqual(image, {
    kind: "image",
    file: { filesystem: "local", path: "v2.tif" },
    page: { index: 17 },
  });
});

Deno.test("a hyperstack has no more slices and channels than it says", async () => {
  const tiles: Named = ["multipage_tiff.TiffMultiFileHyperStackTileProcessor", STACKED];
  await rejects(
    tileOf(await openTiles({ z: [0, 9] }, STACK_PATHS, tiles), { z: 3 }),
    /num_z_slices of the tile/,
  );
  await rejects(
    openTiles({}, STACK_PATHS, [tiles[0], { ...STACKED, channel_index: 2 }]),
    /params\.channel_index: it must be less than num_channels, 2, and is 2$/,
  );
});

Deno.test("samples of one slice come from the file of the slice, or there is none", async () => {
  const paths: Named = ["multipage_tiff.SingleTimeTiffPathProcessor", { z_1: "/b.tif", z_0: "" }];
  const tiles: Named = ["multipage_tiff.SingleTimeTiffTileProcessor", { datatype: "uint8" }];
  const plugins = await openTiles({ z: [0, 9], t: [2, 5] }, paths, tiles);
  const recipe = await tileOf(plugins, { x: 1, y: 1, z: 1, t: 4 });
  deepEqual(recipe, {
    path: "/b.tif",
    size: { width: 512, height: 512 },
    plane: { kind: "image", file: { filesystem: "local", path: "/b.tif" }, page: { index: 4 } },
    placement: { x: { kind: "at", from: 512 }, y: { kind: "at", from: 512 } },
    values: { kind: "cast", dtype: "uint8" },
    body: { kind: "tiff" },
    absent: "error",
  });
  await rejects(tileOf(plugins, { z: 2, t: 4 }), /the path processor has no parameter z_2/);
  await rejects(
    openTiles({}, [paths[0], {}], tiles),
    /path_processor\.params\.z_0: it is missing$/,
  );
});

Deno.test("T18: slices lie where their own offset and both origins say, or one origin does for both", async () => {
  const at = async (change: Json) => {
    const plugins = await openTiles({}, STACK_PATHS, hdf5Slice(change));
    return (await tileOf(plugins, { x: 1, y: 0 })).placement;
  };
  const frame = { offset: "offset", extent: "extent" };
  deepEqual(await at({ offset_origin_x: 10, offset_origin_y: -7 }), {
    x: { kind: "at", from: 502 },
    y: { kind: "at", from: 7 },
    frame,
  });
  deepEqual((await at({ offset_origin_x: 10, offset_origin_y: null })).y, {
    kind: "at",
    from: -10,
  });
});

Deno.test("T18: files of chunks are named by their first slice, and as the original did in second place", async () => {
  const paths = (change: Json): Named => ["hdf5.Hdf5ChunkPathProcessor", {
    root_dir: "r",
    extension: "h5",
    prefix: "raw",
    x_offset: 0,
    y_offset: 0,
    z_offset: 0,
    x_chunk_size: 512,
    y_chunk_size: 512,
    z_chunk_size: 26,
    use_python_convention: true,
    ...change,
  }];
  const ask = async (change: Json, z: number) =>
    await (await openTiles({}, paths(change), STACK_TILES)).paths.process({ x: 1, y: 0, z, t: 0 });
  deepEqual(await ask({}, 30), ["r/raw_512-1024_0-512_26-52.h5", "r/raw_512-1024_0-512_1-52.h5"]);
  deepEqual(await ask({}, 25), ["r/raw_512-1024_0-512_0-26.h5"]);
  deepEqual(await ask({ use_python_convention: false, y_offset: 3 }, 25), [
    "r/raw_512-1023_3-514_0-25.h5",
  ]);
});

const CHUNKS: readonly { name: string; chunks: Named }[] = [
  {
    name: "zarr",
    chunks: ["zarr.ZarrChunkProcessor", { cloud_path: "gs://b/a.zarr/", volume_name: "/raw" }],
  },
  {
    name: "cloudvolume",
    chunks: ["cloudvolume.CloudVolumeChunkProcessor", { cloudpath: "s3://b/em" }],
  },
  { name: "intern", chunks: ["intern.InternChunkProcessor", { uri: "bossdb://c/e/h/2" }] },
];
for (const { name, chunks } of CHUNKS) {
  Deno.test(`T17, T20: a chunk of ${name} is a box of named axes, read at its own voxels`, async () => {
    const span = fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 511 }));
    await fc.assert(
      fc.asyncProperty(span, span, span, async (x, y, z) => {
        // Extents that begin within the first cuboid of a chunk, which the server places right.
        const cover = {
          x: [x[0] * 1024 + x[1], 4096],
          y: [y[0] * 512 + y[1], 2048],
          z: [z[0] * 64 + z[1] % 16, 500],
          size: [1024, 512, 64],
        } as const;
        const index = { x: 3, y: 2, z: 7 };
        for (const at of [index, { x: x[0], y: y[0], z: z[0] }]) {
          const { chunk, read } = await chunkOf(cover, chunks, at);
          deepEqual(boxSize(chunk), [1024, 512, 64, 1, 1]);
          deepEqual(chunk.min, [1024 * at.x, 512 * at.y, 64 * at.z, 0, 0]);
          // Only intern stays in the extent.
          const [min, max] = name === "intern"
            ? [[cover.x[0], cover.y[0], cover.z[0]], [cover.x[1], cover.y[1], cover.z[1]]]
            : [[0, 0, 0], [Infinity, Infinity, Infinity]];
          for (const axis of [0, 1, 2]) {
            equal(read.min[axis], Math.max(chunk.min[axis], min[axis]));
            equal(read.max[axis], Math.min(chunk.max[axis], max[axis]));
          }
        }
      }),
      { numRuns: 25 },
    );
  });
}

Deno.test("T20: a chunk outside the extent is none", async () => {
  await rejects(
    chunkOf({}, CHUNKS[2].chunks, { x: 1 }),
    /Cannot find the voxels of chunk x 1, y 0, z 0, t 0: it lies outside/,
  );
});

const volumes: readonly { name: string; chunks: Named; volume: Json; before?: string }[] = [
  {
    name: "a Zarr array in a bucket",
    chunks: CHUNKS[0].chunks,
    volume: { kind: "array", address: "zarr://gs://b/a.zarr/raw", scale: 0 },
    before: "zeros",
  },
  {
    name: "a Zarr array in a folder",
    chunks: ["zarr.ZarrChunkProcessor", { cloud_path: "/data/a.zarr", volume_name: "raw/0" }],
    volume: { kind: "array", address: "zarr:///data/a.zarr/raw/0", scale: 0 },
    before: "zeros",
  },
  {
    name: "a precomputed volume",
    chunks: CHUNKS[1].chunks,
    volume: { kind: "array", address: "precomputed://s3://b/em", scale: 0, fillMissing: false },
    before: "error",
  },
  {
    name: "a precomputed volume with options",
    chunks: ["cloudvolume.CloudVolumeChunkProcessor", {
      cloudpath: "precomputed://file:///data/em",
      mip: 2,
      bounded: false,
      fill_missing: true,
      parallel: 4,
      cache: true,
    }],
    volume: {
      kind: "array",
      address: "precomputed://file:///data/em",
      scale: 2,
      fillMissing: true,
    },
    before: "zeros",
  },
  {
    name: "a scale by the edges of its voxels",
    chunks: ["cloudvolume.CloudVolumeChunkProcessor", { cloudpath: "gs://b/em", mip: [8, 8, 40] }],
    volume: {
      kind: "array",
      address: "precomputed://gs://b/em",
      scale: [8, 8, 40],
      fillMissing: false,
    },
  },
  {
    name: "a public channel of a Boss",
    chunks: CHUNKS[2].chunks,
    volume: { kind: "bossdb", collection: "c", experiment: "e", channel: "h", resolution: 2 },
  },
  {
    name: "a channel of a Boss with a token, which the recipe does not repeat",
    chunks: ["intern.InternChunkProcessor", {
      uri: "bossdb://c/e/h",
      token: "hush",
      host: "boss.lab",
    }],
    volume: {
      kind: "bossdb",
      collection: "c",
      experiment: "e",
      channel: "h",
      resolution: 0,
      service: { protocol: "https", host: "boss.lab" },
    },
  },
];
for (const { name, chunks, volume, before } of volumes) {
  Deno.test(`a chunk comes from ${name}`, async () => {
    const recipe = await chunkOf({}, chunks);
    deepEqual(recipe.volume, volume);
    if (before !== undefined) equal(recipe.before, before);
  });
}

const noVolumes: readonly { chunks: Named; says: RegExp }[] = [
  {
    chunks: ["zarr.ZarrChunkProcessor", { cloud_path: "azure://b/a", volume_name: "raw" }],
    says:
      /cloud_path: "azure" is no place that is read from; these are: s3, gs, https, http, file$/,
  },
  {
    chunks: ["zarr.ZarrChunkProcessor", { cloud_path: "https://me:hush@b/a", volume_name: "raw" }],
    says: /cloud_path: it holds a name or a password: leave them away$/,
  },
  {
    chunks: ["cloudvolume.CloudVolumeChunkProcessor", { cloudpath: "graphene://https://b/a" }],
    says: /cloudpath: "graphene" is no place/,
  },
  {
    chunks: ["cloudvolume.CloudVolumeChunkProcessor", { cloudpath: "gs://b/a", mip: [8, 8] }],
    says: /mip: it must be a number, or the edges of a voxel/,
  },
  {
    chunks: ["intern.InternChunkProcessor", { uri: "bossdb://c/e" }],
    says: /uri: it must be bossdb:\/\/COLLECTION\/EXPERIMENT\/CHANNEL/,
  },
];
for (const { chunks, says } of noVolumes) {
  Deno.test(`${chunks[0]} refuses ${JSON.stringify(chunks[1]).replace("hush", "…")}`, async () => {
    await rejects(chunkOf({}, chunks), (error: Error) => {
      equal(error.name, "UsageError");
      match(error.message, says);
      doesNotMatch(error.message, /hush/);
      return true;
    });
  });
}

Deno.test("openBossPlugins() tells what of a volume's parameters is passed over", async () => {
  const warned = async (chunks: Named) =>
    (await openBossPlugins(configOf(chunkFile({}, chunks)))).warnings.map(({ path }) =>
      path.replace(/^.*\./, "")
    );
  const cloud = (
    more: Json,
  ): Named => ["cloudvolume.CloudVolumeChunkProcessor", { cloudpath: "gs://b/a", ...more }];
  deepEqual(await warned(cloud({ info: {}, secrets: { token: "hush" }, agglomerate: true })), [
    "info",
    "secrets",
    "agglomerate",
  ]);
  deepEqual(
    await warned(["intern.InternChunkProcessor", { uri: "bossdb://c/e/h", host: "boss.lab" }]),
    ["host"],
  );
});

const INTERN: Json = {
  x_offset: 4096,
  y_offset: -100,
  z_offset: -2,
  x_tile: 512,
  y_tile: 512,
  collection: "c",
  experiment: "e",
  channel: "h",
  resolution: 1,
};
Deno.test("a tile of another channel lies at its offsets", async () => {
  const plugins = await openTiles({}, ["intern.InternPathProcessor", {}], [
    "intern.InternTileProcessor",
    INTERN,
  ]);
  const { plane, placement } = await tileOf(plugins, { x: 1, y: 0, z: 5 });
  deepEqual(plane, {
    kind: "cutout",
    collection: "c",
    experiment: "e",
    channel: "h",
    resolution: 1,
    z: 3,
  });
  deepEqual(placement, { x: { kind: "at", from: 4608 }, y: { kind: "at", from: -100 } });
  deepEqual((await tileOf(plugins, { z: 1 })).plane, { kind: "zeros" });
});

Deno.test("T8: tiles of another channel that are no tiles of the job are refused", async () => {
  const tiles: Named = ["intern.InternTileProcessor", { ...INTERN, x_tile: 1024 }];
  await rejects(
    openTiles({}, ["intern.InternPathProcessor", {}], tiles),
    /params\.x_tile: it must be the 512 of ingest_job\.tile_size\.x, and is 1024: tiles of another size/,
  );
});

Deno.test("tile.TestRandomTileProcessor gives each tile its own values of 1 to 253, and the same again", async () => {
  const plugins = await openTiles({}, ["path.TestPassThroughPathProcessor", {}], [
    "tile.TestRandomTileProcessor",
    {},
  ]);
  const valuesOf = async (x: number, z: number) => {
    const { plane, size } = await tileOf(plugins, { x, z });
    if (plane.kind !== "pixels") throw new Error(plane.kind);
    equal(plane.data.length, size.width * size.height);
    return plane.data as Uint8Array;
  };
  const first = await valuesOf(0, 0);
  const counts = new Array<number>(256).fill(0);
  for (const value of first) counts[value]++;
  deepEqual([counts[0], counts[254], counts[255]], [0, 0, 0]);
  // 1036 each on average; a fair draw strays by about 32.
  const [least, most] = [Math.min(...counts.slice(1, 254)), Math.max(...counts.slice(1, 254))];
  equal(least > 850 && most < 1250, true, `${least} to ${most}`);
  equal(Buffer.compare(first, await valuesOf(0, 0)), 0);
  notDeepEqual(first.slice(0, 64), (await valuesOf(1, 0)).slice(0, 64));
  notDeepEqual(first.slice(0, 64), (await valuesOf(0, 1)).slice(0, 64));
});

Deno.test("tile.TestTileProcessor takes the image at a path, or draws the one that ingest-client brings along", async () => {
  const tiles: Named = ["tile.TestTileProcessor", {}];
  const drawn = (await tileOf(await openTiles({}, ["path.TestPathProcessor", {}], tiles))).plane;
  if (drawn.kind !== "pixels") throw new Error(drawn.kind);
  deepEqual([drawn.size, drawn.data.length, (drawn.data as Uint8Array).includes(0)], [
    { width: 512, height: 512 },
    512 * 512,
    false,
  ]);
  deepEqual((await tileOf(await openTiles({}, STACK_PATHS, tiles), { z: 3 })).plane, {
    kind: "image",
    file: { filesystem: "local", path: "/data/s0003.png" },
    page: { index: 0 },
  });
});

Deno.test("names are made of numbers as the Boss's rule says", async () => {
  const token = fc.record({
    offset: fc.option(fc.nat({ max: 5000 }), { nil: undefined }),
    digits: fc.option(fc.nat({ max: 8 }), { nil: undefined }),
  });
  const word = fc.string({ unit: fc.constantFrom(..."ab_-<>:op1"), maxLength: 4 });
  const isToken = /<(o:\d+)?(p:\d+)?>/;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(token, word), { maxLength: 4 }),
      fc.nat({ max: 30 }),
      async (parts, z) => {
        // What makes a token together with its neighbours is another case.
        fc.pre(!isToken.test(parts.map(([, text]) => text).join("|")));
        const base = `n|${
          parts.map(([{ offset, digits }, text]) =>
            `<${offset === undefined ? "" : `o:${offset}`}${
              digits === undefined ? "" : `p:${digits}`
            }>|${text}|`
          ).join("")
        }`;
        const wanted = `n|${
          parts.map(([{ offset = 0, digits = 0 }, text]) => {
            let number = `${z + offset}`;
            while (number.length < digits) number = `0${number}`;
            return `${number}|${text}|`;
          }).join("")
        }`;
        const plugins = await openTiles({}, named(base), STACK_TILES);
        equal((await tileOf(plugins, { z })).path, `/data/${wanted}.png`);
      },
    ),
  );
});

const samples: readonly { name: string; paths: Named; indices: readonly Json[] }[] = [
  {
    name: "a stack",
    paths: ["stack.ZindexStackPathProcessor", {
      root_dir: "boss-samples/example_z_stack",
      extension: "png",
      base_filename: "<o:3253>_my_stack_section<p:3>",
    }],
    indices: [{ z: 0 }, { z: 1 }],
  },
  {
    name: "CATMAID's tiles",
    paths: ["catmaid.CatmaidFileImageStackPathProcessor", {
      root_dir: "boss-samples/example_catmaid_stack",
      filetype: "png",
    }],
    indices: [{ z: 0 }, { z: 0, y: 1 }, { z: 1 }, { z: 1, y: 1 }],
  },
];
for (const { name, paths, indices } of samples) {
  Deno.test({
    name: `path processors find published samples: ${name}${
      testData === undefined ? " (skipped: no SLUICE_TEST_DATA)" : ""
    }`,
    ignore: testData === undefined,
    async fn() {
      const plugins = await openTiles({ x: [0, 512], z: [0, 2] }, paths, STACK_TILES);
      for (const index of indices) {
        const { path } = await tileOf(plugins, index);
        equal((await Deno.stat(`${testData}/${path}`)).isFile, true, path);
      }
    },
  });
}
