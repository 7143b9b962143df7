/** `sluice doctor` as it is run, with the permissions that its task has and without. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { documents, type Files, serve, withHeaders } from "../tasks/_served.ts";
import { ended, type Ran, Sluice } from "./_sluice.ts";

const root = new URL("../../", import.meta.url);
const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", root))) as {
  readonly tasks: { readonly "sluice:net": string };
};

/** `deno task sluice:net`. */
async function run(...words: readonly string[]): Promise<Ran> {
  return await ended(
    new Deno.Command(Deno.execPath(), {
      args: [...config.tasks["sluice:net"].split(" ").slice(1), ...words],
      cwd: root,
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn(),
  );
}

const VOLUME: Files = documents({
  "/em/info": {
    type: "image",
    data_type: "uint8",
    num_channels: 1,
    scales: [{
      key: "s0",
      size: [7, 5, 3],
      chunk_sizes: [[4, 5, 3]],
      resolution: [4, 4, 40],
      encoding: "raw",
    }],
  },
  "/em/s0/0-4_0-5_0-3": new Uint8Array(60).fill(9),
  "/em/s0/4-7_0-5_0-3": new Uint8Array(45).fill(7),
});

Deno.test("sluice doctor finds nothing, and ends with 0", async () => {
  await using server = serve(VOLUME);
  const { code, stdout, stderr } = await run("doctor", `precomputed://${server.url}/em`);
  deepEqual([code, stderr], [0, ""]);
  match(stdout, new RegExp(`^${server.url}/em, asked as a page at https://neuroglancer-demo`));
  match(stdout, /^ {2}ok +CORS +Access-Control-Allow-Origin: \*$/m);
  match(stdout, /the chunk x 4:7 y 0:5 z 0:3 of scale 0 has 45 bytes/);
  match(stdout, /^Nothing is to be mended$/m);
  match(stdout, new RegExp(`^Give Neuroglancer precomputed://${server.url}/em$`, "m"));
});

Deno.test("sluice doctor ends with 1 where there is a fault, and says once what mends it", async () => {
  await using server = serve(VOLUME, (answer, { method }) => {
    const bare = { "access-control-allow-origin": undefined, server: "nginx" };
    return withHeaders(method === "OPTIONS" ? { ...answer, status: 405 } : answer, bare);
  });
  const { code, stdout } = await run("doctor", `${server.url}/em`);
  equal(code, 1);
  match(stdout, /^ {2}fault +CORS +there is no Access-Control-Allow-Origin/m);
  match(stdout, /^To mend CORS\n {2}nginx, in the location of the volume:\n {4}add_header /m);
  equal(stdout.split("add_header Access-Control-Allow-Origin").length, 2);
  match(stdout, /^1 fault$/m);
  ok(!stdout.includes("Give Neuroglancer"));

  const json = await run("doctor", `${server.url}/em`, "--json");
  equal(json.code, 1);
  const document = JSON.parse(json.stdout);
  deepEqual([document.faults, document.warnings, document.server], [1, 0, "nginx"]);
  equal(document.checks.find(({ check }: { check: string }) => check === "CORS").verdict, "fault");
});

Deno.test("sluice doctor asks as the page that --origin names", async () => {
  await using server = serve(VOLUME, (answer, { headers }) =>
    withHeaders(answer, {
      "access-control-allow-origin": "https://viewer.lab",
      "x-asked-by": headers.get("origin") ?? "",
      vary: "Origin",
    }));
  const address = `${server.url}/em`;
  equal((await run("doctor", address, "--origin", "https://viewer.lab/index.html")).code, 0);
  equal((await run("doctor", address)).code, 1);
  const wrong = await run("doctor", address, "--origin", "viewer");
  equal(wrong.code, 2);
  match(wrong.stderr, /Cannot ask as a page at "viewer": it is no address; write https:\/\/HOST/);
});

Deno.test("sluice doctor asks no server about a path, and none that it may not reach", async () => {
  const path = await run("doctor", "/data/out.ome.zarr");
  equal(path.code, 2);
  match(path.stderr, /it is a path, which no server is asked for/);

  await using server = serve(VOLUME);
  await using sluice = await Sluice.of();
  const { code, stderr } = await sluice.run("doctor", `${server.url}/em`);
  equal(code, 1);
  match(
    stderr,
    new RegExp(`sluice may not; run it with --allow-net=127\\.0\\.0\\.1:${server.port}`),
  );
});
