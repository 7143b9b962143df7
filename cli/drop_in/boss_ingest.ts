/**
 * `sluice boss-ingest`: the flags, questions, log and exit codes of boss-ingest 0.12.
 * @module
 */
import { checkBossConfig } from "../../boss/check_config.ts";
import { loadBossBackend } from "../../boss/config.ts";
import type { PluginGrants } from "../../boss/custom_plugin.ts";
import { type BossServer, DEFAULT_BOSS_HOST } from "../../boss/credentials.ts";
import { messageOf, UsageError } from "../../core/errors.ts";
import { VERSION } from "../../core/version.ts";
import type { AskBossOptions } from "../../tasks/_ask_boss.ts";
import { cancelBossJob } from "../../tasks/cancel_boss_job.ts";
import { createBossJob } from "../../tasks/create_boss_job.ts";
import { EXIT } from "../command.ts";
import { quote } from "../text.ts";
import { type Arguments, ArgumentsError } from "./args.ts";
import { BOSS_INGEST } from "./boss_ingest_grammar.ts";
import { LogFile } from "./log_file.ts";
import { print, ProgramError, runProgram } from "./program.ts";
import { Prompts } from "./prompts.ts";
import { Quitting } from "./quitting.ts";
import { helpOf } from "./usage.ts";

/** What its `--help` prints. */
export function help(): string {
  return helpOf(BOSS_INGEST);
}

/** Runs it. @returns The exit code. */
export function run(words: readonly string[]): Promise<number> {
  return runProgram(words, BOSS_INGEST, async (given) => {
    if (given.has("version")) {
      print(
        `sluice ${VERSION}, in place of boss-ingest 0.12; nobody is asked whether there is a newer one`,
      );
      return EXIT.done;
    }
    const threads = given.integer("processes_nb", 1);
    if (threads < 1) {
      throw new ArgumentsError(
        `argument --processes_nb/-p: it must be 1 or more, and is ${threads}`,
      );
    }
    const prompts = new Prompts();
    let say = print;
    using quitting = new Quitting({ prompts, say: (text) => say(text) });
    const confirm = (question: string) =>
      given.has("force") || prompts.ask(`${question} (y/n): `, quitting.signal);
    const path = given.positional;
    if (path === undefined) {
      if (!given.has("cancel")) {
        throw new ProgramError("Error: Ingest Job Configuration File is required", true);
      }
      return await cancel(given, { confirm, signal: quitting.signal });
    }
    const log = await LogFile.open({
      path: given.text("log-file"),
      level: given.text("log-level"),
    });
    say = (text) => log.info(text);
    try {
      if (given.has("cancel")) {
        return await cancel(given, { confirm, log, signal: quitting.signal });
      }
      return await work({ path, given, confirm, log, quitting });
    } catch (error) {
      if (!(error instanceof ProgramError)) log.keep(messageOf(error));
      throw error;
    } finally {
      log[Symbol.dispose]();
    }
  });
}

type Confirm = (question: string) => boolean | Promise<boolean>;

/** Cancels a job: of a configuration nothing but the server has to hold. */
async function cancel(
  given: Arguments,
  { confirm, log, signal }: {
    readonly confirm: Confirm;
    readonly log?: LogFile;
    readonly signal: AbortSignal;
  },
): Promise<number> {
  const say = (text: string) => log === undefined ? print(text) : log.info(text);
  const job = given.text("job-id");
  if (job === undefined) {
    throw new ProgramError("Error: You must provide an ingest job ID to cancel", true);
  }
  const id = numberOf(job);
  const server = await serverOf(given);
  if (given.positional === undefined && !given.has("host")) {
    print(
      `No configuration is given: the job is looked for at ${DEFAULT_BOSS_HOST}; --host names another`,
    );
  }
  if (!await confirm(`Are you sure you want to cancel ingest job ${job}? `)) {
    print("Command ignored. Job not cancelled");
    return EXIT.done;
  }
  log?.info(`Attempting to cancel Ingest Job ${job}.`);
  const { state } = await cancelBossJob(server, id, asking(given, { log, signal }));
  if (state === "complete") {
    throw new ProgramError(`Error: Ingest job ${job} is complete, and was not cancelled`);
  }
  say(`Ingest job ${job} successfully cancelled.`);
  return EXIT.done;
}

