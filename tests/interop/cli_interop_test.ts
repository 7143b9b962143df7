/** The command line as a process, with buckets and web servers that others wrote. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { box } from "../../core/box.ts";
import { S3Blobs } from "../../stores/blobs/s3_blobs.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { makeStack, type Stack } from "../_stack.ts";
import { ended, type Ran, Sluice } from "../cli/_sluice.ts";
import { bucketEnv, bucketOptions, bucketServers, makeBucket, startMoto } from "./_buckets.ts";
import { type Program, silent, start } from "./_programs.ts";
import { python, runPythonWith } from "./_python.ts";
import { type Edges, type Kind, RAW, WrittenVolumes, ZSTD } from "./_written_volumes.ts";

const EDGES: Edges = { edges: [4, 4, 40], doubled: [true, true, false] };
const VOXEL_SIZE = ["--voxel-size", "4x4x40nm"] as const;
/** Nothing that this machine knows of AWS. */
const NOBODY = {
  AWS_CONFIG_FILE: "/nobody/config",
  AWS_SHARED_CREDENTIALS_FILE: "/nobody/credentials",
  AWS_EC2_METADATA_DISABLED: "true",
  AWS_PROFILE: "",
  AWS_REGION: "",
  AWS_DEFAULT_REGION: "",
  AWS_SESSION_TOKEN: "",
  AWS_ENDPOINT_URL: "",
  AWS_ENDPOINT_URL_S3: "",
} as const;

function keysOf([id, secret]: readonly [string, string]): Record<string, string> {
  return { ...NOBODY, AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret };
}

const ANYBODY = keysOf(["test", "test"]);

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** A run that did what it should. */
function done(ran: Ran): Ran {
  equal(ran.code, 0, `${ran.stdout}${ran.stderr}`);
  return ran;
}

/** What others must find in a stack that was ingested. */
function expectStack(
  volumes: WrittenVolumes,
  volume: string,
  kind: Pick<Kind, "format" | "codec">,
  { size, voxels }: Stack,
  sharded: boolean,
): Promise<void> {
  return volumes.expect({
    what: volume,
    volume,
    kind: { dtype: "uint16", ...kind },
    voxels,
    part: box([0, 0, 0], size),
    of: EDGES,
    sharded,
  });
}

async function proveCopies(program: Program): Promise<void> {
  await makeBucket(program, "copies");
  await using sluice = await Sluice.of({}, { task: "sluice:net", env: ANYBODY });
  const stack = await makeStack(sluice.path("raw"));
  const endpoint = ["--endpoint", program.url];
  const ran = done(
    await sluice.run(
      ...["ingest", "raw/*.png", "--to", "a.ome.zarr", "--to", "precomputed://s3://copies/lab/b"],
      ...["--to", "s3://copies/lab/c", "--chunk", "16x16x4", "--shard", "32x32x4"],
      ...["--levels", "3", ...VOXEL_SIZE, ...endpoint],
    ),
  );
  match(ran.stdout, /Wrote "a\.ome\.zarr"/);
  match(ran.stdout, /and "s3:\/\/copies\/lab\/b"/);
  equal(ran.stdout.match(/verified: /g)?.length, 3);
  await using pool = new WorkerPool({ size: 0 });
  const place = { root: "", endpoint: program.url, env: bucketEnv(program) };
  const volumes = new WrittenVolumes(sluice.folder.path, pool, place);
  const zarr = { format: "0.5", codec: ZSTD } as const;
  await expectStack(volumes, sluice.path("a.ome.zarr"), zarr, stack, true);
  const precomputed = { format: "precomputed", codec: RAW } as const;
  await expectStack(volumes, "s3://copies/lab/b", precomputed, stack, true);
  await expectStack(volumes, "s3://copies/lab/c", zarr, stack, true);
  await volumes.check();
  // Each is the source of another, by the environment alone.
  const env = { ...ANYBODY, AWS_ENDPOINT_URL: program.url };
  const again = sluice.with({ env });
  done(await again.run("verify", "s3://copies/lab/c"));
  done(
    await again.run("transfer", "precomputed://s3://copies/lab/b", "d.ome.zarr", "--levels", "1"),
  );
  for (const volume of ["a.ome.zarr", "s3://copies/lab/b", "s3://copies/lab/c", "d.ome.zarr"]) {
    done(await again.run("pull", volume, "pulled.tif", "--overwrite"));
    const pulled = await Deno.readFile(sluice.path("pulled.tif"));
    await Deno.writeFile(sluice.path(`${volume.replaceAll("/", "-")}.tif`), pulled);
  }
  await comparePixels(sluice.folder.path, stack);
}

