import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { ImageError, UsageError } from "../../core/errors.ts";
import { readImageStack } from "../../plugins/image_stack.ts";
import { filesOf, pngOf, TestFolder, tiffOf } from "../_images.ts";

const png = pngOf();
const tiff = tiffOf();
const good = filesOf(["s_0.png", "s_1.png", "s_3.png"], png);

const faulty = [
  { kind: "empty", file: new Uint8Array(0), reason: /^is empty$/ },
  { kind: "directory", file: null, reason: /^is a folder$/ },
  { kind: "truncated", file: png.subarray(0, png.length - 9), reason: /^is truncated, as it ends/ },
  {
    kind: "truncated",
    file: tiff.subarray(0, tiff.length - 9),
    reason: /^is truncated: its strip 0 of 1 ends at byte \d+ and the file has \d+$/,
  },
  { kind: "truncated", file: png.subarray(0, 20), reason: /^is truncated/ },
  {
    kind: "not an image",
    file: "wide,high\n7,5\n",
    reason: /^is not an image: it begins with "wide/,
  },
  { kind: "not an image", file: new Uint8Array([1, 2, 0]), reason: /begins with 01 02 00$/ },
  {
    kind: "size",
    file: pngOf({ width: 5, height: 7 }),
    reason: /^is 5 x 7 where the others are 7 x 5$/,
  },
  {
    kind: "dtype",
    file: pngOf({ dtype: "uint16" }),
    reason: /^is uint16 where the others are uint8$/,
  },
  {
    kind: "size",
    file: tiffOf([{ width: 8, dtype: "float32" }]),
    reason: /^is 8 x 5 float32 where the others are 7 x 5 uint8$/,
  },
  {
    kind: "dtype",
    file: pngOf({ samples: 3 }),
    reason: /^has 3 samples a pixel where the others have 1$/,
  },
  { kind: "size", file: tiffOf([{}, {}]), reason: /^holds 2 images where the others hold 1$/ },
  {
    kind: "broken",
    file: (() => {
      const jpeg2000 = tiffOf();
      const view = new DataView(jpeg2000.buffer);
      view.setUint16(8 + 2 + 3 * 12 + 8, 34712, true);
      return jpeg2000;
    })(),
    reason: /^cannot be decoded: its compression is JPEG 2000/,
  },
] as const;
for (const { kind, file, reason } of faulty) {
  Deno.test(`readImageStack() names what is wrong with a file: ${kind}, ${reason.source}`, async () => {
    await using folder = await TestFolder.of({ ...good, "s_2.png": file });
    const glob = `${folder.path}/s_*.png`;
    const stack = await readImageStack([glob]);
    equal(stack.faults.length, 1);
    const [fault] = stack.faults;
    equal(fault.kind, kind);
    equal(fault.path, "s_2.png");
    equal(fault.z, 2);
    equal(fault.policy, "on-error");
    ok(reason.test(fault.reason), fault.reason);
    deepEqual(stack.images.map(({ z }) => z), [0, 1, 3]);
    deepEqual(stack.info.extent.max, [7, 5, 4, 1, 1]);

    const filled = await readImageStack([glob], { onError: "fill" });
    deepEqual(filled.faults, stack.faults);
    const [, , lost] = filled.images;
    deepEqual(lost.lost, { kind: "broken", reason: fault.reason });
    deepEqual([lost.path, lost.z, lost.width, lost.height, lost.samples, lost.dtype], [
      "s_2.png",
      2,
      7,
      5,
      1,
      "uint8",
    ]);
  });
}

Deno.test("readImageStack() calls a link that leads nowhere missing", async () => {
  await using folder = await TestFolder.of(good);
  await Deno.symlink("gone.png", `${folder.path}/s_2.png`);
  const { faults } = await readImageStack([`${folder.path}/s_*.png`]);
  deepEqual(faults, [
    { kind: "missing", path: "s_2.png", reason: "is not there", z: 2, policy: "missing" },
  ]);
  const filled = await readImageStack([`${folder.path}/s_*.png`], { missing: "fill" });
  deepEqual(filled.images[2].lost, { kind: "missing", reason: "is not there" });
});

Deno.test("readImageStack() says what lies beyond a gap", async () => {
  await using folder = await TestFolder.of(filesOf(["s_08.png", "s_11.png", "s_12.png"], png));
  const { faults } = await readImageStack([folder.path]);
  deepEqual(
    faults.map(({ path, reason, policy }) => [path, reason, policy]),
    ["s_09.png", "s_10.png"].map((path) => [
      path,
      "is not there, and the numbers go on to 12",
      "missing",
    ]),
  );
});

Deno.test("readImageStack() takes what most images are for the norm, and the first of equals", async () => {
  await using folder = await TestFolder.of({
    "s_0.png": pngOf({ width: 9 }),
    "s_1.png": png,
    "s_2.png": png,
    "s_3.png": pngOf({ width: 9 }),
  });
  const tie = await readImageStack([folder.path]);
  deepEqual(tie.faults.map(({ path }) => path), ["s_1.png", "s_2.png"]);
  await folder.put("s_4.png", png);
  const majority = await readImageStack([folder.path]);
  deepEqual(majority.faults.map(({ path }) => path), ["s_0.png", "s_3.png"]);
});

