/** Stacks of images in a bucket and behind HTTP: the same stack as on a disk, from a few reads of each image. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { BlobError } from "../../stores/blobs/blobs.ts";
import { setBlobDefaults } from "../../stores/blobs/open_blobs.ts";
import { ImageError, UsageError } from "../../core/errors.ts";
import { type ImageStack, readImageStack } from "../../plugins/image_stack.ts";
import { rescanImages, SourceList } from "../../plugins/source_list.ts";
import { errorAnswer } from "../_s3_server.ts";
import { encodePng } from "../../codecs/png_encode.ts";
import { seeded } from "../codecs/_png_writer.ts";
import { filesOf, pngOf, TestFolder, tiffOf } from "../_images.ts";
import { serveBuckets } from "../stores/_bucket.ts";
import { noteReads, putObject, putObjects, serveWeb, WRITTEN } from "./_remote_files.ts";

const png = pngOf();
const text = new TextEncoder();
const random = seeded(3);
/** What no compression makes small. */
const noise = { width: 200, height: 150, samples: 1, dtype: "uint16" } as const;
const large = encodePng({
  ...noise,
  data: Uint8Array.from({ length: 60_000 }, () => random() * 256),
});

/** Everything that does not follow from where the images lie. */
function bare({ images, info, faults, notes }: ImageStack) {
  return {
    images: images.map(({ mtime: _mtime, tag: _tag, ...image }) => image),
    info,
    faults: faults.map(({ path: _, ...fault }) => fault),
    notes: notes.filter((note) => !note.startsWith("left out")),
  };
}

const stacks: readonly {
  readonly name: string;
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly pattern: string;
}[] = [
  {
    name: "a glob with a gap",
    files: filesOf(["raw/s_8.png", "raw/s_9.png", "raw/s_11.png", "raw/notes.txt"], png),
    pattern: "raw/s_*.png",
  },
  {
    name: "a glob with braces and an open end",
    files: { ...filesOf(["raw/a_1.tif", "raw/b_2.tif", "c_3.tif"], tiffOf()) },
    pattern: "raw/{a,b}_*",
  },
  {
    name: "a folder, and what is left out of it",
    files: {
      ...filesOf(["raw/1.img", "raw/2.img"], png),
      "raw/readme": text.encode("x"),
      "raw/more/3.png": png,
    },
    pattern: "raw/",
  },
  {
    name: "a folder that says nothing of being one",
    files: filesOf(["raw/1.png", "raw/2.png"], png),
    pattern: "raw",
  },
  {
    name: "folders below a folder",
    files: filesOf(
      Array.from({ length: 40 }, (_, z) => `deep/z${String(z).padStart(2, "0")}/a.png`),
      png,
    ),
    pattern: "deep/*/a.png",
  },
  {
    name: "any number of folders",
    files: filesOf(["x/1.png", "x/a/2.png", "x/a/b/3.png", "x/.git/4.png", "y/5.png"], png),
    pattern: "x/**/*.png",
  },
  {
    name: "a template of tiles, one absent, one padded otherwise",
    files: filesOf(
      [
        "t/00/0_0.png",
        "t/00/0_1.png",
        "t/01/0_0.png",
        "t/01/0_1.png",
        "t/1/0_1.png",
        "t/03/0_0.png",
      ],
      png,
    ),
    pattern: "t/<z:2>/<y>_<x>.png",
  },
  {
    name: "pages",
    files: filesOf(["p/a.tif", "p/b.tif"], tiffOf([{}, { first: 9 }, { first: 4 }])),
    pattern: "p/*.tif",
  },
  {
    name: "pages of ImageJ, with a voxel size",
    files: {
      "p/a.tif": tiffOf([{}, {}], {
        description: "ImageJ=1.53\nimages=2\nslices=2\nunit=nm\nspacing=40\n",
        perCentimetre: 2,
      }),
    },
    pattern: "p/a.tif",
  },
  {
    name: "images that are empty, cut off, broken, of other sizes, and none",
    files: {
      "f/1.png": png,
      "f/2.png": new Uint8Array(),
      "f/3.png": png.subarray(0, png.length - 20),
      "f/4.png": png,
      "f/5.png": pngOf({ width: 8 }),
      "f/6.png": text.encode("<html>no</html>"),
      "f/7.png": tiffOf([{ dtype: "uint16" }]),
      "f/8.png": png.map((byte, at) => at === 20 ? byte ^ 1 : byte),
    },
    pattern: "f/*.png",
  },
  {
    name: "names that an address writes otherwise",
    files: filesOf(["a b/ü+1&%41.png", "a b/ü+2&%41.png"], png),
    pattern: "a b/*.png",
  },
  {
    name: "brackets in a name, escaped",
    files: filesOf(["b/s[1].png", "b/s1.png"], png),
    pattern: "b/s\\[*",
  },
];
for (const { name, files, pattern } of stacks) {
  Deno.test(`a bucket holds the same stack as a disk: ${name}`, async () => {
    await using folder = await TestFolder.of(files);
    await using server = serveBuckets({ pageSize: 3 });
    putObjects(server, files);
    const options = { missing: "fill", onError: "fill" } as const;
    const local = await readImageStack([`${folder.path}/${pattern}`], options);
    const remote = await readImageStack([`s3://bucket/${pattern}`], options);
    deepEqual(bare(remote), bare(local));
    equal(remote.root, local.root.replace(folder.path, "s3://bucket"));
    for (const { path } of remote.faults) ok(path.startsWith(`${remote.root}/`), path);
    ok(remote.images.every(({ lost, tag, mtime }) => lost || tag && mtime === WRITTEN));
    deepEqual([...SourceList.of(remote).images], [...remote.images]);
  });
}

