import { deepEqual, equal, throws } from "node:assert/strict";
import { UsageError } from "../../core/errors.ts";
import { isTemplate, parseTemplate } from "../../plugins/_template.ts";

const bossRows = [
  { text: "<o:3253>_my_stack_section<p:3>", z: 7, path: "3260_my_stack_section007" },
  { text: "<o:3253>_my_stack_section<p:3>", z: 12345, path: "15598_my_stack_section12345" },
  { text: "my_base_<o:200p:4>", z: 7, path: "my_base_0207" },
  { text: "my_base_<o:200p:4>", z: 12345, path: "my_base_12545" },
  { text: "a_<>", z: 7, path: "a_7" },
  { text: "a_<>", z: 12345, path: "a_12345" },
  { text: "s_<p:2>_<p:2>", z: 7, path: "s_07_07" },
  { text: "s_<p:2>_<p:2>", z: 12345, path: "s_12345_12345" },
] as const;
for (const { text, z, path } of bossRows) {
  Deno.test(`parseTemplate() makes ${path} of ${text}, and back`, () => {
    const template = parseTemplate(text);
    equal(template.format({ z }), path);
    deepEqual(template.parse(path), { indexes: { z }, isExact: true });
  });
}

const axes = [
  { text: "<z:4>/<y>_<x>.png", indexes: { z: 12, y: 3, x: 40 }, path: "0012/3_40.png" },
  { text: "<z:p:4>", indexes: { z: 12 }, path: "0012" },
  { text: "<z:o:200p:4>", indexes: { z: 12 }, path: "0212" },
  { text: "<z:o:200>", indexes: { z: 12 }, path: "212" },
  { text: "t<t:2>_c<c>_<x:o:1>", indexes: { t: 1, c: 0, x: 4 }, path: "t01_c0_5" },
  { text: "a+b(<z>).[tif]", indexes: { z: 1 }, path: "a+b(1).[tif]" },
  { text: "<z:3><y:2>", indexes: { z: 7, y: 5 }, path: "00705" },
] as const;
for (const { text, indexes, path } of axes) {
  Deno.test(`parseTemplate() reads the axes of ${text}`, () => {
    const template = parseTemplate(text);
    equal(template.format(indexes), path);
    deepEqual(template.parse(path), { indexes, isExact: true });
    deepEqual(template.axes, Object.keys(indexes));
  });
}

const odd = [
  { text: "s_<p:4>", path: "s_7", match: { indexes: { z: 7 }, isExact: false } },
  { text: "s_<p:4>", path: "s_00007", match: { indexes: { z: 7 }, isExact: false } },
  { text: "s_<>", path: "s_007", match: { indexes: { z: 7 }, isExact: false } },
  { text: "<o:10>_<p:2>", path: "13_04", match: undefined },
  { text: "s_<>", path: "s_7b", match: undefined },
  { text: "s_<o:200>", path: "s_150", match: { indexes: { z: -50 }, isExact: true } },
] as const;
for (const { text, path, match } of odd) {
  Deno.test(`parseTemplate() of ${text} takes ${path} for what it is`, () => {
    deepEqual(parseTemplate(text).parse(path), match);
  });
}

for (const text of ["<p:4o:2>", "<z:>", "<q>", "< >", "<z:4p:3>", "<o:>", "a<b>c"]) {
  Deno.test(`isTemplate() takes ${text} literally`, () => equal(isTemplate(text), false));
}

Deno.test("parseTemplate() refuses numbers that run together", () => {
  throws(() => parseTemplate("<z><y:2>.png"), UsageError);
});
