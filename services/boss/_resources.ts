/**
 * Collections, coordinate frames, experiments and channels, with their metadata.
 * @module
 */
import { RESOURCE_NAME } from "../../boss/resources.ts";
import { detail, fault, json } from "./_answers.ts";
import { changedFields, type Fields, newFields, type ResourceKind } from "./_fields.ts";
import type { BossState } from "./_state.ts";

/** A resource that is there. */
export interface Resource {
  readonly id: number;
  readonly kind: ResourceKind;
  readonly parent: number;
  readonly name: string;
  readonly fields: Fields;
}

/** A channel with all that it lies in. */
export interface ChannelPlace {
  readonly collection: Resource;
  readonly experiment: Resource;
  readonly channel: Resource;
  readonly frame: Resource;
}

/** Who asks: the user, or anybody. */
export type Asker = "user" | "anybody";

/** A request for a resource. */
export interface ResourceCall {
  readonly method: string;
  /** Path behind the version, such as `["collection", "colA"]`. */
  readonly words: readonly string[];
  readonly query: URLSearchParams;
  readonly asker: Asker;
  /** The body, read as JSON. */
  readonly body: () => Fields;
}

/** What must be known before a resource changes. */
export interface ResourceHooks {
  /** Is told that a channel is to be removed, before it is. */
  readonly onRemove: (place: ChannelPlace) => Promise<void>;
  /** Whether there are voxels in a channel. */
  readonly hasVoxels: (place: ChannelPlace) => Promise<boolean>;
}

interface Row {
  readonly id: number;
  readonly kind: ResourceKind;
  readonly parent: number;
  readonly name: string;
  readonly fields: string;
}

/** Levels of the tree, and what each lists. */
const BELOW = { collection: "experiment", experiment: "channel" } as const;

/** The resources of one server. */
export class Resources {
  readonly #state: BossState;
  readonly #hooks: ResourceHooks;

  constructor(state: BossState, hooks: ResourceHooks) {
    this.#state = state;
    this.#hooks = hooks;
  }

  /** The channel of a path. @throws {Refusal} If there is none, or it is not for whoever asks. */
  channel(collection: string, experiment: string, channel: string, asker: Asker): ChannelPlace {
    const inside = this.#must("collection", 0, collection);
    const around = this.#must("experiment", inside.id, experiment);
    const found = this.#must("channel", around.id, channel);
    this.#check(found, asker);
    return this.#placeOf(found, around, inside);
  }

  /** The channel of an id; undefined where it was removed. */
  channelById(id: number): ChannelPlace | undefined {
    const channel = this.#byId(id);
    const experiment = channel && this.#byId(channel.parent);
    const collection = experiment && this.#byId(experiment.parent);
    return collection && this.#placeOf(channel!, experiment!, collection);
  }

  /** Answers a request below `collection` or `coord`. */
  async answer(call: ResourceCall): Promise<Response> {
    const { method, words, asker } = call;
    const [root, ...path] = words;
    if (root === "coord" && path.length <= 1) {
      return await this.#one("coord", undefined, path[0], call);
    }
    const [collection, experimentWord, experiment, channelWord, channel] = path;
    const isPath = root === "collection" && path.length <= 5 &&
      [undefined, "experiment"].includes(experimentWord) &&
      [undefined, "channel"].includes(channelWord);
    if (!isPath) throw fault("INVALID_URL", "There is nothing at this address");
    if (asker === "anybody" && method !== "GET") throw unauthorized();
    if (experimentWord === undefined) {
      return await this.#one("collection", undefined, collection, call);
    }
    const inside = this.#must("collection", 0, collection);
    if (channelWord === undefined) return await this.#one("experiment", inside, experiment, call);
    const around = this.#must("experiment", inside.id, experiment);
    return await this.#one("channel", around, channel, call);
  }

