/** Plugins of a lab's own: what they give, what they may not do, and what becomes of a job whose plugin goes wrong. */
import { Buffer } from "node:buffer";
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { checkBossConfig } from "../../boss/check_config.ts";
import { loadBossConfig } from "../../boss/config.ts";
import { PluginError } from "../../boss/custom_plugin.ts";
import { parseCuboidKey } from "../../boss/keys.ts";
import { type BossPlugins, openBossPlugins } from "../../boss/plugins.ts";
import { decompressBlosc } from "../../codecs/blosc.ts";
import { decodeTile } from "../../boss/_decode_tile.ts";
import { pngOf } from "../_images.ts";
import { makeStack, withFolder } from "../_stack.ts";
import { COMPLETE, INGEST_BUCKET, serveBoss, TILE_BUCKET } from "./_boss_server.ts";
import type { Json } from "./_configs.ts";
import { customChunks, customTiles, MODULE, openIn } from "./_custom_plugins.ts";
import { createJob, workOn } from "./_work.ts";

const AT = { x: 0, y: 0, z: 0, t: 0 };

/** Asks for one tile or chunk, and ends the threads. */
async function ask(plugins: BossPlugins, index = AT, signal?: AbortSignal) {
  try {
    const path = [await plugins.paths.process(index, signal)].flat()[0];
    return plugins.kind === "tile"
      ? await plugins.tiles.process(path, index, signal)
      : await plugins.chunks.process(path, index, signal);
  } finally {
    plugins.close?.();
  }
}

/** A configuration whose tile processor does something. */
const doing = (act: string, params: Json = {}) =>
  customTiles("./lab.ts", undefined, ["Does", { act, ...params }]);

Deno.test("a custom path processor names the images that a tile processor of ours cuts, below its root", async () => {
  await withFolder(async (folder) => {
    const stack = await makeStack(join(folder, "raw"), { width: 700, height: 600, dtype: "uint8" });
    const file = customTiles(
      `${folder}/lab.ts`,
      ["Sections", { root_dir: stack.folder }],
      undefined,
      {
        x: [0, 700],
        y: [0, 600],
        z: [0, 11],
      },
    );
    await Deno.writeTextFile(join(folder, "lab.ts"), MODULE);
    await using boss = serveBoss();
    const id = await createJob(boss, file);
    const report = await workOn(boss, id, file, folder);
    deepEqual([report.end, report.uploaded, report.dead], ["complete", 44, []]);
    for (const [key, { bytes }] of boss.s3.buckets.get(TILE_BUCKET)!.objects) {
      const [tx, ty, z] = key.split("&").slice(5).map(Number);
      const { data } = await decodeTile(bytes);
      const [x, y] = [Math.min(699, tx * 512 + 3), Math.min(599, ty * 512 + 9)];
      equal(data[(y - ty * 512) * 512 + x - tx * 512], stack.voxels[(z * 600 + y) * 700 + x], key);
    }
  });
});

Deno.test("a job whose custom tile processor throws for one tile goes on, and leaves that one", async () => {
  await withFolder(async (folder) => {
    await using boss = serveBoss();
    const channel = boss.channels.get("colA/expA/chA")!;
    boss.channels.set("colA/expA/chA", { ...channel, datatype: "uint16" });
    await Deno.writeTextFile(join(folder, "lab.ts"), MODULE);
    const file = customTiles(`${folder}/lab.ts`, undefined, ["Pixels", {}], { z: [0, 16] });
    const id = await createJob(boss, file);
    const { end, uploaded, dead } = await workOn(boss, id, file, folder);
    deepEqual([end, uploaded, dead.length], ["stuck", 63, 1]);
    match(
      dead[0].reason,
      /^Cannot ask plugin ".*lab\.ts#Pixels" for tile x 1, y 0, z 3, t 0: it threw Error: no such slice$/,
    );
    for (const [key, { bytes }] of boss.s3.buckets.get(TILE_BUCKET)!.objects) {
      const [x, y, z] = key.split("&").slice(5).map(Number);
      const { data, format } = await decodeTile(bytes);
      deepEqual([format, data.length], ["png", 512 * 512]);
      equal(data[70_001], (70_001 * 7 + x * 31 + y * 57 + z * 101) % 65521, key);
    }
  });
});

