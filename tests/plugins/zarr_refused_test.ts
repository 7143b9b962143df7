/** Metadata of Zarr that is not read, each with the error that names it. */
import { ok, rejects } from "node:assert/strict";
import { openZarrArray, type OpenZarrOptions } from "../../plugins/zarr_array.ts";
import { memoryReader } from "./_reader.ts";
import { changed, DATASET, group, sharding, SPACE, V2, V3 } from "./_zarr_samples.ts";

/** Metadata that is refused: what of it is changed, and how the error names it. */
const refused: readonly {
  name: string;
  blobs: Record<string, unknown>;
  options?: OpenZarrOptions;
  message: RegExp;
}[] = [
  {
    name: "nothing",
    blobs: {},
    message: /"memory:it" .*neither zarr.json, .zarray.*; give the folder/,
  },
  {
    name: "no JSON",
    blobs: { "zarr.json": "{" },
    message: /"memory:it\/zarr.json".*it is no JSON/,
  },
  { name: "a list", blobs: { "zarr.json": "[]" }, message: /it is no JSON object/ },
  {
    name: "a later format",
    blobs: changed(V3, "zarr.json", { zarr_format: 4 }),
    message: /zarr_format is 4/,
  },
  {
    name: "six dimensions",
    blobs: changed(V3, "zarr.json", { shape: [1, 1, 1, 1, 1, 1] }),
    message: /it has 6 dimensions/,
  },
  {
    name: "no dimension",
    blobs: changed(V3, "zarr.json", { shape: [] }),
    message: /"shape" is \[\]/,
  },
  {
    name: "an empty side",
    blobs: changed(V3, "zarr.json", { shape: [3, 0, 7] }),
    message: /"shape"/,
  },
  {
    name: "a side below 0",
    blobs: changed(V3, "zarr.json", { shape: [3, -5, 7] }),
    message: /\[3,-5,7\]/,
  },
  {
    name: "half a voxel",
    blobs: changed(V3, "zarr.json", { shape: [3, 5.5, 7] }),
    message: /"shape"/,
  },
  {
    name: "more voxels than can be counted",
    blobs: changed(V3, "zarr.json", { shape: [2 ** 30, 2 ** 30, 7] }),
    message: /too many voxels/,
  },
  {
    name: "a side that is no number of anything",
    blobs: { "zarr.json": JSON.stringify(V3["zarr.json"]).replace("[3,5,7]", "[3,5,1e999]") },
    message: /"shape"/,
  },
  {
    name: "a side beyond whole numbers",
    blobs: {
      "zarr.json": JSON.stringify(V3["zarr.json"]).replace("[3,5,7]", "[3,5,99999999999999999999]"),
    },
    message: /"shape" is \[3,5,"99999999999999999999"\]/,
  },
  ...["float64", "int64", "bool", "complex64", "float16", "r16", "string"].map((data_type) => ({
    name: data_type,
    blobs: changed(V3, "zarr.json", { data_type }),
    message: new RegExp(
      `its voxels are ${data_type}, and nothing is narrowed.*; write it again as uint8`,
    ),
  })),
  {
    name: "a dtype with a configuration",
    blobs: changed(V3, "zarr.json", { data_type: { name: "numpy.datetime64", configuration: {} } }),
    message: /its voxels are numpy.datetime64/,
  },
  ...Object.entries({
    "<f8": "float64",
    ">i8": "int64",
    "|b1": "bool",
    "<c8": "complex64",
    "<f2": "float16",
    "<U8": "strings",
    "|O": "Python objects",
    "<M8[ns]": "dates",
  }).map(([dtype, what]) => ({
    name: dtype,
    blobs: changed(V2, ".zarray", { dtype }),
    message: new RegExp(`its voxels are ${what}`),
  })),
  { name: "records", blobs: changed(V2, ".zarray", { dtype: [["a", "<u2"]] }), message: /records/ },
  ...(["zfpy", "delta", "lzw", 7] as unknown[]).map((id) => ({
    name: `the compressor ${id}`,
    blobs: changed(V2, ".zarray", { compressor: { id } }),
    message: new RegExp(
      `"id":${JSON.stringify(id)}.*is not read here.*; write it again without it`,
    ),
  })),
  {
    name: "raw LZMA",
    blobs: changed(V2, ".zarray", { compressor: { id: "lzma", format: 3 } }),
    message: /"id":"lzma"/,
  },
  {
    name: "a filter",
    blobs: changed(V2, ".zarray", { filters: [{ id: "delta", dtype: "<u2" }] }),
    message: /"id":"delta"/,
  },
  {
    name: "a compressor as a filter",
    blobs: changed(V2, ".zarray", { filters: [{ id: "zlib" }], compressor: null }),
    message: /"id":"zlib"/,
  },
  { name: "an order", blobs: changed(V2, ".zarray", { order: "A" }), message: /its order is "A"/ },
  {
    name: "a separator",
    blobs: changed(V2, ".zarray", { dimension_separator: "_" }),
    message: /separated by "_"/,
  },
  {
    name: "chunks of other dimensions",
    blobs: changed(V2, ".zarray", { chunks: [3, 5] }),
    message: /"chunks" has 2 sides where the volume has 3/,
  },
  {
    name: "chunks beyond 2 GiB",
    blobs: changed(V2, ".zarray", { chunks: [2048, 2048, 2048] }),
    message: /17179869184 bytes, more than 2 GiB/,
  },
  {
    name: "a fill value too large",
    blobs: changed(V2, ".zarray", { fill_value: 65536 }),
    message: /65536 is no uint16/,
  },
  {
    name: "a fill value below",
    blobs: changed(V2, ".zarray", { fill_value: -1 }),
    message: /-1 is no uint16/,
  },
  {
    name: "a word as fill value",
    blobs: changed(V3, "zarr.json", { fill_value: "NaN" }),
    message: /"NaN" is no uint16/,
  },
  {
    name: "a NaN of its own bits",
    blobs: changed(V3, "zarr.json", { data_type: "float32", fill_value: "0x7fc00001" }),
    message: /"0x7fc00001" is no float32/,
  },
  {
    name: "no fill value",
    blobs: changed(V3, "zarr.json", { fill_value: undefined }),
    message: /fill value absent is no uint16/,
  },
  {
    name: "an extension",
    blobs: changed(V3, "zarr.json", { storage: { name: "icechunk" } }),
    message: /the extension "storage"/,
  },
  {
    name: "storage transformers",
    blobs: changed(V3, "zarr.json", { storage_transformers: [{ name: "any" }] }),
    message: /storage transformers/,
  },
  {
    name: "another grid",
    blobs: changed(V3, "zarr.json", { chunk_grid: { name: "rectangular" } }),
    message: /its chunk grid is/,
  },
  {
    name: "other names of chunks",
    blobs: changed(V3, "zarr.json", { chunk_key_encoding: { name: "suffix" } }),
    message: /its chunk names are/,
  },
  ...(["vlen-utf8", "numcodecs.delta", "zfp"] as const).map((name) => ({
    name: `the codec ${name}`,
    blobs: changed(V3, "zarr.json", { codecs: [{ name }] }),
    message: new RegExp(`"name":"${name}".*is not read here`),
  })),
  {
    name: "a codec of bytes that nobody knows",
    blobs: changed(V3, "zarr.json", {
      codecs: [{ name: "bytes", configuration: { endian: "little" } }, { name: "snappy" }],
    }),
    message: /"snappy", which is not read here/,
  },
  {
    name: "no codec",
    blobs: changed(V3, "zarr.json", { codecs: [] }),
    message: /its codecs are \[\]/,
  },
  {
    name: "transposing alone",
    blobs: changed(V3, "zarr.json", {
      codecs: [{ name: "transpose", configuration: { order: [0, 1, 2] } }],
    }),
    message: /no codec makes bytes/,
  },
  {
    name: "an order that is none",
    blobs: changed(V3, "zarr.json", {
      codecs: [{ name: "transpose", configuration: { order: [0, 1, 1] } }, "bytes"],
    }),
    message: /transposes 3 dimensions by \[0,1,1\]/,
  },
  {
    name: "no order of bytes",
    blobs: changed(V3, "zarr.json", { codecs: ["bytes"] }),
    message: /does not say which byte/,
  },
  {
    name: "shards of parts of chunks",
    blobs: sharding({ chunk_shape: [2, 4, 4] }),
    message: /shards of 4 x 6 x 8 voxels are no whole chunks of 2 x 4 x 4/,
  },
  {
    name: "an index in the middle",
    blobs: sharding({ index_location: "middle" }),
    message: /at "middle"/,
  },
  {
    name: "an index that is packed",
    blobs: sharding({
      index_codecs: [{ name: "bytes", configuration: { endian: "little" } }, "gzip"],
    }),
    message: /the index of its shards was written with/,
  },
  {
    name: "shards of too many chunks",
    blobs: changed(sharding({ chunk_shape: [1, 1, 1] }), "zarr.json", {
      chunk_grid: { name: "regular", configuration: { chunk_shape: [1024, 1024, 1024] } },
    }),
    message: /1073741824 chunks, more than 4194304/,
  },
  {
    name: "axes that are no axes",
    blobs: changed(V3, "zarr.json", { dimension_names: ["a", "y", "x"] }),
    message: /\["a","y","x"\]; say which is which/,
  },
  {
    name: "one axis twice",
    blobs: changed(V3, "zarr.json", { dimension_names: ["x", "y", "X"] }),
    message: /\["x","y","X"\]/,
  },
  {
    name: "axes of other dimensions",
    blobs: V3,
    options: { axes: ["y", "x"] },
    message: /not the axes y,x/,
  },
  {
    name: "a group",
    blobs: { "zarr.json": { zarr_format: 3, node_type: "group" } },
    message: /a group without multiscales; give one of the arrays/,
  },
  {
    name: "several images",
    blobs: { ".zgroup": { zarr_format: 2 }, ".zattrs": { "bioformats2raw.layout": 3 } },
    message: /several images; give one of them/,
  },
  { name: "a plate", blobs: group({ plate: {} }), message: /a plate or a well/ },
  {
    name: "a list of labels",
    blobs: { ".zattrs": { labels: ["cells"] } },
    message: /it lists labels/,
  },
  {
    name: "a later OME-Zarr",
    blobs: group({ version: "0.6", multiscales: [{ axes: SPACE, datasets: [DATASET] }] }),
    message: /OME-Zarr "0.6", and 0.1 to 0.5 are read/,
  },
  {
    name: "no datasets",
    blobs: group({ multiscales: [{ axes: SPACE }] }),
    message: /it has 0 datasets/,
  },
  {
    name: "a dataset that is not there",
    blobs: group({ multiscales: [{ axes: SPACE, datasets: [{ ...DATASET, path: "1" }] }] }),
    message: /"1" has no 1\/zarr.json/,
  },
  ...["../0", "/etc", "a/../../0", "..", "", "a\\b"].map((path) => ({
    name: `the path "${path}"`,
    blobs: group({ multiscales: [{ axes: SPACE, datasets: [{ ...DATASET, path }] }] }),
    message: /the path of a dataset is .*, nothing below the group/,
  })),
  {
    name: "an affine",
    blobs: group({
      multiscales: [{
        axes: SPACE,
        datasets: [{ path: "0", coordinateTransformations: [{ type: "affine" }] }],
      }],
    }),
    message: /placed by "affine"/,
  },
  {
    name: "a scale of other dimensions",
    blobs: group({
      multiscales: [{
        axes: SPACE,
        datasets: [{ path: "0", coordinateTransformations: [{ type: "scale", scale: [1, 2] }] }],
      }],
    }),
    message: /its scale is \[1,2\], no list of 3 numbers/,
  },
  {
    name: "axes that disagree",
    blobs: changed(group({ multiscales: [{ axes: SPACE, datasets: [DATASET] }] }), "0/zarr.json", {
      dimension_names: ["x", "y", "z"],
    }),
    message: /dimensions are named x,y,z where the volume says z,y,x/,
  },
];

for (const { name, blobs, options, message } of refused) {
  Deno.test(`openZarrArray() refuses ${name}, naming file, fault and way out`, async () => {
    const asked: string[] = [];
    await rejects(
      openZarrArray(memoryReader(blobs, (key) => asked.push(key)), options),
      (error) => {
        ok(error instanceof Error && error.name === "SluiceError", String(error));
        ok(message.test(error.message), error.message);
        ok(/^Cannot read "memory:it.*" as .+: .+; .+[^.]$/.test(error.message), error.message);
        return true;
      },
    );
    ok(asked.every((key) => !key.includes("..") && !key.startsWith("/")), asked.join());
  });
}
