/** Version of sluice; a release sets it together with `deno.json`, and a test compares them. */
export const VERSION = "0.1.0";
