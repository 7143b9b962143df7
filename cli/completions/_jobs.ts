/**
 * Jobs, as completion scripts ask for them while somebody waits for a key to take effect.
 * @module
 */
import { isNotFound } from "../../core/errors.ts";
import { openLedger } from "../../ledgers/open_ledger.ts";
import { chooseLedgerUrl } from "../../tasks/find_job.ts";

const MOST = 100;

/** A job, and what it is in a few words. */
export interface OfferedJob {
  readonly job: number;
  readonly what: string;
}

/**
 * The newest jobs of a ledger, newest first. A ledger on another machine is not asked, and one that is not there is not
 * made: it has none.
 */
export async function listJobs(ledgerUrl: string | undefined): Promise<OfferedJob[]> {
  const url = chooseLedgerUrl({ ledgerUrl });
  const path = /^sqlite:(?:\/\/(?=\/))?(.+)$/.exec(url)?.[1];
  if (path === undefined || !(await isThere(path))) return [];
  await using ledger = await openLedger(url);
  const found: OfferedJob[] = [];
  for await (const { job, state, done, tasks, target } of ledger.jobs()) {
    const what = `${state}, ${done} of ${tasks} tasks: ${target}`;
    // deno-lint-ignore no-control-regex
    found.push({ job, what: what.replace(/[\x00-\x1f]/g, " ") });
    if (found.length === MOST) break;
  }
  return found;
}

async function isThere(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
