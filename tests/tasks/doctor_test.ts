/** Every fault of a server is provoked on one of its own, and what mends it is held against what it should say. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { UsageError } from "../../core/errors.ts";
import { diagnoseVolume, type Diagnosis, type DoctorCheck } from "../../tasks/doctor.ts";
import { type RawAnswer, serveRaw } from "../_raw_http.ts";
import { withFolder } from "../_stack.ts";
import { writeN5 } from "../plugins/_zarr_writer.ts";
import { serveBuckets } from "../stores/_bucket.ts";
import {
  type Change,
  CORS,
  documents,
  type Files,
  filesOf,
  serve,
  withHeaders,
  type WriteOptions,
} from "./_served.ts";

const kept = new Map<string, Promise<Files>>();

/** A volume, written once for all tests. */
function volume(options: WriteOptions = {}): Promise<Files> {
  const key = JSON.stringify(options);
  const files = kept.get(key) ?? filesOf(options);
  kept.set(key, files);
  return files;
}

const SHARDED: WriteOptions = {};
const PLAIN: WriteOptions = { shard: "none" };
const PRECOMPUTED: WriteOptions = { format: "precomputed", shard: "none", dtype: "uint8" };
const GZIP: WriteOptions = {
  zarr: "0.4",
  codec: { codec: "gzip", level: 6, crc32c: false },
};

async function diagnose(files: Files, change?: Change, path = "/em"): Promise<Diagnosis> {
  await using server = serve(files, change);
  return await diagnoseVolume(server.url + path, { patienceSeconds: 5 });
}

function found({ checks }: Diagnosis, name: string): DoctorCheck {
  const check = checks.find(({ check }) => check === name);
  ok(check, `no ${name} in ${checks.map(({ check }) => check)}`);
  return check;
}

/** What goes where, in one text. */
function mendOf({ mend }: DoctorCheck): string {
  return mend.map(({ where, lines }) => `${where}: ${lines}`).join("\n");
}

const isData = (path: string) => !/zarr\.json|\.z|info|provenance|attributes\.json/.test(path);

for (
  const [name, options] of Object.entries({
    "sharded OME-Zarr": SHARDED,
    "OME-Zarr 0.5 without shards": PLAIN,
    "OME-Zarr 0.4": { zarr: "0.4" },
    "precomputed, sharded": { format: "precomputed", dtype: "uint8" },
    "precomputed without shards": PRECOMPUTED,
  } as Record<string, WriteOptions>)
) {
  Deno.test(`diagnoseVolume() finds nothing wrong with ${name} on a good server`, async () => {
    const { checks, faults, warnings, source } = await diagnose(await volume(options));
    deepEqual(checks.filter(({ verdict }) => verdict !== "ok"), []);
    deepEqual([faults, warnings], [0, 0]);
    match(source!, /^(zarr|precomputed):\/\/http:\/\/127\.0\.0\.1:\d+\/em$/);
  });
}

Deno.test("diagnoseVolume() finds nothing wrong with N5 on a good server", async () => {
  const blobs = writeN5(
    { dtype: "uint8", shape: [7, 5, 3], fill: 0, at: ([x]) => x + 1 },
    [4, 3, 2],
    { gzip: true, isCut: true },
  );
  const files = documents(
    Object.fromEntries(Object.entries(blobs).map(([key, blob]) => [`/em/${key}`, blob])),
  );
  const diagnosis = await diagnose(files);
  deepEqual(diagnosis.checks.filter(({ verdict }) => verdict !== "ok"), []);
  match(found(diagnosis, "chunk").seen, /x 4:7 y 3:5 z 2:3 .* 6 voxels, from 5 to 7$/);
});

Deno.test("diagnoseVolume() decodes a chunk at the far edge, which the volume really has", async () => {
  const { seen } = found(await diagnose(await volume(SHARDED)), "chunk");
  // 37 x 29 x 11 voxels in chunks of 8 x 8 x 4: the last is cut to 5 x 5 x 3.
  match(seen, /x 32:37 y 24:29 z 8:11 of scale 0 .* 75 voxels, from \d+ to \d+$/);
});

interface Case {
  readonly name: string;
  readonly volume?: WriteOptions;
  readonly change: Change;
  readonly check: string;
  readonly verdict: DoctorCheck["verdict"];
  readonly seen: RegExp;
  readonly mend?: RegExp;
}