/** tifffile finds the voxels of the stack in every TIFF of a folder. */
async function comparePixels(folder: string, { size: [x, y, z], voxels }: Stack): Promise<void> {
  const raw = join(folder, "stack.raw");
  await Deno.writeFile(raw, new Uint8Array(voxels.buffer));
  const entries = [];
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.endsWith(".tif")) continue;
    entries.push({
      path: join(folder, name),
      voxels: raw,
      dtype: "uint16",
      shape: [1, z, 1, y, x],
      compression: "ADOBE_DEFLATE",
      big: false,
      unit: "nm",
      size: [4, 4, 40],
    });
  }
  equal(entries.length, 5);
  const manifest = join(folder, "manifest.json");
  await Deno.writeTextFile(manifest, JSON.stringify(entries));
  equal(JSON.parse(await runPythonWith({}, "pull_interop.py", manifest)).files, entries.length);
}

/** Sections of a stack that takes a server of buckets some seconds, four a task. */
const DEPTH = 160;

async function proveKill(program: Program): Promise<void> {
  await makeBucket(program, "killed");
  const env = { ...ANYBODY, AWS_ENDPOINT_URL: program.url };
  await using sluice = await Sluice.of({}, { task: "sluice:net", env });
  const stack = await makeStack(sluice.path("raw"), { width: 64, height: 48, depth: DEPTH });
  const words = [
    ...["raw/*.png", "s3://killed/lab/it", ...VOXEL_SIZE, "--chunk", "16x16x4"],
    ...["--shard", "none", "--levels", "3"],
  ];
  const work = ["--workers", "1", "--lease-seconds", "3"];
  await using blobs = await S3Blobs.open("s3://killed/lab/it/.sluice", bucketOptions(program));
  const receipts = async () => (await Array.fromAsync(blobs.list("receipts/"))).length;
  const killed = async (least: number, ...words: string[]) => {
    const process = sluice.start(...words, ...work);
    const ran = ended(process);
    const over = ran.then(({ code, stderr }) => {
      throw new Error(`It was over before it could be killed, with ${code}: ${stderr}`);
    });
    while (await Promise.race([receipts(), over]) < least) await pause(10);
    process.kill("SIGKILL");
    await over.catch(() => {});
    equal((await ran).code, 137);
  };
  await killed(6, "ingest", ...words);
  await Deno.remove(sluice.path("home"), { recursive: true });
  const lost = await sluice.run("join", "s3://killed/lab/it", ...work);
  equal(lost.code, 1);
  match(lost.stderr, /the ledger that counted it.*give --ledger URL.*counts on from the receipts/);
  const ledger = ["--ledger", `sqlite:${sluice.path("new.db")}`];
  await killed(await receipts() + 6, "join", "s3://killed/lab/it", ...ledger);
  const { code, document } = await sluice.json("ingest", ...words, ...ledger, ...work);
  deepEqual([code, document.state, document.verified?.faultCount], [0, "done", 0]);
  const voxelBytes = 64 * 48 * DEPTH * 2 * (1 + 1 / 4 + 1 / 16);
  ok(document.thisProcess.voxelBytes < 0.8 * voxelBytes, "what was done is not done again");
  await using pool = new WorkerPool({ size: 0 });
  const place = { root: "", endpoint: program.url, env: bucketEnv(program) };
  const volumes = new WrittenVolumes(sluice.folder.path, pool, place);
  const kind = { format: "0.5", codec: ZSTD } as const;
  await expectStack(volumes, "s3://killed/lab/it", kind, stack, false);
  await volumes.check();
}