Deno.test("a custom chunk processor's voxels arrive as cuboids, zeros where it gives none", async () => {
  await withFolder(async (folder) => {
    await using boss = serveBoss();
    const file = customChunks(`${folder}/lab.ts`, "Chunks", {}, { z: [0, 64] });
    await Deno.writeTextFile(join(folder, "lab.ts"), MODULE);
    const id = await createJob(boss, file);
    const { end, uploaded, dead } = await workOn(boss, id, file, folder);
    deepEqual([end, uploaded, dead], ["complete", 2, []]);
    equal(boss.jobs.get(id)!.state, COMPLETE);
    const { objects } = boss.s3.buckets.get(INGEST_BUCKET)!;
    equal(objects.size, 4);
    const wholes = new Map<number, number>();
    for (const [key, { bytes }] of objects) {
      const found = decompressBlosc(bytes, 512 * 512 * 16);
      wholes.set(Number(parseCuboidKey(key).morton), found[12_345]);
    }
    // Two cuboids a chunk, the first of which got no voxel.
    deepEqual(
      [...wholes.values()].sort((a, b) => a - b),
      [
        0,
        0,
        12_345 * 3 % 251 + 1,
        (12_345 * 3 + 11) % 251 + 1,
      ].sort((a, b) => a - b),
    );
  });
});

Deno.test("a tile's bytes are uploaded as they are; those of a smaller one are padded, without loss", async () => {
  await withFolder(async (folder) => {
    const whole = pngOf({ width: 512, height: 512 });
    await Deno.writeFile(join(folder, "section_000.png"), whole);
    await Deno.writeFile(join(folder, "section_001.png"), pngOf({ width: 76, height: 512 }));
    const open = () =>
      openIn(
        folder,
        customTiles("./lab.ts", ["Sections", { root_dir: folder }], ["Bytes", {}], { x: [0, 588] }),
      );
    const recipe = await ask(await open());
    ok("body" in recipe && recipe.body.kind === "image");
    equal(Buffer.compare(recipe.body.bytes, whole), 0);
    const edge = await ask(await open(), { ...AT, x: 1, z: 1 });
    ok("body" in edge && edge.plane.kind === "pixels");
    deepEqual([edge.body.kind, edge.plane.size], ["png", { width: 76, height: 512 }]);
    await rejects(ask(await open(), { ...AT, x: 0, z: 1 }), {
      name: "PluginError",
      kind: "answer",
      message: /it gave 76 x 512 pixels, and this tile has 512 x 512$/,
    });
  });
});

Deno.test("the example of a custom plugin names the images of its sessions", async () => {
  const { pathname } = new URL("../../configs/boss/custom_plugin.json", import.meta.url);
  const plugins = await openBossPlugins(await loadBossConfig(pathname));
  const paths = await Promise.all(
    [0, 119, 120, 440].map((z) => plugins.paths.process({ ...AT, z })),
  );
  deepEqual(paths, [
    "/data/session_1/slice_00000.tif",
    "/data/session_1/slice_00119.tif",
    "/data/session_2/slice_00000.tif",
    "/data/session_3/slice_00130.tif",
  ]);
  if (plugins.kind !== "tile") throw new Error("no tile job");
  const { placement } = await plugins.tiles.process(String(paths[0]), { ...AT, x: 2 });
  deepEqual(placement.x, { kind: "part", from: 2048 });
  plugins.close?.();
});

