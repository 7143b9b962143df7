/**
 * Signatures of AWS, version 4, for requests to a bucket or a queue: the one file that imports aws4fetch.
 * @module
 */
import { AwsV4Signer } from "npm:aws4fetch@1.0.20";
import type { S3Credentials } from "./s3_credentials.ts";

/** What is signed. */
export interface Signable {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  /** Is signed with the rest, save for S3, whose bodies have checksums of their own. */
  readonly body?: Uint8Array<ArrayBuffer>;
}

/** Signs for one service in one region. */
export class Signer {
  readonly #service: "s3" | "sqs";
  /** Keys for signing, derived from the secret once a day. */
  readonly #derived = new Map<string, ArrayBuffer>();

  constructor(service: "s3" | "sqs") {
    this.#service = service;
  }

  /**
   * The headers of a request with its signature.
   * @param now The time that the server has, milliseconds since 1970.
   */
  async sign(
    { method, url, headers, body }: Signable,
    { accessKeyId, secretAccessKey, sessionToken }: S3Credentials,
    { region, now }: { readonly region: string; readonly now: number },
  ): Promise<Headers> {
    const signer = new AwsV4Signer({
      method,
      url: url.href,
      headers,
      body: this.#service === "s3" ? undefined : body,
      accessKeyId,
      secretAccessKey,
      sessionToken,
      service: this.#service,
      region,
      cache: this.#derived,
      datetime: new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, ""),
    });
    return (await signer.sign()).headers;
  }
}
