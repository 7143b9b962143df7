import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import {
  BLOB_VARIABLES,
  type ReadVariable,
  readVariables,
} from "../../../stores/blobs/environment.ts";
import {
  CredentialKeeper,
  findAwsCredentials,
  findGoogleCredentials,
  type S3Credentials,
} from "../../../stores/blobs/s3_credentials.ts";
import { type BucketOptions, settleBucket } from "../../../stores/blobs/_s3_settings.ts";
import { type RawHandler, serveRaw } from "../../_raw_http.ts";
import { withFolder } from "../../_stack.ts";

type Variables = Partial<Record<typeof BLOB_VARIABLES[number], string>>;

/** No machine is asked, unless a test serves one. */
const reading = (variables: Variables): ReadVariable => (name) =>
  ({ AWS_EC2_METADATA_DISABLED: "true", ...variables })[name] || undefined;

function keys(name: string, sessionToken?: string): S3Credentials {
  const pair = { accessKeyId: `id-${name}`, secretAccessKey: `secret-${name}` };
  return sessionToken === undefined ? pair : { ...pair, sessionToken };
}

/** Finds, and forgets what is not said. */
async function find(variables: Variables, profile?: string): Promise<unknown> {
  return JSON.parse(JSON.stringify(await findAwsCredentials(reading(variables), profile)));
}

const ENVIRONMENT: Variables = { AWS_ACCESS_KEY_ID: "id-env", AWS_SECRET_ACCESS_KEY: "secret-env" };

const CREDENTIALS = `
# People write comments
[default]
aws_access_key_id = id-default
aws_secret_access_key=secret-default
[ tmp ]
; in two ways
AWS_ACCESS_KEY_ID = id-tmp
aws_secret_access_key = secret-tmp
aws_session_token = token==
[half]
aws_access_key_id = id-half
`;

const CONFIG = `
[default]
region = eu-north-1
[profile tmp]
region = ap-south-1
endpoint_url = http://127.0.0.1:9000
s3 =
  aws_access_key_id = nested
[profile config only]
aws_access_key_id = id-config
aws_secret_access_key = secret-config
[profile runs]
credential_process = /bin/false
[profile assumes]
role_arn = arn:aws:iam::1:role/x
source_profile = default
[profile signs-in]
sso_session = lab
[profile region]
region = us-west-2
`;

/** Files as they lie in a home. */
async function withHome(test: (variables: Variables) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    await Deno.mkdir(join(folder, ".aws"));
    await Deno.writeTextFile(join(folder, ".aws", "credentials"), CREDENTIALS);
    await Deno.writeTextFile(join(folder, ".aws", "config"), CONFIG.replaceAll("\n", "\r\n"));
    await test({ HOME: folder });
  });
}

Deno.test("keys come from the environment before files, and from a profile that is named before both", () =>
  withHome(async (home) => {
    deepEqual(await find({ ...home, ...ENVIRONMENT }), keys("env"));
    deepEqual(await find({ ...home, ...ENVIRONMENT, AWS_SESSION_TOKEN: "t" }), keys("env", "t"));
    deepEqual(await find({ ...home, ...ENVIRONMENT, AWS_PROFILE: "tmp" }), keys("env"));
    deepEqual(await find({ ...home, ...ENVIRONMENT }, "tmp"), keys("tmp", "token=="));
    deepEqual(await find({ ...home, AWS_PROFILE: "tmp" }), keys("tmp", "token=="));
    deepEqual(await find(home), keys("default"));
    deepEqual(await find({ ...home, AWS_ACCESS_KEY_ID: "alone" }), keys("default"));
    deepEqual(await find(home, "config only"), keys("config"));
    deepEqual(await find({ USERPROFILE: home.HOME }), keys("default"));
    const elsewhere = join(home.HOME!, "elsewhere");
    await Deno.writeTextFile(elsewhere, CREDENTIALS.replaceAll("default", "other"));
    deepEqual(await find({ AWS_SHARED_CREDENTIALS_FILE: elsewhere }, "other"), keys("other"));
  }));

