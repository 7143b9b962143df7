/**
 * `sluice serve boss`.
 * @module
 */
import { runBoss } from "../../tasks/serve_boss.ts";
import { type Context, EXIT } from "../command.ts";
import { Interrupts } from "../interrupts.ts";
import { valueOf } from "../job_options.ts";
import { type Call, CallError } from "../parse.ts";
import { quote } from "../text.ts";
import { parseCount } from "../values.ts";

/** Serves a Boss until somebody stops it. */
export async function run({ flags }: Call, { output }: Context): Promise<number> {
  const root = valueOf(flags, "root");
  if (root === undefined) {
    throw new CallError("Cannot serve a Boss without a folder: give --root DIR", "serve boss");
  }
  const port = countOf(flags, "port");
  const waitSeconds = countOf(flags, "wait-seconds");
  if (port !== undefined && port > 65_535) {
    throw new CallError(`Cannot use --port ${port}: ports end at 65535`, "serve boss");
  }
  const host = valueOf(flags, "host");
  const isOpen = host !== undefined && !["127.0.0.1", "::1", "localhost"].includes(host);
  if (isOpen) {
    output.warn(
      `Others in the network can reach this server at ${host}, and tokens go to it unencrypted`,
    );
  }
  using interrupts = new Interrupts((text) => output.note(text));
  await runBoss({
    root,
    host,
    port,
    tokenFile: valueOf(flags, "token-file"),
    waitSeconds,
    signal: interrupts.signal,
    log: (line) => output.note(`${new Date().toISOString()} ${line}`),
    onListen: ({ url, tokenFile, isTokenNew }) =>
      output.report({ url, root, tokenFile, isTokenNew }, () =>
        [
          `Serving a Boss at ${url} from ${quote(root)}`,
          `Its token is in ${quote(tokenFile)}${isTokenNew ? ", made now" : ""}`,
          `Configurations name it as "host": "${new URL(url).host}", "protocol": "http"`,
          `Clients of its queues and buckets need AWS_ENDPOINT_URL=${url}`,
        ].join("\n")),
  });
  return EXIT.done;
}

function countOf(flags: Call["flags"], flag: string): number | undefined {
  const text = valueOf(flags, flag);
  return text === undefined ? undefined : parseCount(flag, text, 0);
}
