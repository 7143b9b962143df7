import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { box } from "../../core/box.ts";
import type { ImagePart } from "../../pool/_read_images.ts";
import { ImageSpool, type TaskSpool } from "../../stages/image_spool.ts";
import { withFolder } from "../_stack.ts";
import { noteReads, putObject, WRITTEN } from "../plugins/_remote_files.ts";
import { serveBuckets } from "../stores/_bucket.ts";
import { md5, type S3Server } from "../_s3_server.ts";

const never = new AbortController().signal;
const all = box([0, 0, 0], [100, 10, 100]);

/** An object of so many bytes, as the part of a plan. */
function imageOf(server: S3Server, name: string, size = 1000, y = 0): ImagePart {
  const bytes = new Uint8Array(size).fill(name.charCodeAt(0));
  putObject(server, name, bytes);
  const at = { x: 0, y, z: 0, c: 0, t: 0 };
  const form = {
    format: "png",
    at: {},
    width: 100,
    height: 10,
    samples: 1,
    dtype: "uint8",
  } as const;
  return {
    path: `s3://bucket/${name}`,
    ...form,
    size,
    mtime: WRITTEN,
    tag: `"${md5(bytes)}"`,
    ...at,
  };
}

/** A spool in a temporary folder that is empty afterwards, and a bucket. */
async function withSpool(
  mostBytes: number,
  test: (spool: ImageSpool, server: S3Server, temporary: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (temporary) => {
    const before = Deno.env.get("TMPDIR");
    Deno.env.set("TMPDIR", temporary);
    try {
      await using server = serveBuckets({}, { retry: { attempts: 2, random: () => 0 } });
      await test(new ImageSpool(mostBytes), server, temporary);
      deepEqual(await Array.fromAsync(Deno.readDir(temporary)), []);
    } finally {
      if (before === undefined) Deno.env.delete("TMPDIR");
      else Deno.env.set("TMPDIR", before);
    }
  });
}

async function copyOf(task: TaskSpool, image: ImagePart): Promise<ImagePart> {
  const fetched = await task.copyOf(image);
  if (fetched.kind === "failure") throw new Error(fetched.failure.message);
  return fetched.image;
}

Deno.test("a copy has the bytes of its object, and goes with its task", () =>
  withSpool(1e6, async (spool, server, temporary) => {
    const [a, b] = [imageOf(server, "a"), imageOf(server, "b b/ü")];
    let path: string;
    {
      await using task = await spool.open("s3://bucket", [a, b], all, never);
      const copy = await copyOf(task, b);
      ({ path } = copy);
      ok(path.startsWith(temporary));
      deepEqual(await Deno.readFile(path), new Uint8Array(1000).fill(98));
      const { mtime } = await Deno.stat(path);
      deepEqual(copy, { ...b, path, mtime: mtime!.getTime() });
      equal((await copyOf(task, a)).path === path, false);
      equal((await Array.fromAsync(Deno.readDir(temporary))).length, 1);
    }
    await rejects(Deno.stat(path), Deno.errors.NotFound);
  }));

Deno.test("images of one file are fetched once; those whose rows come first are begun first", () =>
  withSpool(1e6, async (spool, server) => {
    const reads = noteReads(server);
    const first = server.intercept!;
    server.intercept = async (request) => {
      const own = await first(request);
      await new Promise((resolve) => setTimeout(resolve, 20));
      return own;
    };
    const pages = [0, 1, 2].map((z) => ({ ...imageOf(server, "pages", 3000), z }));
    const rows = Array.from({ length: 40 }, (_, i) => imageOf(server, `${40 - i}`, 10, 40 - i));
    await using task = await spool.open("s3://bucket", [...rows, ...pages], all, never);
    for (const image of [...pages, ...rows]) await copyOf(task, image);
    deepEqual([...reads.values()].map(({ length }) => length), Array(41).fill(1));
    const begun = [...reads.keys()].slice(0, 16).map((name) => name === "pages" ? 0 : Number(name));
    deepEqual(begun.sort((a, b) => a - b), Array.from({ length: 16 }, (_, y) => y));
  }));

Deno.test("a task waits until its copies have room; alone it may take more", () =>
  withSpool(2500, async (spool, server, temporary) => {
    const images = ["a", "b", "c"].map((name) => imageOf(server, name));
    const huge = imageOf(server, "huge", 9000);
    const first = await spool.open("s3://bucket", [images[0]], all, never);
    const second = await spool.open("s3://bucket", [images[1]], all, never);
    let opened = "";
    const third = spool.open("s3://bucket", [images[2]], all, never).then((task) => {
      opened += "third ";
      return task;
    });
    const fourth = spool.open("s3://bucket", [{ ...huge, height: 1000 }], all, never)
      .then((task) => {
        opened += "fourth ";
        return task;
      });
    await copyOf(second, images[1]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    equal(opened, "");
    await second[Symbol.asyncDispose]();
    await copyOf(await third, images[2]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    // One folder serves all tasks that overlap.
    equal((await Array.fromAsync(Deno.readDir(temporary))).length, 1);
    equal(opened, "third ");
    await first[Symbol.asyncDispose]();
    await (await third)[Symbol.asyncDispose]();
    equal((await Deno.stat((await copyOf(await fourth, huge)).path)).size, 9000);
    await (await fourth)[Symbol.asyncDispose]();
  }));

Deno.test("a task that is over does not fetch on, and one that is aborted ends with the reason", () =>
  withSpool(1e6, async (spool, server) => {
    const images = Array.from({ length: 40 }, (_, i) => imageOf(server, `${i}`));
    let asked = 0;
    server.intercept = async () => {
      asked++;
      await new Promise((resolve) => setTimeout(resolve, 30));
      return undefined;
    };
    const task = await spool.open("s3://bucket", images, all, never);
    await copyOf(task, images[0]);
    await task[Symbol.asyncDispose]();
    ok(asked <= 32, `${asked}`);
    const stopping = new AbortController();
    const reason = new Error("stopped");
    await using other = await spool.open("s3://bucket", images, all, stopping.signal);
    setTimeout(() => stopping.abort(reason), 5);
    await rejects(other.copyOf(images[39]), (error) => error === reason);
  }));

Deno.test("what a server says of one image costs that one; what it says of all ends the task", () =>
  withSpool(1e6, async (spool, server) => {
    const images = ["a", "b", "c", "d"].map((name) => imageOf(server, name));
    const { objects } = server.buckets.get("bucket")!;
    objects.delete("a");
    putObject(server, "b", new Uint8Array(1000));
    objects.set("c", { ...objects.get("c")!, bytes: new Uint8Array(1000) });
    {
      await using task = await spool.open("s3://bucket", images, all, never);
      const kinds = await Promise.all(images.map(async (image) => {
        const fetched = await task.copyOf(image);
        return fetched.kind === "failure" ? fetched.failure.kind : fetched.kind;
      }));
      deepEqual(kinds, ["missing", "changed", "broken", "copy"]);
    }
    server.buckets.clear();
    await using task = await spool.open("s3://bucket", images, all, never);
    for (const image of images) await rejects(task.copyOf(image), { kind: "missing-bucket" });
  }));
