/**
 * That the executable refuses a cache that it cannot use or trust: in one line, which names the folder, what is wrong
 * with it, and the way out.
 * @module
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { BARE, namesIn, runAlone, unshare } from "../../scripts/_executable.ts";
import { writeSelfUnpacking } from "../../scripts/_self_unpacking.ts";
import { refusal, shared } from "./_made.ts";

const isRoot = Deno.uid() === 0;
const mounting = await unshare("mount");
const NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
/** A user that nobody is. */
const OTHER = 4242;

const mounts = [
  { name: "a full disk", options: "size=20m", state: "is full" },
  { name: "a disk with no room for another file", options: "nr_inodes=8", state: "is full" },
  { name: "a read-only disk", options: "ro", state: "is read-only" },
  {
    name: "a disk that lets no program run",
    options: "noexec",
    state: "lets no program run (noexec)",
  },
];
for (const { name, options, state } of mounts) {
  Deno.test({
    name: `refused: ${name}${mounting === undefined ? " (this machine forbids to mount)" : ""}`,
    ignore: mounting === undefined,
    fn: async () => {
      const cache = await shared().place();
      const { code, stdout, stderr } = await shared().run(["--version"], {
        env: { SLUICE_CACHE: cache, MOUNT: options, PATH: "/bin:/usr/bin:/sbin:/usr/sbin" },
        through: [
          ...mounting!,
          "/bin/sh",
          "-c",
          'mount -t tmpfs -o "$MOUNT,mode=755" tmpfs "$SLUICE_CACHE"; "$@"; code=$?; ls -A "$SLUICE_CACHE"; exit $code',
          "sh",
        ],
      });
      deepEqual([code, stdout, ...refusal(stderr)], [1, "", cache, state]);
    },
  });
}

Deno.test({
  name: `refused: a copy on a disk that became noexec${
    mounting === undefined ? " (this machine forbids to mount)" : ""
  }`,
  ignore: mounting === undefined,
  fn: async () => {
    const cache = await shared().place();
    const { code, stdout, stderr } = await shared().run(["--version"], {
      env: { SLUICE_CACHE: cache, PATH: "/bin:/usr/bin:/sbin:/usr/sbin" },
      through: [
        ...mounting!,
        "/bin/sh",
        "-c",
        'mount -t tmpfs -o mode=755 tmpfs "$SLUICE_CACHE"; "$@" >/dev/null; mount -o remount,noexec "$SLUICE_CACHE"; exec "$@"',
        "sh",
      ],
    });
    deepEqual([code, stdout, ...refusal(stderr)], [1, "", cache, "lets no program run (noexec)"]);
  },
});

Deno.test({
  name: "refused: a machine whose C library the runtime does not know",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const folder = await shared().place();
    // A program whose loader is not there, as on a machine with another C library.
    const program = await Deno.readFile("/bin/true");
    const loader = new TextEncoder().encode("ld-linux");
    const at = program.findIndex((_, i) => loader.every((byte, j) => program[i + j] === byte));
    ok(at > 0);
    program.set(new TextEncoder().encode("ld-absnt"), at);
    await Deno.writeFile(join(folder, "runtime"), program);
    await Deno.mkdir(join(folder, "program"));
    const path = join(folder, "sluice");
    await writeSelfUnpacking(path, {
      bundle: join(folder, "program"),
      runtime: join(folder, "runtime"),
      flags: [],
      version: "0.0.1",
    });
    const cache = await shared().place();
    const { code, stderr } = await runAlone([path, "--version"], {
      env: { ...BARE, SLUICE_CACHE: cache },
    });
    equal(code, 1);
    match(
      refusal(stderr)[1],
      /^holds a runtime that does not start here, which takes a C library as of glibc 2\.27: .+not found/,
    );
    deepEqual(await namesIn(cache), []);
  },
});

Deno.test("refused: a folder below a file", async () => {
  const cache = join(shared().path, "cache");
  const { code, stderr } = await shared().run(["--version"], { env: { SLUICE_CACHE: cache } });
  equal(code, 1);
  const [folder, state] = refusal(stderr);
  equal(folder, cache);
  match(state, /^cannot be used: .*Not a directory$/);
});

