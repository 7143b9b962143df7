import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { BLOB_VARIABLES } from "../../../stores/blobs/environment.ts";
import { openBlobs } from "../../../stores/blobs/open_blobs.ts";
import { serveRaw } from "../../_raw_http.ts";
import { serveS3, TEST_KEY } from "../../_s3_server.ts";
import { withFolder } from "../../_stack.ts";
import { bucketOptions } from "./_places.ts";
import { someBytes } from "./conformance.ts";

const MODULE = new URL("../../../stores/blobs/open_blobs.ts", import.meta.url);
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** Runs a script that has `openBlobs`, with no permission but these. */
async function run(
  script: string,
  permissions: readonly string[],
  env: Record<string, string> = {},
) {
  const code = `import { openBlobs } from ${JSON.stringify(MODULE.href)};\n${script}`;
  return await withScript(code, async (path) => {
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--quiet", ...permissions, path],
      cwd: ROOT,
      env,
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
    return { success, stdout: text(stdout), stderr: text(stderr) };
  });
}

async function withScript<T>(code: string, use: (path: string) => Promise<T>): Promise<T> {
  const path = await Deno.makeTempFile({ prefix: "sluice-test-", suffix: ".ts" });
  try {
    await Deno.writeTextFile(path, code);
    return await use(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("an address opens the place that it names, and nothing is asked or made before the first call", () =>
  withFolder(async (folder) => {
    const path = join(folder, "a b");
    for (const address of [path, pathToFileURL(path), pathToFileURL(path).href]) {
      equal((await openBlobs(address)).url, path);
    }
    equal((await openBlobs("data:2026/x")).url, resolve("data:2026/x"));
    deepEqual(await Array.fromAsync(Deno.readDir(folder)), []);
    await using server = serveS3();
    const options = bucketOptions(server);
    equal((await openBlobs("s3://bucket/x/", options)).url, "s3://bucket/x");
    equal((await openBlobs("gs://bucket", options)).url, "gs://bucket");
    equal((await openBlobs("https://data.lab/x/?key=1")).url, "https://data.lab/x");
    equal((await openBlobs(new URL("HTTP://data.lab"))).url, "http://data.lab");
    deepEqual(server.log, []);
    const blobs = await openBlobs("s3://bucket/x/", options);
    await blobs.put("it", someBytes(9));
    deepEqual(server.log, ["PUT /bucket/x/it"]);
  }));

Deno.test("an address of another kind is refused with the nearest one", async () => {
  const cases = {
    "s4://bucket":
      /^Cannot open "s4:…" as a place of blobs: it begins with none of "file:\/\/", "s3:\/\/".*; write a path for a folder$/,
    "htp://host/x": /^Cannot open "htp:…" .*; did you mean "http:\/\/"/,
    "s3:bucket/x": /write s3:\/\/… for that, and \.\/s3:… for a folder/,
    "https://": /"https:\/\/…" as a place of blobs: it is no address/,
    "file://elsewhere/x": /"file:\/\/elsewhere\/x" as a folder: it is the address of none here/,
  };
  for (const [address, message] of Object.entries(cases)) {
    await rejects(openBlobs(address), { name: "UsageError", message }, address);
  }
});

Deno.test("a bucket needs the network permission for its host alone, and no other", async () => {
  await using server = serveS3();
  const script = `
    const options = { endpoint: "${server.url}", credentials: ${JSON.stringify(TEST_KEY)} };
    const blobs = await openBlobs("s3://bucket/x", options);
    await blobs.put("it", Uint8Array.of(1, 2, 3));
    console.log((await blobs.get("it", { range: [-2] })).join());`;
  const host = new URL(server.url).host;
  deepEqual(await run(script, [`--allow-net=${host}`]), {
    success: true,
    stdout: "2,3",
    stderr: "",
  });
  const refused = await run(script, []);
  equal(refused.success, false);
  match(
    refused.stderr,
    new RegExp(`Cannot reach "${host}" over the network: .*run it with --allow-net=${host}`),
  );
});

Deno.test("keys of the environment need the permission for those variables, and the error says so", async () => {
  await using server = serveS3();
  const script = `
    const blobs = await openBlobs("s3://bucket");
    await blobs.put("it", Uint8Array.of(1));
    console.log((await blobs.head("it")).size);`;
  const env = {
    AWS_ACCESS_KEY_ID: TEST_KEY.accessKeyId,
    AWS_SECRET_ACCESS_KEY: TEST_KEY.secretAccessKey,
    AWS_ENDPOINT_URL: server.url,
  };
  const net = `--allow-net=${new URL(server.url).host}`;
  const allowed = await run(script, [net, `--allow-env=${BLOB_VARIABLES}`], env);
  deepEqual(allowed, { success: true, stdout: "1", stderr: "" });
  const refused = await run(script, [net, "--allow-env=AWS_ENDPOINT_URL"], env);
  match(
    refused.stderr,
    /Cannot find credentials for S3: .*run it with --allow-env=AWS_ACCESS_KEY_ID,/,
  );
});

Deno.test("a folder needs the permission for itself alone", () =>
  withFolder(async (folder) => {
    const root = join(folder, "root");
    const script = `
      const blobs = await openBlobs(${JSON.stringify(root)});
      console.log(await blobs.putIfAbsent("a/b", Uint8Array.of(1)), await blobs.putIfAbsent("a/b", Uint8Array.of(2)));
      await blobs.put("a/c", Uint8Array.of(1, 2));
      await blobs.delete("a/b");
      console.log((await Array.fromAsync(blobs.list(""))).length, (await blobs.sweep("")).length);`;
    const permissions = [`--allow-read=${root}`, `--allow-write=${root}`];
    deepEqual(await run(script, permissions), {
      success: true,
      stdout: "true false\n1 0",
      stderr: "",
    });
    const refused = await run(
      `await (await openBlobs(${JSON.stringify(root)})).put("x", new Uint8Array());`,
      [
        `--allow-read=${root}`,
      ],
    );
    match(refused.stderr, /Cannot write ".*x": .*run sluice with the permission for it/);
  }));

Deno.test("the bucket is named in the host at AWS, and where it is wanted; the host is signed", async () => {
  await using server = serveS3();
  const hosts: string[] = [];
  // It stands in for all hosts, as a proxy does.
  await using proxy = serveRaw((request) => {
    const { host, pathname } = new URL(request.path);
    hosts.push(host);
    return forward(server.url, { ...request, path: pathname });
  });
  const script = `
    const options = { endpoint: "http://s3.lab.test", pathStyle: false, credentials: ${
    JSON.stringify(TEST_KEY)
  } };
    const blobs = await openBlobs("s3://bucket/x", options);
    await blobs.put("it/ü", Uint8Array.of(1, 2, 3));
    for await (const { key } of blobs.list("")) console.log(key);`;
  const proxied = { HTTP_PROXY: proxy.url, http_proxy: proxy.url, NO_PROXY: "", no_proxy: "" };
  const result = await run(script, ["--allow-net"], proxied);
  deepEqual(result, { success: true, stdout: "it/ü", stderr: "" });
  deepEqual(hosts, ["bucket.s3.lab.test", "bucket.s3.lab.test"]);
  deepEqual(server.log.map((line) => line.replace(/\?.*/, "")), ["PUT /x/it/ü", "GET /"]);
});

/** Sends a request on as it came, its host too. */
async function forward(
  url: string,
  { method, path, query, headers, body }: Parameters<Parameters<typeof serveRaw>[0]>[0],
) {
  const { hostname, port } = new URL(url);
  using line = await Deno.connect({ hostname, port: Number(port) });
  const rows = Array.from(headers, ([name, value]) => `${name}: ${value}\r\n`).join("");
  const head = new TextEncoder().encode(
    `${method} ${path}${query && `?${query}`} HTTP/1.1\r\n${rows}\r\n`,
  );
  const all = new Uint8Array([...head, ...body]);
  for (let done = 0; done < all.length;) done += await line.write(all.subarray(done));
  let text = "";
  const buffer = new Uint8Array(65_536);
  for (let length = Infinity; text.length < length;) {
    const read = await line.read(buffer);
    if (read === null) break;
    text += new TextDecoder("latin1").decode(buffer.subarray(0, read));
    const end = text.indexOf("\r\n\r\n");
    const said = /content-length: (\d+)/i.exec(text)?.[1];
    if (end >= 0) length = end + 4 + Number(said ?? 0);
  }
  const [start, ...lines] = text.slice(0, text.indexOf("\r\n\r\n")).split("\r\n");
  const answered = Object.fromEntries(lines.map((row) => row.split(/: (.*)/s, 2)));
  delete answered["content-length"];
  const rest = Uint8Array.from(
    text.slice(text.indexOf("\r\n\r\n") + 4),
    (letter) => letter.charCodeAt(0),
  );
  return { status: Number(start.split(" ")[1]), headers: answered, body: rest };
}
