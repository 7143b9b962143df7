/** Buckets of servers that others wrote: moto (Python) and fauxqs (npm). */
import { ok } from "node:assert/strict";
import type { BucketOptions } from "../../stores/blobs/_s3_settings.ts";
import { NO_ENV } from "../stores/blobs/_places.ts";
import { isInstalled, npmProgram, type Program, silent, start } from "./_programs.ts";
import { python } from "./_python.ts";

/** Parts of real servers are not smaller. */
export const PART_BYTES = 5 * 2 ** 20;
/** Whom the servers know: whoever comes. */
export const CREDENTIALS = { accessKeyId: "test", secretAccessKey: "test" } as const;
const FAUXQS = "npm:fauxqs@2.4.1";

/** A server of buckets, and what starts it. */
export interface BucketServer {
  readonly name: "moto" | "fauxqs";
  start(): Promise<Program>;
}

const moto = (port: number, env: Readonly<Record<string, string>> = {}) =>
  new Deno.Command(python!, {
    args: ["-m", "moto.server", "-H", "127.0.0.1", "-p", String(port)],
    env: { ...env },
    ...silent,
  });
const fauxqs = (port: number) => npmProgram(FAUXQS, [], { FAUXQS_PORT: String(port) });

/** Starts moto. @param env Such as `INITIAL_NO_AUTH_ACTION_COUNT`, from which on it asks who comes. */
export async function startMoto(env: Readonly<Record<string, string>> = {}): Promise<Program> {
  return await start((port) => moto(port, env));
}

/** The servers that are here. */
export const bucketServers: readonly BucketServer[] = [
  ...(python === undefined ? [] : [{ name: "moto", start: () => startMoto() } as const]),
  ...(await isInstalled(FAUXQS) ? [{ name: "fauxqs", start: () => start(fauxqs) } as const] : []),
];

/** Makes a bucket. */
export async function makeBucket({ url }: Program, name: string): Promise<void> {
  const response = await fetch(`${url}/${name}`, { method: "PUT" });
  await response.body?.cancel();
  ok(response.ok);
}

/** How a bucket of such a server is opened. */
export function bucketOptions({ url }: Program, options: BucketOptions = {}): BucketOptions {
  return {
    endpoint: url,
    credentials: CREDENTIALS,
    env: NO_ENV,
    partBytes: PART_BYTES,
    multipartBytes: 2 * PART_BYTES,
    ...options,
  };
}

/** What tells other programs of the server, in their environment. */
export function bucketEnv({ url }: Program): Record<string, string> {
  return {
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    AWS_ENDPOINT_URL: url,
  };
}
