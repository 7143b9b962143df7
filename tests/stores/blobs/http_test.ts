import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { createHash } from "node:crypto";
import { inspect } from "node:util";
import { HttpBlobs, type HttpOptions } from "../../../stores/blobs/http.ts";
import { type RawAnswer, type RawHandler, type RawServer, serveRaw } from "../../_raw_http.ts";
import { serveFiles } from "./_places.ts";
import { someBytes } from "./conformance.ts";

const RETRY = { attempts: 2, stallSeconds: 0.1, random: () => 0 };

function open(server: RawServer, options: HttpOptions = {}, path = "/data"): HttpBlobs {
  return new HttpBlobs(`${server.url}${path}`, { retry: RETRY, ...options });
}

/** A server that gives one answer to everything. */
function serveOne(answer: RawAnswer): RawServer {
  return serveRaw(() => answer);
}

const bytes = someBytes(1000);
const part = (from: number, to: number, body = bytes.subarray(from, to)): RawAnswer => ({
  status: 206,
  headers: { "content-range": `bytes ${from}-${to - 1}/1000` },
  body,
});

/** Answers to a request for bytes 100 to 200 of 1000, and what each must come to. */
const LIES: readonly {
  readonly name: string;
  readonly answer: RawAnswer;
  readonly message: RegExp;
  readonly kind?: string;
}[] = [
  {
    name: "the whole for a range",
    answer: { status: 200, body: bytes },
    kind: "unsupported",
    message:
      /in part: the server sends the whole for a Range; serve it with a server that knows them/,
  },
  {
    name: "another range",
    answer: part(0, 100),
    message: /100 bytes came as "bytes 0-99\/1000" where \[100,200\]/,
  },
  { name: "a shorter range", answer: part(100, 199), message: /99 bytes came/ },
  { name: "a longer range", answer: part(100, 300), message: /200 bytes came/ },
  {
    name: "fewer bytes than it says",
    answer: part(100, 200, bytes.subarray(0, 50)),
    message: /50 bytes came/,
  },
  {
    name: "a part without saying which",
    answer: { status: 206, body: bytes.subarray(100, 200) },
    message: /\(null\)/,
  },
  {
    name: "a page for people",
    answer: {
      status: 200,
      headers: { "content-type": "text/html; charset=utf-8" },
      body: "<html>Log in</html>",
    },
    message: /an HTML page came where the data should be, after 2 attempts/,
  },
  {
    name: "half of it",
    answer: { ...part(100, 200), delivery: "cut" },
    kind: "unavailable",
    message: /after 2 attempts/,
  },
  {
    name: "nothing",
    answer: { ...part(100, 200), delivery: "reset" },
    kind: "unavailable",
    message: /after 2 attempts/,
  },
  {
    name: "silence",
    answer: { ...part(100, 200), delivery: "silent" },
    kind: "unavailable",
    message: /no byte came for 0\.1 s, after 2 attempts/,
  },
  {
    name: "503",
    answer: { status: 503 },
    kind: "unavailable",
    message: /the server answered 503, after/,
  },
  {
    name: "418",
    answer: { status: 418 },
    kind: "unsupported",
    message: /the server answered 418; look at the address/,
  },
];

for (const { name, answer, message, kind = "corrupt" } of LIES) {
  Deno.test(`a server that answers a range with ${name} is not believed`, async () => {
    await using server = serveOne(answer);
    const retry = { ...RETRY, seconds: 1 };
    const got = open(server, { retry }).get("it", { range: [100, 200] });
    await rejects(got, { name: "BlobError", kind, message });
  });
}

Deno.test("a body that is cut, or is not what its checksum says, is not taken for the whole", async () => {
  const sums = {
    "x-goog-hash": "crc32c=AAAAAA==,md5=AAAAAAAAAAAAAAAAAAAAAA==",
    "x-amz-checksum-crc32": "AAAAAA==",
    etag: `"${createHash("md5").update(someBytes(999)).digest("hex")}"`,
  };
  for (const [name, value] of Object.entries(sums)) {
    // That a tag is an MD5 is known of S3 alone.
    const headers = { [name]: value, "x-amz-request-id": "1" };
    await using server = serveOne({ status: 200, headers, body: bytes });
    await rejects(
      open(server).get("it"),
      { kind: "corrupt", message: /its bytes do not have its/ },
      name,
    );
  }
  await using cut = serveOne({ status: 200, body: bytes, delivery: "cut" });
  await rejects(open(cut).get("it"), { kind: "unavailable" });
  await using plain = serveOne({ status: 200, headers: { etag: sums.etag }, body: bytes });
  deepEqual(await open(plain).get("it"), bytes);
});

Deno.test("a server that sends the whole is believed where the range holds the whole", async () => {
  await using server = serveOne({ status: 200, body: bytes });
  const blobs = open(server);
  for (const range of [[0], [0, 1000], [0, 5000], [-1000], [-5000]] as const) {
    deepEqual(await blobs.get("it", { range }), bytes);
  }
  await rejects(blobs.get("it", { range: [1] }), { kind: "unsupported" });
});

Deno.test("HTML is no lie where it is asked for", async () => {
  await using server = serveOne({
    status: 200,
    headers: { "content-type": "text/html" },
    body: "<p>",
  });
  deepEqual(await open(server).get("index.html"), new TextEncoder().encode("<p>"));
});

Deno.test("401 and 403 are errors, unless the opener knows that 403 is how this server says missing", async () => {
  for (const status of [401, 403]) {
    await using server = serveOne({ status });
    const refused = {
      kind: "forbidden",
      message: /answered 40[13]; it may also be absent.*or open it with forbiddenIsMissing/,
    };
    await rejects(open(server).get("it"), refused);
    await rejects(open(server).head("it"), refused);
    const trusting = open(server, { forbiddenIsMissing: true });
    if (status === 403) equal(await trusting.get("it"), undefined);
    else await rejects(trusting.get("it"), refused);
  }
});

