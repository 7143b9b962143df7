/// <reference lib="deno.worker" />
/**
 * The thread of one custom plugin: loads its module, and asks it, one question after the other.
 *
 * What this module imports would be loaded with the permissions of the program, and so it imports nothing but types; the module of
 * the plugin is imported with those of the plugin, by an address that is not known before.
 * @module
 */
import type { PluginQuestion, PluginSaid, PluginStart } from "./_plugin_words.ts";

interface Plugin {
  readonly varies?: unknown;
  process(...args: readonly unknown[]): unknown;
}

const post = self.postMessage.bind(self);
const say = (said: PluginSaid, transfer: Transferable[] = []) => post(said, transfer);
let plugin: Plugin | undefined;

// What the program itself prints is read by others.
for (const name of ["log", "info", "debug"] as const) console[name] = console.error;

self.onmessage = async ({ data }: MessageEvent<PluginStart | PluginQuestion | "alive?">) => {
  if (data === "alive?") return say({ kind: "alive" });
  const id = "id" in data ? data.id : undefined;
  try {
    if ("id" in data) answer(data.id, await plugin!.process(...data.args));
    else await open(data);
  } catch (error) {
    say({ kind: "failed", ...(id === undefined ? {} : { id }), message: textOf(error) });
  }
};

// Deno tells the program of neither.
const { exit } = Deno;
const close = self.close.bind(self);
Deno.exit = (code) => {
  say({ kind: "ended", how: "it called Deno.exit()" });
  return exit(code);
};
self.close = () => {
  say({ kind: "ended", how: "it called close()" });
  close();
};

// Else Deno prints them, and ends the thread.
self.addEventListener("error", (event) => {
  event.preventDefault();
  say({ kind: "ended", how: textOf(event.error ?? event.message) });
});
self.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  say({ kind: "ended", how: textOf(event.reason) });
});

async function open({ module, className, setup, revoked }: PluginStart): Promise<void> {
  const found = await import(module);
  // A module that is loaded could tell its host what it reads, in the address of another.
  for (const host of revoked) await Deno.permissions.revoke({ name: "import", host });
  const made = found[className];
  if (typeof made !== "function") {
    const others = Object.keys(found).filter((name) => typeof found[name] === "function");
    throw new TypeError(
      `its module exports no class "${className}": it exports ${others.join(", ") || "none"}`,
    );
  }
  plugin = new made(setup) as Plugin;
  if (typeof plugin.process !== "function") {
    throw new TypeError(`class "${className}" has no method process()`);
  }
  say({ kind: "opened", varies: plugin.varies });
}

/** Sends an answer; voxels and bytes as a copy, which moves: what the plugin keeps of them stays its own. */
function answer(id: number, value: unknown): void {
  const data = value instanceof ArrayBuffer || ArrayBuffer.isView(value)
    ? value
    : (value as { data?: unknown } | null | undefined)?.data;
  if (!(data instanceof ArrayBuffer) && !ArrayBuffer.isView(data)) {
    return say({ kind: "answer", id, value });
  }
  const own = copy(data);
  const sent = data === value ? own : { ...value as object, data: own };
  say({ kind: "answer", id, value: sent }, [own.buffer as ArrayBuffer]);
}

function copy(data: ArrayBuffer | ArrayBufferView): ArrayBufferView {
  const bytes = data instanceof ArrayBuffer
    ? new Uint8Array(data.slice(0))
    : new Uint8Array(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  // A Buffer of Node is bytes, too.
  if (data instanceof ArrayBuffer || data instanceof Uint8Array) return bytes;
  return new (data.constructor as new (buffer: ArrayBuffer) => ArrayBufferView)(bytes.buffer);
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : ` (${textOf(error.cause)})`;
  return `${error.name}: ${error.message}${cause}`;
}
