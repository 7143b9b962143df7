/** A bucket that volumes are written into: every place of blobs is then opened on a server of the test. */
import type { BucketOptions } from "../../stores/blobs/_s3_settings.ts";
import { setBlobDefaults } from "../../stores/blobs/open_blobs.ts";
import { type S3Behaviour, type S3Server, serveS3 } from "../_s3_server.ts";
import { bucketOptions, PART_BYTES } from "./blobs/_places.ts";

/** A server whose buckets `s3://` means until it is disposed. */
export function serveBuckets(
  behaviour: Partial<S3Behaviour> & { readonly seed?: number } = {},
  options: BucketOptions = {},
): S3Server {
  const server = serveS3({ leastPart: PART_BYTES, ...behaviour });
  setBlobDefaults(bucketOptions(server, options));
  const close = server[Symbol.asyncDispose].bind(server);
  return Object.assign(server, {
    [Symbol.asyncDispose]: async () => {
      setBlobDefaults({});
      await close();
    },
  });
}
