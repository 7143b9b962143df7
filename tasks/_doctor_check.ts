/** What a test of a served volume finds, and what each test is given. */
import type { VolumeArray } from "../plugins/volume_array.ts";
import type { DoctorReader } from "./_doctor_reader.ts";
import type { ServedPlace } from "./_doctor_address.ts";
import type { Wire, WireAnswer } from "./_doctor_wire.ts";

/** Lines that mend something. */
export interface DoctorMend {
  /** Where they go: a server, as `nginx`; `shell` for a command. */
  readonly where: string;
  /** To be copied as they are, but for names in capitals. */
  readonly lines: string;
}

/** One test. */
export interface DoctorCheck {
  /** What was tested, such as `CORS`. */
  readonly check: string;
  /** `fault`: some viewer shows nothing, or wrong voxels; `warning`: it shows less than it could. */
  readonly verdict: "ok" | "warning" | "fault";
  /** What was asked and what came, or what it means. */
  readonly seen: string;
  /** What mends it; each entry is enough. Empty where nothing is to be mended. */
  readonly mend: readonly DoctorMend[];
}

/** A volume that is being tested. */
export interface Visit {
  /** As it was given. */
  readonly address: string;
  readonly place: ServedPlace;
  readonly wire: Wire;
  readonly reader: DoctorReader;
  /** Whose page asks. */
  readonly origin: string;
  /** The answer to the first document of its metadata. */
  readonly metadata: WireAnswer;
  readonly signal?: AbortSignal;
}

/** One that could be opened. */
export interface OpenVisit extends Visit {
  readonly array: VolumeArray;
}

/** All is well. */
export function ok(check: string, seen: string): DoctorCheck {
  return { check, verdict: "ok", seen, mend: [] };
}

/** A viewer shows less than it could. */
export function warning(
  check: string,
  seen: string,
  mend: readonly DoctorMend[] = [],
): DoctorCheck {
  return { check, verdict: "warning", seen, mend };
}

/** Some viewer shows nothing, or wrong voxels. */
export function fault(check: string, seen: string, mend: readonly DoctorMend[]): DoctorCheck {
  return { check, verdict: "fault", seen, mend };
}