/** What the command line says of keys, rights and names that are not right: one line, no secret, and its exit code. */
async function proveRefusals(): Promise<void> {
  await using program = await startMoto();
  for (const bucket of ["lab-bucket", "other-bucket"]) await makeBucket(program, bucket);
  const known: readonly [string, string] = JSON.parse(
    await runPythonWith(bucketEnv(program), "moto_user.py", "lab-bucket"),
  );
  const [id, secret] = known;
  await using ann = await Sluice.of({}, { task: "sluice:net", env: keysOf(known) });
  await makeStack(ann.path("raw"), { depth: 2 });
  const endpoint = ["--endpoint", program.url];
  const wrong = "wrongSecretThatNobodyMaySee";
  const cases: readonly {
    readonly name: string;
    readonly keys?: readonly [string, string];
    readonly words: readonly string[];
    readonly says: RegExp;
    readonly code?: number;
  }[] = [
    {
      name: "a key that nobody knows",
      keys: ["AKIANOBODYKNOWSIT", secret],
      words: ["pull", "s3://lab-bucket/it", "it.tif", ...endpoint],
      says: /403 InvalidAccessKeyId .*; mend the access key, or choose another profile/,
    },
    {
      name: "a secret that is wrong",
      keys: [id, wrong],
      words: ["pull", "s3://lab-bucket/it", "it.tif", ...endpoint],
      says: /403 SignatureDoesNotMatch .*; mend the secret key, or choose another profile/,
    },
    {
      name: "a secret that is wrong, for writing",
      keys: [id, wrong],
      words: ["ingest", "raw/*.png", "s3://lab-bucket/it", ...endpoint],
      says: /403 SignatureDoesNotMatch .*; mend the secret key/,
    },
    {
      name: "no keys",
      keys: ["", ""],
      words: ["pull", "s3://lab-bucket/it", "it.tif", ...endpoint],
      says: /set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or name a profile, .*--anonymous/,
    },
    {
      name: "a profile that is not there",
      words: ["pull", "s3://lab-bucket/it", "it.tif", "--profile", "ghost", ...endpoint],
      says: /profile "ghost" for credentials: no file has it; .*aws configure --profile ghost/,
    },
    {
      name: "a bucket of others",
      words: ["pull", "s3://other-bucket/it", "it.tif", ...endpoint],
      says:
        /"s3:\/\/other-bucket\/it\/zarr\.json": .*403 AccessDenied .*ask for the right to do this/,
    },
    {
      name: "a bucket of others, for writing",
      words: ["ingest", "raw/*.png", "s3://other-bucket/it", ...endpoint],
      says: /"s3:\/\/other-bucket\/it\/.*403 AccessDenied .*ask for the right to do this/,
    },
    {
      name: "no volume",
      words: ["pull", "s3://lab-bucket/nothing", "it.tif", ...endpoint],
      says: /"s3:\/\/lab-bucket\/nothing" as a volume: there is no zarr\.json, .*info/,
      code: 2,
    },
    {
      name: "an endpoint with a password",
      words: ["pull", "s3://lab-bucket/it", "it.tif", "--endpoint", `https://me:${wrong}@lab`],
      says: /"https:\/\/lab" as the endpoint of a bucket: .*write --endpoint https:\/\/HOST/,
      code: 2,
    },
    {
      name: "keys in the address",
      words: ["ingest", "raw/*.png", `s3://${id}:${wrong}@lab-bucket/it`, ...endpoint],
      says: /give keys by the environment or a profile/,
      code: 2,
    },
  ];
  for (const { name, keys = known, words, says, code = 1 } of cases) {
    const ran = await ann.with({ env: keysOf(keys) }).run(...words);
    const said = `${ran.stdout}${ran.stderr}`;
    equal(ran.code, code, `${name}: ${said}`);
    match(ran.stderr, says, name);
    for (const word of [secret, wrong]) ok(!said.includes(word), `${name}: ${said}`);
  }
  // What works with them leaves no secret anywhere.
  done(await ann.run("ingest", "raw/*.png", "s3://lab-bucket/it", ...endpoint));
  done(await ann.run("pull", "s3://lab-bucket/it", "it.tif", ...endpoint));
  const blobs = await S3Blobs.open("s3://lab-bucket/it", {
    ...bucketOptions(program),
    credentials: { accessKeyId: id, secretAccessKey: secret },
  });
  for await (const { key } of blobs.list("")) {
    const bytes = await blobs.get(key);
    ok(!new TextDecoder("latin1").decode(bytes).includes(secret), key);
  }
  for await (const { name, isFile } of Deno.readDir(ann.path("home"))) {
    if (!isFile) continue;
    const bytes = await Deno.readFile(join(ann.path("home"), name));
    ok(!new TextDecoder("latin1").decode(bytes).includes(secret), name);
  }
}

