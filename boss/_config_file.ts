/**
 * Files of JSON that say what the Boss is to do.
 * @module
 */
import { isNotFound, messageOf, UsageError } from "../core/errors.ts";

/**
 * Reads one.
 * @param kind What it is to be, as errors say it: `a Boss ingest configuration`.
 * @throws {UsageError} If it is not there, or no JSON. Nothing of what it says is repeated.
 */
export async function readJson(path: string, kind: string): Promise<unknown> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    const state = isNotFound(error)
      ? "there is no such file"
      : (error as { code?: string }).code === "EISDIR"
      ? "it is a folder"
      : messageOf(error);
    throw new UsageError(`Cannot read "${path}" as ${kind}: ${state}`, { cause: error });
  }
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw new UsageError(
      `Cannot read "${path}" as JSON: ${
        placeOf(messageOf(error))
      }; comments and commas at the end are no JSON`,
      { cause: error },
    );
  }
}

/** What the parser says, without the piece of the file that it shows: that may hold a token. */
function placeOf(message: string): string {
  return message.replace(/, ?(\.\.\.)?".*"(\.\.\.)? is not valid JSON.*$/s, " is not valid JSON");
}
