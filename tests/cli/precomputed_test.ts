/** The real command line, where TARGET is precomputed://PATH. */
import { deepEqual, equal, match } from "node:assert/strict";
import { sections, Sluice } from "./_sluice.ts";

const INGEST = ["ingest", "raw", "precomputed://out"] as const;
const SIZE = ["--voxel-size", "4x4x40nm"] as const;

const refused = [
  { words: [], says: /without the size of a voxel.*give --voxel-size 4x4x40nm/ },
  { words: [...SIZE, "--codec", "zstd"], says: /as zstd: choose raw, png, jpeg or/ },
  { words: [...SIZE, "--zarr", "0.5"], says: /Cannot use --zarr with a precomputed target/ },
  { words: [...SIZE, "--codec", "jpeg"], says: /Cannot use --codec jpeg: .*uint16/ },
  { words: [...SIZE, "--codec", "compressed_segmentation"], says: /Cannot use --codec compressed/ },
] as const;
Deno.test("sluice ingest to precomputed:// names the flag that does not fit, and writes nothing", async () => {
  await using sluice = await Sluice.of(sections(2));
  for (const { words, says } of refused) {
    const { code, stdout, stderr } = await sluice.run(...INGEST, ...words);
    equal(code, 2, stderr);
    equal(stdout, "");
    match(stderr, says);
  }
  deepEqual(
    Array.from(Deno.readDirSync(sluice.folder.path), ({ name }) => name).filter((name) =>
      name.includes("out")
    ),
    [],
  );
});

Deno.test("sluice ingests to precomputed://, verifies against the images, and sets the voxel size", async () => {
  await using sluice = await Sluice.of(sections(6));
  const ingested = await sluice.json(...INGEST, ...SIZE, "--codec", "png", "--chunk", "4x4x2");
  equal(ingested.code, 0);
  equal(ingested.document.verified.faultCount, 0);
  const verified = await sluice.json("verify", "out", "--source");
  deepEqual([verified.code, verified.document.faultCount], [0, 0]);
  equal((await sluice.run("set", "out", "--voxel-size", "5x5x50nm")).code, 0);
  const { scales } = JSON.parse(await Deno.readTextFile(sluice.path("out/info")));
  deepEqual([scales[0].key, scales[0].resolution], ["4_4_40", [5, 5, 50]]);
  equal((await sluice.run("verify", "out")).code, 0);
  equal((await sluice.run("transfer", "precomputed://out", "back.ome.zarr")).code, 0);
});
