/**
 * Which fields each resource of the Boss has, what they may be, and which may change.
 * @module
 */
import { fault } from "./_answers.ts";

/** Kinds of resources. */
export type ResourceKind = "collection" | "coord" | "experiment" | "channel";

/** Fields as they are kept and given. */
export type Fields = Readonly<Record<string, unknown>>;

interface FieldRule {
  readonly is: (value: unknown) => boolean;
  /** What it must be, in words. */
  readonly words: string;
  /** What it is where nobody says; absent: it must be said. */
  readonly otherwise?: unknown;
  /** Whether it may be changed later. @default false */
  readonly mayChange?: boolean;
}

const text = (mayChange = true): FieldRule => ({
  is: (value) => typeof value === "string",
  words: "text",
  otherwise: "",
  mayChange,
});
const flag: FieldRule = {
  is: (value) => typeof value === "boolean",
  words: "true or false",
  otherwise: false,
  mayChange: true,
};
const count = (least: number, rest: Partial<FieldRule> = {}): FieldRule => ({
  is: (value) => Number.isSafeInteger(value) && (value as number) >= least,
  words: `an integer from ${least} on`,
  ...rest,
});
const positive: FieldRule = {
  is: (value) => typeof value === "number" && Number.isFinite(value) && value > 0,
  words: "a number above 0",
};
const choice = (choices: readonly string[], rest: Partial<FieldRule> = {}): FieldRule => ({
  is: (value) => choices.includes(value as string),
  words: `one of ${choices.join(", ")}`,
  ...rest,
});
const names: FieldRule = {
  is: (value) => Array.isArray(value) && value.every((item) => typeof item === "string"),
  words: "a list of names of channels",
  otherwise: [],
  mayChange: true,
};

/** Levels of resolution that an experiment may have: one digit names them. */
const MOST_LEVELS = 10;

const RULES: Readonly<Record<ResourceKind, Readonly<Record<string, FieldRule>>>> = {
  collection: { description: text(), public: flag },
  coord: {
    description: text(),
    x_start: count(0),
    x_stop: count(1),
    y_start: count(0),
    y_stop: count(1),
    z_start: count(0),
    z_stop: count(1),
    x_voxel_size: positive,
    y_voxel_size: positive,
    z_voxel_size: positive,
    voxel_unit: choice(["nanometers", "micrometers", "millimeters", "centimeters"]),
  },
  experiment: {
    description: text(),
    public: flag,
    coord_frame: { is: (value) => typeof value === "string", words: "the name of one" },
    num_hierarchy_levels: {
      is: (value) =>
        Number.isInteger(value) && value as number >= 1 && value as number <= MOST_LEVELS,
      words: `an integer from 1 to ${MOST_LEVELS}`,
      mayChange: true,
    },
    hierarchy_method: choice(["anisotropic", "isotropic"], { mayChange: true }),
    num_time_samples: count(1, { otherwise: 1, mayChange: true }),
    time_step: {
      is: (value) => value === null || typeof value === "number",
      words: "a number",
      otherwise: null,
      mayChange: true,
    },
    time_step_unit: choice(["nanoseconds", "microseconds", "milliseconds", "seconds", ""], {
      otherwise: "",
      mayChange: true,
    }),
  },
  channel: {
    description: text(),
    public: flag,
    type: choice(["image", "annotation"]),
    datatype: choice(["uint8", "uint16", "uint32", "uint64"]),
    base_resolution: count(0, { otherwise: 0, mayChange: true }),
    default_time_sample: count(0, { otherwise: 0, mayChange: true }),
    sources: names,
    related: names,
  },
};

/** Fields that clients send along, and that say nothing: where a resource lies is in its address. */
const PASSED_OVER: ReadonlySet<string> = new Set(["name", "collection", "experiment"]);

/** Fields of a new resource. @throws {Refusal} If one is absent, or cannot be. */
export function newFields(kind: ResourceKind, body: Fields): Fields {
  const made: Record<string, unknown> = {};
  const faults: string[] = [];
  for (const [field, rule] of Object.entries(RULES[kind])) {
    const value = body[field] ?? rule.otherwise;
    if (value === undefined) faults.push(`'${field}': ['This field is required.']`);
    else if (rule.is(value)) {
      made[field] = value;
    } else faults.push(`'${field}': ['It must be ${rule.words}.']`);
  }
  for (const field of Object.keys(body)) {
    if (!Object.hasOwn(RULES[kind], field) && !PASSED_OVER.has(field)) {
      faults.push(`'${field}': ['This is no field of a ${kind}.']`);
    }
  }
  if (faults.length > 0) throw fault("INVALID_POST_ARGUMENT", `{${faults.join(", ")}}`);
  if (kind === "coord") checkFrame(made);
  return made;
}

function checkFrame(fields: Fields): void {
  for (const axis of ["x", "y", "z"]) {
    const [start, stop] = [fields[`${axis}_start`], fields[`${axis}_stop`]] as number[];
    if (start >= stop) {
      throw fault(
        "INVALID_POST_ARGUMENT",
        `{'${axis}_stop': ['It must be more than ${axis}_start, which is ${start}.']}`,
      );
    }
  }
}

/** Fields of a resource with what is to change of them. @throws {Refusal} If something may not, or cannot be. */
export function changedFields(kind: ResourceKind, fields: Fields, body: Fields): Fields {
  const made: Record<string, unknown> = { ...fields };
  for (const [field, value] of Object.entries(body)) {
    const rule = RULES[kind][field];
    if (rule === undefined && PASSED_OVER.has(field)) continue;
    if (rule?.mayChange !== true) {
      throw fault("INVALID_POST_ARGUMENT", `Cannot update the field ${field} of a ${kind}.`);
    }
    if (!rule.is(value)) {
      throw fault("INVALID_POST_ARGUMENT", `{'${field}': ['It must be ${rule.words}.']}`);
    }
    made[field] = value;
  }
  return made;
}
