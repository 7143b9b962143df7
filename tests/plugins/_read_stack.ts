/**
 * Prints the faults of a stack as JSON: a test runs it as a process that may not read every file.
 * @module
 */
import { readImageStack } from "../../plugins/image_stack.ts";

const { faults, images } = await readImageStack(Deno.args, { onError: "fill" });
console.log(JSON.stringify({ faults, lost: images.flatMap(({ lost }) => lost ?? []) }));
