import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { box } from "../../core/box.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { runDemo } from "../../scripts/demo.ts";
import { sampleSection } from "../../scripts/make_sample.ts";
import { openVolume } from "../../stores/volume.ts";
import { withFolder } from "../_stack.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

Deno.test("runDemo() makes two volumes of the sample, a picture, and does it again", () =>
  withFolder(async (folder) => {
    const lines: string[] = [];
    const print = (line: string) => void lines.push(line);
    const options = { folder: join(folder, "demo"), side: 70, depth: 5, workers: 0, print };
    for (const _ of ["first", "again"]) {
      const { volumes, picture, commands } = await runDemo(options);
      equal(commands.length, 3);
      for (const path of [...volumes, picture]) ok(lines.some((line) => line.includes(path)), path);
      deepEqual([...(await Deno.readFile(picture)).subarray(1, 4)], [0x50, 0x4e, 0x47]);
      await using pool = new WorkerPool({ size: 0 });
      for (const [i, dtype] of (["uint8", "uint16"] as const).entries()) {
        await using store = await openVolume(volumes[i], { pool });
        equal(store.state?.complete, true);
        deepEqual(store.voxelSize, { x: 4, y: 4, z: 40, unit: "nanometer" });
        const slab = await store.read(box([0, 0, 3], [70, 70, 4]));
        const [band] = await Array.fromAsync(slab.bands(), ({ data }) => data.slice());
        deepEqual(band, sampleSection(3, { width: 70, height: 70, dtype }));
      }
    }
  }));

Deno.test("deno task demo runs with the permissions it names, and so do the commands it prints", () =>
  withFolder(async (folder) => {
    const { tasks } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
    const run = async (task: string, ...rest: string[]) => {
      // The project itself is where a task runs, so that its workers may be read.
      const args = `${tasks[task]}`.split(" ").slice(1).map((arg) =>
        arg === "--allow-read=." ? `--allow-read=.,${ROOT}` : /\.ts$/.test(arg) ? ROOT + arg : arg
      );
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [...args, ...rest],
        cwd: folder,
        env: { SLUICE_HOME: join(folder, "home"), NO_COLOR: "1" },
      }).output();
      return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
    };
    const demo = await run("demo", "--quick");
    equal(demo.code, 0, demo.err);
    match(demo.out, /every one read back/);
    const commands = [...demo.out.matchAll(/^ {2}deno task sluice (.+)$/gm)];
    equal(commands.length, 3);
    for (const [, command] of commands) {
      const { code, err } = await run(
        "sluice",
        ...command.replaceAll("100:300", "10:90").split(" "),
      );
      equal(code, 0, `${command}: ${err}`);
    }
    const wrong = await run("demo", "--slow");
    equal(wrong.code, 2);
    match(wrong.err, /--slow.*\nUsage: deno task demo/s);
  }));
