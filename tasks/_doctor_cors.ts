/**
 * Whether pages of others may read the answers of a server.
 *
 * Source of the rules: the Fetch standard, CORS protocol and CORS check.
 */
import { type DoctorCheck, fault, ok, type Visit, warning } from "./_doctor_check.ts";
import { mendServer, type Need } from "./_doctor_mend.ts";
import { WireError, type WireHop } from "./_doctor_wire.ts";

/** Why a browser keeps an answer from a page; undefined where it does not. */
export function corsFault({ url, headers }: WireHop, origin: string): string | undefined {
  if (new URL(url).origin === origin) return undefined;
  const allowed = headers.get("access-control-allow-origin");
  if (allowed === null) return "there is no Access-Control-Allow-Origin";
  if (allowed === "*" || allowed === origin) return undefined;
  return allowed.includes(",")
    ? `Access-Control-Allow-Origin is said more than once: "${allowed}"`
    : `Access-Control-Allow-Origin is "${allowed}"`;
}

/** What mends CORS: rules, or one rule less where there are two. */
function mendCors(visit: Visit, headers: Headers, isSharded: boolean) {
  const isTwice = headers.get("access-control-allow-origin")?.includes(",");
  const lines = mendServer("cors" satisfies Need, { place: visit.place, headers, isSharded });
  return isTwice
    ? lines.map(({ where, lines }) => ({
      where,
      lines:
        `# take the header out of one of the two that add it: the server, or what stands behind it; one is enough:\n${lines}`,
    }))
    : lines;
}

/** Whether a page may read the metadata at all. */
export function checkCors(visit: Visit, isSharded: boolean): DoctorCheck {
  const { metadata, origin } = visit;
  if (new URL(metadata.url).origin === origin) {
    return ok("CORS", "not needed: the page is on the same server");
  }
  const found = corsFault(metadata, origin);
  if (found !== undefined) {
    return fault(
      "CORS",
      `${found}, so no page at ${origin} can read it`,
      mendCors(visit, metadata.headers, isSharded),
    );
  }
  const allowed = metadata.headers.get("access-control-allow-origin")!;
  const vary = metadata.headers.get("vary") ?? "";
  if (allowed !== "*" && !/\borigin\b|\*/i.test(vary)) {
    return warning(
      "CORS",
      `Access-Control-Allow-Origin is "${allowed}" without "Vary: Origin": what was kept for one page is refused to the next`,
      mendCors(visit, metadata.headers, isSharded),
    );
  }
  return ok("CORS", `Access-Control-Allow-Origin: ${allowed}`);
}

/** Whether a browser that asks before may ask for ranges. Those of today do so for a header that is no plain range. */
export async function checkPreflight(visit: Visit, isSharded: boolean): Promise<DoctorCheck> {
  const { metadata, origin, wire, signal, reader, place } = visit;
  const name = "preflight";
  if (new URL(metadata.url).origin === origin) {
    return ok(name, "not needed: the page is on the same server");
  }
  if (!isSharded) return ok(name, "not needed: no chunk lies in a shard, so no range is asked for");
  const mend = mendServer("cors", { place, headers: metadata.headers, isSharded });
  const costs = "browsers before Chrome 99, Safari 16 and Firefox 117 fetch no shard";
  let answer;
  try {
    answer = await wire.ask(reader.locate(lastPart(metadata.url)), {
      method: "OPTIONS",
      headers: {
        "access-control-request-method": "GET",
        "access-control-request-headers": "range",
      },
      signal,
    });
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return warning(name, `OPTIONS got no answer (${error.message}): ${costs}`, mend);
  }
  if (answer.status < 200 || answer.status > 299 || answer.hops.length > 0) {
    const { status } = answer.hops[0] ?? answer;
    return warning(name, `OPTIONS is answered with ${status}: ${costs}`, mend);
  }
  const found = corsFault(answer, origin);
  if (found !== undefined) return warning(name, `to OPTIONS, ${found}: ${costs}`, mend);
  const headers = (answer.headers.get("access-control-allow-headers") ?? "").toLowerCase();
  const allowed = headers.split(",").map((header) => header.trim());
  if (!allowed.includes("*") && !allowed.includes("range")) {
    const said = headers === "" ? "there is no Access-Control-Allow-Headers" : `it is "${headers}"`;
    return warning(
      name,
      `Access-Control-Allow-Headers does not name Range (${said}): ${costs}`,
      mend,
    );
  }
  return ok(name, `OPTIONS allows ${headers}`);
}

function lastPart(url: string): string {
  return decodeURIComponent(url.slice(url.lastIndexOf("/") + 1));
}

/** Whether the answer is where it was asked for. */
export function checkRedirects(visit: Visit): DoctorCheck {
  const { metadata, origin, place } = visit;
  const { hops } = metadata;
  if (hops.length === 0) return ok("redirects", "none");
  const region = hops.map(({ headers }) => headers.get("x-amz-bucket-region")).find(Boolean);
  const to = metadata.url.replace(/\/[^/]*$/, "");
  const mend = [{ where: "viewer", lines: `# give it ${to}` }];
  const refused = hops.find((hop) => corsFault(hop, origin) !== undefined);
  const way = `${hops.map(({ status }) => status).join(", ")} leads to ${to}`;
  if (refused === undefined) {
    return warning("redirects", `${way}: everything is asked for twice`, mend);
  }
  const why = corsFault(refused, origin);
  return fault(
    "redirects",
    `${way}, and of the ${refused.status} ${why}${
      region ? ` (the bucket lies in ${region})` : ""
    }: browsers do not follow`,
    [...mend, ...mendServer("cors", { place, headers: refused.headers, isSharded: false })],
  );
}

/** Whether a page behind https may ask at all. */
export function checkMixed(visit: Visit): DoctorCheck {
  const { place, origin, metadata } = visit;
  const { url } = place;
  const name = "mixed content";
  if (url.protocol === "https:") return ok(name, "none: it is served by https");
  if (!origin.startsWith("https:")) return ok(name, "none: the page is not behind https either");
  if (isLocal(url.hostname)) {
    return ok(name, `none: browsers trust ${url.hostname}, but for Safari`);
  }
  return fault(
    name,
    `the page is behind https and the volume is not: browsers ask for nothing of it`,
    mendServer("tls", { place, headers: metadata.headers, isSharded: false }),
  );
}

/** Names that browsers take for this machine. */
function isLocal(hostname: string): boolean {
  return hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "[::1]" ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