Deno.test("a profile whose keys others make is refused with the way out, and no program is run", () =>
  withHome(async (home) => {
    const cases = { runs: "credential_process", assumes: "role_arn", "signs-in": "sso_session" };
    for (const [profile, setting] of Object.entries(cases)) {
      await rejects(find(home, profile), {
        name: "BlobError",
        kind: "credentials",
        message:
          `Cannot use AWS profile "${profile}" for credentials: it has them made by ${setting}, which is not run from here; set what "aws configure export-credentials --profile ${profile} --format env" prints`,
      });
    }
    await rejects(find(home, "absent"), {
      kind: "credentials",
      message: /"absent" .*: no file has it;/,
    });
    await rejects(find(home, "half"), {
      kind: "credentials",
      message: /"half" .*: it holds no keys;/,
    });
    await rejects(find({ ...home, AWS_PROFILE: "absent" }), { kind: "credentials" });
  }));

Deno.test("without any keys the error says all ways to give some", async () => {
  await rejects(find({}), {
    name: "BlobError",
    kind: "credentials",
    message:
      "Cannot find credentials for S3: no variable, AWS profile, container or machine gives any; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or name a profile, or read what is public with --anonymous, in a script with sign: false",
  });
});

Deno.test("Google's keys have names of their own, and there may be none", async () => {
  const google = { GS_ACCESS_KEY_ID: "id-gs", GS_SECRET_ACCESS_KEY: "secret-gs" };
  const found = await findGoogleCredentials(reading({ ...ENVIRONMENT, ...google }));
  deepEqual(found, { ...keys("gs"), sessionToken: undefined });
  equal(await findGoogleCredentials(reading(ENVIRONMENT)), undefined);
  await withHome(async (home) => {
    equal((await findGoogleCredentials(reading(home), "default"))?.accessKeyId, "id-default");
  });
});

const EXPIRATION = "2031-02-03T04:05:06Z";
const HANDED_OUT = JSON.stringify({
  AccessKeyId: "id-handed",
  SecretAccessKey: "secret-handed",
  Token: "token-handed",
  Expiration: EXPIRATION,
});
const EXPECTED = { ...keys("handed", "token-handed"), expires: Date.parse(EXPIRATION) };

