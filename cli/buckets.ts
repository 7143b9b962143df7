/**
 * How buckets are spoken to.
 * @module
 */
import { BUCKET_FLAGS } from "./_plan_flags.ts";
import type { Call } from "./parse.ts";

/** What the flags say of buckets counts for all that are opened from then on. */
export async function setBuckets(flags: Call["flags"]): Promise<void> {
  if (!BUCKET_FLAGS.some(({ name }) => flags.has(name))) return;
  const valueOf = (name: string) => {
    const value = flags.get(name);
    return typeof value === "string" ? { [name]: value } : {};
  };
  const { setBlobDefaults } = await import("../stores/blobs/open_blobs.ts");
  setBlobDefaults({
    ...valueOf("endpoint"),
    ...valueOf("region"),
    ...valueOf("profile"),
    ...(flags.has("anonymous") ? { sign: false } : {}),
    ...(flags.has("requester-pays") ? { requesterPays: true } : {}),
  });
}
