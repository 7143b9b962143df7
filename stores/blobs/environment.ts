/**
 * Variables of the environment that places of blobs read.
 * @module
 */
import type { Environment } from "../../ledgers/open_ledger.ts";

/** What `--allow-env` names, so that buckets open with all that the environment says of them. */
export const BLOB_VARIABLES = [
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "AWS_PROFILE",
  "AWS_CONFIG_FILE",
  "AWS_SHARED_CREDENTIALS_FILE",
  "AWS_REGION",
  "AWS_DEFAULT_REGION",
  "AWS_ENDPOINT_URL",
  "AWS_ENDPOINT_URL_S3",
  "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
  "AWS_CONTAINER_CREDENTIALS_FULL_URI",
  "AWS_CONTAINER_AUTHORIZATION_TOKEN",
  "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
  "AWS_EC2_METADATA_DISABLED",
  "AWS_EC2_METADATA_SERVICE_ENDPOINT",
  "GS_ACCESS_KEY_ID",
  "GS_SECRET_ACCESS_KEY",
  "HOME",
  "USERPROFILE",
] as const;

/** The value of a variable; undefined where it is empty, not set, or may not be read. */
export type ReadVariable = (name: typeof BLOB_VARIABLES[number]) => string | undefined;

/** Reads variables. Nobody is asked for a permission, as most of them are not needed. */
export function readVariables(env?: Environment): ReadVariable {
  if (env !== undefined) return (name) => env.get(name) || undefined;
  return (name) =>
    isGranted({ name: "env", variable: name }) ? Deno.env.get(name) || undefined : undefined;
}

/** Whether something may be done without asking. */
export function isGranted(permission: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(permission).state === "granted";
}
