/**
 * Version of sluice; a release sets it together with `deno.json`, and a test compares them.
 * @example A line for a log
 * ```ts
 * import { VERSION } from "@sluice/sluice";
 * import { match } from "node:assert/strict";
 * match(`sluice ${VERSION}`, /^sluice \d+\.\d+\.\d+$/);
 * ```
 */
export const VERSION = "0.1.0";
