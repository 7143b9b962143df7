/** Keys that the place where this runs hands out: a container, or a virtual machine of AWS. */
import { messageOf } from "../../core/errors.ts";
import { exchange } from "./_exchange.ts";
import { BlobError } from "./blobs.ts";
import { isGranted, type ReadVariable } from "./environment.ts";
import { Retry } from "./retry.ts";
import type { S3Credentials } from "./s3_credentials.ts";

const CONTAINER = "http://169.254.170.2";
const INSTANCE = "http://169.254.169.254";
/** Hosts that a token may be sent to without encryption: they lie on this machine, or in its rack. */
const LOCAL_HOSTS = [
  "localhost",
  "127.0.0.1",
  "[::1]",
  "169.254.170.2",
  "169.254.170.23",
  "[fd00:ec2::23]",
];
/** Where nothing answers, nothing will: no virtual machine takes longer. */
const PATIENCE = { attempts: 2, stallSeconds: 1 };

/** Keys of the container, or undefined where this is none. */
export async function containerKeys(read: ReadVariable): Promise<S3Credentials | undefined> {
  const relative = read("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  const full = read("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (relative === undefined && full === undefined) return undefined;
  const url = URL.parse(relative ?? full!, CONTAINER);
  if (url === null || url.protocol !== "https:" && !LOCAL_HOSTS.includes(url.hostname)) {
    throw new BlobError(
      `Cannot ask "${url?.host}" for the credentials of this container: it is neither local nor encrypted; set AWS_CONTAINER_CREDENTIALS_FULL_URI to one that is`,
      "credentials",
    );
  }
  const headers: Record<string, string> = {};
  const token = await containerToken(read);
  if (token !== undefined) headers.authorization = token;
  const service = new Service(url.origin, "this container");
  return keysOf(await service.ask(url.pathname + url.search, { headers }), "this container");
}

async function containerToken(read: ReadVariable): Promise<string | undefined> {
  const path = read("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  if (path === undefined) return read("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  try {
    return (await Deno.readTextFile(path)).trim();
  } catch (error) {
    throw new BlobError(
      `Cannot read "${path}" for the credentials of this container: ${
        messageOf(error)
      }; mend what AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names`,
      "credentials",
      { cause: error },
    );
  }
}

/** Keys of the virtual machine, or undefined where this is none, or has no role. */
export async function instanceKeys(read: ReadVariable): Promise<S3Credentials | undefined> {
  const service = instanceService(read);
  const token = await service?.token();
  if (service === undefined || token === undefined) return undefined;
  const roles = "/latest/meta-data/iam/security-credentials/";
  const headers = { "x-aws-ec2-metadata-token": token };
  const [role] = (await service.ask(roles, { headers, absent: true }))?.split("\n") ?? [];
  if (!role) return undefined;
  return keysOf(await service.ask(roles + role.trim(), { headers }), "this machine");
}

function instanceService(read: ReadVariable): Service | undefined {
  if (read("AWS_EC2_METADATA_DISABLED")?.toLowerCase() === "true") return undefined;
  const named = read("AWS_EC2_METADATA_SERVICE_ENDPOINT") ?? INSTANCE;
  const url = URL.parse(named);
  if (url === null) {
    throw new BlobError(
      `Cannot ask "${named}" for the credentials of this machine: it is no address; mend AWS_EC2_METADATA_SERVICE_ENDPOINT`,
      "credentials",
    );
  }
  return isGranted({ name: "net", host: url.host })
    ? new Service(url.origin, "this machine")
    : undefined;
}

interface Ask {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  /** Whether there may be nothing. @default false */
  readonly absent?: boolean;
}

class Service {
  readonly #origin: string;
  readonly #whose: string;
  readonly #retry = new Retry(PATIENCE);

  constructor(origin: string, whose: string) {
    this.#origin = origin;
    this.#whose = whose;
  }

  /** A token of the metadata service, or undefined where nothing answers. */
  async token(): Promise<string | undefined> {
    const headers = { "x-aws-ec2-metadata-token-ttl-seconds": "21600" };
    try {
      return await this.ask("/latest/api/token", { method: "PUT", headers, absent: true });
    } catch (error) {
      if (error instanceof BlobError && error.kind === "unavailable") return undefined;
      throw error;
    }
  }

  async ask(path: string, ask: Ask & { absent: true }): Promise<string | undefined>;
  async ask(path: string, ask?: Ask): Promise<string>;
  async ask(path: string, { method = "GET", headers = {}, absent = false }: Ask = {}) {
    const act = `ask for the credentials of ${this.#whose}`;
    return await this.#retry.run(async () => {
      const url = new URL(path, this.#origin);
      const stall = this.#retry.stall;
      const { status, bytes } = await exchange({
        method,
        url,
        headers: new Headers(headers),
        stall,
        redirect: "manual",
      });
      if (status === 200) return new TextDecoder().decode(bytes);
      if (absent) return undefined;
      throw new BlobError(
        `Cannot ${act}: "${url.host}" answered ${status}; give them by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`,
        "credentials",
      );
    }, { act });
  }
}

function keysOf(text: string, whose: string): S3Credentials {
  let found: Record<string, unknown>;
  try {
    found = JSON.parse(text);
  } catch (error) {
    found = { Code: messageOf(error) };
  }
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = found;
  if (typeof AccessKeyId !== "string" || typeof SecretAccessKey !== "string") {
    throw new BlobError(
      `Cannot use the credentials of ${whose}: what came holds none; look at the role it was given`,
      "credentials",
    );
  }
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: typeof Token === "string" ? Token : undefined,
    expires: typeof Expiration === "string" ? Date.parse(Expiration) : undefined,
  };
}
