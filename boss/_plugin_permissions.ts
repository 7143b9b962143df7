/**
 * What a custom plugin may do: what the job grants, and nothing else.
 * @module
 */
import { dirname, isAbsolute, relative, resolve, sep } from "node:path";
import { UsageError } from "../core/errors.ts";

/** What custom plugins may do beside reading below their source root. */
export interface PluginGrants {
  /** Hosts that they may reach, and import modules from: `data.lab` for all its ports, or `data.lab:8443`. @default None */
  readonly net?: readonly string[];
  /** Folders that they may read below, or files. @default None */
  readonly read?: readonly string[];
}

/** Permissions of one plugin, each a list of what it may. */
export interface PluginPermissions {
  /** Folders and files, absolute. */
  readonly read: readonly string[];
  /** Hosts. */
  readonly net: readonly string[];
  /** Hosts that modules come from; the plugin's own host counts until it is loaded. */
  readonly import: readonly string[];
}

/** Where a plugin's module lies, and where its sources. */
export interface PluginPlace {
  /** Address of the module: `file:`, `https:` or `http:`. */
  readonly module: URL;
  /** Path of the module where it is a file. */
  readonly file?: string;
  /** Source roots, absolute. */
  readonly roots: readonly string[];
}

/**
 * Permissions of a plugin.
 * @throws {UsageError} If a grant cannot be read, or is more than this process may do itself.
 */
export async function permissionsOf(
  { module, file, roots }: PluginPlace,
  { net = [], read = [] }: PluginGrants = {},
): Promise<PluginPermissions> {
  for (const host of net) await checkHost(host);
  const own = file === undefined ? [] : [file];
  const paths = [...new Set([...roots, ...read.map((folder) => resolve(folder)), ...own])];
  for (const path of paths) await checkReadable(path);
  const hosts = [...new Set(net)];
  return {
    read: paths,
    net: hosts,
    import: [...(file === undefined ? [hostOf(module)] : []), ...await keep(hosts, mayImport)],
  };
}

/** What is handed to Deno; `true` never stands in it. */
export function denoPermissions(
  { read, net, import: hosts }: PluginPermissions,
): Deno.PermissionOptionsObject {
  const orNone = (list: readonly string[]) => list.length === 0 ? false : [...list];
  return {
    read: orNone(read),
    net: orNone(net),
    import: orNone(hosts),
    env: false,
    ffi: false,
    run: false,
    sys: false,
    write: false,
  };
}

/** Whether a path is one that a plugin may read itself. */
export function mayRead(path: string, { read }: PluginPermissions): boolean {
  const whole = resolve(path);
  return read.some((root) => {
    const below = relative(root, whole);
    return below.split(sep)[0] !== ".." && !isAbsolute(below);
  });
}

/** Host and port of an address. */
export function hostOf(address: URL): string {
  const port = address.port === "" ? (address.protocol === "http:" ? "80" : "443") : address.port;
  return `${address.hostname}:${port}`;
}

/** Whether this process may itself import from a host. */
export async function mayImport(host: string): Promise<boolean> {
  return (await Deno.permissions.query({ name: "import", host })).state === "granted";
}

/**
 * What an error of Deno says that a plugin tried and may not, and how to grant it; undefined for any other error.
 * @param message As Deno puts it: `Requires net access to "data.lab:443", run again with the --allow-net flag`.
 */
export function explainRefusal(message: string): string | undefined {
  const [, kind, what = ""] = /Requires (\w+) access(?: to "([^"]*)")?/.exec(message) ?? [];
  switch (kind) {
    case undefined:
      return undefined;
    case "net":
      return `it tried to reach "${what}", which it may not; --grant-net ${what} grants it`;
    case "import":
      return `it tried to import a module from "${what}", which it may not; --grant-net ${what} grants it`;
    case "read":
      return `it tried to read "${what}", which it may not; --grant-read ${
        dirname(what)
      } grants it`;
    default:
      return `it tried to use "${kind}"${
        what === "" ? "" : ` for "${what}"`
      }, which no flag grants: a plugin reads files and reaches hosts; do the rest outside of it`;
  }
}

async function checkHost(host: string): Promise<void> {
  if (!/^([\w-]+(\.[\w-]+)*|\[[\da-f:.]+\])(:\d{1,5})?$/i.test(host)) {
    throw new UsageError(
      `Cannot grant plugins the host ${
        JSON.stringify(host)
      }: it is none; write a host alone, such as data.lab or data.lab:8443`,
    );
  }
  const { state } = await Deno.permissions.query({ name: "net", host });
  if (state === "granted") return;
  throw new UsageError(
    `Cannot grant plugins the host "${host}": this process may not reach it itself; run it with --allow-net=${host}, or as deno task sluice:net does`,
  );
}

async function checkReadable(path: string): Promise<void> {
  const { state } = await Deno.permissions.query({ name: "read", path });
  if (state === "granted") return;
  throw new UsageError(
    `Cannot grant plugins "${path}": this process may not read it itself; run it with --allow-read=${path}`,
  );
}

async function keep<T>(items: readonly T[], test: (item: T) => Promise<boolean>): Promise<T[]> {
  const kept = await Promise.all(items.map(test));
  return items.filter((_, at) => kept[at]);
}
