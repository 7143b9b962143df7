/**
 * The resources of a Boss in memory, for tests: collections, coordinate frames, experiments and channels over REST, with
 * the rules and the errors of the real one. It has no way to change or delete, and notes who tries.
 */
import { type RawAnswer, type RawRequest, serveRaw } from "../_raw_http.ts";
import { bossError, detailError, page, TEST_TOKEN } from "./_boss_server.ts";

// deno-lint-ignore no-explicit-any
type Body = Record<string, any>;

/** Which fields a resource is made of, and what they are where they are not said. */
const RULES: Record<string, { readonly needs: Record<string, RegExp>; readonly says: Body }> = {
  collection: { needs: {}, says: { public: false, description: "", experiments: [] } },
  coord: {
    needs: {
      ...Object.fromEntries(
        ["x", "y", "z"].flatMap((axis) => [
          [`${axis}_start`, /^-?\d+$/],
          [`${axis}_stop`, /^-?\d+$/],
          [`${axis}_voxel_size`, /^\d+(\.\d+)?$/],
        ]),
      ),
      voxel_unit: /^(nano|micro|milli|centi)meters$/,
    },
    says: { description: "" },
  },
  experiment: {
    needs: {
      coord_frame: /./,
      num_hierarchy_levels: /^\d+$/,
      hierarchy_method: /^(an)?isotropic$/,
      num_time_samples: /^[1-9]\d*$/,
      time_step_unit: /^((nano|micro|milli)?seconds)$/,
    },
    says: { channels: [], public: false, description: "", time_step: 0 },
  },
  channel: {
    needs: { type: /^(image|annotation)$/, datatype: /^uint(8|16|32|64)$/ },
    says: {
      public: false,
      description: "",
      default_time_sample: 0,
      base_resolution: 0,
      sources: [],
      related: [],
      downsample_status: "NOT_DOWNSAMPLED",
      storage_type: "spdb",
      bucket: null,
      cv_path: null,
    },
  },
};

/** The resources of a Boss that runs. */
export interface ResourceServer extends AsyncDisposable {
  readonly url: string;
  readonly host: string;
  /** What is there: by its path behind the version, such as `collection/colA`. */
  readonly there: Map<string, Body>;
  /** What is marked for deletion. */
  readonly marked: Set<string>;
  /** What it was asked: `GET /v1/collection/colA`, in the order it came. */
  readonly log: string[];
  /** Bodies of what was posted, in the order it came. */
  readonly posted: Body[];
  /** Answers to the next requests; `lost`: it does what is asked, and the answer is lost. */
  readonly next: (RawAnswer | "lost" | undefined)[];
  /** Names of the groups of users that there are. */
  readonly groups: Set<string>;
  /** What groups were allowed, in the order it came. */
  readonly allowed: Body[];
  /** Whether the user may create. */
  mayCreate: boolean;
}

