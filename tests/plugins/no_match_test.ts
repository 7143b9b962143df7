import { ok, rejects } from "node:assert/strict";
import { UsageError } from "../../core/errors.ts";
import { readImageStack } from "../../plugins/image_stack.ts";
import { filesOf, pngOf, TestFolder, tiffOf } from "../_images.ts";

const files = {
  ...filesOf(["raw/section_0001.tif", "raw/section_0002.tif"], tiffOf()),
  "raw/notes.txt": "x",
  "labels/a.png": pngOf(),
  "text/a.csv": "x",
};
const cases = [
  {
    pattern: "raw/*.tiff",
    says:
      '"<>/raw", which holds 2 .tif, 1 .txt, has nothing that matches "*.tiff"; did you mean "<>/raw/*.tif"?',
  },
  {
    pattern: "raw/secton_*.tif",
    says: 'did you mean "<>/raw/section_*.tif"?',
  },
  {
    pattern: "raw/section_0003.tif",
    says: 'has nothing that matches "section_0003.tif"; did you mean "<>/raw/section_0001.tif"?',
  },
  {
    pattern: "rav/*.tif",
    says: '"<>", which holds 3 folders, has no "rav"; did you mean "<>/raw/*.tif"?',
  },
  { pattern: "label", says: 'has nothing that matches "label"; did you mean "<>/labels"?' },
  {
    pattern: "raw/section_<z>.tif",
    says: '2 names in "<>/raw" would fit but for the digits of their numbers, such as ' +
      '"section_0001.tif", "section_0002.tif"; write how many digits they have, such as <z:4>',
  },
  {
    pattern: "raw/section_<z:4>.tiff",
    says: 'did you mean "<>/raw/section_<z:4>.tif"?',
  },
  { pattern: "raw/sect_<z:4>.tif", says: 'did you mean "<>/raw/section_*.tif"?' },
  { pattern: "text", says: '"<>/text", which holds 1 .csv, has no image; name images by' },
  { pattern: "raw/*/x.tif", says: "has nothing that matches" },
] as const;
for (const { pattern, says } of cases) {
  Deno.test(`readImageStack() helps on where ${pattern} finds nothing`, async () => {
    await using folder = await TestFolder.of(files);
    await rejects(readImageStack([`${folder.path}/${pattern}`]), (error) => {
      ok(error instanceof UsageError);
      const message = error.message.replaceAll(folder.path, "<>");
      ok(message.startsWith(`Cannot find "<>/${pattern}" as images: `), message);
      ok(message.includes(says), message);
      return true;
    });
  });
}
