/** What the files of the AWS command line say of a profile. */
import { join } from "node:path";
import { isNotFound } from "../../core/errors.ts";
import { BlobError } from "./blobs.ts";
import { isGranted, type ReadVariable } from "./environment.ts";

/** The settings of one profile, by their names in the files. */
export type Profile = ReadonlyMap<string, string>;

/** Settings by which a profile has a program, a browser or another server make its keys. */
const INDIRECT = [
  "credential_process",
  "role_arn",
  "source_profile",
  "sso_session",
  "sso_start_url",
  "web_identity_token_file",
  "login_session",
];

/** Reads a profile; undefined where neither file has it, or may be read. */
export async function readProfile(read: ReadVariable, name: string): Promise<Profile | undefined> {
  const home = read("HOME") ?? read("USERPROFILE");
  const inHome = (file: string) => home && join(home, ".aws", file);
  const config = await readSections(read("AWS_CONFIG_FILE") ?? inHome("config"));
  const credentials = await readSections(
    read("AWS_SHARED_CREDENTIALS_FILE") ?? inHome("credentials"),
  );
  const found = [
    config.get(`profile ${name}`) ?? (name === "default" ? config.get(name) : undefined),
    credentials.get(name),
  ].filter((section) => section !== undefined);
  return found.length === 0 ? undefined : new Map(found.flatMap((section) => [...section]));
}

/** The keys that a profile holds itself; undefined where it holds none. @throws {BlobError} If others make them. */
export function profileKeys(profile: Profile, name: string) {
  const accessKeyId = profile.get("aws_access_key_id");
  const secretAccessKey = profile.get("aws_secret_access_key");
  if (accessKeyId && secretAccessKey) {
    return { accessKeyId, secretAccessKey, sessionToken: profile.get("aws_session_token") };
  }
  const indirect = INDIRECT.find((setting) => profile.has(setting));
  if (indirect === undefined) return undefined;
  throw new BlobError(
    `Cannot use AWS profile "${name}" for credentials: it has them made by ${indirect}, which is not run from here; set what "aws configure export-credentials --profile ${name} --format env" prints`,
    "credentials",
  );
}

async function readSections(path: string | undefined): Promise<Map<string, Map<string, string>>> {
  const sections = new Map<string, Map<string, string>>();
  if (!path || !isGranted({ name: "read", path })) return sections;
  let section: Map<string, string> | undefined;
  for (const line of (await readText(path)).split(/\r?\n/)) {
    const header = /^\[\s*(.+?)\s*\]/.exec(line)?.[1].replace(/\s+/, " ");
    // Lines that are set in belong to the setting above them.
    const setting = /^([^\s#;=][^=]*?)\s*=\s*(.*?)\s*$/.exec(line);
    if (header !== undefined) {
      section = sections.get(header) ?? new Map();
      sections.set(header, section);
    } else if (setting !== null) {
      section?.set(setting[1].toLowerCase(), setting[2]);
    }
  }
  return sections;
}

async function readText(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (isNotFound(error)) return "";
    throw new BlobError(
      `Cannot read "${path}" for AWS profiles: it is there and cannot be read; change who may, or name another file by AWS_SHARED_CREDENTIALS_FILE`,
      "credentials",
      { cause: error },
    );
  }
}
