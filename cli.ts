#!/usr/bin/env -S deno run --allow-read --allow-write --allow-env --allow-sys --unstable-worker-options
/**
 * The command line of sluice: words become options, options go to a function of `tasks/`, and what comes of it becomes
 * an exit code.
 *
 * `sluice --help` starts in less than three times what an empty script takes: nothing is loaded that a command does
 * not use, and the words are split by `node:util`.
 * @module
 */
import { main } from "./cli/main.ts";

if (import.meta.main) Deno.exit(await main(Deno.args));
