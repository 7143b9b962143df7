/** Settings of intern, with the server in them. */
import { deepEqual, ok, rejects } from "node:assert/strict";
import { readInternSettings } from "../../boss/intern_file.ts";
import { TestFolder } from "../_images.ts";

const TOKEN = "0123456789abcdef0123456789abcdef01234567";
const SETTINGS = `host = api.bossdb.io\nprotocol = https\ntoken = ${TOKEN}\n`;
const none = new Map<string, string>();

const files = [
  { name: "[Default]", text: `[Default]\n${SETTINGS}` },
  {
    name: "[Project Service], which comes before [Default]",
    text: `[Default]\nhost = a\nprotocol = http\ntoken = b\n[Project Service]\n${SETTINGS}`,
  },
  {
    name: "[DEFAULT], which gives others what they do not say",
    text: `[DEFAULT]\n${SETTINGS}[Default]\n`,
  },
];
for (const { name, text } of files) {
  Deno.test(`readInternSettings() reads ${name}`, async () => {
    await using folder = await TestFolder.of({ "boss.cfg": text });
    const path = `${folder.path}/boss.cfg`;
    const { server, token, source } = await readInternSettings(path, { env: none });
    deepEqual(server, { host: "api.bossdb.io", protocol: "https" });
    deepEqual([token, source], [TOKEN, `"${path}"`]);
  });
}

Deno.test("readInternSettings() takes the environment where there is no file, all of it or nothing", async () => {
  const env = new Map([
    ["INTERN_HOST", "localhost:8000"],
    ["INTERN_PROTOCOL", "http"],
    ["INTERN_TOKEN", TOKEN],
  ]);
  deepEqual(await readInternSettings("no/such.cfg", { env }), {
    server: { host: "localhost:8000", protocol: "http" },
    token: TOKEN,
    source: "the variable INTERN_TOKEN",
  });
  env.delete("INTERN_PROTOCOL");
  await rejects(
    readInternSettings("no/such.cfg", { env }),
    /^BossError: Cannot read "no\/such\.cfg" as settings of intern: it is not there, and INTERN_PROTOCOL, INTERN_HOST, INTERN_TOKEN are not all set; give/,
  );
});

Deno.test("readInternSettings() says what a file lacks, and nothing of what it has", async () => {
  await using folder = await TestFolder.of({
    "a.cfg": `[Default]\ntoken = ${TOKEN}\nprotocol = https\n`,
    "b.cfg": `[default]\n${SETTINGS}`,
  });
  for (
    const [name, state] of [["a", /it says no "host"/], [
      "b",
      /neither a section \[Default\] nor/,
    ]] as const
  ) {
    await rejects(readInternSettings(`${folder.path}/${name}.cfg`, { env: none }), (error) => {
      ok(error instanceof Error && state.test(error.message), String(error));
      return !error.message.includes(TOKEN);
    });
  }
});