Deno.test("several addresses of one bucket are a list, in any prefix", async () => {
  await using server = serveBuckets();
  putObjects(server, filesOf(["a/s_1.png", "a/b/s_2.png", "a/b/s_3.png"], png));
  const { root, images, notes } = await readImageStack([
    "s3://bucket/a/s_1.png",
    "s3://bucket/a/b/*.png",
    "s3://bucket/a/b/s_2.png",
  ]);
  deepEqual([root, images.map(({ path }) => path)], [
    "s3://bucket/a",
    ["b/s_2.png", "b/s_3.png", "s_1.png"],
  ]);
  deepEqual(notes, ["1 file named by two patterns counts once"]);
});

Deno.test("gs:// is read as s3:// is", async () => {
  await using server = serveBuckets();
  putObjects(server, filesOf(["raw/1.png", "raw/2.png"], png));
  const { root, images } = await readImageStack(["gs://bucket/raw/*.png"]);
  deepEqual([root, images.length], ["gs://bucket/raw", 2]);
});

Deno.test("planning reads the ends of each image once, and nothing of it twice", async () => {
  await using server = serveBuckets();
  const reads = noteReads(server);
  const strips = tiffOf([{ width: 300, height: 200, dtype: "uint16" }]);
  putObjects(server, { ...filesOf(["l/1.png", "l/2.png"], large), "l/small.png": png });
  putObjects(server, filesOf(["t/1.tif", "t/2.tif"], strips));
  await readImageStack(["s3://bucket/l/?.png"]);
  const tail = `bytes=${large.length - 12}-${large.length - 1}`;
  deepEqual(
    [...reads].sort(),
    ["l/1.png", "l/2.png"].map((key) => [key, ["bytes=0-16383", tail]]),
  );
  reads.clear();
  // A directory at the front says where everything lies; what is small comes whole.
  await readImageStack(["s3://bucket/t/*.tif"]);
  await readImageStack(["s3://bucket/l/small.png"]);
  deepEqual([...reads.values()], [["bytes=0-16383"], ["bytes=0-16383"], ["bytes=0-16383"]]);
  ok(!server.log.some((line) => line.startsWith("HEAD")), server.log.join("\n"));
});

Deno.test("many folders are listed side by side, and no listing is asked for what cannot match", async () => {
  await using server = serveBuckets();
  const names = Array.from({ length: 30 }, (_, z) => `t/${z}/0_0.png`);
  putObjects(server, filesOf([...names, "t/notes/x.png", "u/0/0_0.png"], png));
  let [running, most] = [0, 0];
  server.intercept = async ({ query }) => {
    if (!query.includes("list-type")) return undefined;
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 5));
    running--;
    return undefined;
  };
  const { images } = await readImageStack(["s3://bucket/t/<z>/<y>_<x>.png"]);
  equal(images.length, 30);
  ok(most > 8 && most <= 16, `${most}`);
  const lists = server.log.filter((line) => line.includes("list-type"));
  equal(lists.length, 31);
  ok(!lists.some((line) => line.includes("notes") || line.includes("u%2F")));
});

Deno.test("keys that no path can be are left out by name", async () => {
  await using server = serveBuckets();
  putObjects(server, filesOf(["raw/1.png", "raw//2.png", "raw/3\\.png"], png));
  const { images, notes } = await readImageStack(["s3://bucket/raw/*"]);
  equal(images.length, 1);
  match(
    notes.join(),
    /left out: 2 keys .* "s3:\/\/bucket\/raw\/3\\\.png", "s3:\/\/bucket\/raw\/"$/,
  );
});

