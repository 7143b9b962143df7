import { bucket, disk, http } from "./_places.ts";
import { type BlobsKind, conform } from "./conformance.ts";

const kinds: BlobsKind[] = [
  disk,
  http,
  bucket("S3", { options: { checksum: "crc32" } }),
  bucket("S3 below a prefix, by MD5", {
    address: "s3://bucket/a prefix/é&+",
    server: { crc32: false },
  }),
  bucket("Google Cloud Storage", { address: "gs://bucket/volume", server: { region: "auto" } }),
  bucket("S3 that passes conditions over", { server: { conditional: "ignored" }, loose: true }),
  bucket("S3 that refuses conditions", { server: { conditional: "refused" }, loose: true }),
  bucket("S3 without checksums", { options: { checksum: "none" } }),
];

for (const kind of kinds) conform(kind);
