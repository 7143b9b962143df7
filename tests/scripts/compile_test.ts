/** What the executable is made of; tests/executable runs it. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { createHash } from "node:crypto";
import { join, relative } from "node:path";
import { bundle, filesBelow } from "../../scripts/_bundle.ts";
import { outcome } from "../../scripts/_process.ts";
import { listParts } from "../../scripts/_sbom.ts";
import { writeSelfUnpacking } from "../../scripts/_self_unpacking.ts";
import { compile, denoCompile, programFlags } from "../../scripts/compile.ts";
import { JPEG_FILES } from "../codecs/_jpeg_files.ts";
import { withFolder } from "../_stack.ts";
import { partsOfTree } from "./_parts.ts";

const decoder = new TextDecoder();
const OFFLINE = ["--no-config", "--no-lock", "--no-prompt", "--cached-only"];

Deno.test("programFlags() are those that cli.ts says itself, and the network", async () => {
  const [first] = (await Deno.readTextFile(new URL("../../cli.ts", import.meta.url))).split("\n");
  const [, ...alone] = first.slice(first.indexOf(" deno run ") + 6).split(" ");
  const variables = (flags: readonly string[]) =>
    flags.find((flag) => flag.startsWith("--allow-env="))!.slice("--allow-env=".length).split(",");
  const [more, less] = [await programFlags(), alone];
  deepEqual(
    less.filter((flag) => !flag.startsWith("--allow-env=") && !more.includes(flag)),
    [],
  );
  deepEqual(variables(less).filter((name) => !variables(more).includes(name)), []);
  equal(more.includes("--allow-net"), true);
});

/** Modules that a file of a bundle loads before it runs. */
async function loaded(folder: string, name: string): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--no-config", join(folder, name)],
    stderr: "null",
  }).output();
  const { modules } = JSON.parse(decoder.decode(stdout)) as { modules: { local?: string }[] };
  return modules.flatMap(({ local }) => local === undefined ? [] : relative(folder, local));
}

Deno.test("bundle() makes files that load nothing before it is used", () =>
  withFolder(async (folder) => {
    await bundle(folder, { commit: "c0ffee" });
    const files = (await filesBelow(folder)).filter((name) => name.endsWith(".js"));
    const first = await loaded(folder, "cli.js");
    let bytes = 0;
    for (const name of first) bytes += (await Deno.stat(join(folder, name))).size;
    ok(first.length < files.length / 3, `${first.length} of ${files.length} files`);
    ok(bytes < 100_000, `${bytes} bytes`);
    ok(!first.some((name) => name.includes("worker")));
  }));

Deno.test("bundle() brings worker and WebAssembly along, and needs no packages", () =>
  withFolder(async (folder) => {
    const program = join(folder, "program");
    await bundle(program, { commit: "c0ffee" });
    // Without the decoder in plain JavaScript there is the one in WebAssembly alone.
    const plain = (await filesBelow(program)).filter((name) => /turbojs_decode/.test(name));
    equal(plain.length, 1);
    await Deno.writeTextFile(join(program, plain[0]), "throw new Error('not this one');");
    await Deno.writeFile(join(folder, "s_0.jpg"), JPEG_FILES.colour);
    for (const workers of ["0", "1"]) {
      const { code, stderr } = outcome(
        await new Deno.Command(Deno.execPath(), {
          args: [
            "run",
            ...OFFLINE,
            ...await programFlags(),
            join(program, "cli.js"),
            ...["ingest", "s_0.jpg", "out.ome.zarr", "--overwrite", "--workers", workers],
          ],
          cwd: folder,
          env: { DENO_DIR: join(folder, "empty"), SLUICE_HOME: folder },
        }).output(),
      );
      equal(code, 0, stderr);
    }
  }));

