/**
 * What was found of a served volume, in words.
 * @module
 */
import type { Diagnosis, DoctorCheck } from "../tasks/doctor.ts";
import { plural, table } from "./text.ts";

/** Columns of what was seen; a terminal breaks longer lines where it likes, which nobody can read in a table. */
const COLUMNS = 76;

/** Every test in a row, and below what mends those that found something. */
export function describeDiagnosis(
  diagnosis: Diagnosis,
  { bold }: { readonly bold: (text: string) => string },
): string {
  const { url, origin, server, source, checks, faults, warnings } = diagnosis;
  return [
    bold(`${url}${server === undefined ? "" : ` (${server})`}, asked as a page at ${origin}`),
    ...table(checks.flatMap(checkRows)),
    ...describeMends(checks, bold),
    "",
    faults + warnings === 0 ? "Nothing is to be mended" : [
      ...(faults === 0 ? [] : [plural(faults, "fault")]),
      ...(warnings === 0 ? [] : [plural(warnings, "warning")]),
    ].join(", "),
    ...(source === undefined || faults > 0 ? [] : [`Give Neuroglancer ${source}`]),
  ].join("\n");
}

function checkRows({ verdict, check, seen }: DoctorCheck): string[][] {
  const [first, ...rest] = breakLines(seen, COLUMNS);
  return [[verdict, check, first], ...rest.map((line) => ["", "", line])];
}

/** What is mended by the same lines stands together. */
function describeMends(checks: readonly DoctorCheck[], bold: (text: string) => string): string[] {
  const groups = new Map<string, DoctorCheck[]>();
  for (const check of checks) {
    if (check.mend.length === 0) continue;
    const key = JSON.stringify(check.mend);
    groups.set(key, [...groups.get(key) ?? [], check]);
  }
  return [...groups.values()].flatMap((group) => [
    "",
    bold(`To mend ${group.map(({ check }) => check).join(", ")}`),
    ...group[0].mend.flatMap(({ where, lines }, i) => [
      `  ${i === 0 ? "" : "or "}${where}:`,
      ...lines.split("\n").map((line) => `    ${line}`),
    ]),
  ]);
}

function breakLines(text: string, columns: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1)!;
    if (line !== "" && line.length + 1 + word.length > columns) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines;
}
