/**
 * Collections, coordinate frames, experiments and channels of the Boss over REST: looked up, created, and shown
 * to groups of users.
 *
 * Nothing here changes or deletes what is there. Names are unique below their parent, so that a resource may be asked
 * for again where an answer was lost: the server refuses a second one. The token goes out in a header, to this one host
 * and to none that it points to; what a server repeats of it is left out.
 * @module
 */
import { box } from "../core/box.ts";
import { UsageError } from "../core/errors.ts";
import { Transient } from "../stores/blobs/retry.ts";
import { BossCaller } from "./_call.ts";
import type { JsonObject, JsonValue } from "./_config_json.ts";
import type { BossTarget } from "./_config_target.ts";
import { answerOf, type BossAnswer, garbled } from "./_rest_answers.ts";
import type { BossError } from "./boss_error.ts";
import type { BossServer, BossToken } from "./credentials.ts";
import type { BossCallOptions, BossServiceOptions } from "./rest.ts";

/** A resource by its name, and by those of what it lies in. */
export type BossResource =
  | { readonly kind: "collection"; readonly name: string }
  | { readonly kind: "coordinate frame"; readonly name: string }
  | { readonly kind: "experiment"; readonly collection: string; readonly name: string }
  | {
    readonly kind: "channel";
    readonly collection: string;
    readonly experiment: string;
    readonly name: string;
  };

/** A resource that is there after create. */
export interface CreatedResource {
  /** Whether it was made by this call; else somebody made it at the same time. */
  readonly isNew: boolean;
  /** What the server says of it. */
  readonly fields: JsonObject;
}

/** What a name may have (the Boss's own rule). */
export const RESOURCE_NAME = /^[a-zA-Z0-9_-]+$/;

/** Codes of errors by which the server refuses what is there already, or cannot be. */
const [INVALID_POST, INTEGRITY, EXISTS] = [1003, 4003, 6002];
const NOT_FOUND = 4000;
const MARKED_FOR_DELETION = 4005;
const MISSING_ROLE = 3000;

interface Question<T> {
  /** What is done, as an error begins. */
  readonly act: string;
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: string;
  readonly signal?: AbortSignal;
  readonly onSend?: () => void;
  /** @returns Undefined where the answer is no answer to the question. */
  readonly read: (answer: BossAnswer) => T | undefined | Promise<T | undefined>;
}

/** The resources of one Boss, as one user may see and create them. */
export class BossResources {
  /** Address of the Boss. */
  readonly url: string;
  readonly #caller: BossCaller;

  /** @throws {UsageError} If `server` names none. Nothing is asked of it yet. */
  constructor(server: BossServer, token: BossToken, options: BossServiceOptions = {}) {
    this.#caller = new BossCaller(server, token, options);
    this.url = this.#caller.url;
  }

