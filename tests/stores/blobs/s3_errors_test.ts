/** What a bucket refuses, and what is mended without asking. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { inspect } from "node:util";
import { BlobError, type BlobErrorKind, type Blobs } from "../../../stores/blobs/blobs.ts";
import { MultipartUpload, partBytesFor } from "../../../stores/blobs/_s3_multipart.ts";
import { type BucketOptions, settleBucket } from "../../../stores/blobs/_s3_settings.ts";
import { S3Bucket } from "../../../stores/blobs/s3.ts";
import type { S3Credentials } from "../../../stores/blobs/s3_credentials.ts";
import { errorAnswer, type S3Server, serveS3, TEST_KEY, xmlAnswer } from "../../_s3_server.ts";
import { bucketOptions, openTestBucket, PART_BYTES } from "./_places.ts";
import { someBytes } from "./conformance.ts";

const HOUR = 3_600_000;

function open(server: S3Server, options: BucketOptions = {}, address?: string) {
  return openTestBucket(server, { retry: { attempts: 2, random: () => 0 }, ...options }, address);
}

/** Every call, each of which must end so. */
async function rejectAll(blobs: Blobs, kind: BlobErrorKind, message: RegExp): Promise<void> {
  const calls = [
    () => blobs.get("it"),
    () => blobs.get("it", { range: [-4] }),
    () => blobs.head("it"),
    () => blobs.put("it", someBytes(10)),
    () => blobs.put("it", someBytes(400_000)),
    () => blobs.putIfAbsent("it", someBytes(10)),
    () => Array.fromAsync(blobs.list("")),
    () => blobs.delete("it"),
    () => blobs.sweep(""),
  ];
  for (const [i, call] of calls.entries()) {
    await rejects(call(), (error) => {
      ok(error instanceof BlobError, `${i}: ${error}`);
      equal(error.kind, kind, `${i}: ${error.message}`);
      match(error.message, message);
      return true;
    });
  }
}

Deno.test("a bucket that is not there is named by every call", async () => {
  await using server = serveS3();
  const missing = await open(server, {}, "s3://absent/prefix");
  await rejectAll(
    missing,
    "missing-bucket",
    /^Cannot .* "s3:\/\/absent\/prefix.*answered 404 NoSuchBucket .*; create the bucket, or mend its name/,
  );
});

Deno.test("what is forbidden is an error, with the way out", async () => {
  await using server = serveS3();
  const anonymous = await open(server, { sign: false });
  await rejectAll(anonymous, "forbidden", /answered 403.*; give credentials; /);
  for (const code of ["AccessDenied", "AllAccessDisabled"]) {
    server.intercept = ({ method }) =>
      method === "HEAD" ? { status: 403 } : errorAnswer(403, code, server.behaviour);
    await rejectAll(await open(server), "forbidden", /answered 403.*; .*ask for the right/);
  }
  server.intercept = () => errorAnswer(403, "InvalidObjectState", server.behaviour);
  await rejects((await open(server)).get("it"), {
    kind: "forbidden",
    message: /restore the object from the archive/,
  });
});

Deno.test("a key that is hidden by 403 is an error, unless the opener knows better", async () => {
  await using server = serveS3({ hidesMissing: true });
  const careful = await open(server);
  const refused = {
    kind: "forbidden",
    message: /it may also be absent.*or open it with forbiddenIsMissing$/,
  };
  await rejects(careful.get("it"), refused);
  await rejects(careful.head("it"), refused);
  const trusting = await open(server, { forbiddenIsMissing: true });
  equal(await trusting.get("it"), undefined);
  equal(await trusting.head("it"), undefined);
  // Keys that are wrong are no missing object.
  const secretAccessKey = "wrong";
  const wrong = await open(server, {
    forbiddenIsMissing: true,
    credentials: { ...TEST_KEY, secretAccessKey },
  });
  // An answer to HEAD does not say which of both it is.
  for (const call of [() => wrong.get("it"), () => wrong.head("it")]) {
    await rejects(call(), {
      kind: "credentials",
      message: /403 SignatureDoesNotMatch.*mend the secret key/,
    });
  }
});

