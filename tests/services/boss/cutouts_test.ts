/** Cutouts and resources of a served Boss, beside what intern asks for. */
import { deepEqual, equal, match } from "node:assert/strict";
import { deflateSync, inflateSync } from "node:zlib";
import { jpeg } from "../../../codecs/jpeg.ts";
import { openFileSource } from "../../../codecs/file_source.ts";
import { codec, Served } from "./_served.ts";

const BLOSC = { "content-type": "application/blosc" };
const BOX = "v1/cutout/lab/exp/em/0/3:10/5:10/14:17/";

async function postVoxels(served: Served): Promise<Uint8Array> {
  const voxels = Uint8Array.from({ length: 7 * 5 * 3 }, (_, i) => i + 1);
  const body = (await codec()).encode(voxels);
  equal((await served.ask("POST", BOX, { body, headers: BLOSC })).status, 201);
  return voxels;
}

Deno.test("a cutout is given as blosc, as .npy within zlib, and as JPEG", async () => {
  await using served = await Served.open();
  const voxels = await postVoxels(served);
  const get = (accept: string) => served.ask("GET", BOX, { headers: { accept } });
  deepEqual((await codec()).decode((await get("*/*")).bytes, 105), voxels);
  const npy = inflateSync((await get("application/npygz")).bytes);
  equal(npy.toString("latin1", 1, 6), "NUMPY");
  const head = "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 5, 7,), }";
  equal(npy.toString("latin1", 10, 128), `${head.padEnd(117)}\n`);
  deepEqual(new Uint8Array(npy.subarray(128)), voxels);
  const path = await Deno.makeTempFile();
  await Deno.writeFile(path, (await get("image/jpeg")).bytes);
  {
    await using file = await openFileSource(path);
    const { images: [{ width, height, samples }] } = await jpeg.describe(file);
    deepEqual([width, height, samples], [7, 15, 1]);
  }
  await Deno.remove(path);
  equal((await get("text/html")).status, 400);
});

Deno.test("voxels that are sent as .npy are those that were meant", async () => {
  await using served = await Served.open();
  await postVoxels(served);
  const got = await served.ask("GET", BOX, { headers: { accept: "application/npygz" } });
  const npy = inflateSync(got.bytes);
  npy.fill(77, 128, 135);
  const headers = { "content-type": "application/npygz" };
  equal(
    (await served.ask("POST", BOX, { body: new Uint8Array(deflateSync(npy)), headers })).status,
    201,
  );
  deepEqual(await served.voxels("3:10/5:6/14:15"), new Uint8Array(7).fill(77));
  const other = new Uint8Array(deflateSync(npy.subarray(0, npy.length - 1)));
  equal((await served.ask("POST", BOX, { body: other, headers })).json.code, 2002);
  equal((await served.ask("POST", BOX, { body: "x", headers })).json.code, 5003);
});

Deno.test("T32: a zero that is sent changes nothing, and to_black does", async () => {
  await using served = await Served.open();
  const voxels = await postVoxels(served);
  const zeros = (await codec()).encode(new Uint8Array(105));
  equal((await served.ask("POST", BOX, { body: zeros, headers: BLOSC })).status, 201);
  deepEqual(await served.voxels("3:10/5:10/14:17"), voxels);
  const black = BOX.replace("cutout/", "cutout/to_black/").replace("14:17", "16:17");
  equal((await served.ask("PUT", black)).status, 200);
  const left = voxels.slice();
  left.fill(0, 70);
  deepEqual(await served.voxels("3:10/5:10/14:17"), left);
});

const refused = [
  { name: "beyond the frame", path: "0/0:1101/0:1/0:1/", code: 1001 },
  { name: "with an empty range", path: "0/5:5/0:1/0:1/", code: 1001 },
  { name: "of a sample that is not there", path: "0/0:1/0:1/0:1/1:2/", code: 1001 },
  { name: "of a level that is not there", path: "2/0:1/0:1/0:1/", code: 1002 },
  { name: "of ids of an image", path: "0/0:1/0:1/0:1/?filter=1", code: 1001 },
  { name: "in a mode that is not there", path: "0/0:1/0:1/0:1/?access-mode=fast", code: 1001 },
  { name: "of three ranges too few", path: "0/0:1/", code: 1000 },
] as const;
for (const { name, path, code } of refused) {
  Deno.test(`a cutout is refused ${name}`, async () => {
    await using served = await Served.open();
    const { status, json } = await served.ask("GET", `v1/cutout/lab/exp/em/${path}`);
    deepEqual([status, json.code], [400, code]);
  });
}

