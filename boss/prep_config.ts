/**
 * Files that say which collection, coordinate frame, experiment and channel of the Boss there are to be, as
 * `prep_ingest` of ingest-client 0.12 takes them.
 *
 * Edges of voxels are in nanometres. What only that program needs, and the Boss does not, is passed over.
 * @module
 */
import { type ConfigFault, Faults, Fields } from "./_config_fields.ts";
import { readJson } from "./_config_file.ts";
import { freeze, type JsonObject, type JsonValue } from "./_config_json.ts";
import { type BossResource, RESOURCE_NAME } from "./resources.ts";

/** A field of a resource, as it is wanted. */
export interface WantedField {
  /** Where the file says it, such as `coordinate_frame.voxel_size_x`. */
  readonly path: string;
  /** What the Boss calls it, such as `x_voxel_size`. */
  readonly field: string;
  /** What it is to be. */
  readonly value: JsonValue;
  /** Whether what is there may differ unseen, as the file does not say it. */
  readonly isDefault: boolean;
}

/** A resource that there is to be. */
export interface WantedResource {
  /** Its name, and where it lies. */
  readonly resource: BossResource;
  /** What it is to be like. */
  readonly fields: readonly WantedField[];
}

/** Such a file, checked; immutable. */
export interface PrepConfig {
  /** Of the file, for messages. */
  readonly name: string;
  /** Path of the ingest configuration that goes with it, as the file says it. */
  readonly ingestConfig?: string;
  /** In the order in which they are made: each lies in, or uses, those before it. */
  readonly resources: readonly WantedResource[];
  /** What is doubtful, but can be done. */
  readonly warnings: readonly ConfigFault[];
}

const KIND = "what a Boss is prepared by";

/**
 * Reads such a file.
 * @throws {UsageError} If it is not there, no JSON, or says what cannot be; every fault is named with its path.
 * @example One that is not there
 * ```ts
 * import { loadPrepConfig } from "@sluice/sluice";
 * import { rejects } from "node:assert/strict";
 * await rejects(loadPrepConfig("no/such/prep.json"), /there is no such file$/);
 * ```
 */
export async function loadPrepConfig(path: string): Promise<PrepConfig> {
  return parsePrepConfig(await readJson(path, KIND), path);
}

/**
 * Checks what such a file says.
 * @param name Of the file, for messages.
 * @throws {BossConfigError} If it says what cannot be; every fault is named with its path.
 * @example The least that it may say
 * ```ts
 * import { parsePrepConfig } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * const extent = { x_start: 0, x_stop: 2048, y_start: 0, y_stop: 2048, z_start: 0, z_stop: 64 };
 * const { resources } = parsePrepConfig({
 *   collection: { name: "colA" },
 *   coordinate_frame: {
 *     name: "cfA", ...extent, voxel_size_x: 4, voxel_size_y: 4, voxel_size_z: 40,
 *   },
 *   experiment: { name: "expA" },
 *   channel: { name: "chA", type: "image", datatype: "uint8" },
 * }, "prep.json");
 * equal(resources.length, 4);
 * ```
 */