Deno.test("head() asks for a byte where a server does not answer HEAD, or not with a size", async () => {
  const serve = (unanswered: RawAnswer, size = 1000) =>
    serveRaw(({ method, ...request }) =>
      method === "HEAD"
        ? unanswered
        : serveFiles(new Map([["/data/it", bytes.subarray(0, size)]]))({ method, ...request })
    );
  for (const size of [1000, 1, 0]) {
    await using server = serve({ status: 405 }, size);
    equal((await open(server).head("it"))?.size, size);
    equal(await open(server).head("none"), undefined);
  }
});

Deno.test("a password and a query go with every request, and are shown nowhere", async () => {
  const asked: string[] = [];
  const handler: RawHandler = ({ path, query, headers }) => {
    asked.push(`${path}?${query} ${headers.get("authorization")} ${headers.get("x-own")}`);
    return path.endsWith("broken")
      ? { status: 200, delivery: "reset" }
      : { status: 200, body: "ok" };
  };
  const server = serveRaw(handler);
  const address = `http://me:p%40ss@127.0.0.1:${server.port}/data/?sig=s3cret&b=1#x`;
  const blobs = new HttpBlobs(address, { retry: RETRY, headers: { "x-own": "0wn" } });
  equal(blobs.url, `${server.url}/data`);
  await blobs.get("a b");
  const basic = `Basic ${new TextEncoder().encode("me:p@ss").toBase64()}`;
  deepEqual(asked, [`/data/a%20b?sig=s3cret&b=1 ${basic} 0wn`]);
  const texts = [inspect(blobs, { depth: 9 })];
  const collect = (error: Error) =>
    void texts.push(inspect(error, { depth: 9 }), String(error.cause));
  await blobs.get("broken").catch(collect);
  await server[Symbol.asyncDispose]();
  await blobs.get("it").catch(collect);
  equal(texts.length, 5);
  match(texts[3], /Connection refused/);
  for (const text of texts) {
    for (const secret of ["s3cret", "p@ss", "p%40ss", basic]) ok(!text.includes(secret), text);
  }
});

Deno.test("a header of its own does not follow to another server", async () => {
  const seen: (string | null)[] = [];
  await using other = serveRaw(({ headers }) => {
    seen.push(headers.get("authorization"));
    return { status: 200, body: "ok" };
  });
  // Another name, so another server.
  const location = `http://localhost:${other.port}/it`;
  await using server = serveOne({ status: 302, headers: { location } });
  await open(server, { headers: { authorization: "Bearer s3cret" } }).get("it");
  deepEqual(seen, [null]);
});

Deno.test("gzip on the way is undone; gzip that is broken is an error", async () => {
  const packed = new Uint8Array(
    await new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip")))
      .arrayBuffer(),
  );
  const headers = { "content-encoding": "gzip" };
  await using server = serveOne({ status: 200, headers, body: packed });
  deepEqual(await open(server).get("it"), bytes);
  await using broken = serveOne({ status: 200, headers, body: packed.subarray(0, 100) });
  await rejects(open(broken).get("it"), { kind: "corrupt", message: /its gzip is damaged/ });
});

Deno.test("a body of unsaid length is read to its end, and its size cannot be asked for", async () => {
  const all = someBytes(5500);
  await using server = serveRaw(({ method }) =>
    method === "HEAD" ? { status: 405 } : {
      status: 200,
      body: all,
      delivery: "chunked",
      headers: { "x-goog-stored-content-encoding": "gzip" },
    }
  );
  deepEqual(await open(server).get("it"), all);
  const unknown = { kind: "unsupported", message: /in part: the server sends the whole/ };
  await rejects(open(server).head("it"), unknown);
  await using silent = serveRaw(({ method }) =>
    method === "HEAD"
      ? { status: 405 }
      : { status: 206, body: "x", headers: { "content-range": "bytes 0-0/*" } }
  );
  await rejects(open(silent).head("it"), {
    kind: "unsupported",
    message: /does not say how large it is/,
  });
});

Deno.test("an end that is asked for and is longer than the whole is the whole, whatever the server thinks", async () => {
  await using server = serveRaw(({ headers }) =>
    headers.has("range") ? { status: 416 } : { status: 200, body: bytes }
  );
  deepEqual(await open(server).get("it", { range: [-5000] }), bytes);
  deepEqual(await open(server).get("it", { range: [1000] }), new Uint8Array());
});

Deno.test("an end is read also from a server that knows beginnings alone", async () => {
  const asked: string[] = [];
  await using server = serveRaw(({ method, headers }) => {
    const range = headers.get("range");
    asked.push(`${method} ${range}`);
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? "") ?? [];
    if (range === null) return { status: 200, body: bytes };
    if (from === undefined) return { status: 416 };
    return {
      status: 206,
      headers: { "content-range": `bytes ${from}-${to}/${bytes.length}` },
      body: bytes.subarray(Number(from), Number(to) + 1),
    };
  });
  const sizes: number[] = [];
  const onInfo = ({ size }: { readonly size: number }) => void sizes.push(size);
  deepEqual(await open(server).get("it", { range: [-7], onInfo }), bytes.slice(-7));
  deepEqual(sizes, [bytes.length]);
  const { length } = bytes;
  deepEqual(asked, ["GET bytes=-7", "HEAD null", `GET bytes=${length - 7}-${length - 1}`]);
  deepEqual(await open(server).get("it", { range: [-length] }), bytes);
});
