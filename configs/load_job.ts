/**
 * Jobs from files.
 * @module
 */
import { basename, dirname, resolve } from "node:path";
import { isNotFound, messageOf, UsageError } from "../core/errors.ts";
import { isRemote, namesPlace } from "../stores/place.ts";
import { type JobFile, parseJob } from "./job_schema.ts";

/**
 * Reads a job file; its paths become absolute, from the folder it lies in.
 * @throws {UsageError} If it is not there, no JSON, or says what cannot be.
 */
export async function loadJob(path: string): Promise<JobFile> {
  const job = parseJob(parseJson(path, await readText(path)), path);
  const absolute = (relative: string): string => {
    const [, format, rest] = /^([a-z][a-z0-9+.-]+:\/\/)(.*)$/s.exec(relative) ?? [];
    if (format === undefined) return resolve(dirname(path), relative);
    return namesPlace(relative) || isRemote(relative) ? relative : format + absolute(rest);
  };
  const { source, target, to, ledger } = job;
  return {
    ...job,
    ...(source === undefined ? {} : { source: [source].flat().map(absolute) }),
    ...(target === undefined ? {} : { target: absolute(target) }),
    ...(to === undefined ? {} : { to: [to].flat().map(absolute) }),
    ...(ledger === undefined ? {} : { ledger: absoluteLedger(ledger, absolute) }),
  };
}

async function readText(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    const state = isNotFound(error)
      ? "there is no such file"
      : (error as { code?: string }).code === "EISDIR"
      ? "it is a folder"
      : messageOf(error);
    throw new UsageError(`Cannot read "${path}" as a job: ${state}`, { cause: error });
  }
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(
      `Cannot read "${basename(path)}" as JSON: ${
        messageOf(error)
      }; comments and commas at the end are no JSON`,
      { cause: error },
    );
  }
}

function absoluteLedger(url: string, absolute: (path: string) => string): string {
  const path = /^sqlite:(?!\/)(.+)$/.exec(url)?.[1];
  return path === undefined ? url : `sqlite:${absolute(path)}`;
}