  /** Answers a request below `meta`. */
  meta({ method, words, query, asker }: ResourceCall): Response {
    const [, collection, experiment, channel, ...rest] = words;
    if (collection === undefined || rest.length > 0) {
      throw fault("INVALID_URL", "There is nothing at this address");
    }
    let resource = this.#must("collection", 0, collection);
    if (experiment !== undefined) resource = this.#must("experiment", resource.id, experiment);
    if (channel !== undefined) resource = this.#must("channel", resource.id, channel);
    if (asker === "anybody" && method !== "GET") throw unauthorized();
    this.#check(resource, asker);
    const [key, value] = [query.get("key"), query.get("value")];
    const { id } = resource;
    if (key === null) {
      if (method !== "GET") throw fault("INVALID_ARGUMENT", "Missing key for the metadata");
      const keys = this.#state.rows<{ key: string }>("SELECT key FROM meta WHERE resource = ?", id);
      return json(200, { keys: keys.map(({ key }) => key) });
    }
    const found = this.#state.row<{ value: string }>(
      "SELECT value FROM meta WHERE resource = ? AND key = ?",
      id,
      key,
    );
    const isPut = method === "PUT" || method === "POST";
    if (isPut && value === null) {
      throw fault("INVALID_ARGUMENT", `Missing value for the key ${key}`);
    }
    if (method === "POST" && found !== undefined) {
      throw fault("INVALID_POST_ARGUMENT", `Invalid post. The key ${key} already exists.`);
    }
    if (method !== "POST" && found === undefined) {
      throw fault("RESOURCE_NOT_FOUND", `The key ${key} does not exist.`);
    }
    switch (method) {
      case "GET":
        return json(200, { key, value: found!.value });
      case "POST":
      case "PUT":
        this.#state.run("INSERT OR REPLACE INTO meta VALUES (?, ?, ?)", id, key, value!);
        return json(method === "POST" ? 201 : 200, { key, value });
      case "DELETE":
        this.#state.run("DELETE FROM meta WHERE resource = ? AND key = ?", id, key);
        return new Response(null, { status: 204 });
      default:
        throw notAllowed(method);
    }
  }

  async #one(
    kind: ResourceKind,
    parent: Resource | undefined,
    name: string | undefined,
    call: ResourceCall,
  ): Promise<Response> {
    const { method, asker } = call;
    if (name === undefined) {
      if (method !== "GET") throw notAllowed(method);
      return this.#list(kind, parent, asker);
    }
    if (asker === "anybody" && method !== "GET") throw unauthorized();
    switch (method) {
      case "GET": {
        const found = this.#must(kind, parent?.id ?? 0, name);
        this.#check(found, asker);
        return json(200, this.#shown(found));
      }
      case "POST":
        return json(201, this.#create(kind, parent, name, call.body()));
      case "PUT":
        return json(200, await this.#change(this.#must(kind, parent?.id ?? 0, name), call.body()));
      case "DELETE":
        await this.#remove(this.#must(kind, parent?.id ?? 0, name));
        return new Response(null, { status: 204 });
      default:
        throw notAllowed(method);
    }
  }

  #list(kind: ResourceKind, parent: Resource | undefined, asker: Asker): Response {
    const all = this.#below(kind, parent?.id ?? 0);
    const seen = all.filter((one) =>
      asker === "user" || kind === "coord" || one.fields.public === true
    );
    return json(200, { [`${kind}s`]: seen.map(({ name }) => name) });
  }

  #create(kind: ResourceKind, parent: Resource | undefined, name: string, body: Fields): Fields {
    if (!RESOURCE_NAME.test(name)) {
      throw fault(
        "INVALID_POST_ARGUMENT",
        "{'name': ['Only letters, digits, hyphens and underscores may be in it.']}",
      );
    }
    const parentId = parent?.id ?? 0;
    if (this.#find(kind, parentId, name) !== undefined) {
      throw fault(
        "INVALID_POST_ARGUMENT",
        `{'name': ['A ${kind} with this name already exists.']}`,
      );
    }
    const fields = newFields(kind, body);
    this.#checkWhole(kind, parent, fields);
    const { id } = this.#state.row<{ id: number }>(
      "INSERT INTO resource (kind, parent, name, fields) VALUES (?, ?, ?, ?) RETURNING id",
      kind,
      parentId,
      name,
      JSON.stringify(fields),
    )!;
    return this.#shown({ id, kind, parent: parentId, name, fields });
  }

  async #change(resource: Resource, body: Fields): Promise<Fields> {
    const { id, kind, parent } = resource;
    const fields = changedFields(kind, resource.fields, body);
    this.#checkWhole(kind, this.#byId(parent), fields, resource.name);
    await this.#checkShape(resource, fields);
    const name = typeof body.name === "string" ? body.name : resource.name;
    if (name !== resource.name) {
      // A volume is named after its channel and all that it lies in.
      throw fault("INVALID_POST_ARGUMENT", `Cannot rename a ${kind} on this server.`);
    }
    this.#state.run("UPDATE resource SET fields = ? WHERE id = ?", JSON.stringify(fields), id);
    return this.#shown({ ...resource, fields });
  }

  /** Volumes have an axis t or none, and levels of one shape: that cannot change under voxels. */
  async #checkShape({ id, kind, fields }: Resource, changed: Fields): Promise<void> {
    const shape = (of: Fields) =>
      kind === "experiment"
        ? [of.hierarchy_method, (of.num_time_samples as number) > 1].join()
        : "";
    if (shape(fields) === shape(changed)) return;
    for (const { id: channel } of this.#below("channel", id)) {
      if (!await this.#hooks.hasVoxels(this.channelById(channel)!)) continue;
      throw fault(
        "INVALID_POST_ARGUMENT",
        "Cannot change hierarchy_method, or num_time_samples from or to 1, of an experiment with voxels.",
      );
    }
  }

  /** What no field can be checked for alone. */
  #checkWhole(
    kind: ResourceKind,
    parent: Resource | undefined,
    fields: Fields,
    own?: string,
  ): void {
    if (kind === "experiment" && this.#find("coord", 0, String(fields.coord_frame)) === undefined) {
      throw fault("RESOURCE_NOT_FOUND", `${fields.coord_frame} does not exist.`);
    }
    if (kind !== "channel") return;
    const samples = parent!.fields.num_time_samples as number;
    if (fields.default_time_sample as number >= samples) {
      throw fault(
        "INVALID_POST_ARGUMENT",
        `{'default_time_sample': ['It must be less than num_time_samples, which is ${samples}.']}`,
      );
    }
    const [sources, related] = [fields.sources, fields.related] as string[][];
    for (const name of [...sources, ...related]) {
      if (name === own || this.#find("channel", parent!.id, name) === undefined) {
        throw fault("RESOURCE_NOT_FOUND", `${name} does not exist.`);
      }
    }
    if (sources.some((name) => related.includes(name))) {
      throw fault(
        "INVALID_POST_ARGUMENT",
        "Related channels have to be different from source channels",
      );
    }
  }

  async #remove(resource: Resource): Promise<void> {
    const { id, kind, name } = resource;
    const within = kind === "collection" || kind === "experiment"
      ? this.#below(BELOW[kind], id)
      : [];
    const users = kind === "coord"
      ? this.#state.rows<Row>("SELECT * FROM resource WHERE kind = 'experiment'").map(resourceOf)
        .filter(({ fields }) => fields.coord_frame === name)
      : kind === "channel"
      ? this.#below("channel", resource.parent).filter(({ fields }) =>
        [...fields.sources as string[], ...fields.related as string[]].includes(name)
      )
      : within;
    if (users.length > 0) {
      throw fault(
        "INTEGRITY_ERROR",
        `Cannot delete ${name}. It has ${
          users.map(({ name }) => name).join(", ")
        }, which refers to it; delete that first.`,
      );
    }
    if (kind === "channel") await this.#hooks.onRemove(this.channelById(id)!);
    this.#state.write(function* () {
      yield { kind: "command", sql: "DELETE FROM meta WHERE resource = ?", values: [id] };
      yield { kind: "command", sql: "DELETE FROM resource WHERE id = ?", values: [id] };
    });
  }

  /** A resource as clients see it. */
  #shown({ id, kind, parent, name, fields }: Resource): Fields {
    const about = { name, ...fields };
    if (kind === "coord") return about;
    const made = { ...about, creator: "sluice" };
    const below = kind === "channel" ? [] : this.#below(BELOW[kind], id).map(({ name }) => name);
    if (kind === "collection") return { ...made, experiments: below };
    const around = this.#byId(parent)!.name;
    if (kind === "experiment") return { ...made, collection: around, channels: below };
    return {
      ...made,
      experiment: around,
      downsample_status: "NOT_DOWNSAMPLED",
      storage_type: "spdb",
      bucket: null,
      cv_path: null,
    };
  }

  #placeOf(channel: Resource, experiment: Resource, collection: Resource): ChannelPlace {
    const frame = this.#must("coord", 0, String(experiment.fields.coord_frame));
    return { collection, experiment, channel, frame };
  }

  #check({ kind, fields }: Resource, asker: Asker): void {
    if (asker === "anybody" && kind !== "coord" && fields.public !== true) throw unauthorized();
  }

  #must(kind: ResourceKind, parent: number, name: string): Resource {
    const found = this.#find(kind, parent, name);
    if (found === undefined) throw fault("RESOURCE_NOT_FOUND", `${name} does not exist.`);
    return found;
  }

  #find(kind: ResourceKind, parent: number, name: string): Resource | undefined {
    const row = this.#state.row<Row>(
      "SELECT * FROM resource WHERE kind = ? AND parent = ? AND name = ?",
      kind,
      parent,
      name,
    );
    return row && resourceOf(row);
  }

  #byId(id: number): Resource | undefined {
    const row = this.#state.row<Row>("SELECT * FROM resource WHERE id = ?", id);
    return row && resourceOf(row);
  }

  #below(kind: ResourceKind, parent: number): Resource[] {
    return this.#state.rows<Row>(
      "SELECT * FROM resource WHERE kind = ? AND parent = ? ORDER BY id",
      kind,
      parent,
    ).map(resourceOf);
  }
}

function resourceOf(row: Row): Resource {
  return { ...row, fields: JSON.parse(row.fields) };
}

/** Whoever asks must say who they are. */
export function unauthorized() {
  return detail(401, "Authentication credentials were not provided.");
}

/** There is no such verb here. */
export function notAllowed(method: string) {
  return detail(405, `Method "${method}" not allowed.`);
}
