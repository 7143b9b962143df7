/**
 * From flags, and a job file under them, to the options of `tasks/`.
 * @module
 */
import type { Dtype } from "../core/dtype.ts";
import { parseVoxelSize } from "../core/units.ts";
import { UsageError } from "../core/errors.ts";
import { parseBytes } from "../tasks/memory.ts";
import type { PlanOptions } from "../tasks/plan.ts";
import { setBuckets } from "./buckets.ts";
import { type Call, CallError } from "./parse.ts";
import { parseCodec, parseCount, parseSides, parseSpan, parseWindow } from "./values.ts";

/** What was said, wherever it was said. */
export interface Said {
  readonly sources: readonly string[];
  /** Where volumes are to be, as people named them. */
  readonly targets: readonly string[];
  /** As on the command line. */
  readonly flags: ReadonlyMap<string, string | true>;
}

/**
 * Gathers what the command line says and, under it, what the job file says.
 * @throws {CallError} If neither names sources, or the target where `needsTarget`.
 */
export async function gather(
  call: Call,
  { needsTarget }: { readonly needsTarget: boolean },
): Promise<Said> {
  const { words, command } = call;
  const config = call.flags.get("config");
  const job = typeof config === "string"
    ? await (await import("../configs/load_job.ts")).loadJob(config)
    : {};
  const { $schema: _, source = [], target: fileTarget, to: fileTo, verify, ...rest } = job;
  const flags = new Map<string, string | true>();
  for (const [key, value] of Object.entries(rest)) {
    if (value === false) continue;
    flags.set(
      key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
      value === true || String(value),
    );
  }
  if (verify === false) flags.set("no-verify", true);
  for (const [name, value] of call.flags) flags.set(name, value);
  await setBuckets(flags);
  const sources = words.get("sources") ?? [source].flat();
  const to = valueOf(call.flags, "to")?.split("\n");
  const last = sources.at(-1) ?? "";
  if (to !== undefined && sources.length > 1 && /\.zarr\/?$|^(?:zarr|precomputed):/.test(last)) {
    throw new CallError(
      `Cannot take "${last}" as a source beside others: with --to every word is a source; give it as --to ${last}, too`,
      command.name,
    );
  }
  const said = to ?? words.get("target");
  const targets = said ?? [fileTo ?? fileTarget ?? []].flat();
  if (sources.length === 0) {
    throw new CallError(
      `Cannot run "${command.name}" without SOURCES: "${config}" has no key "source"`,
      command.name,
    );
  }
  if (needsTarget && targets.length === 0) {
    throw new CallError(
      `Cannot run "${command.name}" without TARGET: "${config}" has no key "target"`,
      command.name,
    );
  }
  return { sources, flags, targets };
}

/** The value of a flag, or undefined where it was not given. */
export function valueOf(flags: Call["flags"], name: string): string | undefined {
  const value = flags.get(name);
  return typeof value === "string" ? value : undefined;
}

/** The value of a flag, parsed. */
function read<T>(
  flags: Call["flags"],
  name: string,
  parse: (name: string, text: string) => T,
): T | undefined {
  const text = valueOf(flags, name);
  return text === undefined ? undefined : parse(name, text);
}

/** The options of `planIngest`. */
export function planOptions(flags: Call["flags"]): PlanOptions {
  const unsharded = flags.get("shard") === "none" ? "--shard none" : "--zarr 0.4";
  if (flags.has("sharded") && (flags.get("shard") === "none" || flags.get("zarr") === "0.4")) {
    throw new UsageError(
      `Cannot write shards as --sharded wants: ${unsharded} has none; leave one of the two away`,
    );
  }
  const series = valueOf(flags, "series");
  return {
    voxelSize: read(flags, "voxel-size", (_, text) => parseVoxelSize(text)),
    // The choices of these were checked with the flags.
    kind: valueOf(flags, "kind") as PlanOptions["kind"],
    chunk: read(flags, "chunk", parseSides),
    shard: read(flags, "shard", (name, text) => text === "none" ? text : parseSides(name, text)),
    codec: read(flags, "codec", parseCodec),
    levels: read(flags, "levels", parseCount),
    ...(flags.has("format") ? { format: valueOf(flags, "format") as PlanOptions["format"] } : {}),
    zarr: valueOf(flags, "zarr") as PlanOptions["zarr"],
    cast: valueOf(flags, "cast") as Dtype | undefined,
    window: read(flags, "window", parseWindow),
    x: read(flags, "x", parseSpan),
    y: read(flags, "y", parseSpan),
    z: read(flags, "z", parseSpan),
    missing: valueOf(flags, "missing") as PlanOptions["missing"],
    onError: valueOf(flags, "on-error") as PlanOptions["onError"],
    scale: read(flags, "scale", (name, text) => parseCount(name, text, 0)),
    series: series === undefined || !/^\d+$/.test(series) ? series : Number(series),
  };
}

/** How much of the machine a process may use, and how it leases. */
export interface WorkOptions {
  /** Threads; absent: all processors. */
  readonly workers?: number;
  readonly memory?: number;
  readonly leaseSeconds?: number;
  readonly anyVersion: boolean;
}

/** The options of `joinJob` that flags give. */
export function workOptions(flags: Call["flags"]): WorkOptions {
  return {
    workers: read(flags, "workers", (name, text) => parseCount(name, text, 0)),
    memory: read(flags, "memory", (_, text) => parseBytes(text)),
    leaseSeconds: read(flags, "lease-seconds", parseCount),
    anyVersion: flags.has("any-version"),
  };
}
