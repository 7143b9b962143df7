/**
 * That what runs is sluice itself, with all its commands: what goes in and out passes the executable by.
 * @module
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { NEEDED, runAlone, startAlone, unshare, until } from "../../scripts/_executable.ts";
import { outcome } from "../../scripts/_process.ts";
import { makeSample } from "../../scripts/make_sample.ts";
import { JPEG_FILES } from "../codecs/_jpeg_files.ts";
import { shared } from "./_made.ts";

const noNetwork = await unshare("net");
const reason = noNetwork === undefined
  ? " (with the network: this machine forbids to unshare)"
  : "";

/** A folder with a home of its own and a cache that is made. */
async function workplace(): Promise<{ cwd: string; env: Record<string, string> }> {
  const cwd = await shared().place();
  return { cwd, env: { SLUICE_CACHE: await shared().used(), SLUICE_HOME: join(cwd, "home") } };
}

async function has(...words: string[]): Promise<boolean> {
  const [command, ...args] = words;
  const options = { args, stdin: "null", stdout: "null", stderr: "null" } as const;
  try {
    return (await new Deno.Command(command, options).output()).success;
  } catch {
    return false;
  }
}

Deno.test("every command has its help", async () => {
  const { env } = await workplace();
  const { stdout } = await shared().run(["help", "--json"], { env });
  const names = (JSON.parse(stdout).commands as { name: string }[]).map(({ name }) => name);
  ok(names.includes("ingest") && names.includes("pull"));
  for (const name of names) {
    const { code, stdout, stderr } = await shared().run([...name.split(" "), "--help"], { env });
    deepEqual([code, stderr], [0, ""], name);
    ok(stdout.includes(`sluice ${name}`), name);
  }
});

Deno.test(`a job goes from images to images${reason}`, async () => {
  const { cwd, env } = await workplace();
  await makeSample({ directory: join(cwd, "raw"), width: 96, height: 80, depth: 9 });
  const run = async (line: string, expected = 0) => {
    const options = { cwd, env, through: noNetwork };
    const ended = await shared().run([...line.split(" "), "--json"], {
      ...options,
      env: { ...env, PATH: `${shared().bin}:/bin:/usr/bin` },
    });
    equal(ended.code, expected, `${line}: ${ended.stderr}`);
    return JSON.parse(ended.stdout);
  };
  equal((await run("plan raw/*.tif --chunk 32x32x4")).extent?.x ?? 96, 96);
  await run("create raw out.ome.zarr --chunk 32x32x4 --codec blosc:lz4");
  equal((await run("join 1 --workers 2")).state, "done");
  equal((await run("status out.ome.zarr")).state, "done");
  equal((await run("jobs")).jobs?.length ?? 1, 1);
  equal((await run("verify out.ome.zarr --workers 2")).faultCount, 0);
  equal((await run("verify out.ome.zarr --source")).faultCount, 0);
  deepEqual((await run("set out.ome.zarr --voxel-size 4x4x40nm")).after.unit, "nanometer");
  await run("retry out.ome.zarr --section 3");
  await run("cancel out.ome.zarr");
  equal((await run("pull out.ome.zarr back --workers 2 --compression none")).files, 9);
  const lossless = ["again", "--compression", "none"];
  const { code } = await shared().run(["pull", "out.ome.zarr", ...lossless], { cwd, env });
  equal(code, 0);
  for await (const { name } of Deno.readDir(join(cwd, "back"))) {
    deepEqual(
      await Deno.readFile(join(cwd, "back", name)),
      await Deno.readFile(join(cwd, "again", name)),
    );
  }
});

Deno.test("packages and their WebAssembly come along: job files, JPEG, OME-XML", async () => {
  const { cwd, env } = await workplace();
  for (const z of [0, 1, 2]) await Deno.writeFile(join(cwd, `s_${z}.jpg`), JPEG_FILES.colour);
  await Deno.writeTextFile(
    join(cwd, "job.json"),
    JSON.stringify({ source: "s_*.jpg", target: "out.ome.zarr" }),
  );
  for (const workers of ["0", "2"]) {
    const words = ["ingest", "--config", "job.json", "--overwrite", "--workers", workers];
    const { code, stderr } = await shared().run(words, { cwd, env });
    equal(code, 0, stderr);
  }
  await Deno.writeTextFile(
    join(cwd, "job.json"),
    JSON.stringify({ source: "s_*.jpg", chunk: "x" }),
  );
  const wrong = await shared().run(["plan", "--config", "job.json"], { cwd, env });
  equal(wrong.code, 2);
  match(wrong.stderr, /chunk/);
});

Deno.test("a plugin of one's own runs in it, with its own permissions", async () => {
  const { cwd, env } = await workplace();
  const module = `export class Tiles {
    process(path: string) {
      if (path !== "") return Deno.readFile(path);
      return { data: new Uint16Array(512 * 512).fill(9), width: 512, height: 512 };
    }
  }`;
  await Deno.writeTextFile(join(cwd, "lab.ts"), module);
  const test = ["plugins", "test", "./lab.ts#Tiles"];
  const made = await shared().run(test, { cwd, env });
  equal(made.code, 0, made.stderr);
  match(made.stdout, /the plugin makes it: 512 x 512 pixels of uint16, 9 to 9/);
  const refused = await shared().run([...test, "--path", "/etc/passwd"], { cwd, env });
  equal(refused.code, 1, refused.stderr);
  match(refused.stdout, /it tried to read "\/etc\/passwd", which it may not; --grant-read \/etc/);
  const remote = ["plugins", "test", "https://a.invalid/lab.ts#Tiles"];
  const { code, stderr } = await shared().run(remote, { cwd, env });
  equal(code, 2);
  match(stderr, /this program fetches no modules: save it as a file, and name that/);
});

