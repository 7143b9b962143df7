/**
 * That the executable unpacks itself once, whatever happens meanwhile.
 * @module
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { BARE, namesIn, runAlone, startAlone, until } from "../../scripts/_executable.ts";
import { outcome } from "../../scripts/_process.ts";
import { VERSION } from "../../core/version.ts";
import { shared } from "./_made.ts";

/** Starts a first run, and waits until it is in the middle of unpacking. */
async function inMidUnpack(cache: string): Promise<Deno.ChildProcess> {
  const process = startAlone([shared().path, "--version"], {
    env: { PATH: shared().bin, SLUICE_CACHE: cache },
  });
  await until(async () => {
    const folder = (await namesIn(cache)).find((name) => name.startsWith(".unpack-"));
    if (folder === undefined) return false;
    const { size } = await Deno.stat(join(cache, folder, "deno")).catch(() => ({ size: 0 }));
    return size > 10e6;
  }, "it unpacks");
  return process;
}

Deno.test("a first run unpacks into a folder named by the contents; a second changes nothing", async () => {
  const cache = join(await shared().place(), "made by it");
  const run = () => shared().run(["--version"], { env: { SLUICE_CACHE: cache } });
  const first = await run();
  deepEqual([first.code, first.stderr], [0, ""]);
  match(first.stdout, new RegExp(`^sluice ${VERSION}\n`));
  ok(await shared().isWhole(cache));
  const times = async () => {
    const { mtime, ctime } = await Deno.stat(join(cache, shared().unpacks));
    return [mtime, ctime];
  };
  const before = await times();
  deepEqual(await run(), first);
  deepEqual(await times(), before);
});

Deno.test("8 first runs at once leave one copy and no litter", async () => {
  const cache = await shared().place();
  const runs = await Promise.all(
    Array.from({ length: 8 }, () => shared().run(["--version"], { env: { SLUICE_CACHE: cache } })),
  );
  for (const { code, stdout, stderr } of runs) {
    deepEqual([code, stderr], [0, ""]);
    match(stdout, /^sluice /);
  }
  ok(await shared().isWhole(cache), String(await namesIn(cache)));
});

Deno.test("kill -9 in mid-unpack: the next run unpacks anew and takes the remains away", async () => {
  const cache = await shared().place();
  const killed = await inMidUnpack(cache);
  killed.kill("SIGKILL");
  equal((await killed.output()).signal, "SIGKILL");
  ok(!(await namesIn(cache)).includes(shared().unpacks));
  const { code, stderr } = await shared().run(["--version"], { env: { SLUICE_CACHE: cache } });
  deepEqual([code, stderr], [0, ""]);
  ok(await shared().isWhole(cache), String(await namesIn(cache)));
});

for (const [signal, expected] of [["SIGTERM", 143], ["SIGINT", 130], ["SIGHUP", 129]] as const) {
  Deno.test(`${signal} in mid-unpack ends it with ${expected} and leaves nothing`, async () => {
    const cache = await shared().place();
    const process = await inMidUnpack(cache);
    process.kill(signal);
    equal((await process.output()).code, expected);
    deepEqual(await namesIn(cache), []);
  });
}

Deno.test("remains of other hosts are taken away when they are an hour old, not before", async () => {
  const cache = await shared().cache();
  const now = Math.floor(Date.now() / 1000);
  const [young, old] = [now - 600, now - 4000].map((born) => `.unpack-${born}.1.elsewhere-1`);
  const replaced = `${old}-old`;
  const claim = `.claim-sluice-0.0.1-0123456789ab`;
  for (const name of [young, old, replaced]) await Deno.mkdir(join(cache, name));
  await Deno.symlink(`${now - 4000}.1.elsewhere-1`, join(cache, claim));
  equal((await shared().run(["--version"], { env: { SLUICE_CACHE: cache } })).code, 0);
  deepEqual(await namesIn(cache), [young, shared().unpacks]);
});

Deno.test("a first run waits for one that unpacks, and for one that was lost no longer than two minutes", async () => {
  const cache = await shared().place();
  const claim = join(cache, `.claim-${shared().unpacks}`);
  const now = Math.floor(Date.now() / 1000);
  await Deno.symlink(`${now}.1.elsewhere-1`, claim);
  const waiting = startAlone([shared().path, "--version"], {
    env: { PATH: shared().bin, SLUICE_CACHE: cache },
  });
  await new Promise((resolve) => setTimeout(resolve, 1000));
  deepEqual(await namesIn(cache), [`.claim-${shared().unpacks}`]);
  await Deno.remove(claim);
  equal(outcome(await waiting.output()).code, 0);
  ok(await shared().isWhole(cache));

  const other = await shared().place();
  await Deno.symlink(`${now - 130}.1.elsewhere-1`, join(other, `.claim-${shared().unpacks}`));
  equal((await shared().run(["--version"], { env: { SLUICE_CACHE: other } })).code, 0);
  ok(await shared().isWhole(other));
});

const damages = {
  "a file that is gone": (copy: string) => Deno.remove(join(copy, "cli.js")),
  "a file cut short": (copy: string) => Deno.truncate(join(copy, "deno"), 5_000_000),
  "a file too many": (copy: string) => Deno.writeTextFile(join(copy, "more.js"), "1"),
  "a file in place of the folder": async (copy: string) => {
    await Deno.remove(copy, { recursive: true });
    await Deno.writeTextFile(copy, "");
  },
};
Deno.test("a damaged copy is replaced", async (t) => {
  const cache = await shared().cache();
  for (const [name, damage] of Object.entries(damages)) {
    await t.step(name, async () => {
      await damage(join(cache, shared().unpacks));
      const { code, stderr } = await shared().run(["--version"], { env: { SLUICE_CACHE: cache } });
      deepEqual([code, stderr], [0, ""]);
      ok(await shared().isWhole(cache));
    });
  }
});

Deno.test("an executable that was cut short, or changed, unpacks nothing", async () => {
  const bytes = await Deno.readFile(shared().path);
  const flipped = bytes.slice();
  flipped[flipped.length >> 1] ^= 1;
  for (const [name, broken] of [["short", bytes.slice(0, 30e6)], ["flipped", flipped]] as const) {
    const path = join(await shared().place(), name);
    await Deno.writeFile(path, broken, { mode: 0o755 });
    const cache = await shared().place();
    const { code, stdout, stderr } = await runAlone([path, "--version"], {
      env: { ...BARE, SLUICE_CACHE: cache },
    });
    deepEqual([code, stdout], [1, ""], name);
    equal(
      stderr,
      `sluice: Cannot unpack "${path}" as it is damaged; copy it again, and compare its SHA-256 sum\n`,
    );
    deepEqual(await namesIn(cache), []);
  }
});