Deno.test("a cutout of more than 520 MiB is refused before anything is read", async () => {
  await using served = await Served.open();
  await served.make("coord/wide", {
    ...Object.fromEntries(["x", "y", "z"].flatMap((axis) => [
      [`${axis}_start`, 0],
      [`${axis}_stop`, 1e6],
      [`${axis}_voxel_size`, 1],
    ])),
    voxel_unit: "micrometers",
  });
  const experiment = {
    coord_frame: "wide",
    num_hierarchy_levels: 1,
    hierarchy_method: "isotropic",
  };
  await served.make("collection/lab/experiment/wide", experiment);
  await served.make("collection/lab/experiment/wide/channel/em", {
    type: "image",
    datatype: "uint8",
  });
  const { status, json } = await served.ask("GET", "v1/cutout/lab/wide/em/0/0:900000/0:1000/0:1/");
  deepEqual([status, json.code], [413, 2000]);
});

const bodies = [
  { name: "of another dtype", bytes: 210, code: 2001 },
  { name: "of another shape", bytes: 104, code: 2002 },
] as const;
for (const { name, bytes, code } of bodies) {
  Deno.test(`voxels ${name} are refused`, async () => {
    await using served = await Served.open();
    const body = (await codec()).encode(new Uint8Array(bytes));
    const { status, json } = await served.ask("POST", BOX, { body, headers: BLOSC });
    deepEqual([status, json.code], [400, code]);
  });
}

Deno.test("levels are told with their voxels, and where they end", async () => {
  await using served = await Served.open();
  const { json } = await served.ask("GET", "v1/downsample/lab/exp/em/");
  deepEqual(json, {
    status: "NOT_DOWNSAMPLED",
    num_hierarchy_levels: 2,
    voxel_size: { 0: [4, 4, 40], 1: [8, 8, 40] },
    extent: { 0: [1100, 600, 40], 1: [550, 300, 40] },
    cuboid_size: { 0: [512, 512, 16], 1: [512, 512, 16] },
  });
});

const channel = "collection/lab/experiment/exp/channel";
const bodiesOfResources = [
  { name: "a name with a slash", path: "collection/a%2Fb", body: {}, code: 1003 },
  { name: "a path as a name", path: "collection/..%2F..", body: {}, code: 1003 },
  { name: "one that is there", path: "collection/lab", body: {}, code: 1003 },
  {
    name: "a channel of float32",
    path: `${channel}/f`,
    body: { type: "image", datatype: "float32" },
    code: 1003,
  },
  { name: "a channel without datatype", path: `${channel}/f`, body: { type: "image" }, code: 1003 },
  {
    name: "a channel made of one that is not there",
    path: `${channel}/f`,
    body: { type: "annotation", datatype: "uint64", sources: ["nobody"] },
    code: 4000,
  },
  {
    name: "a sample that is not there",
    path: `${channel}/f`,
    body: { type: "image", datatype: "uint8", default_time_sample: 1 },
    code: 1003,
  },
  {
    name: "an experiment without its frame",
    path: "collection/lab/experiment/e",
    body: { coord_frame: "nobody", num_hierarchy_levels: 1, hierarchy_method: "isotropic" },
    code: 4000,
  },
  { name: "a field that nobody knows", path: "collection/c", body: { colour: 1 }, code: 1003 },
] as const;
for (const { name, path, body, code } of bodiesOfResources) {
  Deno.test(`a resource is refused: ${name}`, async () => {
    await using served = await Served.open();
    const { json } = await served.ask("POST", `v1/${path}`, { body: JSON.stringify(body) });
    equal(json.code, code, json.message);
  });
}

Deno.test("what others refer to is not deleted, nor is what has voxels bent into another shape", async () => {
  await using served = await Served.open();
  await postVoxels(served);
  for (const path of ["coord/frame", "collection/lab", "collection/lab/experiment/exp"]) {
    equal((await served.ask("DELETE", `v1/${path}`)).json.code, 4003, path);
  }
  const change = (body: unknown) =>
    served.ask("PUT", "v1/collection/lab/experiment/exp", { body: JSON.stringify(body) });
  equal((await change({ num_time_samples: 2 })).json.code, 1003);
  equal((await change({ coord_frame: "other" })).json.code, 1003);
  equal((await change({ num_hierarchy_levels: 4 })).json.num_hierarchy_levels, 4);
  equal((await served.ask("DELETE", `v1/${channel}/em`)).status, 204);
  const deleted = [];
  for await (const { name } of Deno.readDir(`${served.root}/deleted`)) deleted.push(name);
  deepEqual(deleted, ["4-em.ome.zarr"]);
});

Deno.test("what this server has no service for is refused by name, and versions of old", async () => {
  await using served = await Served.open();
  match((await served.ask("GET", "v1/groups/")).json.message, /no service "groups"/);
  equal((await served.ask("GET", "v0.8/collection/")).json.code, 9003);
  equal((await served.ask("GET", "v1/collection/%zz")).status, 400);
});