export function parsePrepConfig(value: unknown, name: string): PrepConfig {
  const faults = new Faults();
  const root = Fields.root(value, faults);
  const ingestConfig = root.text("ingest_cfg", { otherwise: "" });
  const collection = new Section(root.object("collection"));
  collection.name();
  collection.description();
  const frame = new Section(root.object("coordinate_frame"));
  frame.name();
  frame.description();
  for (const axis of ["x", "y", "z"] as const) frame.span(axis);
  for (const axis of ["x", "y", "z"] as const) frame.edge(axis);
  // What this field of the Boss is, every such file takes for granted.
  frame.add("voxel_unit", "nanometers", { path: "voxel_size_x", isDefault: false });
  const experiment = new Section(root.object("experiment"));
  experiment.name();
  experiment.description();
  experiment.wanted.push({
    field: "coord_frame",
    value: frame.word,
    path: "coordinate_frame.name",
    isDefault: false,
  });
  experiment.integer("num_hierarchy_levels", 1, 1);
  experiment.choice("hierarchy_method", ["anisotropic", "isotropic"], "anisotropic");
  experiment.integer("num_time_samples", 1, 1);
  experiment.integer("time_step", 0, 0);
  experiment.choice(
    "time_step_unit",
    ["nanoseconds", "microseconds", "milliseconds", "seconds"],
    "seconds",
  );
  const channel = new Section(root.object("channel"));
  channel.name();
  channel.description();
  channel.choice("type", ["image", "annotation"]);
  channel.choice("datatype", ["uint8", "uint16", "uint32", "uint64"]);
  channel.sources();
  for (const field of ["base_resolution", "default_time_sample"]) {
    channel.add(field, 0, { path: field, isDefault: true });
  }
  channel.add("related", [], { path: "related", isDefault: true });
  faults.throwIfAny(`read "${name}" as ${KIND}`);
  const sections = [collection, frame, experiment, channel];
  return freeze({
    name,
    ...(ingestConfig === "" ? {} : { ingestConfig }),
    resources: [
      collection.as({ kind: "collection", name: collection.word }),
      frame.as({ kind: "coordinate frame", name: frame.word }),
      experiment.as({
        kind: "experiment",
        collection: collection.word,
        name: experiment.word,
      }),
      channel.as({
        kind: "channel",
        collection: collection.word,
        experiment: experiment.word,
        name: channel.word,
      }),
    ],
    warnings: [root, ...sections.map(({ fields }) => fields)].flatMap((from) => from.strays()),
  });
}

/** What a resource is made with. */
export function bodyOf({ resource, fields }: WantedResource): JsonObject {
  return {
    name: resource.name,
    ...Object.fromEntries(fields.map(({ field, value }) => [field, value])),
  };
}

/** One object of the file, and the fields of the Boss that come of it. */
class Section {
  readonly wanted: WantedField[] = [];
  word = "";

  constructor(readonly fields: Fields) {}

  as(resource: BossResource): WantedResource {
    return { resource, fields: this.wanted };
  }

  name(): void {
    this.word = this.fields.text("name");
    if (this.word === "" || RESOURCE_NAME.test(this.word)) return;
    this.fields.fault("name", 'it may have letters, digits, "_" and "-" alone');
  }

  description(): void {
    const isDefault = !this.fields.has("description");
    const value = this.fields.text("description", { otherwise: "", mayBeEmpty: true });
    this.add("description", value, { path: "description", isDefault });
  }

  add(
    field: string,
    value: JsonValue,
    { path, isDefault }: { readonly path: string; readonly isDefault: boolean },
  ): void {
    this.wanted.push({ field, value, path: this.fields.at(path), isDefault });
  }

  span(axis: string): void {
    const faulty = this.fields.faults.count;
    const [first, last] = [`${axis}_start`, `${axis}_stop`];
    const [start, stop] = [this.fields.integer(first), this.fields.integer(last)];
    if (faulty === this.fields.faults.count && stop <= start) {
      this.fields.fault(last, `it must be greater than ${first}, ${start}, and is ${stop}`);
    }
    this.add(first, start, { path: first, isDefault: false });
    this.add(last, stop, { path: last, isDefault: false });
  }

  edge(axis: string): void {
    const path = `voxel_size_${axis}`;
    const faulty = this.fields.faults.count;
    const size = this.fields.number(path);
    if (faulty === this.fields.faults.count && this.fields.has(path) && !(size > 0)) {
      this.fields.fault(path, `it must be greater than 0, and is ${size}`);
    }
    this.add(`${axis}_voxel_size`, size, { path, isDefault: false });
  }

  integer(key: string, otherwise: number, min: number): void {
    const isDefault = this.fields.value(key) === undefined;
    this.add(key, this.fields.integer(key, { otherwise, min }), { path: key, isDefault });
  }

  choice<T extends string>(key: string, words: readonly T[], otherwise?: T): void {
    const isDefault = otherwise !== undefined && this.fields.value(key) === undefined;
    this.add(key, this.fields.choice(key, words, otherwise), { path: key, isDefault });
  }

  sources(): void {
    const value = this.fields.value("sources");
    const isList = Array.isArray(value) && value.every((name) => typeof name === "string");
    if (value !== undefined && !isList) {
      this.fields.fault("sources", "it must be an array of names of channels");
    }
    const isDefault = value === undefined;
    this.add("sources", isList ? value : [], { path: "sources", isDefault });
  }
}