const CASES: readonly Case[] = [
  {
    name: "no CORS",
    change: (answer) => withHeaders(answer, { "access-control-allow-origin": undefined }),
    check: "CORS",
    verdict: "fault",
    seen: /there is no Access-Control-Allow-Origin, so no page at https:\/\/neuroglancer-demo/,
    mend: /nginx.*\n?add_header Access-Control-Allow-Origin "\*" always;/,
  },
  {
    name: "CORS for another page",
    change: (answer) => withHeaders(answer, { "access-control-allow-origin": "https://other.lab" }),
    check: "CORS",
    verdict: "fault",
    seen: /is "https:\/\/other\.lab"/,
    mend: /Caddyfile.*header \{\n {2}Access-Control-Allow-Origin "\*"/s,
  },
  {
    name: "CORS said twice",
    change: (answer) => withHeaders(answer, { "access-control-allow-origin": "*, *" }),
    check: "CORS",
    verdict: "fault",
    seen: /said more than once: "\*, \*"/,
    mend: /take the header out of one of the two/,
  },
  {
    name: "CORS for each page, without Vary",
    change: (answer, { headers }) =>
      withHeaders(answer, { "access-control-allow-origin": headers.get("origin")! }),
    check: "CORS",
    verdict: "warning",
    seen: /without "Vary: Origin"/,
    mend: /Access-Control-Allow-Origin "\*"/,
  },
  {
    name: "CORS for each page, with Vary",
    change: (answer, { headers }) =>
      withHeaders(answer, {
        "access-control-allow-origin": headers.get("origin")!,
        vary: "Accept-Encoding, Origin",
      }),
    check: "CORS",
    verdict: "ok",
    seen: /https:\/\/neuroglancer-demo/,
  },
  {
    name: "a preflight that is refused",
    change: (answer, { method }) => method === "OPTIONS" ? { status: 405, headers: CORS } : answer,
    check: "preflight",
    verdict: "warning",
    seen: /OPTIONS is answered with 405.*Chrome 99/,
    mend: /\$request_method = OPTIONS\) \{ return 204; \}/,
  },
  {
    name: "a preflight that does not allow Range",
    change: (answer, { method }) =>
      method === "OPTIONS"
        ? withHeaders(answer, { "access-control-allow-headers": "Content-Type" })
        : answer,
    check: "preflight",
    verdict: "warning",
    seen: /does not name Range \(it is "content-type"\)/,
    mend: /Access-Control-Allow-Headers "Range"/,
  },
  {
    name: "a preflight without CORS",
    change: (answer, { method }) => method === "OPTIONS" ? { status: 204 } : answer,
    check: "preflight",
    verdict: "warning",
    seen: /to OPTIONS, there is no Access-Control-Allow-Origin/,
    mend: /respond @preflight 204/,
  },
  {
    name: "a preflight without answer",
    change: (answer, { method }) =>
      method === "OPTIONS" ? { status: 204, delivery: "reset" } : answer,
    check: "preflight",
    verdict: "warning",
    seen: /OPTIONS got no answer/,
    mend: /respond @preflight 204/,
  },
  {
    name: "no preflight where no chunk lies in a shard",
    volume: PLAIN,
    change: (answer, { method }) => method === "OPTIONS" ? { status: 405 } : answer,
    check: "preflight",
    verdict: "ok",
    seen: /not needed/,
  },
  {
    name: "the whole for a range",
    change: async (answer, request) =>
      request.headers.has("range")
        ? { status: 200, headers: CORS, body: (await volume()).get(request.path) }
        : await answer,
    check: "ranges",
    verdict: "fault",
    seen: /sends the whole shard for a part: vizarr, Viv and Vitessce take it for the part/,
    mend: /proxy_force_ranges on;.*--shard none$/s,
  },
  {
    name: "a part that does not say which it is",
    change: (answer) => withHeaders(answer, { "content-range": undefined }),
    check: "ranges",
    verdict: "fault",
    seen: /without Content-Range/,
    mend: /max_ranges 1/,
  },
  {
    name: "another part than was asked for, and said so",
    change: (answer) =>
      answer.status === 206 ? withHeaders(answer, { "content-range": "bytes 0-6/4000" }) : answer,
    check: "ranges",
    verdict: "fault",
    seen: /bytes 3 to 9 were asked for, and "bytes 0-6\/4000" came/,
    mend: /sluice transfer http:\/\/127.*NEW\.ome\.zarr --shard none/,
  },
  {
    name: "another part than was asked for, in silence",
    change: async (answer, request) =>
      request.headers.get("range") === "bytes=3-9"
        ? { ...answer, body: (await volume()).get(request.path)!.subarray(4, 11) }
        : answer,
    check: "ranges",
    verdict: "fault",
    seen: /bytes 3 to 9 are not those that a longer part has there/,
    mend: /--shard none/,
  },
  {
    name: "parts with a Content-Encoding",
    change: (answer) =>
      answer.status === 206 ? withHeaders(answer, { "content-encoding": "gzip" }) : answer,
    check: "ranges",
    verdict: "fault",
    seen: /"Content-Encoding: gzip", which no browser decodes/,
    mend: /gzip off/,
  },
  {
    name: "parts without CORS",
    change: (answer) =>
      answer.status === 206
        ? withHeaders(answer, { "access-control-allow-origin": undefined })
        : answer,
    check: "ranges",
    verdict: "fault",
    seen: /to a part, there is no Access-Control-Allow-Origin/,
    mend: /add_header Access-Control-Allow-Origin/,
  },
  {
    name: "no ranges where no chunk lies in a shard",
    volume: PLAIN,
    change: async (answer, request) =>
      request.headers.has("range")
        ? { status: 200, headers: CORS, body: (await volume(PLAIN)).get(request.path) }
        : answer,
    check: "ranges",
    verdict: "ok",
    seen: /not needed/,
  },
  {
    name: "Content-Range that pages do not see",
    change: (answer) => withHeaders(answer, { "access-control-expose-headers": "ETag" }),
    check: "exposed headers",
    verdict: "warning",
    seen: /does not see Content-Range/,
    mend: /Access-Control-Expose-Headers "Content-Length, Content-Range/,
  },
  {
    name: "no HEAD",
    change: (answer, { method }) => method === "HEAD" ? { status: 405, headers: CORS } : answer,
    check: "length of shards",
    verdict: "fault",
    seen: /HEAD is answered with 405: vizarr, Viv and Vitessce do not find/,
    mend: /--shard none/,
  },
  {
    name: "HEAD without length",
    change: (answer, { method }) => method === "HEAD" ? { ...answer, delivery: "chunked" } : answer,
    check: "length of shards",
    verdict: "fault",
    seen: /no Content-Length/,
    mend: /gzip off; gzip_static off;/,
  },
  {
    name: "shards that are sent compressed",
    change: (answer, { path }) =>
      isData(path) && answer.status === 200
        ? withHeaders(answer, { "content-encoding": "gzip" })
        : answer,
    check: "length of shards",
    verdict: "fault",
    seen: /"Content-Encoding: gzip": a shard that is sent compressed has no parts/,
    mend: /gzip off; gzip_static off; proxy_hide_header Content-Encoding;/,
  },
  {
    name: "HEAD without CORS",
    change: (answer, { method }) =>
      method === "HEAD"
        ? withHeaders(answer, { "access-control-allow-origin": undefined })
        : answer,
    check: "length of shards",
    verdict: "fault",
    seen: /to HEAD, there is no Access-Control-Allow-Origin/,
    mend: /add_header Access-Control-Allow-Origin/,
  },
  {
    name: "403 for what is not there, to viewers of Zarr",
    change: (answer) => answer.status === 404 ? { status: 403, headers: CORS } : answer,
    check: "missing chunks",
    verdict: "fault",
    seen: /answers 403.*vizarr, Viv and Vitessce stop there; Neuroglancer takes it for 404/,
    mend: /error_page 403 =404 @none;/,
  },
  {
    name: "403 for what is not there, to viewers of precomputed",
    volume: PRECOMPUTED,
    change: (answer) => answer.status === 404 ? { status: 403, headers: CORS } : answer,
    check: "missing chunks",
    verdict: "warning",
    seen: /answers 403.*Neuroglancer takes it for 404/,
    mend: /error_page 403 =404 @none;/,
  },
  {
    name: "404 without CORS",
    change: (answer) => answer.status === 404 ? { status: 404 } : answer,
    check: "missing chunks",
    verdict: "fault",
    seen: /answers 404 .* but there is no Access-Control-Allow-Origin/,
    mend: /Access-Control-Allow-Origin "\*" always;/,
  },
  {
    name: "a page for what is not there",
    change: (answer) =>
      answer.status === 404
        ? { status: 200, headers: { ...CORS, "content-type": "text/html" }, body: "<p>Start" }
        : answer,
    check: "missing chunks",
    verdict: "fault",
    seen: /answers 200 .*text\/html: viewers take that for voxels/,
    mend: /try_files \$uri =404;/,
  },
  {
    name: "an error for what is not there",
    change: (answer) => answer.status === 404 ? { status: 500, headers: CORS } : answer,
    check: "missing chunks",
    verdict: "fault",
    seen: /answers 500 .*try again and again/,
    mend: /=404/,
  },
  {
    name: "gzip that is the codec's, and said by the server, too",
    volume: GZIP,
    change: (answer, { path }) =>
      isData(path) && answer.status === 200
        ? withHeaders(answer, { "content-encoding": "gzip" })
        : answer,
    check: "Content-Encoding",
    verdict: "fault",
    seen: /said to be gzip by the server, so browsers undo it/,
    mend: /proxy_hide_header Content-Encoding;/,
  },
  {
    name: "gzip that is said of chunks which are not compressed",
    volume: PRECOMPUTED,
    change: (answer, { path }) =>
      isData(path) && answer.status === 200
        ? withHeaders(answer, { "content-encoding": "gzip" })
        : answer,
    check: "Content-Encoding",
    verdict: "fault",
    seen: /its bytes are right as they were sent/,
    mend: /gzip_static off;/,
  },
  {
    name: "gzip that nobody says",
    volume: PRECOMPUTED,
    change: (answer, { path }) =>
      isData(path) && answer.status === 200
        ? { ...answer, body: gzipSync(answer.body as Uint8Array) }
        : answer,
    check: "Content-Encoding",
    verdict: "fault",
    seen: /compressed by gzip once more than its format says/,
    mend: /location ~ .*add_header Content-Encoding gzip;.*sluice transfer .*precomputed:\/\/NEW/s,
  },
  {
    name: "gzip that is said",
    volume: PRECOMPUTED,
    change: (answer, { path }) =>
      isData(path) && answer.status === 200
        ? withHeaders(
          { ...answer, body: gzipSync(answer.body as Uint8Array) },
          { "content-encoding": "gzip" },
        )
        : answer,
    check: "Content-Encoding",
    verdict: "ok",
    seen: /^gzip, which browsers undo/,
  },
  {
    name: "a chunk that was damaged",
    volume: GZIP,
    change: (answer, { path }) =>
      isData(path) && answer.status === 200
        ? {
          ...answer,
          body: (answer.body as Uint8Array).map((byte, i) => i > 20 ? byte ^ 255 : byte),
        }
        : answer,
    check: "chunk",
    verdict: "fault",
    seen: /cannot be read: .*gzip/,
    mend: /sluice verify ORIGINAL .*then copy 0\/2\/3\/4 again/,
  },
  {
    name: "an answer that breaks off",
    volume: PLAIN,
    change: (answer, { path }) =>
      isData(path) && answer.status === 200 ? { ...answer, delivery: "cut" } : answer,
    check: "chunk",
    verdict: "fault",
    seen: /cannot be read/,
    mend: /copy 0\/c\/2\/3\/4 again/,
  },
  {
    name: "no chunk at all",
    volume: PLAIN,
    change: (answer, { path }) => isData(path) ? { status: 404, headers: CORS } : answer,
    check: "chunk",
    verdict: "warning",
    seen: /none of \d+ chunks that were asked for is there/,
    mend: /copy it again, with all folders/,
  },
  {
    name: "no shard at all",
    change: (answer, { path }) => isData(path) ? { status: 404, headers: CORS } : answer,
    check: "ranges",
    verdict: "warning",
    seen: /not tested: there is no shard/,
  },
  {
    name: "metadata that points elsewhere, without CORS",
    volume: PLAIN,
    change: (answer, { path }) =>
      path.startsWith("/em/")
        ? { status: 302, headers: { location: path.replace("/em/", "/moved/em/") } }
        : answer,
    check: "redirects",
    verdict: "fault",
    seen: /302 leads to http:.*\/moved\/em, and of the 302 there is no Access-Control-Allow-Origin/,
    mend: /viewer: # give it http:.*\/moved\/em\n/,
  },
  {
    name: "metadata that points elsewhere",
    volume: PLAIN,
    change: (answer, { path }) =>
      path.startsWith("/em/")
        ? { status: 302, headers: { ...CORS, location: path.replace("/em/", "/moved/em/") } }
        : answer,
    check: "redirects",
    verdict: "warning",
    seen: /everything is asked for twice/,
    mend: /give it http:.*\/moved\/em$/,
  },
  {
    name: "forbidden metadata",
    change: () => ({ status: 403, headers: CORS }),
    check: "access",
    verdict: "fault",
    seen: /answered with 403, and viewers have no key/,
    mend: /allow all;/,
  },
  {
    name: "metadata behind a password",
    change: () => ({ status: 401, headers: CORS }),
    check: "access",
    verdict: "fault",
    seen: /answered with 401/,
    mend: /auth_basic off;/,
  },
  {
    name: "a server that fails",
    change: () => ({ status: 502, headers: CORS }),
    check: "server",
    verdict: "fault",
    seen: /answers 502/,
    mend: /curl -sv http:/,
  },
  {
    name: "a page for everything",
    change: () => ({ status: 200, headers: { "content-type": "text/html" }, body: "<p>Start" }),
    check: "metadata",
    verdict: "fault",
    seen: /a page comes for zarr\.json/,
    mend: /try_files \$uri =404;/,
  },
  {
    name: "nothing",
    change: () => ({ status: 404, headers: CORS }),
    check: "metadata",
    verdict: "fault",
    seen: /there is no zarr\.json, \.zattrs, \.zarray, info, attributes\.json/,
    mend: /sluice info FOLDER/,
  },
  {
    name: "metadata that is cut",
    change: (answer, { path }) =>
      path === "/em/zarr.json" ? { ...answer, body: `{"zarr_format": 3,` } : answer,
    check: "metadata",
    verdict: "fault",
    seen: /it is no JSON/,
    mend: /sluice info http/,
  },
];

