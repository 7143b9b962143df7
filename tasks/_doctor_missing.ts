/**
 * What a server says of a chunk that is not there: everything sparse depends on it.
 *
 * Neuroglancer takes 403 for 404. What is built on zarrita (vizarr, Viv, Vitessce) knows 404 alone, and cannot read an
 * answer that CORS keeps from it.
 */
import { corsFault } from "./_doctor_cors.ts";
import { type DoctorCheck, fault, ok, type OpenVisit, warning } from "./_doctor_check.ts";
import { mendServer } from "./_doctor_mend.ts";
import { shown, WireError } from "./_doctor_wire.ts";

const NAME = "missing chunks";

/** @param key Of a file of the volume: one beside it is asked for. */
export async function checkMissing(
  visit: OpenVisit,
  key: string,
  isSharded: boolean,
): Promise<DoctorCheck> {
  const { reader, array, origin, place, signal } = visit;
  const absent = `${key.includes("/") ? key.slice(0, key.lastIndexOf("/") + 1) : ""}no-such-chunk`;
  let answer;
  try {
    answer = await reader.ask(absent, { enoughBytes: 1 << 16, signal });
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return fault(NAME, `asked for "${absent}": ${error.message}`, [{
      where: "shell",
      lines: `curl -sv ${shown(reader.locate(absent))} # and what the log of the server says then`,
    }]);
  }
  const { status, headers } = answer;
  const at = { place, headers, isSharded };
  const isZarr = array.format === "zarr";
  const said = `the server answers ${status} for what is not there`;
  if (status === 404 || status === 410) {
    const refused = corsFault(answer, origin);
    if (refused === undefined) return ok(NAME, said);
    if (corsFault(visit.metadata, origin) !== undefined) {
      return ok(NAME, `${said}, once CORS is mended for errors, too`);
    }
    return fault(
      NAME,
      `${said}, but ${refused}, so vizarr, Viv and Vitessce stop there, and older Neuroglancers, too`,
      mendServer("cors", at),
    );
  }
  if (status === 403) {
    return isZarr
      ? fault(
        NAME,
        `${said}: vizarr, Viv and Vitessce stop there; Neuroglancer takes it for 404`,
        mendServer("not forbidden", at),
      )
      : warning(
        NAME,
        `${said}: Neuroglancer takes it for 404, other programs stop`,
        mendServer("not forbidden", at),
      );
  }
  if (status >= 200 && status < 300) {
    const type = headers.get("content-type") ?? "something";
    return fault(
      NAME,
      `${said}, with ${type}: viewers take that for voxels`,
      mendServer("not found", at),
    );
  }
  return fault(
    NAME,
    `${said}: viewers try again and again, and show nothing`,
    mendServer("not found", at),
  );
}
