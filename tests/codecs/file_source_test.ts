import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { openFileSource } from "../../codecs/file_source.ts";
import { ImageError } from "../../core/errors.ts";
import { TestFolder } from "../_images.ts";

const large = Uint8Array.from({ length: 10_007 }, (_, at) => at * 7 + (at >> 8));
const reads = [
  { name: "the first bytes", offset: 0, length: 16 },
  { name: "the end of the first block", offset: 4090, length: 6 },
  { name: "across the end of the first block", offset: 4090, length: 7 },
  { name: "far behind", offset: 9000, length: 1007 },
  { name: "the whole", offset: 0, length: 10_007 },
  { name: "nothing", offset: 10_007, length: 0 },
] as const;
for (const blocking of [true, false]) {
  const way = blocking ? "" : ", not blocking";
  for (const { name, offset, length } of reads) {
    Deno.test(`openFileSource() reads ${name}${way}`, async () => {
      await using folder = await TestFolder.of({ "a.bin": large });
      await using file = await openFileSource(`${folder.path}/a.bin`, { blocking });
      const into = new Uint8Array(length);
      await file.read(offset, into);
      deepEqual(into, large.slice(offset, offset + length));
      equal(file.size, large.length);
    });
  }

  Deno.test(`openFileSource() keeps reads at once apart${way}`, async () => {
    await using folder = await TestFolder.of({ "a.bin": large });
    await using file = await openFileSource(`${folder.path}/a.bin`, { blocking });
    const parts = await Promise.all(Array.from({ length: 40 }, async (_, at) => {
      const into = new Uint8Array(new SharedArrayBuffer(97));
      await file.read(at * 241, into);
      return into.slice();
    }));
    for (const [at, part] of parts.entries()) {
      deepEqual([...part], [...large.slice(at * 241, at * 241 + 97)]);
    }
  });

  Deno.test(`openFileSource() says where a file ends too early${way}`, async () => {
    await using folder = await TestFolder.of({ "a.bin": large });
    const path = `${folder.path}/a.bin`;
    await using file = await openFileSource(path, { blocking });
    const isBroken = (error: unknown) => error instanceof ImageError && error.kind === "broken";
    await rejects(file.read(10_000, new Uint8Array(8)), isBroken);
    await rejects(file.read(20_000, new Uint8Array(1)), isBroken);
    await Deno.truncate(path, 5000);
    await rejects(file.read(4000, new Uint8Array(2000)), (error) => {
      ok(error instanceof ImageError);
      equal(
        error.message,
        "Cannot read bytes 4000 to 6000 of the file: it is truncated and ends at byte 5000; copy or export the file again",
      );
      return true;
    });
    const still = new Uint8Array(4);
    await file.read(4996, still);
    deepEqual(still, large.slice(4996, 5000));
  });
}

Deno.test("openFileSource() gives each file its own first bytes", async () => {
  await using folder = await TestFolder.of({ "a.bin": large, "b.bin": large.map((byte) => ~byte) });
  const heads: Uint8Array[] = [];
  for (const name of ["a.bin", "b.bin", "a.bin"]) {
    await using file = await openFileSource(`${folder.path}/${name}`);
    const head = new Uint8Array(9);
    await file.read(3, head);
    heads.push(head);
  }
  deepEqual(heads[0], large.slice(3, 12));
  deepEqual(heads[1], large.slice(3, 12).map((byte) => ~byte));
  deepEqual(heads[2], heads[0]);
});

Deno.test("openFileSource() can be closed twice", async () => {
  await using folder = await TestFolder.of({ "a.bin": large });
  const file = await openFileSource(`${folder.path}/a.bin`);
  await file[Symbol.asyncDispose]();
  await file[Symbol.asyncDispose]();
});

const refused = [
  {
    name: "a file that is not there",
    path: "gone.bin",
    kind: "missing",
    says: "there is no such file",
  },
  { name: "a folder", path: "folder", kind: "broken", says: "it is a folder" },
] as const;
for (const { name, path, kind, says } of refused) {
  Deno.test(`openFileSource() refuses ${name}`, async () => {
    await using folder = await TestFolder.of({ folder: null });
    for (const blocking of [true, false]) {
      await rejects(openFileSource(`${folder.path}/${path}`, { blocking }), (error) => {
        ok(error instanceof ImageError);
        equal(error.kind, kind);
        ok(error.message.includes(`${path}" as an image: ${says}`), error.message);
        return true;
      });
    }
  });
}
