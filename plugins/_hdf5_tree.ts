/**
 * Names, links and attributes of an HDF5 file, by h5wasm: the library of the HDF Group, made WebAssembly by NIST; both
 * licences permit use and copies with their notices. It sees the file through a file system that holds this one file,
 * whose reads are reads by position: nothing is loaded but what it asks for, wherever in the file it lies.
 *
 * It does not tell where chunks are, and its reads of voxels pass through 32-bit memory on one thread; so it is asked
 * for the addresses of datasets (references hold them), and all from there on is read without it. Loading it takes
 * 150 ms and 50 MiB, once in a process.
 * @module
 */
import type { Dataset, File } from "npm:h5wasm@0.10.3";
import { messageOf } from "../core/errors.ts";
import { Hdf5Fault } from "./_hdf5_cursor.ts";

/** One dataset of a file. */
export interface Hdf5Entry {
  /** Such as `/volumes/raw`. */
  readonly path: string;
  /** Of its object header. */
  readonly address: number;
}

/** What a name stands for. */
export type Hdf5Named =
  | { readonly kind: "dataset"; readonly entry: Hdf5Entry }
  | { readonly kind: "group" | "nothing" }
  | { readonly kind: "elsewhere"; readonly file: string };

/** The names of a file; to be closed. */
export interface Hdf5Tree extends Disposable {
  /** Every dataset once, whatever links lead to it; and whether there were too many objects to look at all. */
  list(): { readonly entries: readonly Hdf5Entry[]; readonly isWhole: boolean };
  /** Looks a path up, links followed. */
  find(path: string): Hdf5Named;
  /** Numbers or words of a small attribute of a dataset; none where it has no such one. */
  attribute(path: string, name: string): readonly (number | string)[];
  /** What the axes of a dataset are called, the slowest first; empty where they have no name. */
  labels(path: string): readonly string[];
}

/** What is used of Emscripten's file system. */
interface VirtualFiles {
  createNode(parent: VirtualNode | null, name: string, mode: number, device: number): VirtualNode;
  mkdir(path: string): void;
  rmdir(path: string): void;
  mount(type: { mount(): VirtualNode }, options: object, path: string): void;
  unmount(path: string): void;
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
let mounts = 0;

async function load() {
  const library = await import("npm:h5wasm@0.10.3");
  const module = await library.ready;
  // Otherwise it prints its errors.
  module.activate_throwing_error_handler();
  return { ...library, module, files: module.FS as unknown as VirtualFiles };
}

/**
 * Opens the names of a file.
 * @param read Fills an array with what lies from a position on.
 * @param size Bytes of the file.
 * @throws {Hdf5Fault} If the library cannot open it.
 */
export async function openTree(
  read: (position: number, into: Uint8Array) => void,
  size: number,
): Promise<Hdf5Tree> {
  const library = await load();
  const { module, files } = library;
  const folder = `/sluice-${mounts++}`;
  files.mkdir(folder);
  files.mount({ mount: () => oneFile(files, read, size) }, {}, folder);
  const leave = () => {
    files.unmount(folder);
    files.rmdir(folder);
  };
  let file: File;
  try {
    file = asking(() => new library.File(`${folder}/it`, "r"));
  } catch (error) {
    leave();
    throw error;
  }
  const addressOf = (path: string) => {
    const bytes = module.create_object_reference(file.file_id, path);
    return Number(new DataView(Uint8Array.from(bytes).buffer).getBigUint64(0, true));
  };
  const isDataset = (object: unknown): object is Dataset => object instanceof library.Dataset;
  return {
    list: () =>
      asking(() => {
        const seen = new Set<number>();
        const entries: Hdf5Entry[] = [];
        const groups: InstanceType<typeof library.Group>[] = [file];
        for (const group of groups) {
          for (const name of group.keys()) {
            const object = group.get(name);
            if (!isDataset(object) && !(object instanceof library.Group)) continue;
            const address = addressOf(object.path);
            if (seen.has(address)) continue;
            if (seen.size >= MOST_OBJECTS) return { entries, isWhole: false };
            seen.add(address);
            if (isDataset(object)) entries.push({ path: object.path, address });
            else groups.push(object);
          }
        }
        return { entries, isWhole: true };
      }),
    find: (path) =>
      asking(() => {
        const object = path === "/" ? file : file.get(path);
        if (object instanceof library.ExternalLink) {
          return { kind: "elsewhere", file: object.filename };
        }
        if (object instanceof library.Group) return { kind: "group" };
        if (!isDataset(object)) return { kind: "nothing" };
        return {
          kind: "dataset",
          entry: { path: object.path, address: addressOf(object.path) },
        };
      }),
    attribute: (path, name) =>
      asking(() => {
        if (!module.get_attribute_names(file.file_id, path).includes(name)) return [];
        const { total_size } = module.get_attribute_metadata(file.file_id, path, name);
        if (!(total_size <= MOST_ELEMENTS)) return [];
        const value = new library.Dataset(file.file_id, path).get_attribute(name, true);
        return [value].flat().filter((one) => typeof one === "number" || typeof one === "string");
      }),
    labels: (path) =>
      asking(() => module.get_dimension_labels(file.file_id, path).map((label) => label ?? "")),
    [Symbol.dispose]() {
      try {
        asking(() => file.close());
      } finally {
        leave();
      }
    },
  };
}

/** Runs something in the library; of its trace of an error the innermost line is the reason. */
function asking<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Hdf5Fault) throw error;
    const lines = [...messageOf(error).matchAll(/^ *#\d+: .* in \w+\(\): (.*)$/gm)];
    throw new Hdf5Fault(`the HDF5 library says: ${lines.at(-1)?.[1] ?? messageOf(error)}`);
  }
}

/** A file system with the file `it` in its only folder. */
function oneFile(
  files: VirtualFiles,
  read: (position: number, into: Uint8Array) => void,
  size: number,
): VirtualNode {
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