Deno.test("refused: a folder, or a copy, that others may write; with the sticky bit the folder is good", async () => {
  const state = "may be written by others";
  for (const mode of [0o777, 0o775]) {
    const cache = await shared().place(mode);
    const { code, stderr } = await shared().run(["--version"], { env: { SLUICE_CACHE: cache } });
    deepEqual([code, ...refusal(stderr)], [1, cache, state]);
    deepEqual(await namesIn(cache), []);
  }
  const cache = await shared().place(0o1777);
  const run = () => shared().run(["--version"], { env: { SLUICE_CACHE: cache } });
  equal((await run()).code, 0);
  // A copy of one's own that others could have written into is replaced.
  const program = join(cache, shared().unpacks, "cli.js");
  await Deno.chmod(program, 0o664);
  equal((await run()).code, 0);
  equal((await Deno.stat(program)).mode! & 0o777, 0o644);
  await Deno.chmod(cache, 0o777);
  deepEqual(refusal((await run()).stderr), [cache, state]);
});

Deno.test({
  name: "of another user: root's copy is used, anyone else's refused (needs root)",
  ignore: !isRoot,
  fn: async () => {
    const asNobody = async (cache: string) => {
      const options = { env: { ...BARE, SLUICE_CACHE: cache }, through: NOBODY };
      const { code, stderr } = await shared().run(["--version"], options);
      return code === 0 ? ["used"] : refusal(stderr);
    };
    const cache = await shared().cache();
    const copy = join(cache, shared().unpacks);
    deepEqual(await asNobody(cache), ["used"]);

    await Deno.truncate(join(copy, "cli.js"), 10);
    deepEqual(await asNobody(cache), [cache, "holds a damaged copy"]);
    equal((await shared().run(["--version"], { env: { SLUICE_CACHE: cache } })).code, 0);

    const foreign = `belongs to user ${OTHER}`;
    await Deno.chown(join(copy, "cli.js"), OTHER, OTHER);
    deepEqual(await asNobody(cache), [cache, foreign]);
    await Deno.chown(join(copy, "cli.js"), 0, 0);
    await Deno.chown(copy, OTHER, OTHER);
    deepEqual(await asNobody(cache), [cache, foreign]);
    await Deno.chown(cache, OTHER, OTHER);
    deepEqual(await asNobody(cache), [cache, foreign]);
    const empty = await shared().place();
    deepEqual(await asNobody(empty), [empty, "may not be written by this user"]);
    await Deno.chown(empty, OTHER, OTHER);
    deepEqual(await asNobody(empty), [empty, foreign]);
  },
});

Deno.test({
  name: "another user unpacks a copy of its own, without a home too (needs root)",
  ignore: !isRoot,
  fn: async () => {
    const temporary = await shared().place(0o1777);
    const homes: Record<string, string>[] = [{}, { HOME: "" }, { HOME: "/nonexistent" }];
    for (const env of homes) {
      const { code, stderr } = await shared().run(["--version"], {
        env: { ...BARE, TMPDIR: temporary, ...env },
        through: NOBODY,
      });
      deepEqual([code, stderr], [0, ""]);
    }
    deepEqual(await namesIn(temporary), ["sluice-65534"]);
    const cache = join(temporary, "sluice-65534");
    ok(await shared().isWhole(cache));
    equal((await Deno.stat(join(cache, shared().unpacks, "deno"))).uid, 65534);
  },
});

Deno.test("the cache lies in SLUICE_CACHE, else XDG_CACHE_HOME, else the home folder", async () => {
  const home = await shared().place();
  const places: { env: Record<string, string>; cache: string }[] = [
    { env: { HOME: home }, cache: join(home, ".cache/sluice") },
    { env: { HOME: home, XDG_CACHE_HOME: join(home, "x") }, cache: join(home, "x/sluice") },
    { env: { HOME: home, SLUICE_CACHE: "own cache" }, cache: join(home, "own cache") },
  ];
  for (const { env, cache } of places) {
    const { code, stderr } = await shared().run(["--version"], { env, cwd: home });
    deepEqual([code, stderr], [0, ""]);
    ok(await shared().isWhole(cache));
  }
});