const refused = [
  {
    name: "a host",
    act: 'await fetch("http://127.0.0.1:9009/")',
    says:
      /it tried to reach "127\.0\.0\.1:9009", which it may not; --grant-net 127\.0\.0\.1:9009 grants it$/,
  },
  {
    name: "a socket",
    act: 'await Deno.connect({ hostname: "data.lab", port: 443 })',
    says: /it tried to reach "data\.lab:443".*--grant-net data\.lab:443/,
  },
  {
    name: "another folder",
    act: 'Deno.readTextFileSync("/etc/hostname")',
    says: /it tried to read "\/etc\/hostname", which it may not; --grant-read \/etc grants it$/,
  },
  {
    name: "another folder by node",
    act: 'process.getBuiltinModule("fs").readFileSync("/etc/hostname")',
    says: /it tried to read "\/etc\/hostname"/,
  },
  {
    name: "a module of another host",
    act: 'await import("https://127.0.0.1:9009/" + "a.ts")',
    says:
      /it tried to import a module from "127\.0\.0\.1:9009", which it may not; --grant-net 127\.0\.0\.1:9009 grants it$/,
  },
  {
    name: "an error of its own around it",
    act:
      'try { Deno.readTextFileSync("/etc/passwd") } catch (cause) { throw new Error("no list", { cause }) }',
    says: /it tried to read "\/etc\/passwd".*--grant-read \/etc/,
  },
  {
    name: "to write",
    act: 'Deno.writeTextFileSync("/tmp/x", "")',
    says: /it tried to use "write" for "\/tmp\/x", which no flag grants/,
  },
  {
    name: "a variable",
    act: 'Deno.env.get("HOME")',
    says: /it tried to use "env" for "HOME", which no flag grants/,
  },
  {
    name: "a program",
    act: 'new Deno.Command("ls").outputSync()',
    says: /it tried to use "run" for "ls", which no flag grants/,
  },
  {
    name: "a thread with more rights",
    act:
      'new Worker("data:text/javascript,1", { type: "module", deno: { permissions: { read: true } } })',
    says: /escalate/,
  },
  {
    name: "a thread that fetches",
    act:
      'const w = new Worker("data:text/javascript,try { await fetch(\\"http://127.0.0.1:9009/\\") } catch (e) { postMessage(e.message) }", { type: "module" }); const said = await new Promise((done) => w.onmessage = (e) => done(e.data)); throw new Error(said)',
    says: /it tried to reach "127\.0\.0\.1:9009"/,
  },
];
for (const { name, act, says } of refused) {
  Deno.test(`a custom plugin may not use ${name}`, async () => {
    await withFolder(async (folder) => {
      const plugins = await openIn(folder, doing(act, { root_dir: folder }));
      await rejects(ask(plugins), (error) => {
        ok(error instanceof PluginError, String(error));
        ok(error.kind === "refused" || name === "a thread with more rights", error.kind);
        match(error.message, /^Cannot ask plugin "\.\/lab\.ts#Does" for tile x 0, y 0, z 0, t 0: /);
        match(error.message, says);
        return true;
      });
    });
  });
}

Deno.test("what is granted is granted: a folder, a file, a host; and no other", async () => {
  await withFolder(async (folder) => {
    const other = join(folder, "other");
    await Deno.mkdir(other);
    await Deno.writeTextFile(join(other, "size"), "512");
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      () => new Response("512"),
    );
    const host = `127.0.0.1:${server.addr.port}`;
    const act = `const width = Number(await Deno.readTextFile("${other}/size")); ` +
      `const height = Number(await (await fetch("http://${host}/")).text()); return { width, height };`;
    const recipe = await ask(
      await openIn(folder, doing(act), { grants: { read: [other], net: [host] } }),
    );
    ok("plane" in recipe && recipe.plane.kind === "pixels");
    await rejects(
      ask(await openIn(folder, doing(act), { grants: { read: [other] } })),
      /--grant-net 127/,
    );
    await rejects(
      ask(await openIn(folder, doing(act), { grants: { net: [host] } })),
      /--grant-read .*other grants/,
    );
    for (const net of ["*", "http://a.lab", "a.lab/x", "a b"]) {
      await rejects(
        openIn(folder, doing(act), { grants: { net: [net] } }),
        /Cannot grant plugins the host .*write a host alone/,
      );
    }
  });
});

Deno.test("a path that a custom plugin may not read is not read for it either", async () => {
  await withFolder(async (folder) => {
    const file = customTiles("./lab.ts", ["Secret", { root_dir: folder }], undefined);
    await rejects(ask(await openIn(folder, file)), {
      name: "PluginError",
      kind: "refused",
      message: /it names "\/etc\/hostname", which it may not read; --grant-read \/etc grants it$/,
    });
    await ask(await openIn(folder, file, { grants: { read: ["/etc"] } }));
    // A tile processor of the lab's own gets whatever the path is: it is confined itself.
    const own = customTiles("./lab.ts", ["Secret", {}], ["Bytes", {}]);
    await rejects(
      ask(await openIn(folder, own)),
      /lab\.ts#Bytes".* it tried to read "\/etc\/hostname"/,
    );
  });
});

