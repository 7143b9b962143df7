import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { DiskBlobs } from "../../../stores/blobs/disk.ts";
import { withFolder } from "../../_stack.ts";
import { someBytes } from "./conformance.ts";

/** Every file below a folder, also those that are no blobs. */
async function files(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) {
      found.push(...(await files(join(folder, name))).map((path) => `${name}/${path}`));
    } else found.push(name);
  }
  return found.sort();
}

Deno.test("a blob is a file at its key, which threads may read themselves", () =>
  withFolder(async (folder) => {
    const blobs = new DiskBlobs(folder);
    await blobs.put("a/b c", someBytes(100));
    equal(blobs.localPath("a/b c"), join(folder, "a", "b c"));
    deepEqual(await Deno.readFile(join(folder, "a", "b c")), someBytes(100));
    deepEqual(await files(folder), ["a/b c"]);
  }));

Deno.test("a writer that dies leaves a file that is no blob, and that a sweep removes", () =>
  withFolder(async (folder) => {
    const blobs = new DiskBlobs(folder);
    await using writer = await blobs.open("a/b", { reserve: 4 });
    await writer.write(someBytes(100));
    const claim = join(folder, "a", `.claim.${crypto.randomUUID()}.tmp`);
    await Deno.writeFile(claim, someBytes(3));
    equal((await files(folder)).length, 2);
    deepEqual(await Array.fromAsync(blobs.list("")), []);
    deepEqual(await Array.fromAsync(blobs.list("", { folders: true })), []);
    const swept = await blobs.sweep("a/b");
    deepEqual(swept.map(({ key }) => key).sort(), ["a/b", undefined]);
    deepEqual(await files(folder), []);
    // The one that was still at work is told.
    await rejects(writer.commit(someBytes(4)), { name: "BlobError" });
    deepEqual(await files(folder), []);
    // A name that only looks like it is a blob.
    await blobs.put("a/.b.tmp", someBytes(1));
    equal((await Array.fromAsync(blobs.list(""))).length, 1);
    deepEqual(await blobs.sweep(""), []);
  }));

Deno.test("a file in the place of a folder is no blob below it; a folder is none", () =>
  withFolder(async (folder) => {
    const blobs = new DiskBlobs(folder);
    await blobs.put("file", someBytes(3));
    await blobs.put("folder/it", someBytes(3));
    equal(await blobs.get("file/below"), undefined);
    equal(await blobs.head("file/below"), undefined);
    equal(await blobs.get("folder"), undefined);
    equal(await blobs.head("folder"), undefined);
    const inTheWay = {
      name: "BlobError",
      kind: "bad-key",
      message: /^Cannot write ".*": (Not|Is) a directory .*choose another name$/,
    };
    await rejects(blobs.put("file/below", someBytes(1)), inTheWay);
    await rejects(blobs.put("folder", someBytes(1)), inTheWay);
    equal(await blobs.putIfAbsent("folder", someBytes(1)), false);
    deepEqual(await files(folder), ["file", "folder/it"]);
  }));

/** Says that it has 4096 bytes, and has fewer. */
const LYING = "/sys/kernel/mm/transparent_hugepage/enabled";

Deno.test("a file that ends before it should is not taken for the whole", {
  ignore: !isThere(LYING),
}, async () => {
  const blobs = new DiskBlobs("/sys/kernel/mm");
  const short = {
    name: "BlobError",
    kind: "corrupt",
    message: /as a file of 4096 bytes: it ends after \d+;/,
  };
  await rejects(blobs.get("transparent_hugepage/enabled"), short);
});

/** Whether a file of the system is here; else it says what is left out. */
function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).size === 4096;
  } catch {
    console.warn(`Left out the test of a file that is too short: there is no ${path}`);
    return false;
  }
}

Deno.test(
  "a full disk is an error that says so, and leaves nothing",
  { ignore: !canMount() },
  () =>
    withFolder(async (folder) => {
      await mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", folder);
      try {
        const blobs = new DiskBlobs(folder);
        await blobs.put("small", someBytes(1000));
        const full = {
          name: "BlobError",
          kind: "full",
          message: /^Cannot write ".*large": No space left.*; make room$/,
        };
        await rejects(blobs.put("large", new Uint8Array(2 * 2 ** 20)), full);
        deepEqual(await files(folder), ["small"]);
        deepEqual(await blobs.get("small"), someBytes(1000));
        await mount("-o", "remount,ro", folder);
        await rejects(blobs.put("other", someBytes(1)), {
          kind: "forbidden",
          message: /Read-only/,
        });
        await rejects(blobs.delete("small"), { kind: "forbidden" });
      } finally {
        await new Deno.Command("umount", { args: [folder] }).output();
      }
    }),
);

/** Whether file systems can be mounted here; else it says what is left out. */
function canMount(): boolean {
  if (Deno.build.os === "linux" && Deno.uid() === 0) {
    const script = "mount -t tmpfs none /mnt && umount /mnt";
    const args = ["-m", "sh", "-c", script];
    if (new Deno.Command("unshare", { args, stderr: "null" }).outputSync().success) return true;
  }
  console.warn("Left out the test of a full disk: nothing can be mounted here");
  return false;
}

async function mount(...args: string[]): Promise<void> {
  ok((await new Deno.Command("mount", { args }).output()).success);
}
