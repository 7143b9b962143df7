/**
 * Whether this Deno lets workers have permissions of their own.
 * @module
 */
import { ChildProcess, fork } from "node:child_process";

/** The feature, as `unstable` of deno.json names it; `--unstable-` before it makes the flag. */
const FEATURE = "worker-options";

let known: boolean | undefined;

/**
 * Whether `--unstable-worker-options` was given, by flag or in deno.json. It must be known before such a worker
 * is started: without it Deno ends the whole process, with exit code 70, and nothing can catch that.
 *
 * Deno tells no program of its flags, but `fork` hands them to the process that it starts: the words are caught before
 * they are used, nothing is started, and no permission is asked for. Whatever is not understood counts as no.
 */
export function hasWorkerOptions(): boolean {
  return known ??= Deno.build.standalone || wordsOfFork().includes(`--unstable-${FEATURE}`);
}

function wordsOfFork(): readonly unknown[] {
  const prototype = ChildProcess.prototype as unknown as {
    spawn: (options: { readonly args: readonly unknown[] }) => void;
  };
  const { spawn } = prototype;
  const { get } = Deno.env;
  let words: readonly unknown[] = [];
  // All of this is one turn: nobody else sees what is put in place here.
  prototype.spawn = ({ args }) => {
    words = args;
  };
  // It looks for a variable, for which there may be no permission.
  Deno.env.get = () => undefined;
  try {
    fork("nothing.js", [], {
      execPath: "nothing",
      execArgv: [],
      env: {},
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
  } catch {
    // A Deno that does it otherwise.
  } finally {
    prototype.spawn = spawn;
    Deno.env.get = get;
  }
  return words;
}
