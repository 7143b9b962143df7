import { deepEqual, equal, notEqual, ok, rejects } from "node:assert/strict";
import { type Box, box, intersect } from "../../core/box.ts";
import { SluiceError } from "../../core/errors.ts";
import { readImageStack } from "../../plugins/image_stack.ts";
import type { SourceImage } from "../../plugins/source.ts";
import {
  appendAmendments,
  hashSourceList,
  readSourceList,
  SourceList,
  writeSourceList,
} from "../../plugins/source_list.ts";
import { filesOf, pngOf, TestFolder, tiffOf } from "../_images.ts";

const image = (changes: Partial<SourceImage> = {}): SourceImage => ({
  path: "s_0.tif",
  format: "tiff",
  at: { ifd: 8 },
  size: 1234,
  mtime: 1_700_000_000_123,
  width: 7,
  height: 5,
  samples: 1,
  dtype: "uint16",
  rowGroup: 5,
  x: 0,
  y: 0,
  z: 0,
  c: 0,
  t: 0,
  ...changes,
});

/** Two times, three sections, RGB and one channel more, tiles with a ragged edge. */
function* tiles(): Generator<SourceImage> {
  for (const t of [0, 1]) {
    for (const z of [0, 1, 4]) {
      for (const c of [0, 3]) {
        for (const y of [0, 5, 10]) {
          for (const x of [0, 7]) {
            yield image({
              path: `${t}/${z}/${c}_${y}_${x}.tif`,
              ...{ x, y, z, c, t, samples: 3, size: 100 + x, at: { ifd: 8 + y } },
              width: x === 7 ? 3 : 7,
              height: y === 10 ? 2 : 5,
              ...(z === 4 ? { lost: { kind: "missing", reason: `is "not" there` } as const } : {}),
              ...(y === 5 ? { page: 3, format: "", dtype: "int8" as const } : {}),
            });
          }
        }
      }
    }
  }
}

function boxOf({ x, y, z, c, t, width, height, samples }: SourceImage): Box {
  return { min: [x, y, z, c, t], max: [x + width, y + height, z + 1, c + samples, t + 1] };
}

Deno.test("readSourceList() reads what writeSourceList() wrote", async () => {
  await using folder = await TestFolder.of({});
  const images = [...tiles()];
  const path = `${folder.path}/sources.jsonl`;
  const { hash, images: count } = await writeSourceList(path, { root: "/a/b", images });
  const list = await readSourceList(path, `${folder.path}/none.jsonl`);
  deepEqual([...list.images], images);
  equal(list.root, "/a/b");
  equal(list.count, images.length);
  equal(count, images.length);
  equal(list.hash, hash);
  equal(hashSourceList({ root: "/elsewhere", images }), hash);
  deepEqual([...SourceList.of({ root: "/a/b", images }).images], images);
  deepEqual(Array.from(Deno.readDirSync(folder.path), ({ name }) => name), ["sources.jsonl"]);
  const [first, ...lines] = (await Deno.readTextFile(path)).trimEnd().split("\n");
  deepEqual(Object.keys(JSON.parse(first)), ["format", "version", "root", "images", "common"]);
  equal(lines.length, images.length);
});

Deno.test("hashSourceList() changes with all but the root", () => {
  const of = (changes: Partial<SourceImage>) =>
    hashSourceList({ root: "/", images: [image(), image({ z: 1, ...changes })] });
  const hashes = [
    {},
    { path: "s_1.tif" },
    { mtime: 5 },
    { size: 9 },
    { at: { ifd: 9 } },
    { at: { ifd: 8, plane: 1 } },
    { page: 0 },
    { rowGroup: 1 },
    { z: 2 },
    { dtype: "uint8" as const },
    { lost: { kind: "broken", reason: "is empty" } as const },
  ].map(of);
  equal(new Set(hashes).size, hashes.length);
});

Deno.test("writeSourceList() puts images in order", async () => {
  await using folder = await TestFolder.of({});
  const path = `${folder.path}/sources.jsonl`;
  const images = [...tiles()];
  const shuffled = images.toSorted((a, b) => a.path < b.path ? 1 : -1);
  const { hash } = await writeSourceList(path, { root: "/", images: shuffled });
  equal(hash, hashSourceList({ root: "/", images }));
  deepEqual([...(await readSourceList(path)).images], images);
});