Deno.test("writeSelfUnpacking() writes the same bytes for the same contents", () =>
  withFolder(async (folder) => {
    const runtime = join(folder, "runtime");
    await Deno.writeTextFile(runtime, "not really one");
    const write = async (name: string, text: string) => {
      await Deno.mkdir(join(folder, name, "pool"), { recursive: true });
      await Deno.writeTextFile(join(folder, name, "cli.js"), text);
      await Deno.writeTextFile(join(folder, name, "pool/worker.js"), "2");
      const path = join(folder, `${name}.out`);
      const flags = ["--allow-read"];
      const unpacks = await writeSelfUnpacking(path, {
        bundle: join(folder, name),
        runtime,
        flags,
        version: "1.2.3",
      });
      const hash = createHash("sha256").update(await Deno.readFile(path)).digest("hex");
      return { unpacks, hash, text: decoder.decode(await Deno.readFile(path)) };
    };
    const [a, b, other] = [await write("a", "1"), await write("b", "1"), await write("c", "3")];
    equal(a.hash, b.hash);
    match(a.unpacks, /^sluice-1\.2\.3-[0-9a-f]{12}$/);
    ok(a.unpacks !== other.unpacks);
    ok(a.text.includes("--cached-only --allow-read"));
    ok(!/@\w+@/.test(a.text.slice(0, a.text.indexOf("\nexit 126\n"))));
  }));

Deno.test("deno compile: what it makes is used if it is sluice; where it has no base it says so", () =>
  withFolder(async (folder) => {
    await bundle(join(folder, "bundle"), {});
    const said: string[] = [];
    const compileWith = async (base: string) => {
      Deno.env.set("DENORT_BIN", base);
      try {
        return await denoCompile(
          join(folder, "made"),
          join(folder, "bundle"),
          await programFlags(),
          (text) => said.push(text),
        );
      } finally {
        Deno.env.delete("DENORT_BIN");
      }
    };
    equal(await compileWith(join(folder, "absent")), false);
    match(
      said.at(-1)!,
      /^deno compile cannot be used here \(.+\); making an executable that unpacks/,
    );
    // Deno itself is no base, but it carries the files, and shows that they and the flags are taken.
    equal(await compileWith(Deno.execPath()), true);
    ok((await Deno.stat(join(folder, "made"))).size > (await Deno.stat(Deno.execPath())).size);
    Deno.env.set("DENORT_BIN", Deno.execPath());
    try {
      await rejects(compile({ folder: join(folder, "dist") }), /does not answer as sluice/);
    } finally {
      Deno.env.delete("DENORT_BIN");
    }
    deepEqual(await filesBelow(join(folder, "dist")), []);
  }));

Deno.test("listParts() names what is in it, with licences and hashes, and nothing else", () =>
  withFolder(async (folder) => {
    const parts = await partsOfTree(folder);
    const bom = JSON.parse(await listParts(parts));
    deepEqual([bom.bomFormat, bom.specVersion], ["CycloneDX", "1.5"]);
    deepEqual(bom, JSON.parse(await listParts(parts)), "the same parts give the same document");
    const names = bom.components.map(({ name }: { name: string }) => name);
    deepEqual(names, ["deno", ...parts.packages.map(({ name }) => name)].sort());
    ok(names.includes("zod") && !names.includes("fast-check") && !names.includes("assemblyscript"));
    const lock = JSON.parse(
      await Deno.readTextFile(new URL("../../deno.lock", import.meta.url)),
    ).npm;
    for (const { name, version, hashes, licenses } of bom.components) {
      ok(licenses[0].license.id, name);
      if (name === "deno") continue;
      const digest = Uint8Array.fromHex(hashes[0].content).toBase64();
      equal(lock[`${name}@${version}`].integrity, `sha512-${digest}`);
    }
    const { component } = bom.metadata;
    deepEqual([component.version, component.hashes[0].content], ["1.2.3", parts.sha256]);
    const { dependsOn } = bom.dependencies.find(({ ref }: { ref: string }) =>
      ref === component["bom-ref"]
    );
    equal(dependsOn.length, bom.components.length);
  }));