Deno.test("what anybody may read is read without keys", async () => {
  await using server = serveS3({ anonymous: "read" });
  await (await open(server)).put("a/b", someBytes(30));
  for (const address of ["s3://bucket/a", "gs://bucket/a"]) {
    const anonymous = await open(server, { sign: false }, address);
    deepEqual(await anonymous.get("b"), someBytes(30));
    deepEqual(await Array.fromAsync(anonymous.list("")), [{ key: "b", size: 30 }]);
    await rejects(anonymous.put("c", someBytes(1)), { kind: "forbidden" });
  }
  // Without a key in the environment, that is what gs:// does.
  const google = await open(server, { credentials: undefined }, "gs://bucket/a");
  deepEqual(await google.get("b"), someBytes(30));
});

Deno.test("who asks pays where that is wanted", async () => {
  await using server = serveS3({ requesterPays: true, leastPart: PART_BYTES });
  await rejects((await open(server)).put("it", someBytes(10)), { kind: "forbidden" });
  const paying = await open(server, { requesterPays: true });
  await paying.put("it", someBytes(300_000));
  deepEqual(await paying.get("it"), someBytes(300_000));
  equal((await Array.fromAsync(paying.list(""))).length, 1);
});

Deno.test("a clock that is wrong is set by that of the server; if that does not help, both are named", async () => {
  for (const ahead of [5 * HOUR, -24 * HOUR]) {
    await using server = serveS3({ ahead });
    const blobs = await open(server);
    await blobs.put("it", someBytes(30));
    deepEqual(await blobs.get("it"), someBytes(30));
    // Once it is known, it is known.
    equal(server.log.length, 3);
    // An answer to HEAD does not say what is wrong.
    equal((await (await open(server)).head("it"))?.size, 30);
  }
  await using server = serveS3();
  server.intercept = ({ method }) =>
    method === "HEAD" ? undefined : errorAnswer(403, "RequestTimeTooSkewed", server.behaviour);
  const refused = {
    kind: "clock",
    message:
      /403 RequestTimeTooSkewed .*: here it is 2\d\d\d-.*Z, there "\w\w\w, .* GMT"; set the clock of this machine/,
  };
  await rejects((await open(server)).get("it"), refused);
  equal(server.log.length, 2);
});

Deno.test("the region is learned from the server", async () => {
  await using server = serveS3({ region: "eu-central-1" });
  const blobs = await open(server);
  await blobs.put("it", someBytes(30));
  deepEqual(await blobs.get("it"), someBytes(30));
  equal(server.log.length, 3);
  // AWS says it with a redirection, to HEAD in a header alone.
  server.log.length = 0;
  const other = await open(server);
  server.intercept = ({ headers, method }) =>
    headers.get("authorization")?.includes("/us-east-1/")
      ? {
        ...(method === "HEAD" ? {} : errorAnswer(301, "PermanentRedirect", server.behaviour)),
        status: 301,
        headers: { "x-amz-bucket-region": "eu-central-1" },
      }
      : undefined;
  equal((await other.head("it"))?.size, 30);
  deepEqual(await other.get("it"), someBytes(30));
  equal(server.log.length, 3);
});

Deno.test("keys are renewed before they run out, and when the server says that they have", async () => {
  await using server = serveS3();
  const keys = (n: number, expires: number): S3Credentials => {
    server.behaviour.keys.set(`KEY${n}`, { secret: `secret${n}`, token: `token${n}`, expires });
    return {
      accessKeyId: `KEY${n}`,
      secretAccessKey: `secret${n}`,
      sessionToken: `token${n}`,
      expires,
    };
  };
  let now = Date.now();
  let asked = 0;
  const clock = { now: () => now, wait: () => Promise.resolve() };
  const find = () => Promise.resolve(keys(++asked, now + HOUR));
  const blobs = await open(server, { credentials: find, retry: { clock } });
  const move = (milliseconds: number) => {
    now += milliseconds;
    server.behaviour.ahead = now - Date.now();
  };
  await Promise.all([1, 2, 3].map((i) => blobs.put(`${i}`, someBytes(10))));
  equal(asked, 1);
  move(HOUR - 6 * 60_000);
  await blobs.put("it", someBytes(10));
  equal(asked, 1);
  move(2 * 60_000);
  await Promise.all([1, 2, 3].map((i) => blobs.put(`${i}`, someBytes(10))));
  equal(asked, 2);
  // The server may take them back sooner.
  server.behaviour.keys.set("KEY2", { secret: "secret2", token: "token2", expires: 0 });
  await Promise.all([1, 2, 3].map((i) => blobs.put(`${i}`, someBytes(10))));
  equal(asked, 3);
  server.behaviour.keys.set("KEY3", { secret: "secret3", token: "token3", expires: 0 });
  const same = await open(server, {
    credentials: () => Promise.resolve(keys(9, 0)),
    retry: { clock },
  });
  await rejects(same.get("it"), {
    kind: "credentials",
    message: /400 ExpiredToken .*; renew them and start again/,
  });
});