Deno.test("SourceList.locate() finds what intersects, whatever the box", () => {
  const images = [...tiles()];
  const list = SourceList.of({ root: "/", images });
  let state = 12345;
  const random = (below: number) => {
    state = state * 1103515245 + 12345 & 0x7fffffff;
    return state % below;
  };
  const limits = [11, 13, 6, 7, 3];
  for (let run = 0; run < 3000; run++) {
    const min = limits.map((limit) => random(limit));
    const max = min.map((low, axis) => low + random(limits[axis]));
    const wanted = box(min, max);
    const found = [...list.locate(wanted)].map(({ path }) => path);
    const expected = images.filter((one) => intersect(wanted, boxOf(one)) !== undefined);
    deepEqual(found, expected.map(({ path }) => path), `${min} to ${max}`);
  }
});

Deno.test("readSourceList() replaces what was amended, the last time of several", async () => {
  await using folder = await TestFolder.of({});
  const [path, amendments] = [`${folder.path}/sources.jsonl`, `${folder.path}/amendments.jsonl`];
  const images = [0, 1, 2].map((z) => image({ path: `s_${z}.tif`, z }));
  images[1] = { ...images[1], lost: { kind: "missing", reason: "is not there" } };
  await writeSourceList(path, { root: "/", images });
  const { hash } = await readSourceList(path);
  const mended = image({ path: "s_1.tif", z: 1, size: 55, at: { ifd: 99 } });
  await appendAmendments(amendments, [{ ...mended, size: 44 }, images[2]]);
  await appendAmendments(amendments, [mended]);
  const list = await readSourceList(path, amendments);
  deepEqual([...list.images], [images[0], mended, images[2]]);
  deepEqual([...list.locate(box([0, 0, 1], [1, 1, 2]))], [mended]);
  equal(list.hash, hash);
});

Deno.test("appendAmendments() drops what another process left half written", async () => {
  await using folder = await TestFolder.of({});
  const [path, amendments] = [`${folder.path}/sources.jsonl`, `${folder.path}/amendments.jsonl`];
  await writeSourceList(path, { root: "/", images: [image(), image({ z: 1 })] });
  await appendAmendments(amendments, [image({ size: 7 })]);
  const whole = await Deno.readTextFile(amendments);
  await Deno.writeTextFile(amendments, `${whole}{"path":"s_0.tif","mt`);
  deepEqual((await readSourceList(path, amendments)).count, 2);
  await appendAmendments(amendments, [image({ z: 1, size: 8 })]);
  const list = await readSourceList(path, amendments);
  deepEqual(Array.from(list.images, ({ size }) => size), [7, 8]);
});

Deno.test("appendAmendments() loses nothing of processes that append at once", async () => {
  await using folder = await TestFolder.of({});
  const [path, amendments] = [`${folder.path}/sources.jsonl`, `${folder.path}/amendments.jsonl`];
  const images = Array.from({ length: 20 }, (_, z) => image({ z }));
  await writeSourceList(path, { root: "/", images });
  await Promise.all(images.map((one) => appendAmendments(amendments, [{ ...one, size: one.z }])));
  const list = await readSourceList(path, amendments);
  deepEqual(Array.from(list.images, ({ size }) => size), images.map(({ z }) => z));
});

