/**
 * What every place of blobs promises. A new one passes by being added to the table in `conformance_test.ts`.
 * @module
 */
import { deepEqual, equal, notEqual, ok, rejects } from "node:assert/strict";
import type { BlobInfo, Blobs, ByteRange } from "../../../stores/blobs/blobs.ts";
import { seeded } from "../../codecs/_png_writer.ts";

/** A place that is made for one test. */
export interface OpenedBlobs extends AsyncDisposable {
  readonly blobs: Blobs;
  /** The same place as another process sees it. */
  again(): Promise<Blobs>;
  /** Puts a blob there by other means, where it cannot be written. */
  store?(key: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

/** One kind of place. */
export interface BlobsKind {
  readonly name: string;
  /** Whether it can only be read. @default false */
  readonly readOnly?: boolean;
  /** Whether two that claim at the same moment may both be told true. @default false */
  readonly loose?: boolean;
  /** Whether unfinished uploads can be listed; and whether with their true dates. @default "dated" */
  readonly uploads?: "dated" | "undated" | "unlisted";
  /** Bytes of a part, where a large blob goes in parts. @default 65536 */
  readonly partBytes?: number;
  /** Makes an empty place. */
  create(): Promise<OpenedBlobs>;
}

/** Bytes that differ from each other. */
export function someBytes(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const random = seeded(seed);
  return Uint8Array.from({ length }, () => random() * 256);
}

/** Keys that are awkward somewhere: for a URL, a signature, XML, or a folder. */
const ODD_KEYS = [
  "0/c/0/1/2",
  "a b/c+d",
  "100%25/%41",
  'x&y<z>"q"\'',
  "ü/日本/🔬",
  "q?a=b#c",
  "(1)!*;:@,$=~_-.json",
  "..a/b..",
  ".hidden/.zarray",
] as const;

const RANGES: readonly ByteRange[] = [
  [0, 1],
  [3, 7],
  [0, 1000],
  [990, 5000],
  [999, 1000],
  [17],
  [0],
  [-1],
  [-16],
  [-1000],
  [-5000],
  [5, 5],
  [7, 3],
  [0, 0],
  [1000, 1001],
  [4000, 5000],
  [1000],
];

/** Registers a test for each line of the contract. */
export function conform(kind: BlobsKind): void {
  const { uploads = "dated", partBytes = 65_536 } = kind;
  const inParts = 3 * partBytes;
  const sweep = async (blobs: Blobs, prefix: string) => {
    const swept = uploads === "unlisted" ? [] : await blobs.sweep(prefix);
    return swept.map(({ key }) => key).sort();
  };
  const test = (name: string, run: (opened: OpenedBlobs) => Promise<void>) =>
    Deno.test(`${kind.name}: ${name}`, async () => {
      await using opened = await kind.create();
      await run(opened);
    });
  const put = ({ blobs, store }: OpenedBlobs, key: string, bytes: Uint8Array<ArrayBuffer>) =>
    store === undefined ? blobs.put(key, bytes) : store(key, bytes);

  test("get() and head() find what is there, under every key, and nothing else", async (opened) => {
    const { blobs, again } = opened;
    equal(await blobs.get("not/there"), undefined);
    equal(await blobs.head("not/there"), undefined);
    equal(await blobs.get("not/there", { range: [0, 1] }), undefined);
    equal(await blobs.get("not/there", { range: [3, 3] }), undefined);
    for (const [i, key] of ODD_KEYS.entries()) await put(opened, key, someBytes(100 + i, i));
    for (const [i, key] of ODD_KEYS.entries()) {
      for (const place of [blobs, await again()]) {
        deepEqual(await place.get(key), someBytes(100 + i, i), key);
        const info = await place.head(key);
        equal(info?.size, 100 + i, key);
        ok(info.modified === undefined || Math.abs(info.modified - Date.now()) < 60_000, key);
      }
    }
    equal(await blobs.get("0/c/0/1"), undefined);
    equal(await blobs.get("0/c/0/1/2/3"), undefined);
  });

  test("get() cuts a range as slice() does", async (opened) => {
    const bytes = someBytes(1000);
    await put(opened, "it", bytes);
    for (const range of RANGES) {
      deepEqual(await opened.blobs.get("it", { range }), bytes.slice(...range), `[${range}]`);
    }
    for (const range of [[-5, 3], [0.5, 2], [0, -2], [NaN]] as unknown as ByteRange[]) {
      await rejects(opened.blobs.get("it", { range }), RangeError);
    }
  });

  test("get() tells of the whole what head() does, whatever is read of it", async (opened) => {
    await put(opened, "it", someBytes(1000));
    await put(opened, "empty", new Uint8Array());
    for (
      const [key, range] of [["it"], ["empty"], ...RANGES.map((range) => ["it", range])] as const
    ) {
      const told: BlobInfo[] = [];
      await opened.blobs.get(key as string, {
        range: range as ByteRange | undefined,
        onInfo: (info) => void told.push(info),
      });
      deepEqual(told.at(-1), await opened.blobs.head(key as string), `${key} [${range}]`);
    }
    await opened.blobs.get("not/there", { onInfo: () => ok(false) });
  });

  test("reads a blob of no bytes", async (opened) => {
    await put(opened, "empty", new Uint8Array());
    deepEqual(await opened.blobs.get("empty"), new Uint8Array());
    deepEqual(await opened.blobs.get("empty", { range: [0, 5] }), new Uint8Array());
    deepEqual(await opened.blobs.get("empty", { range: [-5] }), new Uint8Array());
    equal((await opened.blobs.head("empty"))?.size, 0);
  });

  test("refuses keys that leave it", async ({ blobs }) => {
    for (
      const key of [
        "",
        "/a",
        "a/",
        "a//b",
        "../a",
        "a/../b",
        ".",
        "a/.",
        "a\\b",
        "a\0b",
        "\ud800",
        "x".repeat(1025),
      ]
    ) {
      const refused = { name: "BlobError", kind: "bad-key", message: /^Cannot use / };
      await rejects(blobs.get(key), refused, key);
      await rejects(blobs.head(key), refused, key);
    }
  });

  test("throws the very reason of an abort", async (opened) => {
    const { blobs } = opened;
    await put(opened, "it", someBytes(10));
    const reason = new Error("stopped");
    const signal = AbortSignal.abort(reason);
    const isReason = (error: unknown) => error === reason;
    await rejects(blobs.get("it", { signal }), isReason);
    await rejects(blobs.head("it", { signal }), isReason);
    if (kind.readOnly) return;
    await rejects(blobs.put("other", someBytes(10), { signal }), isReason);
    await rejects(blobs.putIfAbsent("other", someBytes(10), { signal }), isReason);
    await rejects(async () => await blobs.open("other", { signal }), isReason);
    await rejects(blobs.delete("it", { signal }), isReason);
    await rejects(Array.fromAsync(blobs.list("", { signal })), isReason);
    deepEqual(await Array.fromAsync(blobs.list("")), [{ key: "it", size: 10 }]);
  });

  if (kind.readOnly) {
    test("says that it can only be read", async ({ blobs }) => {
      const refused = { name: "BlobError", kind: "unsupported", message: /can only be read/ };
      await rejects(blobs.put("a", someBytes(1)), refused);
      await rejects(blobs.putIfAbsent("a", someBytes(1)), refused);
      await rejects(blobs.open("a"), refused);
      await rejects(blobs.delete("a"), refused);
      await rejects(blobs.sweep("a"), refused);
      await rejects(Array.fromAsync(blobs.list("")), refused);
    });
    return;
  }

  test("refuses to write keys that leave it", async ({ blobs }) => {
    const refused = { name: "BlobError", kind: "bad-key" };
    await rejects(blobs.put("../a", someBytes(1)), refused);
    await rejects(blobs.putIfAbsent("/etc/a", someBytes(1)), refused);
    await rejects(async () => await blobs.open("a/../../b"), refused);
    await rejects(blobs.delete(".."), refused);
    await rejects(Array.fromAsync(blobs.list("../")), refused);
    await rejects(blobs.sweep("../"), refused);
  });

  test("put() replaces what was there, also from shared memory", async ({ blobs, again }) => {
    const shared = new Uint8Array(new SharedArrayBuffer(300), 100, 50);
    shared.set(someBytes(50, 3));
    await blobs.put("it", someBytes(200, 2));
    const before = await blobs.head("it");
    await blobs.put("it", shared, { contentType: "application/json" });
    deepEqual(await (await again()).get("it"), someBytes(50, 3));
    notEqual((await blobs.head("it"))?.tag, before?.tag);
  });

  test("putIfAbsent() writes only where nothing is", async ({ blobs, again }) => {
    equal(await blobs.putIfAbsent("claims/a", someBytes(40, 1)), true);
    equal(await blobs.putIfAbsent("claims/a", someBytes(40, 2)), false);
    equal(await (await again()).putIfAbsent("claims/a", someBytes(40, 3)), false);
    deepEqual(await blobs.get("claims/a"), someBytes(40, 1));
    equal(await (await again()).putIfAbsent("claims/b", someBytes(40, 4)), true);
    equal(await blobs.putIfAbsent("claims/c", someBytes(40, 4)), true);
    const keys = await Array.fromAsync(blobs.list("claims/"), ({ key }) => key);
    deepEqual(keys.sort(), ["claims/a", "claims/b", "claims/c"]);
  });

  if (!kind.loose) {
    test("putIfAbsent() has one winner of many", async ({ again }) => {
      const places = await Promise.all(Array.from({ length: 12 }, () => again()));
      const won = await Promise.all(
        places.map((place, i) => place.putIfAbsent("it", someBytes(9, i))),
      );
      equal(won.filter(Boolean).length, 1);
      deepEqual(await places[0].get("it"), someBytes(9, won.indexOf(true)));
    });
  }

  test("open() writes piece by piece, with the front last", async ({ blobs, again }) => {
    for (const [i, { reserve, pieces }] of PIECES.entries()) {
      const key = `large/${i}`;
      const head = someBytes(reserve, 99);
      const all = pieces.map((length, at) => someBytes(length, at));
      {
        await using writer = await blobs.open(key, { reserve });
        for (const [at, piece] of all.entries()) {
          // What was written may be used for something else at once.
          const buffer = new Uint8Array(new SharedArrayBuffer(piece.length));
          buffer.set(piece);
          await writer.write(at % 2 === 0 ? buffer : piece);
          buffer.fill(0);
        }
        equal(await (await again()).get(key), undefined);
        if (reserve > 0) {
          await rejects(writer.commit(), RangeError);
          await rejects(writer.commit(new Uint8Array(reserve + 1)), RangeError);
        }
        await writer.commit(reserve === 0 ? undefined : head);
        await rejects(writer.write(someBytes(1)));
      }
      const expected = new Uint8Array([...head, ...all.flatMap((piece) => [...piece])]);
      deepEqual(await (await again()).get(key), expected, `${i}`);
    }
    deepEqual(await sweep(blobs, ""), []);
  });

  test("open() shows nothing where it is disposed or aborted", async ({ blobs }) => {
    for (const length of [0, 10, inParts]) {
      await using writer = await blobs.open("never");
      await writer.write(someBytes(length));
    }
    const stopping = new AbortController();
    const reason = new Error("stopped");
    {
      await using writer = await blobs.open("never", { signal: stopping.signal });
      await writer.write(someBytes(inParts));
      stopping.abort(reason);
      await rejects(writer.write(someBytes(1)), (error) => error === reason);
      await rejects(writer.commit(), (error) => error === reason);
    }
    deepEqual(await Array.fromAsync(blobs.list("")), []);
    deepEqual(await sweep(blobs, ""), []);
  });

  test("sweep() removes what writers left, below its prefix, and lists it", async ({ blobs, again }) => {
    await blobs.put("a/whole", someBytes(10));
    for (const key of ["a/x", "a/y", "b/z"]) {
      await (await blobs.open(key)).write(someBytes(inParts));
    }
    // Nothing that was left so is a blob.
    deepEqual(await Array.fromAsync(blobs.list("")), [{ key: "a/whole", size: 10 }]);
    if (uploads === "unlisted") return;
    const swept = await (await again()).sweep("a/");
    deepEqual(swept.map(({ key }) => key).sort(), ["a/x", "a/y"]);
    const isNow = (time?: number) => time !== undefined && Math.abs(time - Date.now()) < 60_000;
    ok(uploads === "undated" || swept.every(({ started }) => isNow(started)));
    deepEqual(await sweep(blobs, "a/"), []);
    deepEqual(await sweep(blobs, ""), ["b/z"]);
    deepEqual(await Array.fromAsync(blobs.list("")), [{ key: "a/whole", size: 10 }]);
  });

  test("list() gives keys that begin so, or folders", async ({ blobs, again }) => {
    const keys = ["a", "a.b", "a/1", "a/2/x", "a/2/y", "ab/3", "b c/ü&<+%", "z"];
    for (const [i, key] of keys.entries()) {
      // On a disk a name is a file or a folder.
      await blobs.put(key === "a" ? "a-file" : key, someBytes(i));
    }
    const list = async (prefix: string, folders = false) => {
      const found = await Array.fromAsync((await again()).list(prefix, { folders }));
      return found.map(({ key, size }) => `${key} ${size}`).sort();
    };
    deepEqual(await list(""), [
      "a-file 0",
      "a.b 1",
      "a/1 2",
      "a/2/x 3",
      "a/2/y 4",
      "ab/3 5",
      "b c/ü&<+% 6",
      "z 7",
    ]);
    deepEqual(await list("a/"), ["a/1 2", "a/2/x 3", "a/2/y 4"]);
    deepEqual(await list("a/2"), ["a/2/x 3", "a/2/y 4"]);
    deepEqual(await list("a."), ["a.b 1"]);
    deepEqual(await list("none"), []);
    deepEqual(await list("none/of/it"), []);
    deepEqual(await list("", true), [
      "a-file 0",
      "a.b 1",
      "a/ undefined",
      "ab/ undefined",
      "b c/ undefined",
      "z 7",
    ]);
    deepEqual(await list("a/", true), ["a/1 2", "a/2/ undefined"]);
    deepEqual(await list("a", true), ["a-file 0", "a.b 1", "a/ undefined", "ab/ undefined"]);
  });

  test("delete() removes one blob, and is content with none", async ({ blobs }) => {
    await blobs.put("a/b", someBytes(1));
    await blobs.put("a/c", someBytes(2));
    await blobs.delete("a/b");
    await blobs.delete("a/b");
    await blobs.delete("none/of/it");
    await blobs.delete("a");
    deepEqual(await Array.fromAsync(blobs.list("")), [{ key: "a/c", size: 2 }]);
    await blobs.delete("a/c");
    deepEqual(await Array.fromAsync(blobs.list("", { folders: true })), []);
  });

  test("works side by side", async ({ blobs }) => {
    const keys = Array.from({ length: 60 }, (_, i) => `many/${i}`);
    await Promise.all(keys.map((key, i) => blobs.put(key, someBytes(i * 100, i))));
    const found = await Promise.all(keys.map((key) => blobs.get(key)));
    found.forEach((bytes, i) => deepEqual(bytes, someBytes(i * 100, i)));
    equal((await Array.fromAsync(blobs.list("many/"))).length, 60);
  });
}

/** Parts are of 64 KiB where there are any. */
const PIECES = [
  { reserve: 0, pieces: [] },
  { reserve: 0, pieces: [1, 2, 3] },
  { reserve: 0, pieces: [65_536] },
  { reserve: 0, pieces: [65_536, 65_536] },
  { reserve: 0, pieces: [100_000, 0, 200_000, 7] },
  { reserve: 16, pieces: [] },
  { reserve: 16, pieces: [3, 4] },
  { reserve: 16, pieces: [65_520] },
  { reserve: 16, pieces: [65_520, 1] },
  { reserve: 16, pieces: [300_000, 5] },
  { reserve: 70_000, pieces: [3] },
  { reserve: 70_000, pieces: [30_000, 50_000] },
] as const;