Deno.test("exit codes are those of sluice", async () => {
  const { cwd, env } = await workplace();
  const codes = [["--version", 0], ["ingets", 2], [
    "jobs --ledger sqlite:/dev/null/jobs.db",
    1,
  ]] as const;
  for (const [line, expected] of codes) {
    equal((await shared().run(line.split(" "), { cwd, env })).code, expected, line);
  }
});

Deno.test("the process becomes sluice itself, so that signals reach it", async () => {
  const { cwd, env } = await workplace();
  await makeSample({ directory: join(cwd, "raw"), width: 384, height: 384, depth: 60 });
  const slow = ["--chunk", "32x32x2", "--codec", "zstd:19", "--workers", "1"];
  const process = startAlone([shared().path, "ingest", "raw", "out.ome.zarr", ...slow], {
    cwd,
    env: { ...env, PATH: shared().bin },
  });
  const runtime = join(env.SLUICE_CACHE, shared().unpacks, "deno");
  if (Deno.build.os === "linux") {
    const isRuntime = async () => await Deno.readLink(`/proc/${process.pid}/exe`) === runtime;
    await until(isRuntime, "the process is the runtime");
  }
  const receipts = join(cwd, "out.ome.zarr/.sluice");
  await until(() => Deno.stat(receipts).then(() => true, () => false), "the job has begun");
  process.kill("SIGTERM");
  const { code, stdout, stderr } = outcome(await process.output());
  equal(code, 130, `${stdout}${stderr}`);
  match(stdout, /^Stopped with \d+ of \d+ tasks done/);
});

Deno.test("words, standard input and variables arrive as they were given", async () => {
  const cache = await shared().cache();
  const program = join(cache, shared().unpacks, "cli.js");
  // A program of the same length: how else should one see what reaches it?
  const echo =
    "console.log(JSON.stringify([Deno.args, await new Response(Deno.stdin.readable).text(), Deno.cwd(), Deno.env.get('HOME')])); Deno.exit(7);";
  await Deno.writeTextFile(program, echo.padEnd((await Deno.stat(program)).size));
  const words = ["a b", "*", "$HOME", "'\"", "", "-", "--help", "ü\n"];
  const cwd = await shared().place();
  const process = startAlone([shared().path, ...words], {
    cwd,
    env: { SLUICE_CACHE: cache, HOME: "/some where", PATH: shared().bin },
    stdin: "piped",
  });
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode("line 1\nline 2"));
  await writer.close();
  const { code, stdout, stderr } = outcome(await process.output());
  deepEqual([code, stderr], [7, ""]);
  deepEqual(JSON.parse(stdout), [words, "line 1\nline 2", cwd, "/some where"]);
});

const hasScript = await has("script", "--version");
Deno.test({
  name: "it sees how wide the terminal is (needs script)",
  ignore: !hasScript,
  fn: async () => {
    const { cwd, env } = await workplace();
    const help = async (columns: number) => {
      const line = `stty cols ${columns}; '${shared().path}' help ingest`;
      const { stdout } = await runAlone(["/usr/bin/script", "-qec", line, "/dev/null"], {
        cwd,
        env: { ...env, NO_COLOR: "1", PATH: "/bin:/usr/bin" },
      });
      return stdout.replaceAll("\r", "");
    };
    const [narrow, wide] = [await help(64), await help(98)];
    const lines = (text: string) => text.split("\n").length;
    ok(lines(narrow) > lines(wide), `${lines(narrow)} lines, ${lines(wide)} lines`);
    const words = (text: string) => text.split(/\s+/).join(" ");
    const { stdout: piped } = await shared().run(["help", "ingest"], { env });
    equal(words(narrow), words(piped), "and the runtime says nothing of its own on a terminal");
  },
});

const shells = [["dash"], ["bash", "--posix"], ["busybox", "sh"]];
for (const shell of shells) {
  const isThere = await has(...shell, "-c", ":");
  Deno.test({
    name: `it runs in ${shell[0]}${isThere ? "" : " (which is not here)"}`,
    ignore: !isThere,
    fn: async () => {
      const [cache, bin] = [await shared().place(), join(await shared().place(), "bin")];
      const { stdout } = await runAlone(["/bin/sh", "-c", `command -v ${shell[0]}`]);
      const path = stdout.trim();
      if (shell[0] === "busybox") {
        await Deno.mkdir(bin);
        for (const name of NEEDED) await Deno.symlink(path, join(bin, name));
      }
      const env = { SLUICE_CACHE: cache, PATH: shell[0] === "busybox" ? bin : shared().bin };
      for (const time of ["first", "second"]) {
        const { code, stdout, stderr } = await runAlone(
          [path, ...shell.slice(1), shared().path, "--version"],
          { env },
        );
        deepEqual([code, stderr], [0, ""], time);
        match(stdout, /^sluice /);
      }
      ok(await shared().isWhole(cache));
    },
  });
}
