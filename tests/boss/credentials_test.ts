/** Where the token of the Boss is found, in which order, and that it is never shown. */
import { deepEqual, equal, match, ok, rejects, throws } from "node:assert/strict";
import { join } from "node:path";
import { inspect } from "node:util";
import { BossError } from "../../boss/boss_error.ts";
import {
  bossOrigin,
  BossToken,
  DEFAULT_BOSS_HOST,
  findBossToken,
  type FindTokenOptions,
} from "../../boss/credentials.ts";
import { withFolder } from "../_stack.ts";

/** A token that tells where it is from. */
const token = (from: string) => from.repeat(40).slice(0, 40);

const CONFIG = `
# A comment, with a token = ${token("9")}
[Default]
protocol = https
host = api.bossdb.io
token = ${token("d")}
[Project Service]
token = ${token("e")}
`;

interface Places {
  readonly argument?: string;
  readonly variable?: string;
  /** What intern.cfg says. */
  readonly config?: string;
  /** What token.json says. */
  readonly json?: string;
}

/** Puts what is said into its places. */
async function withPlaces(
  { argument, variable, config, json }: Places,
  test: (options: FindTokenOptions, home: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    const variables: Record<string, string | undefined> = { INTERN_TOKEN: variable, HOME: folder };
    if (config !== undefined) {
      await Deno.mkdir(join(folder, ".intern"));
      await Deno.writeTextFile(join(folder, ".intern", "intern.cfg"), config);
    }
    if (json !== undefined) await Deno.writeTextFile(join(folder, "token.json"), json);
    const env = { get: (name: string) => variables[name] };
    await test({ token: argument, env, folder }, folder);
  });
}

/** The letter of the token that is found. */
async function found(places: Places): Promise<string> {
  let letter = "";
  await withPlaces(places, async (options) => {
    letter = (await findBossToken(options)).authorization().slice(-1);
  });
  return letter;
}

const JSON_TOKEN = JSON.stringify({ token: token("f"), host: "api.theboss.io" });
const ALL = { argument: token("a"), variable: token("b"), config: CONFIG, json: JSON_TOKEN };

const ORDER: readonly { name: string; places: Places; letter: string }[] = [
  { name: "the argument before all", places: ALL, letter: "a" },
  { name: "the variable if no argument", places: { ...ALL, argument: undefined }, letter: "b" },
  { name: "an empty argument as none", places: { ...ALL, argument: "" }, letter: "b" },
  {
    name: "intern.cfg if neither, and an empty variable as none",
    places: { ...ALL, argument: undefined, variable: " " },
    letter: "d",
  },
  { name: "token.json last", places: { json: JSON_TOKEN }, letter: "f" },
  {
    name: "the section [Project Service] where [Default] has none",
    places: { config: CONFIG.replace(`token = ${token("d")}`, "") },
    letter: "e",
  },
  {
    name: "what configparser reads: colons, letter case of names, lines set in, a default of all",
    places: {
      config: `[DEFAULT]\r\nTOKEN : ${
        token("c")
      }\r\n[default]\r\ntoken=x\r\n[Default]\r\nhost = h\r\n  token = y\r\n`,
    },
    letter: "c",
  },
  {
    name: "token.json where intern.cfg has no token",
    places: { config: "[Metadata Service]\ntoken = x\n", json: JSON_TOKEN },
    letter: "f",
  },
  {
    name: "a good argument though files are broken",
    places: { argument: token("a"), config: "\0", json: "{" },
    letter: "a",
  },
];
for (const { name, places, letter } of ORDER) {
  Deno.test(`findBossToken() takes ${name}`, async () => equal(await found(places), letter));
}

Deno.test("T24: token.json is read, after all else, and a token that is passed over is noted", async () => {
  await withPlaces({ ...ALL, argument: undefined }, async (options, folder) => {
    const found = await findBossToken({ ...options, host: "api.bossdb.io" });
    equal(found.source, "the variable INTERN_TOKEN");
    deepEqual(found.notes, [
      `"${join(folder, ".intern", "intern.cfg")}" holds another token, which is not used`,
      `"${join(folder, "token.json")}" holds another token, which is not used`,
    ]);
  });
  await withPlaces({ json: JSON_TOKEN }, async (options, folder) => {
    const found = await findBossToken({ ...options, host: "api.bossdb.io" });
    equal(found.source, `"${join(folder, "token.json")}"`);
    deepEqual(found.notes, [
      `${found.source} has its token for host "api.theboss.io", and it goes to "api.bossdb.io"`,
    ]);
    deepEqual((await findBossToken({ ...options, host: "API.theboss.io" })).notes, []);
  });
  const same = { variable: `${token("f")}\n`, json: JSON_TOKEN };
  await withPlaces(same, async (options) => deepEqual((await findBossToken(options)).notes, []));
});