  /**
   * Looks a resource up.
   * @returns What the server says of it, or undefined where there is none.
   * @throws {BossError} If the server does not say; also of one that is marked for deletion.
   */
  async find(
    resource: BossResource,
    { signal }: BossCallOptions = {},
  ): Promise<JsonObject | undefined> {
    const { fields } = await this.#ask({
      act: `look up ${nameResource(resource)}`,
      method: "GET",
      path: pathOf(resource),
      signal,
      read: (answer) => {
        if (answer.status === 200) return { fields: this.#fieldsOf(answer, resource) };
        return answer.status === 404 && answer.code === NOT_FOUND ? {} : undefined;
      },
    });
    return fields;
  }

  /**
   * Creates a resource. One of this name that is there by then stays as it is, and is given.
   * @param body What the server is to make it with.
   * @throws {BossError} If it is refused.
   */
  async create(
    resource: BossResource,
    body: JsonObject,
    { signal }: BossCallOptions = {},
  ): Promise<CreatedResource> {
    let attempts = 0;
    return await this.#ask<CreatedResource>({
      act: `create ${nameResource(resource)}`,
      method: "POST",
      path: pathOf(resource),
      body: JSON.stringify(body),
      signal,
      onSend: () => attempts++,
      read: async (answer) => {
        if (answer.status === 201) {
          return { isNew: true, fields: this.#fieldsOf(answer, resource) };
        }
        const mayExist = [INVALID_POST, INTEGRITY, EXISTS].includes(answer.code ?? 0);
        const fields = mayExist ? await this.find(resource, { signal }) : undefined;
        // An earlier attempt has made it, and its answer was lost.
        return fields === undefined ? undefined : { isNew: attempts > 1, fields };
      },
    });
  }

  /**
   * Lets a group of users do something with a resource, beside what it may do already.
   * @param permissions Such as `read`.
   * @throws {BossError} If it is refused.
   */
  async allow(
    resource: Exclude<BossResource, { kind: "coordinate frame" }>,
    { group, permissions, signal }: BossCallOptions & {
      readonly group: string;
      readonly permissions: readonly string[];
    },
  ): Promise<void> {
    const { kind, name, ...within } = resource;
    await this.#ask({
      act: `let group "${group}" use ${nameResource(resource)}`,
      method: "POST",
      path: "permissions/",
      body: JSON.stringify({ group, permissions, ...within, [kind]: name }),
      signal,
      read: ({ status }) => status === 201 ? {} : undefined,
    });
  }

  #fieldsOf(answer: BossAnswer, { name }: BossResource): JsonObject {
    const { json } = answer;
    if (json === undefined || typeof json.name !== "string") throw garbled(answer, "a resource");
    const fields = this.#scrub(json as JsonObject) as JsonObject;
    if (json.name === name) return fields;
    throw new Transient("the server answered with another resource", "corrupt");
  }

  /** What a server says, without the token that it was sent. */
  #scrub(value: JsonValue): JsonValue {
    if (typeof value === "string") return this.#caller.scrub(value);
    if (Array.isArray(value)) return value.map((item) => this.#scrub(item));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [this.#caller.scrub(key), this.#scrub(item)]),
    );
  }

  #ask<T>(question: Question<T>): Promise<T> {
    const { act, signal } = question;
    return this.#caller.run(act, signal, (hear) => this.#attempt(question, hear));
  }

  async #attempt<T>(
    { act, method, path, body, signal, onSend, read }: Question<T>,
    hear: (answer: BossAnswer) => void,
  ): Promise<T> {
    onSend?.();
    const { status, headers, bytes } = await this.#caller.send({
      method,
      // Django knows v1 alone; a proxy may know more.
      path: `v1/${path}`,
      ...(body === undefined ? {} : { body: new TextEncoder().encode(body) }),
      signal,
      once: method === "POST",
    });
    const answer = answerOf(status, headers, bytes);
    hear(answer);
    const found = await read(answer);
    if (found !== undefined) return found;
    throw this.#fault(act, method, answer);
  }

  /** What an answer means that was not wanted. */
  #fault(act: string, method: string, answer: BossAnswer): Transient | BossError {
    if (answer.status < 300) return garbled(answer, "a resource");
    return this.#caller.fault(act, answer, ({ status, code }) => {
      if (status === 404 && code === undefined) {
        return ["missing", "mend the host: no Boss has this address there"];
      }
      if (code === MARKED_FOR_DELETION) {
        return ["refused", "wait until it is gone, or choose another name"];
      }
      if (code === MISSING_ROLE) {
        return ["forbidden", "ask who runs the Boss for the role resource-manager"];
      }
      if (method === "POST" && status === 400) {
        return ["refused", "mend what the server names in the configuration"];
      }
    });
  }
}

/** A resource as messages name it: `channel "colA/expA/chA"`. */
export function nameResource(resource: BossResource): string {
  switch (resource.kind) {
    case "collection":
    case "coordinate frame":
      return `${resource.kind} "${resource.name}"`;
    case "experiment":
      return `experiment "${resource.collection}/${resource.name}"`;
    case "channel":
      return `channel "${resource.collection}/${resource.experiment}/${resource.name}"`;
    default:
      return resource satisfies never;
  }
}

/** Behind the version. @throws {UsageError} If a name is none: it would be another address. */
function pathOf(resource: BossResource): string {
  const at = (...words: readonly string[]) => {
    for (const word of words) {
      if (RESOURCE_NAME.test(word)) continue;
      throw new UsageError(
        `Cannot use ${
          JSON.stringify(word)
        } as the name of a resource: a name has letters, digits, "_" and "-" alone; choose another`,
      );
    }
    return words.join("/");
  };
  switch (resource.kind) {
    case "collection":
      return at("collection", resource.name);
    case "coordinate frame":
      return at("coord", resource.name);
    case "experiment":
      return at("collection", resource.collection, "experiment", resource.name);
    case "channel":
      return at(
        "collection",
        resource.collection,
        "experiment",
        resource.experiment,
        "channel",
        resource.name,
      );
    default:
      return resource satisfies never;
  }
}

/** What the server says of where a job's voxels go. */
export interface TargetFields {
  readonly channel: JsonObject;
  readonly experiment: JsonObject;
  readonly frame: JsonObject;
}

/** What the server says of a channel, its experiment and its coordinate frame, for `checkBossTarget()`. */
export function targetOf({ channel, experiment, frame }: TargetFields): BossTarget {
  const baseResolution = Number(channel.base_resolution ?? 0);
  const at = (edge: "start" | "stop") => ["x", "y", "z"].map((a) => Number(frame[`${a}_${edge}`]));
  const [start, stop] = [at("start"), at("stop")];
  const times = Number(experiment.num_time_samples ?? 1);
  // The frame is told in voxels of resolution 0, and a job in those of the channel's own.
  const isKnown = baseResolution === 0 &&
    [...start, ...stop, times].every(Number.isSafeInteger) &&
    start.every((value, axis) => value < stop[axis]) && times > 0;
  return {
    baseResolution,
    datatype: String(channel.datatype),
    ...(isKnown ? { frame: box([...start, 0, 0], [...stop, 1, times]) } : {}),
  };
}