/** Serves resources on the loopback until it is disposed. */
export function serveResources(): ResourceServer {
  const there = new Map<string, Body>();
  const marked = new Set<string>(), groups = new Set<string>();
  const log: string[] = [], posted: Body[] = [], allowed: Body[] = [];
  const next: ResourceServer["next"] = [];
  const raw = serveRaw((request) => {
    log.push(`${request.method} ${request.path}`);
    const own = next.shift();
    if (own !== undefined && own !== "lost") return own;
    const answer = answerTo(request);
    return own === "lost" ? { ...answer, delivery: "reset" } : answer;
  });

  function answerTo({ method, path, headers, body }: RawRequest): RawAnswer {
    if (path === "/v1/permissions/") {
      return allow(method, JSON.parse(new TextDecoder().decode(body)));
    }
    const place = /^\/v1\/(.+[^/])$/.exec(path)?.[1];
    const kind = place && kindOf(place);
    if (place === undefined || kind === undefined) return page(404);
    if (headers.get("authorization") !== `Token ${TEST_TOKEN}`) {
      return detailError(401, "Invalid token.");
    }
    if (marked.has(place)) {
      return bossError(404, 4005, "The resource has been marked for deletion.");
    }
    const name = place.split("/").at(-1)!;
    if (method === "GET") {
      const found = there.get(place);
      return found === undefined
        ? bossError(404, 4000, `${name} does not exist.`)
        : say(200, found);
    }
    if (method !== "POST") return detailError(405, `Method "${method}" not allowed.`);
    if (headers.get("content-type") !== "application/json") return detailError(415, "No JSON.");
    const text = new TextDecoder().decode(body);
    posted.push(JSON.parse(text));
    if (!server.mayCreate) {
      return bossError(403, 3000, "Users need the role resource-manager to create resources");
    }
    return create(kind, place, name, JSON.parse(text));
  }

  function allow(method: string, body: Body): RawAnswer {
    const place = ["collection", "experiment", "channel"].filter((kind) => kind in body)
      .map((kind) => `${kind}/${body[kind]}`).join("/");
    if (method !== "POST") return detailError(405, `Method "${method}" not allowed.`);
    if (!there.has(place)) return bossError(404, 4000, `${place} does not exist.`);
    if (!groups.has(body.group)) return bossError(404, 4001, `A group ${body.group} is not there.`);
    allowed.push(body);
    return { status: 201 };
  }

  function create(kind: string, place: string, name: string, body: Body): RawAnswer {
    const parent = place.split("/").slice(0, -2).join("/");
    if (parent !== "" && !there.has(parent)) {
      return bossError(404, 4000, `${parent} does not exist.`);
    }
    if (there.has(place)) {
      return bossError(400, 1003, `{'name': ['${kind} with this name already exists.']}`);
    }
    const { needs, says } = RULES[kind];
    const wrong = Object.entries(needs).filter(([field, rule]) => !rule.test(String(body[field])));
    const frame = kind !== "experiment" || there.has(`coord/${body.coord_frame}`);
    if (wrong.length > 0 || !frame) {
      return bossError(400, 1003, `{'${wrong[0]?.[0] ?? "coord_frame"}': ['Not a valid choice.']}`);
    }
    const known = new Set(["name", ...Object.keys(needs), ...Object.keys(says)]);
    const fields = Object.entries({ ...says, ...body }).filter(([field]) => known.has(field));
    const made = {
      ...Object.fromEntries(fields),
      name,
      ...kind === "coord" ? {} : { creator: "me" },
    };
    there.set(place, made);
    return say(201, made);
  }

  const server: ResourceServer = {
    url: raw.url,
    host: new URL(raw.url).host,
    there,
    marked,
    log,
    posted,
    next,
    allowed,
    groups,
    mayCreate: true,
    [Symbol.asyncDispose]: () => raw[Symbol.asyncDispose](),
  };
  return server;
}

function kindOf(place: string): string | undefined {
  const name = "[A-Za-z0-9_-]+";
  return [
    ["collection", `collection/${name}`],
    ["coord", `coord/${name}`],
    ["experiment", `collection/${name}/experiment/${name}`],
    ["channel", `collection/${name}/experiment/${name}/channel/${name}`],
  ].find(([, rule]) => new RegExp(`^${rule}$`).test(place))?.[0];
}

function say(status: number, body: Body): RawAnswer {
  // Python writes a float with its point.
  const text = JSON.stringify(body).replace(/("[xyz]_voxel_size":\d+)([,}])/g, "$1.0$2");
  return { status, headers: { "content-type": "application/json" }, body: text };
}

/** What `prep_ingest` takes. */
export const PREP_FILE: Body = {
  ingest_cfg: "ingest.json",
  collection: { name: "colA", description: "a collection" },
  coordinate_frame: {
    name: "cfA",
    description: "a frame",
    x_start: 0,
    x_stop: 2048,
    y_start: 0,
    y_stop: 1024,
    z_start: 0,
    z_stop: 64,
    voxel_size_x: 4,
    voxel_size_y: 5,
    voxel_size_z: 40,
  },
  experiment: {
    name: "expA",
    description: "an experiment",
    num_time_samples: 3,
    num_hierarchy_levels: 7,
    hierarchy_method: "isotropic",
    time_step: 2,
    time_step_unit: "milliseconds",
  },
  channel: {
    name: "chA",
    description: "a channel",
    type: "annotation",
    datatype: "uint64",
    sources: ["em"],
  },
};