const misses: readonly (readonly [pattern: string, says: RegExp])[] = [
  [
    "s3://bucket/raw/*.tiff",
    /"s3:\/\/bucket\/raw", which holds 2 \.tif, has nothing that matches "\*\.tiff"; did you mean "s3:\/\/bucket\/raw\/\*\.tif"\?/,
  ],
  [
    "s3://bucket/rav/*.tif",
    /"s3:\/\/bucket", which holds 1 folder, has no "rav"; did you mean "s3:\/\/bucket\/raw\/\*\.tif"/,
  ],
  ["s3://bucket/rav", /did you mean "s3:\/\/bucket\/raw"/],
  ["s3://bucket/raw/s_<z:3>.tif", /2 names in "s3:\/\/bucket\/raw" would fit but for the digits/],
  ["s3://bucket/raw/s_<z>.tif s3://bucket/raw/x.tif", /a template beside 1 other path/],
  ["s3://bucket/raw/../x.png", /a name in it is empty, "\." or "\.\."/],
  [
    "s3://bucket/raw/1.tif /tmp/x.tif",
    /"\/tmp\/x\.tif" and "s3:\/\/bucket\/raw\/1\.tif" as one stack: the first lies on this machine/,
  ],
  ["s3://bucket/1.tif s3://other/2.tif", /two buckets, "s3:\/\/bucket" and "s3:\/\/other"/],
  ["s3://bucket/1.tif https://host/2.tif", /two places, "s3:\/\/bucket" and "https:\/\/host"/],
  ["s3://me:s3cret@bucket/*.tif", /"s3:\/\/bucket\/\*\.tif" with a name or password/],
  ["https://me:s3cret@host/<z>.tif", /"https:\/\/host\/<z>\.tif" with a name or password/],
  ["https://host/1.tif?sig=s3cret", /"https:\/\/host\/1\.tif" with a query/],
  [
    "https://host/raw/*.tif",
    /over HTTP nothing can be listed; name them one by one, or by a template .* --z 0:100/,
  ],
  ["https://host/raw/", /over HTTP nothing can be listed/],
  [
    "https://host/raw/<z>.tif",
    /say from which number to which there are some, the last left out: --z FIRST:END$/,
  ],
  ["https://host/<z>/<y>_<x>.tif", /--x FIRST:END --y FIRST:END --z FIRST:END$/],
  ["https://host/<c>/<z>.tif", /how many there are along c cannot be said; write a number for <c>/],
  ["https://host/%zz.tif", /in an address % is followed by two digits/],
];
for (const [pattern, says] of misses) {
  Deno.test(`what is wrong with ${pattern} is said, without secrets`, async () => {
    await using server = serveBuckets();
    putObjects(server, filesOf(["raw/s_1.tif", "raw/s_2.tif"], tiffOf()));
    await rejects(readImageStack(pattern.split(" ")), (error) => {
      ok(error instanceof UsageError, String(error));
      match(error.message, says);
      ok(!error.message.includes("s3cret"));
      return true;
    });
    if (pattern.includes("host")) deepEqual(server.log, []);
  });
}

Deno.test("a list in which nothing is there names its addresses", async () => {
  await using _ = serveBuckets();
  await rejects(
    readImageStack(["s3://bucket/raw/1.png", "s3://bucket/raw/2.png"]),
    (error) =>
      error instanceof ImageError &&
      error.message.includes(
        `"s3://bucket/raw/1.png" is not there, "s3://bucket/raw/2.png" is not`,
      ),
  );
});

const refusals = [
  { name: "no such bucket", pattern: "s3://none/raw/*.png", kind: "missing-bucket" },
  { name: "no such bucket, for a list", pattern: "s3://none/raw/1.png", kind: "missing-bucket" },
  { name: "wrong keys", pattern: "s3://bucket/raw/*.png", kind: "credentials", secret: "wr0ng" },
] as const;
for (const { name, pattern, kind, ...rest } of refusals) {
  Deno.test(`${name} ends the planning, without secrets`, async () => {
    const options = "secret" in rest
      ? { credentials: { accessKeyId: "AKIDTESTTEST", secretAccessKey: rest.secret } }
      : {};
    await using server = serveBuckets({}, options);
    putObjects(server, filesOf(["raw/1.png"], png));
    await rejects(readImageStack([pattern], { missing: "fill", onError: "fill" }), (error) => {
      ok(error instanceof BlobError, String(error));
      equal(error.kind, kind);
      ok(!error.message.includes("wr0ng") && !error.message.includes("s3cret"));
      return true;
    });
  });
}

