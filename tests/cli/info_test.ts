/** `sluice info` as it is run, with the permissions that every command has. */
import { deepEqual, equal, match } from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { HDF5_FILES } from "../plugins/_hdf5_files.ts";
import { sectionName, sections, Sluice } from "./_sluice.ts";

Deno.test("sluice info says what a volume is, how it is stored, and who reads it", async () => {
  await using sluice = await Sluice.of(sections(5));
  const ingest = ["ingest", "raw", "out.ome.zarr", "--chunk", "4x4x2", "--voxel-size", "4x4x40nm"];
  equal((await sluice.run(...ingest)).code, 0);
  const { code, stdout, stderr } = await sluice.run("info", "out.ome.zarr");
  deepEqual([code, stderr], [0, ""]);
  match(stdout, /^OME-Zarr 0\.5 on Zarr v3: .*\/out\.ome\.zarr\n/);
  match(stdout, /^ {2}extent {6}7 x 5 x 5 voxels of uint16, image$/m);
  match(stdout, /^ {2}voxel size {2}4x4x40nm$/m);
  match(stdout, /^ {2}written {5}by sluice, complete, nothing lost$/m);
  match(stdout, /^ {2}scale +voxels +factor +chunk +shard +chunks +bytes +codec$/m);
  match(stdout, /^ {2}0 +7 x 5 x 5 +1x1x1 +4x4x2 +8x8x2 +12 +350 B +zstd level 3, crc32c$/m);
  match(stdout, /^ {2}yes +Neuroglancer$/m);
  match(stdout, /^ {2}no +cloud-volume +it reads no shards of Zarr$/m);

  const { document } = await sluice.json("info", "out.ome.zarr");
  deepEqual([document.is, document.dtype, document.written.complete], ["volume", "uint16", true]);
  deepEqual(document.scales[0].shard, [8, 8, 2, 1, 1]);
});

Deno.test("sluice info counts what is wrong with images, also where a shell expanded the glob", async () => {
  await using sluice = await Sluice.of(sections(6, [2, 3]));
  const { code, stdout } = await sluice.run("info", "raw/*.tif");
  equal(code, 0);
  match(stdout, /^Images: raw\/\*\.tif\n/);
  match(stdout, /^ {2}extent {6}7 x 5 x 6 voxels of uint16$/m);
  match(stdout, /^ {2}faults {6}2 missing$/m);
  match(stdout, /^ {4}missing: "section_02\.tif" /m);
  const expanded = [0, 1].map(sectionName);
  match((await sluice.run("info", ...expanded)).stdout, /7 x 5 x 2 voxels.*\n.*\n.*faults +none/);
});

Deno.test("sluice info lists the datasets of an HDF5 file, and says how one of them is named", async () => {
  const file = gunzipSync(Uint8Array.fromBase64(HDF5_FILES.cremi));
  await using sluice = await Sluice.of({ "cremi.h5": new Uint8Array(file) });
  const { code, stdout } = await sluice.run("info", "cremi.h5");
  equal(code, 0);
  match(stdout, /^HDF5: cremi\.h5\n {2}\/annotations\/ids +5 +int64 +no volume$/m);
  match(stdout, /^ {2}\/volumes\/raw +3 x 5 x 7 +uint8$/m);
  match(stdout, /For one of them: sluice info cremi\.h5:\/volumes\/labels\/neuron_ids$/m);
  const raw = await sluice.run("info", "cremi.h5:/volumes/raw");
  match(raw.stdout, /^HDF5: .*cremi\.h5:\/volumes\/raw\n/);
  match(raw.stdout, /gzip level 4$/m);
});

Deno.test("sluice info says that nothing is there", async () => {
  await using sluice = await Sluice.of();
  const { code, stderr } = await sluice.run("info", "out.ome.zarr");
  equal(code, 2);
  match(stderr, /^sluice: Cannot find "out\.ome\.zarr" as images: /);
  equal((await sluice.run("info")).code, 2);
});
