import { deepEqual, equal } from "node:assert/strict";
import { isGlob, parseGlobs } from "../../plugins/_glob.ts";
import { walk } from "../../plugins/_walk.ts";
import { filesOf, TestFolder } from "../_images.ts";

const names = [
  "s_1.tif",
  "s_2.tif",
  "s_10.TIF",
  "t[1].tif",
  "b{x}.tif",
  ".hidden.tif",
  "a/s_1.tif",
  "a/.git/s_1.tif",
  "a/b/s_1.tif",
  "c/d/e/s_3.png",
] as const;

const cases = [
  { glob: "*.tif", found: ["b{x}.tif", "s_1.tif", "s_2.tif", "t[1].tif"] },
  { glob: "s_?.tif", found: ["s_1.tif", "s_2.tif"] },
  { glob: "s_[12].tif", found: ["s_1.tif", "s_2.tif"] },
  { glob: "s_[!1].tif", found: ["s_2.tif"] },
  { glob: "s_[1-9]*.[tT][iI][fF]", found: ["s_1.tif", "s_10.TIF", "s_2.tif"] },
  { glob: "s_{2,10}.{tif,TIF}", found: ["s_10.TIF", "s_2.tif"] },
  { glob: "b{x}.*", found: ["b{x}.tif"] },
  { glob: "t\\[1\\].t*", found: ["t[1].tif"] },
  { glob: "*/s_1.tif", found: ["a/s_1.tif"] },
  { glob: "**/s_1.tif", found: ["a/b/s_1.tif", "a/s_1.tif", "s_1.tif"] },
  { glob: "a/**/s_1.tif", found: ["a/b/s_1.tif", "a/s_1.tif"] },
  { glob: "c/**", found: ["c/d/e/s_3.png"] },
  { glob: "{a,c/**}/s_*", found: ["a/s_1.tif", "c/d/e/s_3.png"] },
  { glob: ".h*", found: [".hidden.tif"] },
  { glob: "c/*/*/*.png", found: ["c/d/e/s_3.png"] },
  { glob: "nothing/*", found: [] },
] as const;
for (const { glob, found } of cases) {
  Deno.test(`walk() finds what ${glob} means`, async () => {
    await using folder = await TestFolder.of(filesOf(names, "x"));
    const paths: string[] = [];
    for (const { segments } of parseGlobs(glob)) {
      const options = { onUnreadable: () => {} };
      for await (const { path } of walk(folder.path, segments, options)) paths.push(path);
    }
    deepEqual(paths.sort(), found);
  });
}

Deno.test("walk() goes round no circle of links", async () => {
  await using folder = await TestFolder.of({ "a/s_1.tif": "x" });
  await Deno.symlink("..", `${folder.path}/a/up`);
  const paths: string[] = [];
  const [{ segments }] = parseGlobs("**/*.tif");
  for await (const { path } of walk(folder.path, segments, { onUnreadable: () => {} })) {
    paths.push(path);
  }
  deepEqual(paths, ["a/s_1.tif"]);
});

for (
  const [text, expected] of [["a*", true], ["a?", true], ["a[1]", true], ["a{b,c}", true], [
    "a{b}",
    false,
  ], ["a[", false]] as const
) {
  Deno.test(`isGlob() says ${expected} to ${text}`, () => equal(isGlob(text), expected));
}
