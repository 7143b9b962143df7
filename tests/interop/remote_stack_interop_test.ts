/** Images that lie in buckets of servers that others wrote: moto (Python) and fauxqs (npm). */
import { deepEqual, equal, match } from "node:assert/strict";
import { box } from "../../core/box.ts";
import { gatherVoxels } from "../../core/gather_voxels.ts";
import { openLedger } from "../../ledgers/open_ledger.ts";
import { readImageStack } from "../../plugins/image_stack.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { openBlobs, setBlobDefaults } from "../../stores/blobs/open_blobs.ts";
import { openVolume } from "../../stores/volume.ts";
import { ingest } from "../../tasks/ingest.ts";
import { joinJob } from "../../tasks/join.ts";
import { retryJob } from "../../tasks/retry.ts";
import { verifyVolume } from "../../tasks/verify.ts";
import { pngOf } from "../_images.ts";
import { makeStack, withFolder } from "../_stack.ts";
import { bucketOptions, bucketServers, makeBucket } from "./_buckets.ts";

for (const { name, start } of bucketServers) {
  Deno.test(`${name}: a stack in a bucket becomes a volume, and a section of it is done anew`, () =>
    withFolder(async (folder) => {
      await using program = await start();
      await makeBucket(program, "lab");
      setBlobDefaults(bucketOptions(program));
      try {
        const stack = await makeStack(`${folder}/raw`);
        await using blobs = await openBlobs("s3://lab/a b+c");
        for (const [z, path] of stack.paths.entries()) {
          if (z !== 4) await blobs.put(`raw/${z}/0_0.png`, await Deno.readFile(path));
        }
        await blobs.put("raw/notes/0_0.png", pngOf());
        await blobs.put("raw/3/empty_0.png", new Uint8Array());
        const source = "s3://lab/a b+c/raw/<z>/<y>_<x>.png";
        await using ledger = await openLedger("memory:");
        await using pool = new WorkerPool({ size: 0 });
        const options = { missing: "fill", chunk: [16, 16, 4], levels: 2, ledger, pool } as const;
        const { created, status } = await ingest([source], `${folder}/it`, options);
        deepEqual([status.state, status.losses], ["done", 1]);
        await blobs.put("raw/4/0_0.png", await Deno.readFile(stack.paths[4]));
        const { mended } = await retryJob({ ...created, ledger }, { sections: [[4, 5]] });
        deepEqual(mended, ["s3://lab/a b+c/raw/4/0_0.png"]);
        equal((await joinJob(created.job, { ledger, pool })).losses, 0);
        const { faults, compared } = await verifyVolume(created.volume, { pool, source: true });
        deepEqual([faults, compared > 0], [[], true]);
        await using volume = await openVolume(created.volume, { pool });
        deepEqual(await gatherVoxels(await volume.read(box([0, 0, 0], stack.size))), stack.voxels);

        // The same bytes put again are the same image; other ones are not, whatever their size.
        await blobs.put("raw/4/0_0.png", await Deno.readFile(stack.paths[4]));
        deepEqual((await verifyVolume(created.volume, { pool, source: true })).faults, []);
        const other = await Deno.readFile(stack.paths[4]);
        other[90] ^= 1;
        await blobs.put("raw/4/0_0.png", other);
        const after = await verifyVolume(created.volume, { pool, source: true });
        match(
          after.faults[0].reason,
          /4\/0_0\.png".* it changed since the plan: it was written again/,
        );

        const { faults: none } = await readImageStack(["s3://lab/a b+c/raw/**/*_0.png"], {
          onError: "fill",
        });
        deepEqual(none.map(({ kind, path }) => [kind, path]).sort(), [
          ["empty", "s3://lab/a b+c/raw/3/empty_0.png"],
          ["size", "s3://lab/a b+c/raw/notes/0_0.png"],
        ]);
      } finally {
        setBlobDefaults({});
      }
    }));
}
