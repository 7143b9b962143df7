/**
 * The file of passwords that programs of PostgreSQL share
 * (https://www.postgresql.org/docs/current/libpq-pgpass.html).
 * @module
 */
import { LedgerError } from "./ledger.ts";

/** Whose password is looked for. */
export interface PasswordOwner {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/**
 * The password of the first line that fits, or undefined where none does.
 * @throws {LedgerError} If others than its owner may read the file.
 */
export async function findPassword(
  path: string,
  owner: PasswordOwner,
): Promise<string | undefined> {
  const { mode } = await Deno.stat(path);
  if (mode !== null && (mode & 0o077) !== 0) {
    throw new LedgerError(
      `Cannot take a password from "${path}": others may read it; run chmod 600 "${path}"`,
      "unavailable",
    );
  }
  return passwordIn(await Deno.readTextFile(path), owner);
}

/** As {@linkcode findPassword}, of the text of such a file. */
export function passwordIn(
  text: string,
  { host, port, database, user }: PasswordOwner,
): string | undefined {
  // libpq looks a socket in a folder up as that folder; and as localhost, which it is.
  const wanted = [host, String(port), database, user];
  for (const line of text.split(/\r?\n/)) {
    if (line === "" || line.startsWith("#")) continue;
    const fields = fieldsOf(line);
    if (fields.length < 5) continue;
    const fits = wanted.every((value, at) => {
      const field = fields[at];
      return field === "*" || field === value ||
        (at === 0 && field === "localhost" && value.startsWith("/"));
    });
    if (fits) return fields[4];
  }
  return undefined;
}

/** Splits at colons; a backslash takes the meaning from the sign after it. */
function fieldsOf(line: string): string[] {
  const fields = [""];
  for (let i = 0; i < line.length; i++) {
    if (line[i] === "\\" && i + 1 < line.length) fields[fields.length - 1] += line[++i];
    else if (line[i] === ":") fields.push("");
    else fields[fields.length - 1] += line[i];
  }
  return fields;
}