for (const { name, volume: options = SHARDED, change, check, verdict, seen, mend } of CASES) {
  Deno.test(`diagnoseVolume() sees ${name}`, async () => {
    const files = new Map(await volume(options));
    for (const [path, bytes] of [...files]) files.set(path.replace("/em/", "/moved/em/"), bytes);
    const diagnosis = await diagnose(files, change);
    const one = found(diagnosis, check);
    match(one.seen, seen);
    equal(one.verdict, verdict, one.seen);
    if (mend === undefined) deepEqual(one.mend, []);
    else match(mendOf(one), mend);
    for (const { check, verdict, mend } of diagnosis.checks) {
      if (verdict === "fault") ok(mend.length > 0, `nothing mends ${check}`);
    }
    equal(diagnosis.faults, diagnosis.checks.filter(({ verdict }) => verdict === "fault").length);
  });
}

Deno.test("lines that mend are those of the server that answers", async () => {
  const servers:
    readonly (readonly [header: Record<string, string>, where: RegExp, line: RegExp])[] = [
      [
        { server: "nginx/1.26.2" },
        /^nginx/,
        /^add_header Access-Control-Allow-Origin "\*" always;/,
      ],
      [{ server: "Caddy" }, /^Caddyfile/, /^header \{/],
      [
        { server: "Apache/2.4.62" },
        /^Apache/,
        /^Header always set Access-Control-Allow-Origin "\*"/,
      ],
      [
        { server: "UploadServer" },
        /^shell/,
        /gcloud storage buckets update gs:\/\/BUCKET --cors-file/,
      ],
      [{ server: "SimpleHTTP/0.6 Python/3.11" }, /^shell, in the folder/, /^python3 -c /],
      [{ "x-amz-request-id": "1" }, /^shell/, /\naws s3api put-bucket-cors --endpoint-url http/],
    ];
  for (const [header, where, line] of servers) {
    const { checks, server } = await diagnose(
      await volume(PLAIN),
      (answer) => withHeaders(answer, { ...header, "access-control-allow-origin": undefined }),
    );
    const { mend } = checks.find(({ check }) => check === "CORS")!;
    equal(mend.length, 1);
    match(mend[0].where, where);
    match(mend[0].lines, line);
    equal(server, header.server ?? "S3");
  }
});

Deno.test("rules of CORS for buckets are JSON as their commands take it", async () => {
  const change = (header: Record<string, string>): Change => (answer) =>
    withHeaders(answer, { ...header, "access-control-allow-origin": undefined });
  const jsonIn = (diagnosis: Diagnosis) =>
    JSON.parse(/'(.*)'/s.exec(found(diagnosis, "CORS").mend[0].lines)![1]);
  const s3 = jsonIn(await diagnose(await volume(PLAIN), change({ "x-amz-request-id": "1" })));
  deepEqual(s3.CORSRules[0].AllowedMethods, ["GET", "HEAD"]);
  ok(s3.CORSRules[0].ExposeHeaders.includes("Content-Range"));
  const google = jsonIn(await diagnose(await volume(PLAIN), change({ server: "UploadServer" })));
  deepEqual(google[0].origin, ["*"]);
});

Deno.test("diagnoseVolume() finds chunks that are only there with .gz behind their names", async () => {
  const files = new Map(
    [...await volume(PRECOMPUTED)].map(([path, bytes]) =>
      isData(path)
        ? [`${path}.gz`, new Uint8Array(gzipSync(bytes))] as const
        : [path, bytes] as const
    ),
  );
  const check = found(await diagnose(files), "chunk");
  equal(check.verdict, "fault");
  match(check.seen, /is not there, but ".*\.gz" is/);
  match(
    mendOf(check),
    /gzip_static always; gunzip on;.*rewrite @chunk \{path\}\.gz.*sluice transfer/s,
  );
});

Deno.test("diagnoseVolume() takes NaN in the metadata for what it is to browsers, and its line mends it", () =>
  withFolder(async (folder) => {
    const array = {
      zarr_format: 2,
      shape: [3, 5, 7],
      chunks: [3, 5, 7],
      dtype: "<f4",
      compressor: null,
      fill_value: 0,
      filters: null,
      order: "C",
      attributes: { "of": "NaN, as text" },
    };
    const text = JSON.stringify(array).replace('"fill_value":0', '"fill_value": NaN');
    const files = (zarray: string) =>
      documents({ "/em/.zarray": zarray, "/em/0.0.0": new Uint8Array(420) });
    const check = found(await diagnose(files(text)), "metadata");
    equal(check.verdict, "fault");
    match(check.seen, /"\.zarray" is no JSON to a browser/);

    await Deno.writeTextFile(join(folder, ".zarray"), text);
    const { success } = await new Deno.Command("sh", {
      args: ["-c", check.mend[0].lines],
      cwd: folder,
    }).output();
    ok(success);
    const mended = await Deno.readTextFile(join(folder, ".zarray"));
    equal(mended, text.replace(" NaN,", ' "NaN",'));
    equal(found(await diagnose(files(mended)), "metadata").verdict, "ok");
  }));

Deno.test("diagnoseVolume() says of each viewer which codecs and dtypes it does not read", async () => {
  const array = (more: Record<string, unknown>) =>
    documents({
      "/em/.zarray": {
        zarr_format: 2,
        shape: [3, 5, 7],
        chunks: [3, 5, 7],
        dtype: "<u8",
        compressor: null,
        fill_value: 0,
        filters: null,
        order: "C",
        ...more,
      },
      "/em/0.0.0": new Uint8Array(840),
    });
  const plain = await diagnose(array({}));
  match(found(plain, "Viv, vizarr").seen, /reads it; draw uint64 as uint32/);
  equal(found(plain, "Neuroglancer").verdict, "ok");

  const shuffled = await diagnose(array({ filters: [{ id: "shuffle", elementsize: 8 }] }));
  const neuroglancer = found(shuffled, "Neuroglancer");
  equal(neuroglancer.verdict, "warning");
  match(neuroglancer.seen, /does not know the filter shuffle/);
  match(mendOf(neuroglancer), /^shell: sluice transfer http:\/\/127.*\/em NEW\.ome\.zarr$/);
  equal(found(shuffled, "Viv, vizarr").verdict, "ok");

  const lzma = await diagnose(array({ compressor: { id: "lzma", format: 1 } }));
  for (const name of ["Neuroglancer", "Viv, vizarr"]) {
    const check = found(lzma, name);
    equal(check.verdict, "fault");
    match(check.seen, /does not know lzma; nor can any other in a browser/);
    match(mendOf(check), /sluice transfer/);
  }
});

Deno.test("diagnoseVolume() says which values to show where the volume does not", async () => {
  const voxels = Uint16Array.from({ length: 105 }, (_, i) => 1000 + i);
  const files = documents({
    "/em/.zarray": {
      zarr_format: 2,
      shape: [3, 5, 7],
      chunks: [3, 5, 7],
      dtype: "<u2",
      compressor: null,
      fill_value: 0,
      filters: null,
      order: "C",
    },
    "/em/0.0.0": new Uint8Array(voxels.buffer),
  });
  const check = found(await diagnose(files), "contrast");
  equal(check.verdict, "warning");
  match(mendOf(check), /"shaderControls": \{"normalized": \{"range": \[1000, 1104\]\}\}/);
  match(mendOf(check), /sluice transfer/);
  match(found(await diagnose(await volume(PLAIN)), "contrast").seen, /^omero says \d+ to \d+$/);
});

Deno.test("diagnoseVolume() misses a pyramid where the only scale is large", async () => {
  const files = documents({
    "/em/.zarray": {
      zarr_format: 2,
      shape: [1, 1, 5000],
      chunks: [1, 1, 5000],
      dtype: "|u1",
      compressor: null,
      fill_value: 0,
      filters: null,
      order: "C",
    },
    "/em/0.0.0": new Uint8Array(5000),
  });
  const check = found(await diagnose(files), "pyramid");
  equal(check.verdict, "warning");
  match(check.seen, /1 scale, and the coarsest is 5000 voxels long/);
  match(mendOf(check), /sluice transfer .* NEW\.ome\.zarr/);
});

Deno.test("diagnoseVolume() says that a volume is not complete", async () => {
  const files = new Map(await volume(PLAIN));
  const text = new TextDecoder().decode(files.get("/em/zarr.json"));
  const { attributes, ...group } = JSON.parse(text);
  attributes.sluice.complete = false;
  files.set("/em/zarr.json", new TextEncoder().encode(JSON.stringify({ ...group, attributes })));
  const check = found(await diagnose(files), "metadata");
  equal(check.verdict, "warning");
  match(mendOf(check), /sluice join VOLUME/);
});

Deno.test("diagnoseVolume() knows what browsers make of http behind a page with https", async () => {
  await using server = serve(await volume(PLAIN));
  // The same server by a name that no browser takes for this machine.
  const address = `${server.url.replace("127.0.0.1", "0.0.0.0")}/em`;
  const check = found(await diagnoseVolume(address), "mixed content");
  equal(check.verdict, "fault");
  match(check.seen, /the page is behind https and the volume is not/);
  match(mendOf(check), /listen 443 ssl; server_name 0\.0\.0\.0;/);
  match(mendOf(check), /gets its certificate by itself/);
  const ownPage = await diagnoseVolume(address, { origin: "http://viewer.lab:8080" });
  equal(found(ownPage, "mixed content").verdict, "ok");
});

Deno.test("diagnoseVolume() needs no CORS for a page on the same server", async () => {
  await using server = serve(
    await volume(SHARDED),
    (answer) =>
      withHeaders(answer, {
        "access-control-allow-origin": undefined,
        "access-control-expose-headers": undefined,
      }),
  );
  const { faults, warnings, checks } = await diagnoseVolume(`${server.url}/em`, {
    origin: `${server.url}/viewer/index.html`,
  });
  deepEqual([faults, warnings], [0, 0], JSON.stringify(checks));
});

Deno.test("diagnoseVolume() says who gives no answer, and how long it waited", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const { checks: [refused] } = await diagnoseVolume(`http://127.0.0.1:${port}/em`);
  deepEqual([refused.check, refused.verdict], ["server", "fault"]);
  match(mendOf(refused), /curl -sv http:\/\/127\.0\.0\.1/);

  await using silent = serveRaw((): RawAnswer => ({ status: 200, delivery: "silent" }));
  const { checks: [waited] } = await diagnoseVolume(`${silent.url}/em`, { patienceSeconds: 0.2 });
  match(waited.seen, /no byte came for 0\.2 s/);
});