Deno.test("without a token the error says where none is, and what to do", async () => {
  await withPlaces({ config: "[default]\ntoken = x\n", variable: "" }, async (options, folder) => {
    await rejects(findBossToken(options), {
      name: "BossError",
      kind: "token",
      message: `Cannot find a token for the Boss: the token that was given is none, ` +
        `the variable INTERN_TOKEN is empty, "${join(folder, ".intern", "intern.cfg")}" has no ` +
        `"token" in section [Default] or [Project Service], "${
          join(folder, "token.json")
        }" is not there; make one on the page /v1/mgmt/token of the Boss and set INTERN_TOKEN`,
    });
  });
});

Deno.test("a file that should hold the token and is broken is an error that quotes nothing of it", async () => {
  const secret = token("5");
  const broken = [`{"token": "${secret}"`, `{"tokens": "${secret}"}`, `["${secret}"]`, "null"];
  for (const json of broken) {
    await withPlaces({ json }, async (options) => {
      await rejects(findBossToken(options), (error) => {
        ok(error instanceof BossError && error.kind === "token");
        match(error.message, /^Cannot read ".*token\.json" for the token of the Boss: /);
        ok(!inspect(error).includes(secret.slice(0, 6)), inspect(error));
        return true;
      });
    });
  }
  for (const argument of ["two words", "line\nbreak", "ünïcode", `${secret}\u0000`]) {
    await withPlaces({ argument }, async (options) => {
      await rejects(findBossToken(options), (error) => {
        ok(error instanceof BossError && error.kind === "token");
        ok(!error.message.includes(argument.slice(0, 4)), error.message);
        return true;
      });
    });
  }
  await withFolder(async (folder) => {
    await Deno.mkdir(join(folder, "token.json"));
    await rejects(findBossToken({ env: { get: () => undefined }, folder }), {
      kind: "token",
      message: /token\.json" for the token of the Boss: it is there and cannot be read; mend it/,
    });
  });
});

Deno.test("a token is shown by nothing but the header it goes into", () => {
  const held = new BossToken(` ${token("a")}\n`, "the test");
  equal(held.authorization(), `Token ${token("a")}`);
  const shown = [
    `${held}`,
    JSON.stringify({ held }),
    inspect(held, { depth: 9, showHidden: true }),
  ];
  shown.push(Deno.inspect(held), String(Object.values(held)), held.scrub(`x${token("a")}x`));
  for (const text of shown) ok(!text.includes("aaaa"), text);
  equal(held.scrub(`x${token("a")}x`), "x…x");
  equal(`${held}`, "[token of the test]");
  equal(new BossToken("public", "the test").authorization(), "Token public");
});

Deno.test("what may not be read is said, with the permission that is wanting", async () => {
  const script = `
    import { findBossToken } from ${
    JSON.stringify(new URL("../../boss/credentials.ts", import.meta.url).href)
  };
    await findBossToken().catch((error) => console.log(error.message));
  `;
  await withFolder(async (folder) => {
    const path = join(folder, "find.ts");
    await Deno.writeTextFile(path, script);
    const args = ["run", "--no-prompt", "--no-config", path];
    const { stdout } = await new Deno.Command(Deno.execPath(), { args, cwd: folder }).output();
    equal(
      new TextDecoder().decode(stdout).trim(),
      `Cannot find a token for the Boss: the token that was given is none, the variable INTERN_TOKEN may not be read (--allow-env=INTERN_TOKEN), intern.cfg has no home (--allow-env=HOME), "token.json" may not be read (--allow-read=token.json); make one on the page /v1/mgmt/token of the Boss and set INTERN_TOKEN`,
    );
  });
});

Deno.test("T22: a call without a configuration has a host of its own, and any other may be given", () => {
  equal(bossOrigin({ host: DEFAULT_BOSS_HOST }), "https://api.theboss.io");
  equal(bossOrigin({ host: "api.bossdb.io" }), "https://api.bossdb.io");
  equal(bossOrigin({ host: "localhost:8000", protocol: "http" }), "http://localhost:8000");
  throws(() => bossOrigin({ host: "h", protocol: "HTTPS" }), {
    name: "UsageError",
    message:
      `Cannot reach the Boss by protocol "HTTPS": it is neither "https" nor "http"; mend "protocol" of client.backend`,
  });
});
