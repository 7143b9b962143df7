import { deepEqual, equal } from "node:assert/strict";
import { readImageStack } from "../../plugins/image_stack.ts";
import { rescanImages } from "../../plugins/source_list.ts";
import { pngOf, TestFolder, tiffOf } from "../_images.ts";

const png = pngOf();
const fill = { missing: "fill", onError: "fill" } as const;

Deno.test("rescanImages() finds a file that came back and one that was mended", async () => {
  await using folder = await TestFolder.of({ "s_0.png": png, "s_1.png": "", "s_3.png": png });
  const { images, root } = await readImageStack([`${folder.path}/s_*.png`], fill);
  deepEqual(images.map(({ lost }) => lost?.kind), [undefined, "broken", "missing", undefined]);
  await folder.put("s_1.png", png);
  await folder.put("s_2.png", tiffOf());
  const rescanned = await rescanImages(root, images);
  const fresh = (await readImageStack([`${folder.path}/s_*.png`], fill)).images;
  deepEqual(rescanned.map(({ image }) => image), fresh);
  deepEqual(rescanned.map(({ path }) => path), images.map(({ path }) => `${folder.path}/${path}`));
});

const unfit = [
  { name: "is not there", file: undefined, reason: "is not there" },
  { name: "is still empty", file: "", reason: "is empty" },
  {
    name: "is of another size",
    file: pngOf({ width: 8 }),
    reason: "is 8 x 5 where the others are 7 x 5",
  },
  {
    name: "is of another dtype",
    file: pngOf({ dtype: "uint16" }),
    reason: "is uint16 where the others are uint8",
  },
  {
    name: "holds several images",
    file: tiffOf([{}, {}]),
    reason: "holds 2 images where one was planned",
  },
] as const;
for (const { name, file, reason } of unfit) {
  Deno.test(`rescanImages() says that a file ${name}`, async () => {
    await using folder = await TestFolder.of({ "s_0.png": png, "s_1.png": png, "s_3.png": png });
    const { images, root } = await readImageStack([`${folder.path}/s_*.png`], fill);
    if (file !== undefined) await folder.put("s_2.png", file);
    deepEqual(await rescanImages(root, [images[2]]), [{ path: `${folder.path}/s_2.png`, reason }]);
  });
}

Deno.test("rescanImages() finds the pages of a file again, wherever they moved", async () => {
  await using folder = await TestFolder.of({ "a.tif": tiffOf([{}, {}, {}]) });
  const { images, root } = await readImageStack([folder.path]);
  await folder.put("a.tif", tiffOf([{}, {}, {}], { description: "longer than before" }));
  const rescanned = await rescanImages(root, images);
  const fresh = (await readImageStack([folder.path])).images;
  deepEqual(rescanned.map(({ image }) => image), fresh);
  await folder.put("a.tif", tiffOf([{}, {}]));
  const [, , third] = await rescanImages(root, images);
  equal(third.reason, "holds 2 images, and none is page 3");
});
