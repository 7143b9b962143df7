/**
 * h5wasm: the library of the HDF Group, made WebAssembly by NIST; both licences permit use and copies with their
 * notices. It sees a file through a file system that holds this one file, whose reads are reads by position: nothing is
 * loaded but what it asks for, wherever in the file it lies.
 */
import { Dataset, ExternalLink, File, Group, ready } from "npm:h5wasm@0.10.3";
import { messageOf } from "../core/errors.ts";
import type { Hdf5Entry, Hdf5List, Hdf5Named, Hdf5Words } from "./_hdf5_tree.ts";

/** The names of one file. */
export interface Hdf5Names {
  /** Every dataset once, in the order of their paths. */
  list(): Hdf5List;
  /** Looks a path up, links followed. */
  find(path: string): Hdf5Named;
  /** What a dataset says of itself, by the names of attributes that are asked for. */
  describe(path: string, names: readonly string[]): Hdf5Words;
}

/** Fills an array with what lies from a position on. */
type Read = (position: number, into: Uint8Array) => void;

/** What is used of Emscripten's file system. */
interface VirtualFiles {
  createNode(parent: VirtualNode | null, name: string, mode: number, device: number): VirtualNode;
  mkdir(path: string): void;
  mount(type: { mount(): VirtualNode }, options: object, path: string): void;
}

interface VirtualNode {
  readonly id: number;
  readonly mode: number;
  node_ops: object;
  stream_ops: object;
}

const FOLDER = 0o40555, FILE = 0o100444;
/** Objects that are looked at for a list. */
const MOST_OBJECTS = 10_000;
/** An attribute is read if it has no more elements. */
const MOST_ELEMENTS = 4096;

/**
 * Opens the names of a file: one in a thread.
 * @param size Bytes of the file.
 * @throws {Error} If the library cannot open it; the message is its own.
 */
export async function openNames(read: Read, size: number): Promise<Hdf5Names> {
  const library = await ready;
  // Otherwise it prints its errors.
  library.activate_throwing_error_handler();
  const files = library.FS as unknown as VirtualFiles;
  files.mkdir("/file");
  files.mount({ mount: () => oneFile(files, read, size) }, {}, "/file");
  const file = asking(() => new File("/file/it", "r"));
  const entryOf = (path: string): Hdf5Entry => {
    const bytes = Uint8Array.from(library.create_object_reference(file.file_id, path));
    return { path, address: Number(new DataView(bytes.buffer).getBigUint64(0, true)) };
  };
  const attribute = (path: string, name: string) => {
    if (!library.get_attribute_names(file.file_id, path).includes(name)) return [];
    const { total_size } = library.get_attribute_metadata(file.file_id, path, name);
    if (!(total_size <= MOST_ELEMENTS)) return [];
    const value = new Dataset(file.file_id, path).get_attribute(name, true);
    return [value].flat().filter((one) => typeof one === "number" || typeof one === "string");
  };
  return {
    list: () => asking(() => list(file, entryOf)),
    find: (path) =>
      asking(() => {
        const object = file.get(path);
        if (object instanceof ExternalLink) return { kind: "elsewhere", file: object.filename };
        if (object instanceof Group) return { kind: "group" };
        return object instanceof Dataset
          ? { kind: "dataset", entry: entryOf(object.path) }
          : { kind: "nothing" };
      }),
    describe: (path, names) =>
      asking(() => ({
        labels: library.get_dimension_labels(file.file_id, path).map((label) => label ?? ""),
        attributes: Object.fromEntries(names.map((name) => [name, attribute(path, name)])),
      })),
  };
}

function list(file: File, entryOf: (path: string) => Hdf5Entry): Hdf5List {
  const seen = new Set<number>();
  const entries: Hdf5Entry[] = [];
  const end = (isWhole: boolean) => ({
    entries: entries.sort((a, b) => a.path < b.path ? -1 : 1),
    isWhole,
  });
  const groups: Group[] = [file];
  for (const group of groups) {
    for (const name of group.keys()) {
      // What a soft link leads to has a name of its own.
      if (group.get_link(`${group.path}/${name}`) !== null) continue;
      const object = group.get(name);
      if (!(object instanceof Dataset || object instanceof Group)) continue;
      const entry = entryOf(object.path);
      if (seen.has(entry.address)) continue;
      if (seen.size >= MOST_OBJECTS) return end(false);
      seen.add(entry.address);
      if (object instanceof Dataset) entries.push(entry);
      else groups.push(object);
    }
  }
  return end(true);
}

/** Runs something in the library; of its trace of an error the innermost line is the reason. */
function asking<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const lines = [...messageOf(error).matchAll(/^ *#\d+: .* in \w+\(\): (.*)$/gm)];
    throw new Error(`the HDF5 library says: ${lines.at(-1)?.[1] ?? messageOf(error)}`);
  }
}

/** A file system with the file `it` in its only folder. */
function oneFile(files: VirtualFiles, read: Read, size: number): VirtualNode {
  const stat = ({ id, mode }: VirtualNode) => ({
    dev: 1,
    ino: id,
    mode,
    nlink: 1,
    uid: 0,
    gid: 0,
    rdev: 0,
    size,
    atime: new Date(0),
    mtime: new Date(0),
    ctime: new Date(0),
    blksize: 4096,
    blocks: Math.ceil(size / 512),
  });
  const root = files.createNode(null, "/", FOLDER, 0);
  const it = files.createNode(root, "it", FILE, 0);
  root.node_ops = { getattr: stat, lookup: () => it };
  root.stream_ops = {};
  it.node_ops = { getattr: stat };
  it.stream_ops = {
    llseek: (stream: { readonly position: number }, offset: number, whence: number) =>
      offset + [0, stream.position, size][whence],
    read: (
      _: unknown,
      { buffer, byteOffset }: Int8Array,
      offset: number,
      length: number,
      position: number,
    ) => {
      const count = Math.max(0, Math.min(length, size - position));
      read(position, new Uint8Array(buffer, byteOffset + offset, count));
      return count;
    },
  };
  return root;
}
