/** The documents of a volume: whether everybody may read them, and whether a viewer can. */
import { messageOf, SluiceError } from "../core/errors.ts";
import type { VolumeArray } from "../plugins/volume_array.ts";
import type { ServedPlace } from "./_doctor_address.ts";
import { type DoctorCheck, type DoctorMend, fault, ok, warning } from "./_doctor_check.ts";
import { mendServer } from "./_doctor_mend.ts";
import type { DoctorReader } from "./_doctor_reader.ts";
import { decodeBody, type WireAnswer, WireError } from "./_doctor_wire.ts";

/** What tells the formats that browsers read: the first document of each is looked for in this order. */
const MARKERS = [
  ["zarr", "zarr.json"],
  ["zarr", ".zattrs"],
  ["zarr", ".zarray"],
  ["precomputed", "info"],
  ["n5", "attributes.json"],
] as const;

/** The first document that is there, or what stands against it. */
export type FoundMetadata =
  | { readonly format: string; readonly key: string; readonly answer: WireAnswer }
  | { readonly check: DoctorCheck; readonly answer?: WireAnswer };

/** Looks for the volume. */
export async function findMetadata(
  reader: DoctorReader,
  place: ServedPlace,
  signal: AbortSignal | undefined,
): Promise<FoundMetadata> {
  const wanted = MARKERS.filter(([format]) =>
    place.format === undefined || place.format === format
  );
  const answers: WireAnswer[] = [];
  for (const [format, key] of wanted) {
    let answer: WireAnswer;
    try {
      answer = await reader.ask(key, { signal });
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return { check: unreachable(error, place) };
    }
    if (answer.status === 200 && looksLikeJson(answer)) return { format, key, answer };
    answers.push(answer);
  }
  return { check: refused(answers, wanted.map(([, key]) => key), place), answer: answers[0] };
}

