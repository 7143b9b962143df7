/** What is decoded once a machine: entries of the spool, their bound, and what killed processes leave. */
import { Buffer } from "node:buffer";
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { Spool, type SpoolEntry } from "../../boss/spool.ts";
import { withFolder } from "../_stack.ts";

const { signal } = new AbortController();

function entryOf(name: string, bytes: number, made: string[] = []): SpoolEntry {
  return {
    name,
    bytes,
    signal,
    make: async (file) => {
      made.push(name);
      await new Promise((resolve) => setTimeout(resolve, 20));
      file.write(0, new Uint8Array(bytes).fill(name.charCodeAt(0)));
    },
  };
}

async function firstByte(spool: Spool, entry: SpoolEntry): Promise<number> {
  const bytes = new Uint8Array(1);
  await spool.use(entry, (file) => file.read(entry.bytes - 1, bytes));
  return bytes[0];
}

const filesIn = (folder: string, end: string) =>
  [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name.endsWith(end));

Deno.test("an entry is made once for all who ask at the same time, in one process and in several", async () => {
  await withFolder(async (folder) => {
    const made: string[] = [];
    // Two of them stand for two processes: locks belong to open files.
    const spools = [await Spool.open(folder), await Spool.open(folder)];
    const bytes = await Promise.all(
      Array.from({ length: 12 }, (_, i) => firstByte(spools[i % 2], entryOf("a", 999, made))),
    );
    deepEqual(bytes, new Array(12).fill(97));
    deepEqual(made, ["a"]);
    deepEqual(spools[0].counts.made + spools[1].counts.made, 1);
    deepEqual(filesIn(folder, ".part"), []);
  });
});

Deno.test("what was not used for longest goes when the bound is reached", async () => {
  await withFolder(async (folder) => {
    const made: string[] = [];
    const spool = await Spool.open(folder, { mostBytes: 3000 });
    for (const name of ["a", "b", "c", "a", "d", "a", "b"]) {
      equal(await firstByte(spool, entryOf(name, 1000, made)), name.charCodeAt(0));
      await new Promise((resolve) => setTimeout(resolve, 5));
      const sizes = filesIn(folder, ".data").map((file) => Deno.statSync(join(folder, file)).size);
      ok(sizes.reduce((sum, size) => sum + size, 0) <= 3000);
    }
    deepEqual(made, ["a", "b", "c", "d", "b"]);
  });
});

Deno.test("many at once stay within the bound: who has no room waits", async () => {
  await withFolder(async (folder) => {
    const spool = await Spool.open(folder, { mostBytes: 2500 });
    let [now, most] = [0, 0];
    const entry = (name: string): SpoolEntry => ({
      ...entryOf(name, 1000),
      make: async () => {
        most = Math.max(most, ++now);
        await new Promise((resolve) => setTimeout(resolve, 10));
        now--;
      },
    });
    await Promise.all([..."abcdefg"].map((name) => firstByte(spool, entry(name))));
    equal(most, 2);
  });
});

Deno.test("an entry that is read is not taken away, and one without room is refused", async () => {
  await withFolder(async (folder) => {
    const spool = await Spool.open(folder, { mostBytes: 1000 });
    const bytes = new Uint8Array(1);
    await spool.use(entryOf("a", 600), async (file) => {
      const other = firstByte(spool, entryOf("b", 600));
      await new Promise((resolve) => setTimeout(resolve, 150));
      equal(filesIn(folder, ".data").length, 1);
      file.read(599, bytes);
      other.catch(() => {});
    });
    equal(bytes[0], 97);
    equal(await firstByte(spool, entryOf("b", 600)), 98);
    await rejects(firstByte(spool, entryOf("c", 1001)), {
      name: "SpoolError",
      message:
        /^Cannot keep 1001 decoded bytes in the spool ".*": it takes 1000 in all; give it more room$/,
    });
  });
});

Deno.test("what could not be made leaves nothing, and is made when it is asked for again", async () => {
  await withFolder(async (folder) => {
    const spool = await Spool.open(folder);
    const broken = { ...entryOf("a", 10), make: () => Promise.reject(new Error("broken image")) };
    await rejects(firstByte(spool, broken), { message: "broken image" });
    deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["spool.lock"]);
    equal(await firstByte(spool, entryOf("a", 10)), 97);
  });
});

Deno.test("a half-written entry of a killed process is made anew", async () => {
  await withFolder(async (folder) => {
    const script = `
      import { Spool } from ${JSON.stringify(import.meta.resolve("../../boss/spool.ts"))};
      const spool = await Spool.open(${JSON.stringify(folder)});
      const { signal } = new AbortController();
      await spool.use({ name: "a", bytes: 1000, signal, make: async (file) => {
        file.write(0, new Uint8Array(500).fill(1));
        console.log("half");
        await new Promise((resolve) => setTimeout(resolve, 60_000));
      } }, () => {});`;
    const path = join(folder, "killed.ts");
    await Deno.writeTextFile(path, script);
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", path],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    const spool = await Spool.open(folder);
    const made: string[] = [];
    const reading = firstByte(spool, entryOf("a", 1000, made));
    await new Promise((resolve) => setTimeout(resolve, 150));
    // It lives yet, and is waited for.
    deepEqual(made, []);
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
    equal(await reading, 97);
    deepEqual(made, ["a"]);
    const all = new Uint8Array(1000);
    await spool.use(entryOf("a", 1000), (file) => file.read(0, all));
    equal(Buffer.compare(all, new Uint8Array(1000).fill(97)), 0);
  });
});

Deno.test("a folder that cannot be one is told with what to do", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "file");
    await Deno.writeTextFile(path, "");
    await rejects(Spool.open(join(path, "spool")), {
      name: "SpoolError",
      message: /^Cannot open the spool ".*": .*; make room there, or name another folder/,
    });
    await rejects(Spool.open(folder, { mostBytes: 0 }), { name: "UsageError" });
  });
});