const wrong = [
  {
    answer: "undefined",
    says:
      /it must give the bytes of an image, or an object with data, width, height, and gave undefined$/,
  },
  { answer: "({ width: 512, height: 512 })", says: /and gave an object with width, height$/ },
  {
    answer: "({ data: [1, 2], width: 1, height: 2 })",
    says: /in "data" an array of voxels, such as Uint8Array or Uint16Array, and gave a list$/,
  },
  {
    answer: "({ data: new Float64Array(2), width: 1, height: 2 })",
    says: /and gave a Float64Array$/,
  },
  {
    answer: "({ data: new Uint8Array(5), width: 512, height: 512 })",
    says: /it gave 5 voxels for 512 x 512, which are 262144$/,
  },
  {
    answer: "({ data: new Uint8Array(6), width: 3, height: 2 })",
    says: /it gave 3 x 2 pixels, and this tile has 512 x 512$/,
  },
  {
    answer: "({ data: new Uint8Array(6), width: 3.5, height: 2 })",
    says: /in "width" an integer of 1 or more/,
  },
  {
    answer: "new Uint8Array([1, 2, 3])",
    says: /it gave bytes that are no tile: they are neither PNG nor TIFF nor JPEG$/,
  },
  { answer: "() => 7", says: /it threw DataCloneError/ },
];
for (const { answer, says } of wrong) {
  Deno.test(`a custom tile processor must not give ${answer}`, async () => {
    await withFolder(async (folder) => {
      const file = customTiles("./lab.ts", undefined, ["Answers", { answer }]);
      await rejects(ask(await openIn(folder, file)), { name: "PluginError", message: says });
    });
  });
}

const wrongChunks = [
  {
    answer: "({ data: new Uint8Array(8), size: [2, 2] })",
    says: /in "size" three integers of 1 or more/,
  },
  {
    answer: "({ data: new Uint8Array(8), size: [2, 2, 2], offset: [0, 0, -1] })",
    says: /in "offset" three integers/,
  },
  {
    answer: "({ data: new Uint8Array(8), size: [2, 2, 2], offset: [511, 0, 0] })",
    says:
      /it gave 2 x 2 x 2 voxels at \[511,0,0\], which reach beyond the chunk of 512 x 512 x 32$/,
  },
  {
    answer: "({ data: new Uint8Array(7), size: [2, 2, 2] })",
    says: /it gave 7 voxels for 2 x 2 x 2, which are 8$/,
  },
];
for (const { answer, says } of wrongChunks) {
  Deno.test(`a custom chunk processor must not give ${answer}`, async () => {
    await withFolder(async (folder) => {
      const plugins = await openIn(folder, customChunks("./lab.ts", "Answers", { answer }));
      await rejects(ask(plugins), { name: "PluginError", kind: "answer", message: says });
    });
  });
}

const ends = [
  {
    act: "Deno.exit(3)",
    kind: "ended",
    says: /its thread ended: it called Deno\.exit\(\); mend it/,
  },
  { act: "self.close()\nawait new Promise(() => {})", kind: "ended", says: /it called close\(\)/ },
  {
    act: 'setTimeout(() => { throw new Error("later") }); await new Promise(() => {})',
    kind: "ended",
    says: /its thread ended: Error: later/,
  },
  {
    act: "await new Promise(() => {})",
    kind: "late",
    says: /it gave no answer within 0\.5 s, and its thread was ended; mend what it waits for$/,
  },
] as const;
for (const { act, kind, says } of ends) {
  Deno.test(`a custom plugin that ends with ${act} costs one question`, async () => {
    await withFolder(async (folder) => {
      await Deno.writeTextFile(join(folder, "now"), act);
      const file = doing(
        "const act = await Deno.readTextFile(path); await new (Object.getPrototypeOf(async () => {}).constructor)(act)()",
        { root_dir: folder },
      );
      const plugins = await openIn(folder, file, { seconds: 0.5 });
      if (plugins.kind !== "tile") throw new Error("no tile job");
      await rejects(async () => await plugins.tiles.process(join(folder, "now"), AT), {
        name: "PluginError",
        kind,
        message: says,
      });
      await Deno.writeTextFile(join(folder, "now"), "");
      equal((await plugins.tiles.process(join(folder, "now"), AT)).plane.kind, "pixels");
      plugins.close?.();
    });
  });
}

