/**
 * Addresses of channels: `bossdb://COLLECTION/EXPERIMENT/CHANNEL`, at the Boss that the intern SDK is told of;
 * `bossdb://HOST/COLLECTION/EXPERIMENT/CHANNEL` at another, over HTTPS but on this machine itself; and
 * `bossdb://http://HOST/COLLECTION/EXPERIMENT/CHANNEL` where that is to be said.
 *
 * A number at the end is a resolution to begin with. Behind a `?` may stand what the Boss itself calls so:
 * `access-mode=cache`, `no-cache` or `raw`, and `iso=true`; and `request=XxYxZ`, voxels that are asked for at once; and,
 * for who writes, `at=XxYxZ`, where the first voxel goes, and `replace=true`.
 * @module
 */
import { UsageError } from "../core/errors.ts";
import { didYouMean } from "../core/nearest.ts";
import { type BossServer, findBossServer, type FindTokenOptions } from "./credentials.ts";
import { CUBOID_SIZE } from "./ingest_job.ts";
import { RESOURCE_NAME } from "./resources.ts";

/** Whether what is read goes through the cache of the Boss: `raw` passes over what waits there to be stored, too. */
export type BossAccessMode = "cache" | "no-cache" | "raw";

/** A channel, and how it is asked for. */
export interface BossAddress {
  /** Where; absent: where the intern SDK is told to ask. */
  readonly server?: BossServer;
  /** Name of the collection. */
  readonly collection: string;
  /** Name of the experiment. */
  readonly experiment: string;
  /** Name of the channel. */
  readonly channel: string;
  /** The finest resolution that is wanted, by the Boss's number. @default That of the channel */
  readonly resolution?: number;
  /** Whether reading goes through the cache of the Boss. @default "no-cache" */
  readonly accessMode: BossAccessMode;
  /** Whether levels of an anisotropic pyramid are wanted that halve z as well, once voxels are as long as deep. */
  readonly iso: boolean;
  /** Voxels along x, y and z of one request: whole cuboids. */
  readonly request: readonly [x: number, y: number, z: number];
  /** Where the first voxel goes that is written, along x, y and z. @default Where the source says that it lies */
  readonly at?: readonly [x: number, y: number, z: number];
  /** Whether what is written takes the place of what is there, where that is not 0 and the new voxel is. */
  readonly replace: boolean;
}

/** What is written as one piece, along x, y and z. */
export const CUBOID: readonly [x: number, y: number, z: number] = [
  CUBOID_SIZE.x,
  CUBOID_SIZE.y,
  CUBOID_SIZE.z,
];

const MODES: readonly BossAccessMode[] = ["cache", "no-cache", "raw"];
const WORDS = ["access-mode", "iso", "request", "at", "replace"];

/** Whether an address is that of a channel. */
export function namesChannel(address: string): boolean {
  return address.startsWith("bossdb://");
}

/** @throws {UsageError} If it names no channel, or asks for what there is not. */
export function parseBossAddress(address: string): BossAddress {
  const fail = (state: string, wayOut = `write ${FORM}`): never => {
    throw new UsageError(
      `Cannot open "${shown(address)}" as a channel of a Boss: ${state}; ${wayOut}`,
    );
  };
  const [, place = "", query = ""] = /^bossdb:\/\/([^?#]*)(?:\?([^#]*))?$/.exec(address) ?? [];
  if (/@/.test(place)) fail("it has a name or a password in it", "leave it away");
  const [, protocol, rest] = /^(https?):\/\/(.*)$/.exec(place) ?? [, undefined, place];
  const words = rest!.replace(/\/+$/, "").split("/");
  // No name of a resource has a point or a colon, and every host but one on this machine has.
  const hasHost = protocol !== undefined || /[.:[]/.test(words[0]);
  const host = hasHost ? words.shift()! : undefined;
  const [collection = "", experiment = "", channel = "", resolution, ...more] = words;
  const isWhole = [collection, experiment, channel].every((name) => RESOURCE_NAME.test(name));
  if (!isWhole || more.length > 0 || !/^\d?$/.test(resolution ?? "")) {
    fail(
      "it does not name a collection, an experiment and a channel, and no more than a resolution",
    );
  }
  const said = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (!WORDS.includes(name)) {
      fail(`"${name}" is nothing that can be asked${didYouMean(name, WORDS)}`, `leave it away`);
    }
    said.set(name, value);
  }
  const flag = (name: string) => {
    const value = said.get(name)?.toLowerCase() ?? "false";
    if (value !== "true" && value !== "false") {
      fail(`${name} is neither true nor false`, "write one");
    }
    return value === "true";
  };
  const accessMode = (said.get("access-mode") ?? "no-cache") as BossAccessMode;
  if (!MODES.includes(accessMode)) {
    fail(`access-mode is none of ${MODES.join(", ")}`, "write one of these");
  }
  return {
    ...(host === undefined ? {} : { server: { host, protocol: protocol ?? protocolOf(host) } }),
    collection,
    experiment,
    channel,
    ...(resolution === undefined ? {} : { resolution: Number(resolution) }),
    accessMode,
    iso: flag("iso"),
    request: parseSides("request", said.get("request"), 1, fail) ?? CUBOID,
    ...(said.has("at") ? { at: parseSides("at", said.get("at"), 0, fail)! } : {}),
    replace: flag("replace"),
  };
}

const FORM =
  "bossdb://COLLECTION/EXPERIMENT/CHANNEL, or bossdb://HOST/COLLECTION/EXPERIMENT/CHANNEL";

/** Without what may be a secret. */
function shown(address: string): string {
  return address.replace(/(:\/\/)[^/?#]*@/g, "$1").replace(/[?#].*$/s, "");
}

function protocolOf(host: string): string {
  return /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/.test(host) ? "http" : "https";
}

/** Lengths along x, y and z: whole cuboids. */
function parseSides(
  name: string,
  text: string | undefined,
  least: number,
  fail: (state: string, wayOut: string) => void,
): [x: number, y: number, z: number] | undefined {
  if (text === undefined) return undefined;
  const sides = /^\d+x\d+x\d+$/.test(text) ? text.split("x").map(Number) : [];
  const isWhole = sides.length === 3 &&
    sides.every((side, axis) =>
      Number.isSafeInteger(side) && side >= least && side % CUBOID[axis] === 0
    );
  if (!isWhole) {
    fail(
      `${name}=${text} is not whole cuboids of ${CUBOID.join("x")}`,
      `write multiples of these, such as ${name}=1024x1024x64`,
    );
  }
  return [sides[0], sides[1], sides[2]];
}

/** The Boss that an address means. */
export async function serverOf(
  { server }: BossAddress,
  options: Pick<FindTokenOptions, "env"> = {},
): Promise<BossServer> {
  return server ?? await findBossServer(options);
}