/** Some servers have a page for whatever is not there. */
function looksLikeJson(answer: WireAnswer): boolean {
  if (answer.headers.get("content-type")?.includes("text/html")) return false;
  try {
    return /^\s*\{/.test(new TextDecoder().decode(decodeBody(answer)));
  } catch {
    return true;
  }
}

function unreachable(error: WireError, { url }: ServedPlace): DoctorCheck {
  const name = "server";
  if (error.kind === "certificate") {
    return fault(name, `browsers do not believe its certificate: ${error.message}`, [{
      where: "shell",
      lines: `certbot certonly -d ${url.hostname} # or any other certificate that browsers know`,
    }]);
  }
  return fault(name, `${url.host} gives no answer: ${error.message}`, [{
    where: "shell",
    lines: `curl -sv ${url.origin}/ # until it answers: name, port and firewall`,
  }]);
}

function refused(
  answers: readonly WireAnswer[],
  keys: readonly string[],
  place: ServedPlace,
): DoctorCheck {
  const [{ headers }] = answers;
  const statuses = new Set(answers.map(({ status }) => status));
  const at = { place, headers, isSharded: false };
  const region = headers.get("x-amz-bucket-region");
  if (region !== null && (statuses.has(301) || statuses.has(307) || statuses.has(400))) {
    return fault("server", `the bucket lies in ${region}, and browsers are not led there`, [{
      where: "shell",
      lines: `sluice doctor ${
        place.bucket === undefined ? "s3://BUCKET/PREFIX" : bucketAddress(place.bucket)
      } --region ${region} # says the address that viewers need`,
    }]);
  }
  if (statuses.has(401) || statuses.has(403) || statuses.has(407)) {
    const said = [401, 403, 407].filter((status) => statuses.has(status)).join(", ");
    return fault(
      "access",
      `${keys.join(", ")}: answered with ${said}, and viewers have no key; or nothing is there`,
      mendServer("public", at),
    );
  }
  const bad = answers.find(({ status }) => status >= 500 || status === 429);
  if (bad !== undefined) {
    return fault("server", `it answers ${bad.status}`, [{
      where: "shell",
      lines: `curl -sv ${bad.url} # and what the log of the server says then`,
    }]);
  }
  const page = answers.some(({ status }) => status === 200);
  return fault(
    "metadata",
    page
      ? `a page comes for ${keys.join(", ")}, and no metadata`
      : `there is no ${keys.join(", ")} (answered with ${[...statuses].join(", ")})`,
    [
      ...(page ? mendServer("not found", at) : []),
      {
        where: "shell",
        lines:
          `sluice info FOLDER # of the volume on the disk of the server; then give its address`,
      },
    ],
  );
}

function bucketAddress({ scheme, name, prefix }: NonNullable<ServedPlace["bucket"]>): string {
  return `${scheme}://${name}${prefix === "" ? "" : `/${prefix}`}`;
}

/** Opens the volume as a viewer would. @returns Undefined beside a fault where it cannot be. */
export async function openMetadata(
  reader: DoctorReader,
  format: string,
  address: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly check: DoctorCheck; readonly array?: VolumeArray }> {
  const name = "metadata";
  let array: VolumeArray;
  try {
    array = await openAs(format, reader, signal);
  } catch (error) {
    if (!(error instanceof SluiceError) && !(error instanceof WireError)) throw error;
    return { check: fault(name, messageOf(error), [reingest(address)]) };
  }
  const loose = looseDocument(reader);
  if (loose !== undefined) {
    return {
      array,
      check: fault(
        name,
        `"${loose.key}" is no JSON to a browser: ${loose.why}`,
        [{
          where: "shell",
          lines: `sed -i.bak -E 's/([:,[] *)(NaN|-?Infinity)/\\1"\\2"/g' ${loose.key}`,
        }],
      ),
    };
  }
  if (isIncomplete(reader)) {
    return {
      array,
      check: warning(
        name,
        "sluice has not completed the volume: what is missing shows as fill value",
        [
          { where: "shell", lines: "sluice join VOLUME" },
        ],
      ),
    };
  }
  return { array, check: ok(name, describe(array)) };
}

async function openAs(
  format: string,
  reader: DoctorReader,
  signal: AbortSignal | undefined,
): Promise<VolumeArray> {
  switch (format) {
    case "zarr":
      return await (await import("../plugins/zarr_array.ts")).openZarrArray(reader, { signal });
    case "precomputed":
      return await (await import("../plugins/precomputed_array.ts")).openPrecomputedArray(reader);
    case "n5":
      return await (await import("../plugins/n5_array.ts")).openN5Array(reader, { signal });
    default:
      throw new TypeError(`no browser reads ${format}`);
  }
}

function describe({ axes, scales }: VolumeArray): string {
  const count = scales.length === 1 ? "1 scale" : `${scales.length} scales`;
  return `${count} of ${scales[0].dtype} over ${axes.join(", ")}`;
}

function reingest(address: string): DoctorMend {
  return {
    where: "shell",
    lines: `sluice info ${address.replace(/\?.*/s, "")} # after each change, until it reads it`,
  };
}

/** A document that Python wrote with words that JSON does not have. */
function looseDocument(reader: DoctorReader): { key: string; why: string } | undefined {
  for (const { key, answer } of reader.records) {
    const text = textOf(answer);
    if (text === undefined) continue;
    try {
      JSON.parse(text);
    } catch (error) {
      return { key, why: messageOf(error) };
    }
  }
  return undefined;
}

/** Whether the metadata says that a job is still to write some of it. */
function isIncomplete(reader: DoctorReader): boolean {
  return reader.records.some(({ answer }) => {
    const text = textOf(answer);
    if (text === undefined || !text.includes('"sluice"')) return false;
    const document = JSON.parse(text) as {
      readonly sluice?: { readonly complete?: boolean };
      readonly attributes?: { readonly sluice?: { readonly complete?: boolean } };
    };
    return (document.attributes?.sluice ?? document.sluice)?.complete === false;
  });
}

/** What looks like a document; undefined for everything else. */
function textOf(answer: WireAnswer): string | undefined {
  return answer.status === 200 && answer.sent.length > 0 && looksLikeJson(answer)
    ? new TextDecoder().decode(decodeBody(answer))
    : undefined;
}
