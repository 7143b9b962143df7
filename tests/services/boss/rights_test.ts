/** Whom a served Boss believes: tokens, and keys of jobs, which allow what the policy of the Boss allows and no more. */
import { deepEqual, doesNotMatch, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { openBossServer } from "../../../services/boss/server.ts";
import { configOf, JobClient, Served } from "./_served.ts";

const TILES = configOf("tile", { x: [0, 512], y: [0, 512], z: [0, 3] });

const withToken = (token: string) => ({ headers: { authorization: `Token ${token}` } });

Deno.test("a token is made once, its owner alone may read it, and no line of the log has it", async () => {
  await using served = await Served.open();
  const { token } = served;
  match(token, /^[0-9a-f]{40}$/);
  if (Deno.build.os !== "windows") {
    equal((await Deno.stat(join(served.root, "token"))).mode! & 0o777, 0o600);
  }
  await served.stop();
  await served.start();
  equal(served.token, token);
  const job = await JobClient.create(served, TILES);
  await job.messages();
  ok(served.log.some((line) => /^ReceiveMessage sluice-upload-1 200 \d+ ms$/.test(line)));
  const { secretAccessKey, accessKeyId } = job.join.access.keys;
  for (const secret of [token, secretAccessKey, accessKeyId]) {
    ok(!served.log.some((line) => line.includes(secret)));
  }
});

const strangers = [
  { name: "another token", headers: withToken("0123456789abcdef0123456789abcdef01234567").headers },
  { name: "a password", headers: { authorization: "Basic bWU6bWU=" } },
  { name: "the token of nobody", headers: withToken("public").headers },
] as const;
const doors = [
  ["GET", "v1/collection/lab"],
  ["POST", "v1/collection/other"],
  ["DELETE", "v1/collection/lab/experiment/exp/channel/em"],
  ["GET", "v1/cutout/lab/exp/em/0/0:1/0:1/0:1/"],
  ["POST", "v1/cutout/lab/exp/em/0/0:1/0:1/0:1/"],
  ["PUT", "v1/cutout/to_black/lab/exp/em/0/0:1/0:1/0:1/"],
  ["PUT", "v1/meta/lab/?key=a&value=b"],
  ["GET", "latest/ingest/"],
  ["POST", "latest/ingest/"],
] as const;

for (const { name, headers } of strangers) {
  Deno.test(`${name} opens nothing`, async () => {
    await using served = await Served.open();
    for (const [method, path] of doors) {
      const body = method === "GET" || method === "DELETE" ? undefined : "{}";
      const { status, json } = await served.ask(method, path, { headers, body });
      equal(status, 401, `${method} ${path}`);
      ok(typeof json.detail === "string");
    }
  });
}

Deno.test("what is public may be read without a token, and not written", async () => {
  await using served = await Served.open();
  const path = "v1/collection/lab/experiment/exp/channel/em";
  equal((await served.ask("PUT", path, { body: `{"public":true}` })).status, 200);
  const headers = withToken("public").headers;
  equal((await served.ask("GET", path, { headers })).status, 200);
  const cutout = "v1/cutout/lab/exp/em/0/0:1/0:1/0:1/";
  equal((await served.ask("GET", cutout, { headers })).status, 200);
  equal((await served.ask("POST", cutout, { headers, body: "x" })).status, 401);
  equal((await served.ask("GET", "v1/collection/lab", { headers })).status, 401);
  deepEqual((await served.ask("GET", "v1/collection/", { headers })).json, { collections: [] });
});

interface Call {
  readonly path: string;
  readonly body: string;
  readonly headers: Record<string, string>;
}

/** A call of a queue, by both protocols. */
function calls(url: string, action: string, fields: Record<string, unknown>): Call[] {
  return [
    {
      path: new URL(url).pathname,
      body: new URLSearchParams({
        Action: action,
        Version: "2012-11-05",
        ...Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)])),
      }).toString(),
      headers: { "content-type": "application/x-www-form-urlencoded" },
    },
    {
      path: "/",
      body: JSON.stringify({ QueueUrl: url, ...fields }),
      headers: {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": `AmazonSQS.${action}`,
      },
    },
  ];
}