Deno.test("readImageStack() goes by the bytes of a file and not by its name", async () => {
  await using folder = await TestFolder.of({ "s_0.png": png, "s_1.png": tiff });
  const { images, faults } = await readImageStack([`${folder.path}/*.png`]);
  deepEqual(images.map(({ format }) => format), ["png", "tiff"]);
  deepEqual(faults, []);
});

Deno.test("readImageStack() says why if nothing can be read", async () => {
  await using folder = await TestFolder.of({ "s_0.png": "", "s_1.png": "text" });
  await rejects(readImageStack([folder.path]), (error) => {
    ok(error instanceof ImageError);
    ok(
      /none of its files can be read, as "s_0.png" is empty, "s_1.png" is not/.test(error.message),
    );
    return true;
  });
});

const stops = [
  {
    name: "two formats in a folder",
    files: { "s_0.png": png, "s_1.tif": tiff, "s_2.tif": tiff },
    patterns: [""],
    message:
      /holds images of several formats \(1 png, 2 tiff\); name those you mean, such as "\*\.tif"/,
  },
  {
    name: "a template beside a path",
    files: good,
    patterns: ["s_<z>.png", "s_0.png"],
    message: /as a template beside 1 other path/,
  },
  {
    name: "numbers that are no indexes",
    files: filesOf(["s_1.png", "s_99999.png"], png),
    patterns: ["s_<z>.png"],
    message: /2 files lie in a grid of 99999 \(z from 1 to 99999\), so the numbers are no indexes/,
  },
] as const;
for (const { name, files, patterns, message } of stops) {
  Deno.test(`readImageStack() stops at ${name}`, async () => {
    await using folder = await TestFolder.of(files as Record<string, Uint8Array>);
    const within = patterns.map((pattern) => `${folder.path}/${pattern}`);
    await rejects(readImageStack(within), (error) => {
      ok(error instanceof UsageError);
      ok(message.test(error.message), error.message);
      return true;
    });
  });
}

Deno.test("readImageStack() stops if no path is given", async () => {
  await rejects(readImageStack([]), UsageError);
});

/** Root may read everything; without its capabilities it is as others are. */
const unprivileged = Deno.uid() === 0 ? ["setpriv", "--bounding-set=-all"] : [];
const canDrop = unprivileged.length === 0 ||
  await new Deno.Command("setpriv", { args: ["--version"], stdout: "null", stderr: "null" })
    .output().then(({ success }) => success, () => false);

async function readUnprivileged(path: string) {
  const [program, ...args] = [
    ...unprivileged,
    Deno.execPath(),
    ...["run", "-A", new URL("_read_stack.ts", import.meta.url).pathname, path],
  ];
  const { stdout, stderr, success } = await new Deno.Command(program, { args }).output();
  ok(success, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

const permissions = {
  ignore: !canDrop,
  skipped: canDrop ? "" : " (skipped: root reads all, and there is no setpriv)",
};

Deno.test({
  name: `readImageStack() names a file that may not be read${permissions.skipped}`,
  ignore: permissions.ignore,
  async fn() {
    await using folder = await TestFolder.of({ ...good, "s_2.png": png });
    await Deno.chmod(`${folder.path}/s_2.png`, 0);
    const { faults, lost } = await readUnprivileged(`${folder.path}/s_*.png`);
    const reason = "may not be read: permission denied";
    deepEqual(faults, [
      { kind: "unreadable", path: "s_2.png", reason, z: 2, policy: "on-error" },
    ]);
    deepEqual(lost, [{ kind: "broken", reason }]);
  },
});

Deno.test({
  name: `readImageStack() names a folder that may not be listed${permissions.skipped}`,
  ignore: permissions.ignore,
  async fn() {
    await using folder = await TestFolder.of(filesOf(["a/s_0.png", "b/s_1.png"], png));
    await Deno.chmod(`${folder.path}/b`, 0);
    try {
      const { faults } = await readUnprivileged(`${folder.path}/*/s_*.png`);
      deepEqual(faults, [{
        kind: "unreadable",
        path: "b",
        reason: "is a folder that may not be listed: permission denied",
      }]);
    } finally {
      await Deno.chmod(`${folder.path}/b`, 0o755);
    }
  },
});

Deno.test("readImageStack() waits for no pipe", async () => {
  await using folder = await TestFolder.of(good);
  const { success } = await new Deno.Command("mkfifo", { args: [`${folder.path}/s_2.png`] })
    .output();
  if (!success) return;
  const { faults } = await readImageStack([`${folder.path}/s_*.png`]);
  deepEqual(faults.map(({ kind, reason }) => [kind, reason]), [
    ["not an image", "is a device, a pipe or a socket"],
  ]);
});