Deno.test("an image that may not be read is a fault of its own; a server that is silent ends the planning", async () => {
  await using server = serveBuckets({}, { retry: { attempts: 2, random: () => 0 } });
  putObjects(server, filesOf(["raw/1.png", "raw/2.png", "raw/3.png"], png));
  server.intercept = ({ path }) =>
    path.endsWith("2.png") ? errorAnswer(403, "AccessDenied", server.behaviour) : undefined;
  const { faults, images } = await readImageStack(["s3://bucket/raw/*.png"], { onError: "fill" });
  equal(images.length, 3);
  deepEqual(faults.map(({ kind, path, policy }) => [kind, path, policy]), [
    ["unreadable", "s3://bucket/raw/2.png", "on-error"],
  ]);
  match(faults[0].reason, /^cannot be read: .*403|AccessDenied/);
  let asked = 0;
  server.intercept = ({ path }) => {
    if (!path.includes("png")) return undefined;
    asked++;
    return errorAnswer(500, "InternalError", server.behaviour);
  };
  await rejects(
    readImageStack(["s3://bucket/raw/*.png"], { onError: "fill" }),
    (error) => error instanceof BlobError && error.kind === "unavailable",
  );
  ok(asked <= 6, `${asked}`);
});

Deno.test("an image that is replaced while its header is read is not half of each", async () => {
  await using server = serveBuckets();
  putObjects(server, filesOf(["1.png", "2.png", "3.png"], large));
  server.intercept = ({ path, headers }) => {
    if (path.endsWith("2.png") && headers.get("range") !== "bytes=0-16383") {
      putObject(server, "2.png", large.map((byte, at) => at === 30_000 ? byte ^ 1 : byte));
    }
    return undefined;
  };
  const { faults } = await readImageStack(["s3://bucket/*.png"], { onError: "fill" });
  deepEqual(faults.map(({ path, kind }) => [path, kind]), [["s3://bucket/2.png", "broken"]]);
  match(faults[0].reason, /replaced while it was read/);
});

Deno.test("rescanImages() sees what was put back and what was replaced in a bucket", async () => {
  await using server = serveBuckets();
  putObjects(server, filesOf(["s_0.png", "s_1.png", "s_3.png"], png));
  const { images, root } = await readImageStack(["s3://bucket/s_*.png"], { missing: "fill" });
  putObject(server, "s_1.png", pngOf({ first: 1 }));
  putObject(server, "s_2.png", png);
  server.buckets.get("bucket")!.objects.delete("s_3.png");
  const rescanned = await rescanImages(root, images);
  const fresh = (await readImageStack(["s3://bucket/s_*.png"])).images;
  deepEqual(rescanned.slice(0, 3).map(({ image }) => image), fresh);
  deepEqual(rescanned[3], { path: "s3://bucket/s_3.png", reason: "is not there" });
});

const tiles = {
  "/data sets/00/0_0.png": pngOf({ first: 1 }),
  "/data sets/00/0_1.png": pngOf({ first: 2, width: 4 }),
  "/data sets/01/0_0.png": pngOf({ first: 3 }),
  "/data sets/03/0_0.png": pngOf({ first: 4 }),
  "/data sets/03/0_1.png": pngOf({ first: 5, width: 4 }),
};
Deno.test("a template over HTTP stands for the numbers that are given", async () => {
  await using server = serveWeb(tiles);
  const template = `${server.url}/data%20sets/<z:2>/<y>_<x>.png`;
  const spans = { x: [0, 2], y: [0, 1], z: [0, 4] } as const;
  const stack = await readImageStack([template], { missing: "fill", spans });
  equal(stack.root, `${server.url}/data%20sets`);
  deepEqual(stack.spanned, ["x", "y", "z"]);
  deepEqual(stack.info.extent.max, [11, 5, 4, 1, 1]);
  deepEqual(
    stack.images.map(({ path, x, z, lost }) => [path, x, z, lost?.kind]),
    [0, 1, 2, 3].flatMap((z) =>
      [0, 1].map((x) => {
        const path = `0${z}/0_${x}.png`;
        return [path, x * 7, z, `/data sets/${path}` in tiles ? undefined : "missing"];
      })
    ),
  );
  deepEqual(
    stack.faults.map(({ path, kind, policy }) => [path, kind, policy]),
    ["01/0_1", "02/0_0", "02/0_1"].map((
      name,
    ) => [`${server.url}/data%20sets/${name}.png`, "missing", "missing"]),
  );
  // Numbers that were asked for are there, at the ends as well.
  const part = await readImageStack([template], {
    missing: "fill",
    spans: { x: [0, 2], y: [0, 1], z: [2, 5] },
  });
  deepEqual(part.info.extent.max, [11, 5, 3, 1, 1]);
  deepEqual(part.notes, ["z 0 is section 2"]);
  const closed = await readImageStack([template], {
    missing: "close",
    spans: { ...spans, x: [0, 1] },
  });
  deepEqual(closed.images.map(({ path, z }) => [path, z]), [
    ["00/0_0.png", 0],
    ["01/0_0.png", 1],
    ["03/0_0.png", 2],
  ]);
  deepEqual(closed.faults, []);
  await rejects(
    readImageStack([template], { missing: "close", spans: { x: [7, 8], y: [0, 1], z: [0, 2] } }),
    /none of its files can be read, as "http.*00\/0_7\.png" is not there/,
  );
  await rejects(
    readImageStack([template], { spans: { ...spans, z: [0, Number.MAX_SAFE_INTEGER] } }),
    /give the numbers in their names, first and last/,
  );
});