Deno.test("keys of a job may do to its queues what the policy allows, by both protocols", async () => {
  await using served = await Served.open();
  const job = await JobClient.create(served, TILES);
  const { uploadQueue, indexQueue } = job.join.access;
  const may = async (url: string, action: string, fields: Record<string, unknown> = {}) => {
    const answers = [];
    for (const call of calls(url, action, fields)) answers.push(await job.signed("sqs", call));
    return answers;
  };
  for (
    const [url, action] of [
      [uploadQueue, "ChangeMessageVisibility"],
      [uploadQueue, "SendMessage"],
      [uploadQueue, "PurgeQueue"],
      [uploadQueue, "DeleteQueue"],
      [indexQueue!, "ReceiveMessage"],
      [indexQueue!, "DeleteMessage"],
      [uploadQueue.replace("upload-1", "upload-2"), "ReceiveMessage"],
    ] as const
  ) {
    const [query, json] = await may(url, action, { MessageBody: "x", ReceiptHandle: "x" });
    deepEqual([query.status, json.status], [403, 403], action);
    match(query.text, /<Code>AccessDenied<\/Code>/);
    match(json.text, /#AccessDeniedException"/);
  }
  const [query, json] = await may(uploadQueue, "ReceiveMessage", { VisibilityTimeout: 60 });
  match(query.text, /<ReceiptHandle>AQEB[^<]+<\/ReceiptHandle><MD5OfBody>[0-9a-f]{32}</);
  const { Messages: [{ ReceiptHandle, Body }] } = JSON.parse(json.text);
  match(Body, /"tile_key":/);
  const [{ text }] = await may(uploadQueue, "GetQueueAttributes");
  match(text, /<Name>ApproximateNumberOfMessages<\/Name><Value>1</);
  const [, batch] = calls(uploadQueue, "DeleteMessageBatch", {
    Entries: [{ Id: "a", ReceiptHandle }, { Id: "b", ReceiptHandle: "nonsense" }],
  });
  const { Successful, Failed } = JSON.parse((await job.signed("sqs", batch)).text);
  deepEqual([Successful.length, Failed[0].Id, Failed[0].SenderFault], [1, "b", true]);
  served.ahead += 61_000;
  equal((await job.messages()).length, 2);
});

Deno.test("a signature that is wrong, unknown or old is refused by the code that a client knows", async () => {
  await using served = await Served.open({ keySeconds: 100 });
  const job = await JobClient.create(served, TILES);
  const call = calls(job.join.access.uploadQueue, "ReceiveMessage", {})[0];
  const codeOf = ({ text }: { text: string }) => /<Code>(.*)<\/Code>/.exec(text)?.[1];
  equal(codeOf(await job.signed("sqs", { ...call, secret: "x" })), "SignatureDoesNotMatch");
  const put = { method: "PUT", path: "/sluice-tiles/x" };
  equal(codeOf(await job.signed("s3", { ...put, secret: "x" })), "SignatureDoesNotMatch");
  served.ahead += 101_000;
  equal(codeOf(await job.signed("sqs", call)), "InvalidClientTokenId");
  equal(codeOf(await job.signed("s3", put)), "InvalidAccessKeyId");
  served.ahead = 16 * 60_000;
  const other = await JobClient.join(served, job.id);
  const again = { ...call, path: new URL(other.join.access.uploadQueue).pathname };
  equal(codeOf(await other.signed("sqs", again)), "RequestExpired");
  const unsigned = await served.ask("PUT", "sluice-tiles/x", { body: "x", headers: {} });
  equal(unsigned.status, 404);
});

Deno.test("keys of a job put its own objects into its own bucket, and do nothing else there", async () => {
  await using served = await Served.open();
  const job = await JobClient.create(served, TILES);
  const key = encodeURIComponent(JSON.parse((await job.messages())[0].body).tile_key);
  const put = (path: string, method = "PUT", headers = {}) =>
    job.signed("s3", { method, path, headers, body: method === "PUT" ? "x" : "" });
  equal((await put(`/sluice-tiles/${key}`)).status, 200);
  for (
    const [path, method] of [
      [`/sluice-tiles/${key}`, "GET"],
      [`/sluice-tiles/${key}`, "DELETE"],
      [`/sluice-tiles/${key}?acl=`, "PUT"],
      [`/sluice-tiles/`, "GET"],
      [`/sluice-cuboids/${key}`, "PUT"],
      [`/sluice-tiles/${key.slice(1)}`, "PUT"],
      [`/sluice-tiles/${key.replace(/%260$/, "%261")}`, "PUT"],
      [`/sluice-tiles/..%2F..%2Ftoken`, "PUT"],
      [`/sluice-tiles/%2E%2E%2Fx%26${key}`, "PUT"],
    ] as const
  ) {
    const { status, text } = await put(path, method);
    equal(status, 403, `${method} ${path}`);
    match(text, /<Code>AccessDenied</);
  }
  match(
    (await put(`/sluice-tiles/${key}`, "PUT", { "x-amz-meta-a": "x".repeat(3000) })).text,
    /MetadataTooLarge/,
  );
  match((await put(`/sluice-tiles/${key}`, "PUT", { "content-md5": "AAAA" })).text, /BadDigest/);
  match(await Deno.readTextFile(join(served.root, "token")), /^[0-9a-f]{40}\n$/);
});

Deno.test("a folder is served once, and its token file must hold a token", async () => {
  await using served = await Served.open();
  await rejects(openBossServer({ root: served.root, port: 0 }), /another process does/);
  const { port } = new URL(served.url);
  await using other = await Served.open();
  await other.stop();
  await rejects(
    openBossServer({ root: other.root, port: Number(port) }),
    /another program listens/,
  );
  await Deno.writeTextFile(join(other.root, "token"), "short\n");
  const error = await openBossServer({ root: other.root, port: 0 }).catch((error) => error);
  match(error.message, /16 to 200 letters/);
  doesNotMatch(error.message, /short/);
});
