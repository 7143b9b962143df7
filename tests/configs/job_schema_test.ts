/**
 * The schema of job files, its copy in JSON, and the examples.
 *
 * `SLUICE_UPDATE=1 deno test -A tests/configs` writes `configs/job.schema.json` anew.
 */
import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { formatsOf } from "../../stores/volume.ts";
import { join } from "node:path";
import { TREE } from "../../cli/commands.ts";
import { gather, planOptions, workOptions } from "../../cli/job_options.ts";
import { type Call, parseCall } from "../../cli/parse.ts";
import { JOB_KEYS, jobJsonSchema } from "../../configs/job_schema.ts";
import { loadJob } from "../../configs/load_job.ts";
import { planIngest } from "../../tasks/plan.ts";
import { filesOf, pngOf, TestFolder, tiffOf } from "../_images.ts";

const configs = new URL("../../configs/", import.meta.url).pathname;

async function call(...words: string[]): Promise<Call> {
  const parsed = await parseCall(words, TREE);
  if (parsed.command === undefined) throw new Error("no command");
  return parsed;
}

Deno.test("job.schema.json is what the schema says", async () => {
  const path = join(configs, "job.schema.json");
  const text = `${JSON.stringify(jobJsonSchema(), null, 2)}\n`;
  if (Deno.env.get("SLUICE_UPDATE")) await Deno.writeTextFile(path, text);
  deepEqual(JSON.parse(await Deno.readTextFile(path)), JSON.parse(text));
});

Deno.test("every flag of ingest has a key, and every key a flag", () => {
  const flags = TREE.commands.find(({ name }) => name === "ingest")!.flags.map(({ name }) =>
    name === "no-verify" ? "verify" : name.replace(/-(.)/g, (_, letter) => letter.toUpperCase())
  );
  deepEqual(
    flags.filter((name) => name !== "config").sort(),
    JOB_KEYS.filter((key) => !["$schema", "source", "target"].includes(key)).sort(),
  );
});

const tiff16 = (first: number) => tiffOf([{ dtype: "uint16", first }]);
const examples: Record<string, Record<string, Uint8Array>> = {
  "tiff_stack.json": filesOf(["raw/section_0000.tif", "raw/section_0002.tif"], tiff16(1)),
  "boss_channel.json": filesOf(["raw/section_0000.tif", "raw/section_0001.tif"], tiff16(1)),
  "png_tiles.json": filesOf(
    ["tiles/0000/0_0.png", "tiles/0000/0_1.png", "tiles/0001/0_0.png"],
    pngOf(),
  ),
  "labels.json": filesOf(["cells/a.tif", "cells/b.tif"], tiffOf([{ dtype: "uint32" }])),
  "multipage.json": {
    "stack.tif": tiffOf(Array.from({ length: 13 }, (_, first) => ({ dtype: "uint16", first }))),
  },
};

Deno.test("every example is known here", async () => {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(join(configs, "examples"))) names.push(name);
  deepEqual(names.sort(), Object.keys(examples).sort());
});

for (const [name, files] of Object.entries(examples)) {
  Deno.test(`examples/${name} plans a stack of its kind`, async () => {
    await using folder = await TestFolder.of(files);
    await folder.put(name, await Deno.readTextFile(join(configs, "examples", name)));
    const path = join(folder.path, name);
    const { sources, targets: [target], flags } = await gather(
      await call("ingest", "--config", path),
      {
        needsTarget: true,
      },
    );
    const isChannel = target.startsWith("bossdb://");
    equal(isChannel || target.startsWith(folder.path), true);
    workOptions(flags);
    const { plan } = await planIngest(sources, {
      ...planOptions(flags),
      ...formatsOf([target]),
    });
    const job = await loadJob(path);
    const wanted = isChannel ? { kind: "bossdb" } : { kind: "ome-zarr", zarr: job.zarr ?? "0.5" };
    deepEqual(plan.store, wanted);
    equal(plan.kind, job.kind ?? "image");
    equal(plan.policies.missing, job.missing ?? "error");
    if (job.chunk === 64) deepEqual(plan.layout.scales[0].chunk, [64, 64, 64, 1, 1]);
    if (job.window) deepEqual([plan.policies.window, plan.layout.dtype], [[200, 3800], "uint8"]);
    if (job.z) equal(plan.layout.scales[0].size[2], 3);
  });
}

Deno.test("the command line counts more than the job file", async () => {
  await using folder = await TestFolder.of({
    "job.json": JSON.stringify({
      source: ["a.tif", "/b.tif"],
      target: "o",
      chunk: 64,
      overwrite: true,
      verify: false,
      levels: 2,
    }),
  });
  const path = join(folder.path, "job.json");
  const said = await gather(await call("ingest", "--config", path, "--chunk", "32", "elsewhere"), {
    needsTarget: true,
  });
  deepEqual(said.sources, [join(folder.path, "a.tif"), "/b.tif"]);
  deepEqual(said.targets, ["elsewhere"]);
  deepEqual(Object.fromEntries(said.flags), {
    chunk: "32",
    overwrite: true,
    levels: "2",
    "no-verify": true,
    config: path,
  });
});

const wrong = [
  {
    name: "an unknown key",
    text: `{"voxelsize": "4x4x40nm"}`,
    says: /there is no key "voxelsize", did you mean "voxelSize"\?/,
  },
  {
    name: "an unknown choice",
    text: `{"cast": "unit8"}`,
    says: /"cast": it is one of .*did you mean "uint8"\?/,
  },
  {
    name: "a wrong type",
    text: `{"overwrite": "yes"}`,
    says: /"overwrite": expected boolean, received string/,
  },
  { name: "two faults", text: `{"levels": 0, "x": "5"}`, says: /"levels": .*"x": write FIRST:END/ },
  { name: "no object", text: `[]`, says: /expected object, received array/ },
  { name: "no JSON", text: `{"source": "a",}`, says: /as JSON: .*commas at the end/ },
] as const;
for (const { name, text, says } of wrong) {
  Deno.test(`loadJob() refuses ${name}`, async () => {
    await using folder = await TestFolder.of({ "job.json": text });
    await rejects(loadJob(join(folder.path, "job.json")), (error: Error) => {
      equal(error.name, "UsageError");
      match(error.message, says);
      return true;
    });
  });
}

Deno.test("loadJob() says that there is no such file", async () => {
  await rejects(loadJob("/nowhere/job.json"), {
    name: "UsageError",
    message: /there is no such file/,
  });
});

Deno.test("gather() wants sources from somewhere", async () => {
  await using folder = await TestFolder.of({ "job.json": "{}" });
  const path = join(folder.path, "job.json");
  await rejects(
    gather(await call("plan", "--config", path), { needsTarget: false }),
    /has no key "source"/,
  );
  const said = await gather(await call("ingest", "--config", path, "x", "y"), {
    needsTarget: true,
  });
  deepEqual([said.sources, said.targets], [["x"], ["y"]]);
});