Deno.test("an abort ends the wait for a custom plugin with its own reason", async () => {
  await withFolder(async (folder) => {
    const plugins = await openIn(folder, doing("await new Promise(() => {})"));
    const stopping = new AbortController();
    const asked = Promise.all(
      [0, 1, 2, 3, 4, 5].map((x) => rejects(ask(plugins, { ...AT, x }, stopping.signal), /enough/)),
    );
    setTimeout(() => stopping.abort(new Error("enough")), 50);
    await asked;
  });
});

Deno.test("a custom plugin's secrets are not in its errors", async () => {
  await withFolder(async (folder) => {
    const file = doing('throw new Error("no answer to key-0123456789")', {
      api_key: "key-0123456789",
    });
    await rejects(ask(await openIn(folder, file)), /it threw Error: no answer to …$/);
  });
});

const faults = [
  {
    name: "./none.ts#Does",
    says:
      /"\/.*\/none\.ts" cannot be read .*modules are relative to the folder of the configuration$/,
  },
  { name: "./lab.ts#Dos", says: /its module exports no class "Dos": it exports .*Does/ },
  { name: "./lab.ts#notAClass", says: /its module exports no class "notAClass"/ },
  { name: "./lab.ts", says: /it names no class; write the class behind the module/ },
  { name: "./lab.ts#Sections", says: /Error: root_dir is missing$/ },
  {
    name: "ftp://a.lab/a.ts#A",
    says: /that is no module; write a path, relative to the configuration, or an https address$/,
  },
  {
    name: "https://me:pass@a.lab/a.ts#A",
    says: /its address holds a name, a password or a query.*leave them away$/,
  },
];
for (const { name, says } of faults) {
  Deno.test(`checkBossConfig() tells what is wrong with "${name}"`, async () => {
    await withFolder(async (folder) => {
      const file = doing("");
      file.client.tile_processor.class = name;
      await Deno.writeTextFile(join(folder, "lab.ts"), MODULE);
      await Deno.writeTextFile(join(folder, "job.json"), JSON.stringify(file));
      const { faults } = await checkBossConfig(join(folder, "job.json"));
      deepEqual(faults.map(({ path }) => path), ["client.tile_processor.class"]);
      match(faults[0].reason, says);
      ok(!faults[0].reason.includes("pass@"));
    });
  });
}

Deno.test("a custom plugin from a URL is loaded, and may import from nowhere once it is", async () => {
  await withFolder(async (folder) => {
    const asked: string[] = [];
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      (request) => {
        const { pathname, search } = new URL(request.url);
        asked.push(pathname + search);
        const text = pathname === "/lab.ts"
          ? `import { one } from "./one.ts";\nexport { one };\n${MODULE}`
          : "export const one = 1;";
        return new Response(text, { headers: { "content-type": "application/typescript" } });
      },
    );
    const host = `127.0.0.1:${server.addr.port}`;
    const act = `await import("http://${host}/" + "tell.ts?secret")`;
    const file = customTiles(`http://${host}/lab.ts`, undefined, ["Does", { act }]);
    await Deno.writeTextFile(join(folder, "job.json"), JSON.stringify(file));
    const cli = new URL("../../cli.ts", import.meta.url).pathname;
    // In a process of its own, as what is imported would be noted in the lock file of the project.
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-lock", "-A", cli, "plugins", "test", join(folder, "job.json")],
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).output();
    match(
      new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr),
      new RegExp(`it tried to import a module from "${host}"`),
    );
    equal(code, 1);
    deepEqual([...new Set(asked)].sort(), ["/lab.ts", "/one.ts"]);
  });
});

