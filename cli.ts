#!/usr/bin/env -S deno run --allow-read --allow-write --allow-env=SLUICE_HOME,SLUICE_LEDGER,XDG_STATE_HOME,HOME --allow-sys=hostname,homedir,statfs,systemMemoryInfo --unstable-worker-options
/**
 * The command line of sluice: words become options, options go to a function of `tasks/`, and what comes of it becomes
 * an exit code.
 *
 * `sluice --help` starts in less than three times what an empty script takes: nothing is loaded that a command does
 * not use, and the words are split by `node:util`.
 * It asks for no more than this: files to read and write; the variables SLUICE_HOME, SLUICE_LEDGER, XDG_STATE_HOME and
 * HOME, which say where the ledger lies; the name of the host, the home folder and how much memory is free.
 * @module
 */
import { main } from "./cli/main.ts";

if (import.meta.main) Deno.exit(await main(Deno.args));