Deno.test({
  name: "moto with users: what is refused is named with the way out, and shows no secret",
  ignore: python === undefined,
  fn: proveRefusals,
});

Deno.test({
  name: "moto: a bucket that is not there, and what sluice may not do, are named",
  ignore: python === undefined,
  fn: async () => {
    await using program = await startMoto();
    const env = { ...ANYBODY, AWS_ENDPOINT_URL: program.url };
    await using sluice = await Sluice.of({}, { task: "sluice:net", env });
    await makeStack(sluice.path("raw"), { depth: 1 });
    for (
      const words of [
        ["pull", "s3://absent-bucket/it", "it.tif"],
        ["ingest", "raw/*.png", "s3://absent-bucket/it"],
        ["status", "s3://absent-bucket/it"],
      ]
    ) {
      const { code, stderr } = await sluice.run(...words);
      equal(code, 1, stderr);
      match(stderr, /answered 404 NoSuchBucket .*; create the bucket, or mend its name/);
    }
    const offline = sluice.with({ task: "sluice" });
    const unread = await offline.run("pull", "s3://absent-bucket/it", "it.tif");
    equal(unread.code, 1);
    match(unread.stderr, /run it with --allow-env=AWS_ACCESS_KEY_ID,/);
    for (const words of [["--anonymous", "s3://absent-bucket/it"], [`${program.url}/it`]]) {
      const ran = await offline.run("pull", ...words, "it.tif", "--endpoint", program.url);
      equal(ran.code, 1, ran.stderr);
      match(ran.stderr, /sluice may not; run it with --allow-net=127\.0\.0\.1/);
    }
    const written = await sluice.run("ingest", "raw/*.png", `${program.url}/absent-bucket/it`);
    equal(written.code, 2);
    match(written.stderr, /over HTTP volumes are only read; .*s3:\/\/BUCKET\/PREFIX/);
  },
});

Deno.test({
  name:
    "a volume is pulled and transferred over HTTPS, and a certificate that nobody vouches for is named",
  ignore: python === undefined,
  fn: async () => {
    await using sluice = await Sluice.of({}, { task: "sluice:net", env: NOBODY });
    const stack = await makeStack(sluice.path("raw"));
    const cut = ["--chunk", "16x16x4", ...VOXEL_SIZE];
    done(await sluice.run("ingest", "raw/*.png", "it.ome.zarr", ...cut));
    done(await sluice.run("ingest", "raw/*.png", "precomputed://em", ...cut));
    const certificate = sluice.path("ca.pem");
    const script = fileURLToPath(new URL("web_server.py", import.meta.url));
    // It is made before the server answers.
    const serve = (port: number) =>
      new Deno.Command(python!, {
        args: [script, `${port}`, sluice.folder.path, certificate],
        ...silent,
      });
    await using server = await start(serve, { scheme: "https", certificate });
    const trusting = sluice.with({ env: { ...NOBODY, DENO_CERT: certificate } });
    const address = `${server.url}/it.ome.zarr`;
    done(await trusting.run("pull", address, "it.tif"));
    done(await trusting.run("pull", `precomputed://${server.url}/em`, "em.tif"));
    done(await trusting.run("pull", "em", "near.tif"));
    done(await trusting.run("transfer", address, "precomputed://again", ...VOXEL_SIZE));
    done(await trusting.run("pull", "again", "again.tif"));
    // The password goes to the server, and no further.
    const secret = "https://ann:wrongSecretThatNobodyMaySee@";
    const named = await trusting.run("pull", address.replace("https://", secret), "named.tif");
    equal(done(named).stderr.includes("wrongSecret"), false);
    await comparePixels(sluice.folder.path, stack);
    for (const words of [["pull", address, "no.tif"], ["transfer", address, "no.ome.zarr"]]) {
      const { code, stderr } = await sluice.run(...words);
      equal(code, 1);
      match(stderr, /vouches for its certificate \(UnknownIssuer\); .*DENO_CERT=FILE\.pem/);
    }
  },
});

for (const server of python === undefined ? [] : bucketServers) {
  const program = await server.start();
  Deno.test(`${server.name}: one pass into several stores, from which others and sluice read the same`, () =>
    proveCopies(program));
  Deno.test(`${server.name}: a job that is killed twice, and whose ledger is lost, goes on and is right`, () =>
    proveKill(program));
  Deno.test.afterAll(async () => await program[Symbol.asyncDispose]());
}