Deno.test("a custom plugin is refused where workers have no permissions of their own, and the process goes on", async () => {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "lab.ts"), `${MODULE}\nconsole.error("it runs");`);
    await Deno.writeTextFile(join(folder, "job.json"), JSON.stringify(doing("")));
    const cli = new URL("../../cli.ts", import.meta.url).pathname;
    const run = async (...flags: readonly string[]) => {
      const read = flags.some((flag) => flag.startsWith("--allow-read")) ? [] : ["--allow-read"];
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "--no-prompt",
          "--no-config",
          ...read,
          "--allow-env",
          "--allow-sys",
          ...flags,
          cli,
          "validate",
          join(folder, "job.json"),
        ],
        env: { NO_COLOR: "1" },
        stdin: "null",
      }).output();
      const text = new TextDecoder();
      return { code, out: text.decode(stdout) + text.decode(stderr) };
    };
    const without = await run();
    equal(without.code, 2, without.out);
    match(
      without.out,
      /client\.tile_processor\.class: Cannot run plugin "\.\/lab\.ts#Does": .*run sluice with --unstable-worker-options, as deno task sluice:net and the executable do/,
    );
    ok(!without.out.includes("it runs"));
    const given = await run("--unstable-worker-options");
    equal(given.code, 0, given.out);
    match(given.out, /it runs/);
    // No more than this process itself may.
    const root = new URL("../../", import.meta.url).pathname;
    const narrow = await run(
      "--unstable-worker-options",
      `--allow-read=${root},${folder}/job.json`,
    );
    equal(narrow.code, 2, narrow.out);
    match(narrow.out, /"\/.*\/lab\.ts" cannot be read/);
  });
});

Deno.test("a custom plugin that computes for ever is asked some times, and then no more", async () => {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(
      join(folder, "lab.ts"),
      "export class Loop { process() { while (true); } }",
    );
    const file = customTiles(`${folder}/lab.ts`, undefined, ["Loop", {}]);
    const script = `
      import { openBossPlugins, parseBossConfig } from "${new URL(
      "../../mod.ts",
      import.meta.url,
    )}";
      const config = parseBossConfig(${JSON.stringify(file)}, "job.json");
      const { tiles } = await openBossPlugins(config, { seconds: 0.1 });
      for (let x = 0; x < 6; x++) {
        await tiles.process("", { x, y: 0, z: 0, t: 0 }).catch((error) => console.log(error.kind, error.reason));
      }
      Deno.exit(0);
    `;
    await Deno.writeTextFile(join(folder, "script.ts"), script);
    const root = new URL("../../", import.meta.url).pathname;
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-check",
        "--no-prompt",
        "--allow-read",
        "--allow-env",
        "--allow-sys",
        "--config",
        `${root}deno.json`,
        join(folder, "script.ts"),
      ],
      stdin: "null",
    }).output();
    const lines = new TextDecoder().decode(stdout).trim().split("\n");
    equal(code, 0);
    equal(lines.length, 6);
    ok(
      lines.slice(0, 4).every((line) =>
        /^late it gave no answer within 0\.1 s, .*computes without end/.test(line)
      ),
      lines.join("\n"),
    );
    ok(
      lines.slice(4).every((line) =>
        /^late 4 of its threads compute without end, and it is asked no more/.test(line)
      ),
      lines.join("\n"),
    );
  });
});

const imports = [
  { name: "a module beside it", text: 'import { one } from "./other.ts";' },
  { name: "a document", text: 'import secret from "./secret.json" with { type: "json" };' },
  {
    name: "a document, later",
    text: 'const secret = await import("./secret.json", { with: { type: "json" } });',
  },
] as const;
for (const { name, text } of imports) {
  Deno.test(`a custom plugin may not import ${name} unless that is granted`, async () => {
    await withFolder(async (folder) => {
      await Deno.writeTextFile(join(folder, "other.ts"), "export const one = 1;");
      await Deno.writeTextFile(join(folder, "secret.json"), '{ "token": "0123456789" }');
      await Deno.writeTextFile(join(folder, "whole.ts"), `${text}\n${MODULE}`);
      const file = customTiles("./whole.ts", undefined, ["Answers", { answer: "1" }]);
      await rejects(
        openIn(folder, file),
        /it tried to read ".*(other\.ts|secret\.json)", which it may not; --grant-read .* grants it$/,
      );
      (await openIn(folder, file, { grants: { read: [folder] } })).close?.();
    });
  });
}
