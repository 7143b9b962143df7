/**
 * Tests a served volume as a viewer in a browser would, and says what mends it.
 * @module
 */
import { UsageError } from "../core/errors.ts";
import { servedPlace } from "./_doctor_address.ts";
import type { DoctorCheck, DoctorMend, OpenVisit, Visit } from "./_doctor_check.ts";
import { checkChunk } from "./_doctor_chunk.ts";
import { checkCors, checkMixed, checkPreflight, checkRedirects } from "./_doctor_cors.ts";
import { nameServer } from "./_doctor_mend.ts";
import { findMetadata, openMetadata } from "./_doctor_metadata.ts";
import { checkMissing } from "./_doctor_missing.ts";
import { checkRanges, noRanges } from "./_doctor_ranges.ts";
import { DoctorReader } from "./_doctor_reader.ts";
import { checkContrast, checkPyramid, checkViewers } from "./_doctor_viewers.ts";
import { Wire } from "./_doctor_wire.ts";
import { isSharded } from "./_readers.ts";

export type { DoctorCheck, DoctorMend };

/** What was found of a served volume. */
export interface Diagnosis {
  /** What was given. */
  readonly address: string;
  /** What viewers ask for, without its query. */
  readonly url: string;
  /** What they are given as a source, such as `zarr://https://…`; absent where there is no volume. */
  readonly source?: string;
  /** The page that asks. */
  readonly origin: string;
  /** How the server names itself, if it does. */
  readonly server?: string;
  /** Every test, in the order in which a viewer would come upon it. */
  readonly checks: readonly DoctorCheck[];
  /** Tests that found a fault. */
  readonly faults: number;
  /** Tests that found less than a fault. */
  readonly warnings: number;
}

/** How a volume is tested. */
export interface DiagnoseVolumeOptions {
  /** The page that the viewer is on. @default "https://neuroglancer-demo.appspot.com" */
  readonly origin?: string;
  /** Silence after which an answer is given up. @default 20 */
  readonly patienceSeconds?: number;
  /** Ends the tests with its reason. */
  readonly signal?: AbortSignal;
}

const ORIGIN = "https://neuroglancer-demo.appspot.com";

/**
 * Asks the server of a volume what a viewer in a browser asks, without any key: nothing is written. The rules are those
 * of CORS in the Fetch standard, of ranges in RFC 9110, and what Neuroglancer and zarrita do.
 * @param address `https://` or `http://` of a volume, with `zarr://`, `precomputed://` or `n5://` before it or not; or
 * `s3://` and `gs://`, for the address at which the bucket is served.
 * @throws {UsageError} If it is no address of a server.
 * @example A server that lets no page read
 * ```ts
 * import { diagnoseVolume } from "@sluice/sluice";
 * import { equal, match } from "node:assert/strict";
 * const info = {
 *   type: "image", data_type: "uint8", num_channels: 1,
 *   scales: [{
 *     key: "s0", size: [2, 1, 1], chunk_sizes: [[2, 1, 1]], resolution: [4, 4, 40], encoding: "raw",
 *   }],
 * };
 * const served: Record<string, BodyInit> = {
 *   "/em/info": JSON.stringify(info), "/em/s0/0-2_0-1_0-1": Uint8Array.of(7, 9),
 * };
 * const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
 *   const body = served[new URL(request.url).pathname];
 *   return body === undefined ? new Response(null, { status: 404 }) : new Response(body);
 * });
 * const { checks, faults } = await diagnoseVolume(`http://127.0.0.1:${server.addr.port}/em`);
 * equal(faults, 1);
 * const cors = checks.find(({ check }) => check === "CORS")!;
 * equal(cors.verdict, "fault");
 * match(cors.mend[0].lines, /add_header Access-Control-Allow-Origin/);
 * await server.shutdown();
 * ```
 */
export async function diagnoseVolume(
  address: string,
  { origin = ORIGIN, patienceSeconds, signal }: DiagnoseVolumeOptions = {},
): Promise<Diagnosis> {
  const page = URL.parse(origin);
  if (page === null || !/^https?:$/.test(page.protocol)) {
    throw new UsageError(
      `Cannot ask as a page at "${origin}": it is no address; write https://HOST`,
    );
  }
  const place = await servedPlace(address);
  const wire = new Wire(page.origin, patienceSeconds && patienceSeconds * 1000);
  const reader = new DoctorReader(place.url, wire);
  const found = await findMetadata(reader, place, signal);
  const about = { address: address.replace(/\?.*/s, ""), url: reader.url, origin: page.origin };
  if ("check" in found) {
    return conclude({ ...about, server: found.answer && nameServer(found.answer.headers) }, [
      found.check,
    ]);
  }
  const { format, answer } = found;
  const visit: Visit = {
    address,
    place,
    wire,
    reader,
    origin: page.origin,
    metadata: answer,
    ...(signal === undefined ? {} : { signal }),
  };
  const { check, array } = await openMetadata(reader, format, address, signal);
  const sharded = array !== undefined && isSharded(array);
  const first = [
    checkMixed(visit),
    checkRedirects(visit),
    checkCors(visit, sharded),
    await checkPreflight(visit, sharded),
    check,
  ];
  const known = {
    ...about,
    source: `${format}://${reader.url}`,
    server: nameServer(answer.headers),
  };
  if (array === undefined) return conclude(known, first);
  return conclude(known, [...first, ...await examine({ ...visit, array }, sharded)]);
}

/** All that needs an open volume. */
async function examine(visit: OpenVisit, sharded: boolean): Promise<DoctorCheck[]> {
  const { reader, array } = visit;
  reader.fetchesParts = sharded;
  const contrast = await checkContrast(visit);
  const { checks, key = `${array.scales[0].name}/0` } = await checkChunk(visit, sharded);
  return [
    await checkMissing(visit, key, sharded),
    ...(sharded ? await checkRanges(visit, key) : noRanges()),
    ...checks,
    ...checkViewers(visit),
    contrast,
    checkPyramid(visit),
  ];
}

function conclude(
  { server, ...about }: Omit<Diagnosis, "checks" | "faults" | "warnings">,
  checks: readonly DoctorCheck[],
): Diagnosis {
  const count = (wanted: DoctorCheck["verdict"]) =>
    checks.filter(({ verdict }) => verdict === wanted).length;
  return {
    ...about,
    ...(server === undefined ? {} : { server }),
    checks,
    faults: count("fault"),
    warnings: count("warning"),
  };
}