/** Creates a job, or takes up one that is there, and uploads. */
async function work({ path, given, confirm, log, quitting }: {
  readonly path: string;
  readonly given: Arguments;
  readonly confirm: Confirm;
  readonly log: LogFile;
  readonly quitting: Quitting;
}): Promise<number> {
  const { signal } = quitting;
  const grants = grantsOf(given);
  await check(path, grants, signal);
  const ask = asking(given, { log, signal });
  const resumed = given.text("job-id");
  let id: number;
  if (resumed === undefined) {
    const { job } = await createBossJob(path, {
      ...ask,
      grants,
      confirm: ({ summary, warnings, others }) => {
        log.info(`\n\n${summary}`);
        print("\n");
        for (const { path, reason } of warnings) log.warning(`${path}: ${reason}`);
        for (const { id, state } of others) {
          log.warning(`Ingest job ${id} for the same channel is ${state}: -j ${id} resumes it`);
        }
        return confirm("Would you like to create a NEW ingest job?");
      },
    });
    if (job === undefined) return decline();
    id = job.id;
    log.info(`CREATED INGEST JOB: ${id}`);
    log.info(`Successfully Created Ingest Job ID: ${id}`);
    log.info("Note: You need this ID to continue this job later!");
    if (!await confirm("\nDo you want to start uploading now?")) {
      print(
        `OK - Your job is waiting for you. You can resume by providing Ingest Job ID '${id}' to the client`,
      );
      return EXIT.done;
    }
  } else {
    id = numberOf(resumed);
    if (!await confirm(`Are you sure you want to resume ingest job ${resumed}?`)) return decline();
  }
  const { uploadJob } = await import("./upload_job.ts");
  return await uploadJob(path, id, {
    ...ask,
    grants,
    log,
    quitting,
    threads: given.integer("processes_nb", 1),
    completes: !given.has("manual-complete"),
    spool: given.text("spool"),
    endpoint: given.text("endpoint"),
    resume: `sluice boss-ingest ${quote(path)} -j ${id}`,
  });
}

/** What plugins of a lab's own may do. */
function grantsOf(given: Arguments): PluginGrants {
  const list = (long: string) => given.text(long)?.split("\n") ?? [];
  return { net: list("grant-net"), read: list("grant-read") };
}

function decline(): number {
  print("Exiting");
  return EXIT.done;
}

/** Says every fault of a configuration at once. */
async function check(path: string, grants: PluginGrants, signal: AbortSignal): Promise<void> {
  try {
    const { faults } = await checkBossConfig(path, { grants, signal });
    if (faults.length === 0) return;
    const all = faults.map(({ path, reason }) => `${path}: ${reason}`).join(" - ");
    throw new ProgramError(`ERROR: Validation Failed: ${all}`);
  } catch (error) {
    throw error instanceof UsageError ? new ProgramError(`ERROR: ${error.message}`) : error;
  }
}

/** Where a job to cancel is. */
async function serverOf(given: Arguments): Promise<BossServer> {
  const said = given.text("host");
  if (said !== undefined) {
    const [, protocol = "https", host = said] = /^(https?):\/\/(.*?)\/*$/.exec(said) ?? [];
    return { host, protocol };
  }
  if (given.positional === undefined) return { host: DEFAULT_BOSS_HOST, protocol: "https" };
  try {
    return await loadBossBackend(given.positional);
  } catch (error) {
    throw error instanceof UsageError ? new ProgramError(`ERROR: ${error.message}`) : error;
  }
}

/** The server's own form of the number, whatever the words say of it (trap T3). */
function numberOf(job: string): number {
  const id = Number(job);
  if (/^\d+$/.test(job.trim()) && Number.isSafeInteger(id)) return id;
  throw new ProgramError(
    `Error: Cannot use "${job}" as an ingest job ID: it is no whole number; give the one that was printed when the job was created`,
  );
}

function asking(
  given: Arguments,
  { log, signal }: { readonly log?: LogFile; readonly signal: AbortSignal },
): AskBossOptions {
  const token = given.text("api-token");
  let isTold = false;
  return {
    ...(token === undefined ? {} : { token }),
    signal,
    onToken: ({ source, notes }) => {
      if (isTold) return;
      isTold = true;
      log?.detail(`The token is from ${source}`);
      for (const note of notes) log === undefined ? print(note) : log.warning(note);
    },
  };
}