Deno.test("a server that knows no CRC-32 is asked without, unless that is AWS", async () => {
  await using server = serveS3({ crc32: false });
  const blobs = await open(server);
  await blobs.put("it", someBytes(300));
  deepEqual(await blobs.get("it"), someBytes(300));
  const refused = { kind: "unsupported", message: /answered 400 InvalidArgument/ };
  await rejects((await open(server, { checksum: "crc32" })).put("it", someBytes(1)), refused);
});

Deno.test("what a page of a listing lacks is noticed", async () => {
  await using server = serveS3();
  const blobs = await open(server);
  const list = () => Array.fromAsync(blobs.list(""));
  const cases: readonly [() => ReturnType<typeof xmlAnswer>, RegExp][] = [
    [
      () => xmlAnswer("ListBucketResult", "<IsTruncated>true</IsTruncated>"),
      /never comes to an end/,
    ],
    [
      () =>
        xmlAnswer(
          "ListBucketResult",
          "<IsTruncated>true</IsTruncated><NextContinuationToken>a</NextContinuationToken>",
        ),
      /never comes to an end/,
    ],
    [
      () => ({ status: 200, body: "<ListBucketResult><Contents><Key>a</Key>" }),
      /no listing, or not all of it/,
    ],
    [() => ({ status: 200, body: "<html>Welcome</html>" }), /no listing, or not all of it/],
    [() => ({ status: 200, body: "" }), /no listing, or not all of it/],
  ];
  for (const [answer, message] of cases) {
    server.intercept = answer;
    await rejects(list(), { name: "BlobError", kind: "corrupt", message });
  }
  const below = await open(server, {}, "s3://bucket/mine");
  server.intercept = () =>
    xmlAnswer("ListBucketResult", "<Contents><Key>theirs/a</Key><Size>1</Size></Contents>");
  await rejects(Array.fromAsync(below.list("")), {
    kind: "corrupt",
    message: /"theirs\/a", which does not lie there/,
  });
  // What other programs call a folder is none of ours.
  server.intercept = () =>
    xmlAnswer(
      "ListBucketResult",
      "<Contents><Key>mine/</Key><Size>0</Size></Contents><Contents><Key>mine/a&amp;&#x62;</Key><Size>1</Size></Contents>",
    );
  deepEqual(await Array.fromAsync(below.list("")), [{ key: "a&b", size: 1 }]);
});

Deno.test("a server that cannot claim says so, where it is held to it", async () => {
  await using server = serveS3({ conditional: "refused" });
  const { objects } = server.buckets.get("bucket")!;
  const strict = await open(server, { conditionalPuts: true });
  const refused = { kind: "unsupported", message: /knows no If-None-Match/ };
  await rejects(strict.putIfAbsent("it", someBytes(9)), refused);
  equal(objects.size, 0);
  const loose = await open(server, { conditionalPuts: false });
  equal(await loose.putIfAbsent("it", someBytes(9)), true);
  equal(objects.size, 1);
});

Deno.test("an object that went through a content coding is decoded whole, and has no parts", async () => {
  await using server = serveS3();
  const blobs = await open(server);
  const packed = new Blob([someBytes(500)]).stream().pipeThrough(new CompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(packed).arrayBuffer());
  await blobs.put("it", bytes);
  const { objects } = server.buckets.get("bucket")!;
  const encoded = (coding: string, body = bytes) => {
    const headers = { "content-encoding": coding };
    objects.set("it", { ...objects.get("it")!, bytes: body, headers });
  };
  encoded("gzip");
  deepEqual(await blobs.get("it"), someBytes(500));
  encoded("aws-chunked");
  deepEqual(await blobs.get("it"), bytes);
  encoded("gzip");
  await rejects(blobs.get("it", { range: [0, 4] }), {
    kind: "unsupported",
    message: /Content-Encoding gzip, which has no parts/,
  });
  encoded("rot13");
  await rejects(blobs.get("it"), { kind: "unsupported", message: /"rot13", which is not known/ });
});

