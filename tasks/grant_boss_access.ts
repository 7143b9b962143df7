/**
 * Shows what is prepared in a Boss to a group of its users.
 * @module
 */
import type { BossServer } from "../boss/credentials.ts";
import type { BossResource } from "../boss/resources.ts";
import { messageOf } from "../core/errors.ts";
import { type AskBossOptions, openResources } from "./_ask_boss.ts";

/** A resource that the group may not use as it was meant to. */
export interface RefusedAccess {
  /** Its name, and where it lies. */
  readonly resource: BossResource;
  /** Why. */
  readonly reason: string;
}

/** What the group is to be allowed. */
export interface GrantBossAccessOptions extends AskBossOptions {
  /** Name of the group. */
  readonly group: string;
  /** Such as `read`. */
  readonly permissions: readonly string[];
}

/**
 * Lets a group use collections, experiments and channels; a coordinate frame is everybody's. What one is refused does
 * not keep the others from being allowed.
 * @returns What was refused.
 * @throws {BossError} If no token is found. @throws The reason of `signal`.
 */
export async function grantBossAccess(
  server: BossServer,
  resources: readonly BossResource[],
  { group, permissions, ...asking }: GrantBossAccessOptions,
): Promise<RefusedAccess[]> {
  const { signal } = asking;
  const boss = await openResources(server, asking);
  const refused: RefusedAccess[] = [];
  for (const resource of resources) {
    if (resource.kind === "coordinate frame") continue;
    try {
      await boss.allow(resource, { group, permissions, signal });
    } catch (error) {
      signal?.throwIfAborted();
      refused.push({ resource, reason: messageOf(error) });
    }
  }
  return refused;
}