const hasPython = await new Deno.Command("sh", { args: ["-c", "command -v python3"] }).output();
Deno.test({
  name: "the line that teaches Python's server CORS does so",
  ignore: !hasPython.success,
  fn: () =>
    withFolder(async (folder) => {
      for (const [path, bytes] of await volume(PLAIN)) {
        await Deno.mkdir(dirname(folder + path), { recursive: true });
        await Deno.writeFile(folder + path, bytes);
      }
      const { port } = reserved();
      const address = `http://127.0.0.1:${port}/em`;
      const untaught = await whileServing(
        folder,
        `exec python3 -m http.server ${port} --bind 127.0.0.1`,
        () => diagnoseVolume(address),
      );
      const { verdict, mend: [mend] } = found(untaught, "CORS");
      equal(verdict, "fault");
      match(mend.where, /in the folder that is served/);
      const taught = await whileServing(
        folder,
        `exec ${mend.lines}`,
        () => diagnoseVolume(address),
      );
      deepEqual(taught.checks.filter(({ verdict }) => verdict !== "ok"), []);
    }),
});

/** A port that is free. */
function reserved(): Deno.NetAddr {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr as Deno.NetAddr;
}

/** Runs a server until the work is done; the work begins once it answers. */
async function whileServing(
  folder: string,
  line: string,
  work: () => Promise<Diagnosis>,
): Promise<Diagnosis> {
  await using _server = new Deno.Command("sh", {
    args: ["-c", line],
    cwd: folder,
    stdout: "null",
    stderr: "null",
  }).spawn();
  for (let i = 0;; i++) {
    const diagnosis = await work();
    const [first] = diagnosis.checks;
    if (i === 100 || first.check !== "server") return diagnosis;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const hasOpenssl = await new Deno.Command("sh", { args: ["-c", "command -v openssl"] }).output();
Deno.test({
  name: "diagnoseVolume() believes no certificate that browsers do not know",
  ignore: !hasOpenssl.success,
  fn: () =>
    withFolder(async (folder) => {
      const { success } = await new Deno.Command("openssl", {
        args:
          "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost -keyout key.pem -out cert.pem"
            .split(" "),
        cwd: folder,
        stderr: "null",
      }).output();
      ok(success);
      await using server = Deno.serve({
        hostname: "127.0.0.1",
        port: 0,
        cert: await Deno.readTextFile(join(folder, "cert.pem")),
        key: await Deno.readTextFile(join(folder, "key.pem")),
        onListen() {},
      }, () => new Response("{}"));
      const { port } = server.addr as Deno.NetAddr;
      const { checks: [check] } = await diagnoseVolume(`https://localhost:${port}/em`);
      deepEqual([check.check, check.verdict], ["server", "fault"]);
      match(check.seen, /browsers do not believe its certificate/);
      match(mendOf(check), /certbot certonly -d localhost/);
    }),
});

/** A bucket that holds a volume. */
async function fillBucket(server: ReturnType<typeof serveBuckets>, options: WriteOptions) {
  const { objects } = server.buckets.get("bucket")!;
  for (const [path, bytes] of await volume(options)) {
    objects.set(path.slice(1), { bytes, tag: '"1"', modified: 0, headers: {} });
  }
}

Deno.test("diagnoseVolume() tests a bucket by the address that viewers would use, without keys", async () => {
  await using server = serveBuckets({ anonymous: "read" });
  await fillBucket(server, PLAIN);
  const diagnosis = await diagnoseVolume("s3://bucket/em");
  equal(diagnosis.url, `${server.url}/bucket/em`);
  equal(diagnosis.source, `zarr://${server.url}/bucket/em`);
  const cors = found(diagnosis, "CORS");
  equal(cors.verdict, "fault");
  const command = new RegExp(
    `\naws s3api put-bucket-cors --endpoint-url ${server.url} --bucket bucket --cors-configuration '(.*)'$`,
  ).exec(cors.mend[0].lines);
  equal(JSON.parse(command![1]).CORSRules[0].AllowedOrigins[0], "*");
  equal(found(diagnosis, "missing chunks").verdict, "ok");
  equal(found(diagnosis, "chunk").verdict, "ok");
});

Deno.test("diagnoseVolume() says how a bucket lets everybody read, and says 404", async () => {
  await using server = serveBuckets({ anonymous: "nothing" });
  await fillBucket(server, PLAIN);
  const access = found(await diagnoseVolume("s3://bucket/em"), "access");
  equal(access.verdict, "fault");
  const policy = (check: DoctorCheck) =>
    JSON.parse(/--policy '(.*)'$/.exec(check.mend[0].lines)![1]).Statement;
  const [get, list] = policy(access);
  deepEqual([get.Action, get.Resource], ["s3:GetObject", "arn:aws:s3:::bucket/em/*"]);
  deepEqual([list.Action, list.Resource], ["s3:ListBucket", "arn:aws:s3:::bucket"]);

  Object.assign(server.behaviour, { anonymous: "read", hidesMissing: true });
  const missing = found(await diagnoseVolume("s3://bucket/em"), "missing chunks");
  equal(missing.verdict, "fault");
  equal(policy(missing)[1].Action, "s3:ListBucket");
});

Deno.test("diagnoseVolume() says where a bucket lies that is asked in another region", async () => {
  await using server = serveBuckets({ anonymous: "read" });
  server.intercept = () => ({ status: 301, headers: { "x-amz-bucket-region": "eu-west-1" } });
  const check = found(await diagnoseVolume("s3://bucket/em"), "server");
  match(check.seen, /the bucket lies in eu-west-1/);
  match(mendOf(check), /sluice doctor s3:\/\/bucket\/em --region eu-west-1/);
});

Deno.test("diagnoseVolume() repeats no signature of an address", async () => {
  const files = await volume(PLAIN);
  await using server = serveRaw(({ path, query }) =>
    query === "Signature=s3cret" && files.has(path)
      ? { status: 200, body: files.get(path)! }
      : { status: 403 }
  );
  const diagnosis = await diagnoseVolume(`${server.url}/em?Signature=s3cret`);
  equal(found(diagnosis, "chunk").verdict, "ok");
  ok(!JSON.stringify(diagnosis).includes("s3cret"));
});

Deno.test("diagnoseVolume() refuses what no server serves, and what viewers cannot be told", async () => {
  const refused = (address: string, says: RegExp, options = {}) =>
    rejects(diagnoseVolume(address, options), (error: Error) => {
      ok(error instanceof UsageError);
      match(error.message, says);
      ok(!error.message.includes("s3cret"), error.message);
      return true;
    });
  await refused("/data/em.ome.zarr", /it is a path, which no server is asked for/);
  await refused("hdf5://https://host/em.h5", /no viewer in a browser reads hdf5:\/\//);
  await refused("https://me:s3cret@host/em", /with a name or password/);
  await refused("https://?s3cret", /it is no address/);
  await refused("https://host/em", /it is no address; write https:\/\/HOST/, { origin: "viewer" });
});

Deno.test("diagnoseVolume() ends with the reason of its signal", async () => {
  await using server = serveRaw((): RawAnswer => ({ status: 200, delivery: "silent" }));
  const signal = AbortSignal.timeout(100);
  await rejects(
    diagnoseVolume(`${server.url}/em`, { signal }),
    (error) => error === signal.reason,
  );
});
