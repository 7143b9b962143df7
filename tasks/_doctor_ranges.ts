/**
 * Parts of shards, as viewers fetch them: the length by HEAD, then the index, then a chunk.
 *
 * Neuroglancer and zarrita ask so since suffix ranges (`bytes=-N`) make browsers ask before. An answer with the whole
 * is used by Neuroglancer, at the cost of the whole; zarrita takes it for the part.
 */
import { Buffer } from "node:buffer";
import { corsFault } from "./_doctor_cors.ts";
import {
  type DoctorCheck,
  type DoctorMend,
  fault,
  ok,
  type OpenVisit,
  warning,
} from "./_doctor_check.ts";
import { mendServer } from "./_doctor_mend.ts";
import { transferMend } from "./_doctor_transfer.ts";
import { codingsOf, type WireAnswer, WireError } from "./_doctor_wire.ts";

/** What is asked for: a part from within another. */
const [OUTER, INNER] = [[0, 15], [3, 9]] as const;
/** More of a whole file is not waited for. */
const ENOUGH = 1 << 20;

/** Tests parts of a shard. @param key Of the shard. */
export async function checkRanges(visit: OpenVisit, key: string): Promise<DoctorCheck[]> {
  if (!await isThere(visit, key)) {
    return [warning("ranges", `not tested: there is no shard under "${key}"`)];
  }
  return [await checkLength(visit, key), ...await checkParts(visit, key)];
}

/** Without shards nobody asks for parts. */
export function noRanges(): DoctorCheck[] {
  return [ok("ranges", "not needed: no chunk lies in a shard")];
}

/** Whether anything comes for it. Where nothing does, the chunk says so. */
async function isThere({ reader, signal }: OpenVisit, key: string): Promise<boolean> {
  try {
    const { status } = await reader.ask(key, { range: "bytes=0-0", enoughBytes: 1, signal });
    return status < 400 || status === 416;
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return true;
  }
}

async function checkLength(visit: OpenVisit, key: string): Promise<DoctorCheck> {
  const { reader, place, origin, signal } = visit;
  const name = "length of shards";
  let answer: WireAnswer;
  try {
    answer = await reader.ask(key, { method: "HEAD", signal });
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return fault(name, `HEAD of "${key}": ${error.message}`, noShards(visit));
  }
  const { status, headers } = answer;
  const mend = [
    ...mendServer("length", { place, headers, isSharded: true }),
    ...noShards(visit),
  ];
  if (status !== 200) {
    const costs = status === 405 || status === 501
      ? "vizarr, Viv and Vitessce do not find the index of a shard; Neuroglancer asks for a byte instead"
      : "no viewer finds the index of a shard";
    return fault(name, `HEAD is answered with ${status}: ${costs}`, mend);
  }
  const [coding] = codingsOf(headers);
  if (coding !== undefined) {
    return fault(
      name,
      `HEAD says "Content-Encoding: ${coding}": a shard that is sent compressed has no parts, and no viewer finds its index`,
      mend,
    );
  }
  const length = headers.get("content-length");
  if (length === null) {
    return fault(name, "HEAD says no Content-Length: no viewer finds the index of a shard", mend);
  }
  const refused = corsFault(answer, origin);
  if (refused !== undefined && corsFault(visit.metadata, origin) === undefined) {
    return fault(
      name,
      `to HEAD, ${refused}`,
      mendServer("cors", { place, headers, isSharded: true }),
    );
  }
  return ok(name, `HEAD says ${length} bytes`);
}

async function checkParts(visit: OpenVisit, key: string): Promise<DoctorCheck[]> {
  const { reader, place, origin, signal } = visit;
  const name = "ranges";
  const answers: WireAnswer[] = [];
  try {
    for (const [first, last] of [OUTER, INNER]) {
      const range = `bytes=${first}-${last}`;
      answers.push(await reader.ask(key, { range, enoughBytes: ENOUGH, signal }));
    }
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return [fault(name, `asked for a part of "${key}": ${error.message}`, noShards(visit))];
  }
  const [outer, inner] = answers;
  const { status, headers } = inner;
  const at = { place, headers, isSharded: true };
  const bad = (seen: string) => [
    fault(name, seen, [...mendServer("ranges", at), ...noShards(visit)]),
  ];
  if (status === 200) {
    return bad(
      "the server sends the whole shard for a part: vizarr, Viv and Vitessce take it for the part, Neuroglancer fetches every shard whole for each chunk",
    );
  }
  if (status !== 206) return bad(`a part is answered with ${status}, not 206`);
  if (codingsOf(headers).length > 0) {
    return bad(
      `a part comes with "Content-Encoding: ${codingsOf(headers)}", which no browser decodes`,
    );
  }
  const said = headers.get("content-range");
  if (said === null) return bad("a part comes without Content-Range: nobody can tell which it is");
  const [first, last] = INNER;
  if (!new RegExp(`^bytes ${first}-${last}/(?:\\d+|\\*)$`).test(said)) {
    return bad(`bytes ${first} to ${last} were asked for, and "${said}" came`);
  }
  const wanted = outer.sent.subarray(first - OUTER[0], last + 1 - OUTER[0]);
  if (Buffer.compare(wanted, inner.sent) !== 0) {
    return bad(
      `bytes ${first} to ${last} are not those that a longer part has there (${inner.sent.length} came)`,
    );
  }
  const refused = corsFault(inner, origin);
  if (refused !== undefined && corsFault(visit.metadata, origin) === undefined) {
    return [fault(name, `to a part, ${refused}`, mendServer("cors", at))];
  }
  return [ok(name, `206 with "Content-Range: ${said}"`), checkExposed(visit, inner)];
}

/** Which headers a page sees. Content-Length is always seen. */
function checkExposed({ origin, place }: OpenVisit, answer: WireAnswer): DoctorCheck {
  const name = "exposed headers";
  if (new URL(answer.url).origin === origin) {
    return ok(name, "not needed: the page is on the same server");
  }
  const { headers } = answer;
  const exposed = (headers.get("access-control-expose-headers") ?? "").toLowerCase().split(",").map(
    (header) => header.trim(),
  );
  if (exposed.includes("*") || exposed.includes("content-range")) {
    return ok(name, "a page sees Content-Range");
  }
  return warning(
    name,
    "a page does not see Content-Range: viewers must believe that what they asked for came",
    mendServer("cors", { place, headers, isSharded: true }),
  );
}

function noShards({ address, array }: OpenVisit): DoctorMend[] {
  return [transferMend(address, array, ["--shard", "none"])];
}
