/** How tests reach the files of volumes: on disk, as threads read them, or as if they were far away. */
import { join } from "node:path";
import type { ArrayReader } from "../../plugins/volume_array.ts";

/** The files of a folder, which threads may read themselves. */
export function diskReader(folder: string): ArrayReader {
  const { head, get } = farReader(folder);
  return { url: folder, head, get, localPath: (key) => join(folder, key) };
}

/** Blobs in memory; texts are JSON. */
export function memoryReader(
  blobs: Readonly<Record<string, unknown>>,
  onGet: (key: string) => void = () => {},
): ArrayReader {
  const bytesOf = (key: string) => {
    const blob = Object.hasOwn(blobs, key) ? blobs[key] : undefined;
    if (blob === undefined || blob instanceof Uint8Array) return blob;
    return new TextEncoder().encode(typeof blob === "string" ? blob : JSON.stringify(blob));
  };
  return {
    url: "memory:it",
    head: (key) => {
      const bytes = bytesOf(key);
      return Promise.resolve(bytes === undefined ? undefined : { size: bytes.length });
    },
    get: async (key, { range = [0], signal } = {}) => {
      onGet(key);
      await Promise.resolve();
      signal?.throwIfAborted();
      const bytes = bytesOf(key);
      return bytes === undefined ? undefined : new Uint8Array(bytes.slice(...range));
    },
  };
}

/** The files of a folder, whose bytes come through calls alone; tells of each key that is read. */
export function farReader(folder: string, onGet: (key: string) => void = () => {}): ArrayReader {
  const sizeOf = (key: string) => {
    try {
      const { isFile, size } = Deno.statSync(join(folder, key));
      return isFile ? size : undefined;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
        return undefined;
      }
      throw error;
    }
  };
  return {
    url: "far://volumes/it",
    head: async (key, { signal } = {}) => {
      await Promise.resolve();
      signal?.throwIfAborted();
      const size = sizeOf(key);
      return size === undefined ? undefined : { size };
    },
    get: async (key, { range = [0], signal } = {}) => {
      const [start, end] = range;
      onGet(key);
      const size = sizeOf(key);
      signal?.throwIfAborted();
      if (size === undefined) return undefined;
      using file = await Deno.open(join(folder, key));
      const first = start < 0 ? Math.max(0, size + start) : Math.min(start, size);
      const bytes = new Uint8Array(Math.max(0, Math.min(end ?? size, size) - first));
      await file.seek(first, Deno.SeekMode.Start);
      for (let done = 0; done < bytes.length;) {
        done += await file.read(bytes.subarray(done)) ?? bytes.length;
      }
      signal?.throwIfAborted();
      return bytes;
    },
  };
}