Deno.test("a container hands keys out, for a token where it wants one", () =>
  withFolder(async (folder) => {
    const handler: RawHandler = ({ path, query, headers }) =>
      `${path}?${query}` === "/v2/credentials?id=1" &&
        headers.get("authorization") === "container-token"
        ? { status: 200, body: HANDED_OUT }
        : { status: 401, body: "container-token" };
    await using server = serveRaw(handler);
    const full = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${server.url}/v2/credentials?id=1` };
    const file = join(folder, "token");
    await Deno.writeTextFile(file, "container-token\n");
    deepEqual(
      await find({ ...full, AWS_CONTAINER_AUTHORIZATION_TOKEN: "container-token" }),
      EXPECTED,
    );
    deepEqual(await find({ ...full, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file }), EXPECTED);
    // Files and variables come first.
    deepEqual(await find({ ...full, ...ENVIRONMENT }), keys("env"));
    await rejects(find(full), {
      kind: "credentials",
      message:
        /^Cannot ask for the credentials of this container: "127\.0\.0\.1:\d+" answered 401; give them by/,
    });
    const absent = { ...full, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: join(folder, "absent") };
    await rejects(find(absent), {
      kind: "credentials",
      message: /mend what AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE/,
    });
    for (
      const url of ["http://example.com/x", "nonsense://", "http://169.254.169.254.example.com/"]
    ) {
      const sent = find({ AWS_CONTAINER_CREDENTIALS_FULL_URI: url });
      await rejects(sent, { kind: "credentials", message: /it is neither local nor encrypted/ });
    }
  }));

Deno.test("a machine hands keys out for a token of its own; without a role, or an answer, there are none", async () => {
  let role = "worker";
  const handler: RawHandler = ({ method, path, headers }) => {
    if (method === "PUT" && path === "/latest/api/token") {
      return {
        status: headers.has("x-aws-ec2-metadata-token-ttl-seconds") ? 200 : 400,
        body: "machine-token",
      };
    }
    if (headers.get("x-aws-ec2-metadata-token") !== "machine-token") return { status: 401 };
    const roles = "/latest/meta-data/iam/security-credentials/";
    if (path === roles && role !== "") return { status: 200, body: role };
    return path === `${roles}worker` ? { status: 200, body: HANDED_OUT } : { status: 404 };
  };
  const server = serveRaw(handler);
  const machine = { AWS_EC2_METADATA_SERVICE_ENDPOINT: server.url, AWS_EC2_METADATA_DISABLED: "" };
  deepEqual(await find(machine), EXPECTED);
  await rejects(find({ ...machine, AWS_EC2_METADATA_DISABLED: "TRUE" }), { kind: "credentials" });
  role = "";
  await rejects(find(machine), { kind: "credentials", message: /^Cannot find credentials for S3/ });
  role = "gone";
  await rejects(find(machine), { kind: "credentials", message: /answered 404/ });
  const nowhere = { ...machine, AWS_EC2_METADATA_SERVICE_ENDPOINT: "nowhere" };
  await rejects(find(nowhere), {
    kind: "credentials",
    message: /"nowhere".*: it is no address; mend/,
  });
  await server[Symbol.asyncDispose]();
  await rejects(find(machine), { kind: "credentials", message: /^Cannot find credentials for S3/ });
});

Deno.test("what is handed out and holds no keys is refused", async () => {
  for (const body of ["", "{}", '{"AccessKeyId":7}', '{"Code":"Failed"}', "<html>"]) {
    await using server = serveRaw(() => ({ status: 200, body }));
    const sent = find({ AWS_CONTAINER_CREDENTIALS_FULL_URI: server.url });
    await rejects(sent, { kind: "credentials", message: /what came holds none/ });
  }
});

Deno.test("CredentialKeeper asks once for all, again in time, and lives with an old answer while it may", async () => {
  let now = 0;
  let asked = 0;
  let fails = false;
  const signal = new AbortController().signal;
  const minutes = (count: number) => count * 60_000;
  const keeper = new CredentialKeeper(() => {
    asked++;
    if (fails) return Promise.reject(new Error("nobody home"));
    return Promise.resolve({ ...keys(`${asked}`), expires: now + minutes(60) });
  }, { now: () => now, wait: () => Promise.resolve() });
  const all = await Promise.all(Array.from({ length: 20 }, () => keeper.keys(signal)));
  deepEqual([asked, new Set(all).size], [1, 1]);
  now = minutes(54);
  equal((await keeper.keys(signal))?.accessKeyId, "id-1");
  now = minutes(56);
  fails = true;
  equal((await keeper.keys(signal))?.accessKeyId, "id-1");
  equal((await keeper.keys(signal))?.accessKeyId, "id-1");
  // Nobody is asked with every request.
  equal(asked, 2);
  now = minutes(61);
  await rejects(keeper.keys(signal), /nobody home/);
  now = minutes(62);
  fails = false;
  equal((await keeper.keys(signal))?.accessKeyId, "id-4");
  const reason = new Error("stopped");
  now = minutes(122);
  await rejects(keeper.keys(AbortSignal.abort(reason)), (error) => error === reason);
});

Deno.test("where a bucket lies comes from options, variables, the profile, in that order", () =>
  withHome(async (home) => {
    const settle = async (
      variables: Variables,
      options: BucketOptions = {},
      address = "s3://a-bucket/x/y/",
    ) => {
      const { prefix, url, region, endpoint, pathStyle, checksum } = await settleBucket(address, {
        ...options,
        env: { get: (name) => reading(variables)(name as typeof BLOB_VARIABLES[number]) },
      });
      return [url, prefix, region, endpoint?.href, pathStyle, checksum];
    };
    const at = ["s3://a-bucket/x/y", "x/y/"];
    deepEqual(await settle({}), [...at, "us-east-1", undefined, false, "crc32"]);
    deepEqual(await settle(home), [...at, "eu-north-1", undefined, false, "crc32"]);
    deepEqual(await settle({ ...home, AWS_DEFAULT_REGION: "r1" }), [
      ...at,
      "r1",
      undefined,
      false,
      "crc32",
    ]);
    deepEqual(await settle({ AWS_REGION: "r2", AWS_DEFAULT_REGION: "r1" }), [
      ...at,
      "r2",
      undefined,
      false,
      "crc32",
    ]);
    deepEqual(await settle({ AWS_REGION: "r2" }, { region: "r3" }), [
      ...at,
      "r3",
      undefined,
      false,
      "crc32",
    ]);
    const local = "http://127.0.0.1:9000/";
    deepEqual(await settle({ ...home, AWS_PROFILE: "tmp" }), [
      ...at,
      "ap-south-1",
      local,
      true,
      "md5",
    ]);
    deepEqual(await settle(home, { profile: "tmp" }), [...at, "ap-south-1", local, true, "md5"]);
    const general = { AWS_ENDPOINT_URL: "https://e1" };
    deepEqual(await settle(general), [...at, "us-east-1", "https://e1/", true, "md5"]);
    const own = { ...general, AWS_ENDPOINT_URL_S3: "https://e2" };
    deepEqual(await settle(own), [...at, "us-east-1", "https://e2/", true, "md5"]);
    deepEqual((await settle(own, { endpoint: "https://e3", pathStyle: false })).slice(3), [
      "https://e3/",
      false,
      "md5",
    ]);
    deepEqual(
      await settle(own, {}, "gs://b"),
      ["gs://b", "", "auto", "https://storage.googleapis.com/", true, "md5"],
    );
    deepEqual((await settle({}, {}, "s3://dotted.name")).slice(4), [true, "crc32"]);
    // No key of AWS is sent to Google.
    const { keeper } = await settleBucket("gs://b", {
      env: { get: reading(ENVIRONMENT) as (name: string) => string },
    });
    equal(await keeper.keys(new AbortController().signal), undefined);
  }));

Deno.test("variables are read as far as they may be, and nobody is asked for more", async () => {
  const script = `
    import { readVariables } from ${
    JSON.stringify(new URL("../../../stores/blobs/environment.ts", import.meta.url).href)
  };
    const read = readVariables();
    console.log(read("AWS_PROFILE"), read("AWS_REGION"), read("HOME"));`;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-lock",
      "--allow-env=AWS_PROFILE,AWS_REGION",
      `data:text/javascript,${encodeURIComponent(script)}`,
    ],
    env: { AWS_PROFILE: "lab", AWS_REGION: "", HOME: Deno.env.get("HOME") ?? "/" },
  }).output();
  equal(
    new TextDecoder().decode(stdout),
    "lab undefined undefined\n",
    new TextDecoder().decode(stderr),
  );
  equal(readVariables({ get: (name) => name })("HOME"), "HOME");
});

Deno.test("an address of a bucket holds no keys, and names one bucket", async () => {
  for (
    const address of ["s3://", "s3:///x", "s3://id:s3cret@bucket/x", "s3://bu cket/x", "s3://b?x=1"]
  ) {
    await rejects(settleBucket(address, {}), (error: Error) => {
      equal(error.name, "UsageError");
      match(
        error.message,
        /^Cannot open ".*" as a bucket: it does not name one; write s3:\/\/BUCKET\/PREFIX/,
      );
      ok(!error.message.includes("s3cret"));
      return true;
    });
  }
  const paid = settleBucket("gs://bucket", { requesterPays: true });
  await rejects(paid, { name: "UsageError", message: /Google asks for a project/ });
  await rejects(settleBucket("s3://b/../c", {}), { name: "BlobError", kind: "bad-key" });
  for (
    const endpoint of [
      "s3.lab",
      "ftp://s3.lab",
      "https://id:s3cret@s3.lab",
      "https://s3.lab/?key=s3cret",
    ]
  ) {
    await rejects(settleBucket("s3://bucket", { endpoint }), (error: Error) => {
      equal(error.name, "UsageError");
      match(
        error.message,
        /as the endpoint of a bucket: it is no plain address of a server; write --endpoint/,
      );
      ok(!error.message.includes("s3cret"));
      return true;
    });
  }
});