const damaged = [
  { name: "another file", edit: () => "{}\n", says: "it is another kind of file" },
  { name: "an empty file", edit: () => "", says: "it is another kind of file" },
  {
    name: "a newer version",
    edit: (text: string) => text.replace('"version":1', '"version":2'),
    says: "its version is 2; use a newer sluice",
  },
  {
    name: "a torn end",
    edit: (text: string) => text.slice(0, -9),
    says: "it has 2 whole lines of 3",
  },
  {
    name: "a line too many",
    edit: (text: string) => `${text}{}\n`,
    says: "it has 4 whole lines of 3",
  },
  {
    name: "a damaged line",
    edit: (text: string) => text.replace('{"path":"s_1', '{"pa"th":"s_1'),
    says: "the line of its image 1 is damaged",
  },
  {
    name: "a number that is none",
    edit: (text: string) => text.replace('"z":1', '"z":"1"'),
    says: 'its "z" is "1", not a whole number',
  },
  {
    name: "a place beyond all volumes",
    edit: (text: string) => text.replace('"z":1', '"z":2147483648'),
    says: 'its "z" is 2147483648, not a whole number up to 2147483647',
  },
  {
    name: "a path out of the root",
    edit: (text: string) => text.replace("s_1.tif", "a/../../s_1.tif"),
    says: '"a/../../s_1.tif" as an image of the list: it leads out of its root "/data"',
  },
  {
    name: "an absolute path",
    edit: (text: string) => text.replace("s_1.tif", "/etc/s_1.tif"),
    says: '"/etc/s_1.tif" as an image of the list: it leads out',
  },
  {
    name: "images out of order",
    edit: (text: string) => text.replace('"z":1', '"z":7'),
    says: "stands behind an image that lies behind it",
  },
] as const;
for (const { name, edit, says } of damaged) {
  Deno.test(`readSourceList() refuses ${name}`, async () => {
    await using folder = await TestFolder.of({});
    const path = `${folder.path}/sources.jsonl`;
    const images = [0, 1, 2].map((z) => image({ path: `s_${z}.tif`, z }));
    await writeSourceList(path, { root: "/data", images });
    const text = await Deno.readTextFile(path);
    notEqual(edit(text), text);
    await Deno.writeTextFile(path, edit(text));
    await rejects(readSourceList(path), (error) => {
      ok(error instanceof SluiceError);
      ok(error.message.startsWith(`Cannot read "${path}" as a list of sources: `), error.message);
      ok(error.message.includes(says), error.message);
      return true;
    });
  });
}

Deno.test("readSourceList() lets a list of the root of all name any path", async () => {
  await using folder = await TestFolder.of({});
  const path = `${folder.path}/sources.jsonl`;
  const images = [image({ path: "/data/../s_0.tif" })];
  await writeSourceList(path, { root: "/", images });
  deepEqual([...(await readSourceList(path)).images], images);
});

Deno.test("readSourceList() refuses amendments that lead out of the root or are of another list", async () => {
  await using folder = await TestFolder.of({});
  const [path, amendments] = [`${folder.path}/sources.jsonl`, `${folder.path}/amendments.jsonl`];
  await writeSourceList(path, { root: "/data", images: [image()] });
  await appendAmendments(amendments, [image({ path: "../s.tif" })]);
  await rejects(readSourceList(path, amendments), /leads out of its root/);
  await Deno.remove(amendments);
  await appendAmendments(amendments, [image({ z: 9 })]);
  await rejects(readSourceList(path, amendments), /it has no image at x 0, y 0, z 9/);
});

Deno.test("a list of 10^5 images goes to the disk and back", async () => {
  await using folder = await TestFolder.of({});
  const path = `${folder.path}/sources.jsonl`;
  const images = Array.from(
    { length: 100_000 },
    (_, z) => image({ path: `section_${String(z).padStart(6, "0")}.tif`, z, mtime: 1.7e12 + z }),
  );
  const { hash } = await writeSourceList(path, { root: "/data", images });
  const list = await readSourceList(path);
  equal(list.hash, hash);
  let at = 0;
  for (const one of list.images) if (one.path !== images[at++].path) throw new Error(one.path);
  equal(at, images.length);
  deepEqual([...list.locate(box([0, 0, 77_777], [7, 5, 77_779]))], images.slice(77_777, 77_779));
  ok((await Deno.stat(path)).size < 70 * images.length);
});

Deno.test("a stack keeps its identity in a folder that was moved", async () => {
  await using folder = await TestFolder.of(filesOf(["a/s_1.tif", "a/s_2.tif"], tiffOf()));
  const before = hashSourceList(await readImageStack([`${folder.path}/a`]));
  await Deno.rename(`${folder.path}/a`, `${folder.path}/b`);
  equal(hashSourceList(await readImageStack([`${folder.path}/b/*.tif`])), before);
  await folder.put("b/s_2.tif", pngOf());
  notEqual(hashSourceList(await readImageStack([`${folder.path}/b/*.tif`])), before);
});