Deno.test("no secret reaches an error, whatever the server says, nor what is printed of a place", async () => {
  const secrets = ["AKIDsecretname", "s3cretAccessKey", "s3ssionToken"];
  const [accessKeyId, secretAccessKey, sessionToken] = secrets;
  await using server = serveS3();
  server.behaviour.keys.set(accessKeyId, { secret: "another" });
  const blobs = await open(server, { credentials: { accessKeyId, secretAccessKey, sessionToken } });
  const texts: string[] = [
    blobs.url,
    inspect(blobs, { depth: 9, showHidden: true }),
    Deno.inspect(blobs, { depth: 9 }),
  ];
  const answers = [
    undefined,
    () => ({
      ...xmlAnswer("Error", `<Code>Odd</Code><Message>You sent ${secrets.join(" and ")}</Message>`),
      status: 400,
    }),
    () => ({ status: 500, body: secrets.join() }),
    () => ({ status: 200, delivery: "reset" } as const),
  ];
  for (const answer of answers) {
    server.intercept = answer;
    await blobs.get("it").catch((error) =>
      texts.push(inspect(error, { depth: 9 }), error.stack, String(error.cause))
    );
  }
  equal(texts.length, 3 + 3 * answers.length);
  for (const text of texts) for (const secret of secrets) ok(!text.includes(secret), text);
});

Deno.test("a bucket that is full, and uploads without end are named", async () => {
  await using server = serveS3();
  server.intercept = () => ({ status: 507 });
  await rejects((await open(server)).put("it", someBytes(9)), {
    kind: "full",
    message: /507; make room/,
  });
  server.intercept = () =>
    xmlAnswer("ListMultipartUploadsResult", "<IsTruncated>true</IsTruncated>");
  await rejects((await open(server)).sweep(""), {
    kind: "corrupt",
    message: /never comes to an end/,
  });
});

Deno.test("an object has 10,000 parts at most: larger ones, where it is there as a whole", async () => {
  const MIB = 2 ** 20;
  equal(partBytesFor(80_000 * MIB, 8 * MIB), 8 * MIB);
  equal(partBytesFor(80_000 * MIB + 1, 8 * MIB), 8 * MIB + 1);
  equal(partBytesFor(5, 8 * MIB), 8 * MIB);
  await using server = serveS3();
  const bucket = new S3Bucket(await settleBucket("s3://bucket", bucketOptions(server)));
  const upload = await MultipartUpload.begin(bucket, "it", { contentType: "text/plain" });
  await upload.send(10_000, someBytes(3));
  const tooMany = {
    kind: "unsupported",
    message: /more than 10000 parts of 3 bytes; open the bucket with larger/,
  };
  await rejects(upload.send(10_001, someBytes(3)), tooMany);
});

Deno.test("what is encrypted by a key of its owner has a tag that is no MD5", async () => {
  await using server = serveS3();
  const blobs = await open(server);
  await blobs.put("it", someBytes(300));
  const { objects } = server.buckets.get("bucket")!;
  const tag = '"0123456789abcdef0123456789abcdef"';
  const answers = (headers: Record<string, string>) => {
    objects.set("it", { ...objects.get("it")!, tag, headers });
    server.intercept = ({ method }) =>
      method === "PUT" ? { status: 200, headers: { etag: tag, ...headers } } : undefined;
  };
  answers({ "x-amz-server-side-encryption": "aws:kms" });
  await blobs.put("it", someBytes(300));
  deepEqual(await blobs.get("it"), someBytes(300));
  answers({ "x-amz-server-side-encryption": "AES256" });
  await rejects(blobs.get("it"), { kind: "corrupt", message: /do not have its MD5/ });
  await rejects(blobs.put("it", someBytes(300)), {
    kind: "corrupt",
    message: /confirmed other bytes than were sent/,
  });
});