Deno.test("over HTTP an image takes one request where it is small, and no HEAD", async () => {
  await using server = serveWeb(tiles);
  const spans = { z: [0, 2] } as const;
  await readImageStack([`${server.url}/data%20sets/<z:2>/0_0.png`], { spans });
  deepEqual(server.log.sort(), [0, 1].map((z) => `GET /data sets/0${z}/0_0.png bytes=0-16383`));
});

Deno.test("a list over HTTP, braces included, is put in order", async () => {
  await using server = serveWeb(filesOf(["/a/s_1.png", "/a/s_2.png", "/a/s_10.png"], png));
  const named = await readImageStack([10, 2, 1].map((z) => `${server.url}/a/s_${z}.png`), {
    missing: "close",
  });
  deepEqual(named.images.map(({ path }) => path), ["s_1.png", "s_2.png", "s_10.png"]);
  deepEqual([named.root, named.spanned], [`${server.url}/a`, undefined]);
  const braces = await readImageStack([`${server.url}/a/s_{1,2}.png`]);
  deepEqual(braces.images.map(({ path }) => path), ["s_1.png", "s_2.png"]);
  ok(named.images.every(({ tag, mtime }) => tag && mtime === WRITTEN));
});

Deno.test("a server that says neither date nor tag is told of", async () => {
  await using server = serveWeb(filesOf(["/1.png", "/2.png"], png), { dated: false });
  const { notes, images } = await readImageStack([`${server.url}/{1,2}.png`]);
  match(notes.join(), /neither when images were written nor what tells them apart/);
  deepEqual(images.map(({ mtime, tag }) => [mtime, tag]), [[0, undefined], [0, undefined]]);
});

Deno.test("a server that knows no ranges is refused with what to do", async () => {
  await using server = serveWeb(filesOf(["/1.png", "/2.png"], large));
  server.intercept = () => ({ status: 200, body: large });
  await rejects(
    readImageStack([`${server.url}/{1,2}.png`]),
    /the server sends the whole for a Range; serve it with a server that knows them/,
  );
});

Deno.test("headers go with every request, and stand in no message", async () => {
  await using server = serveWeb(filesOf(["/1.png", "/2.png"], png));
  const secrets: (string | null)[] = [];
  server.intercept = ({ headers }) => {
    secrets.push(headers.get("authorization"));
    return headers.get("authorization") === "Bearer s3cret" ? undefined : { status: 401 };
  };
  const address = `${server.url}/{1,2}.png`;
  await rejects(
    readImageStack([address]),
    (error) =>
      error instanceof ImageError && /cannot be read: the server answered 401/.test(error.message),
  );
  setBlobDefaults({ headers: { authorization: "Bearer s3cret" } });
  const stack = await readImageStack([address]);
  equal(stack.images.length, 2);
  ok(!JSON.stringify(stack).includes("s3cret"));
  ok(secrets.includes("Bearer s3cret"));
});

Deno.test("an abort ends the planning with its reason", async () => {
  await using server = serveBuckets();
  putObjects(server, filesOf(["1.png", "2.png"], png));
  const stopping = new AbortController();
  const reason = new Error("stopped");
  server.intercept = ({ path }) => {
    if (path.endsWith(".png")) stopping.abort(reason);
    return undefined;
  };
  await rejects(
    readImageStack(["s3://bucket/*.png"], { signal: stopping.signal }),
    (error) => error === reason,
  );
});
