/**
 * Keys of a bucket as folders and files; and the addresses of a web server, which cannot be listed.
 * @module
 */
import type { ByteSource } from "../codecs/image.ts";
import { ImageError, UsageError } from "../core/errors.ts";
import { Room } from "../core/room.ts";
import type { Blobs } from "../stores/blobs/blobs.ts";
import { BlobSource } from "./blob_source.ts";
import type { FileTree, TreeEntry, TreeListOptions } from "./_file_tree.ts";
import { extensionOf, isImageExtension } from "./_folder.ts";
import { isGlob } from "./_glob.ts";
import type { RemotePlace } from "./_remote_address.ts";

const LISTED_AT_ONCE = 16;

/** All keys of one bucket, or of one web server. */
export class BlobTree implements FileTree {
  readonly listedAtOnce: number = LISTED_AT_ONCE;
  /** Names that cannot be those of a key, where they were listed. */
  readonly unusable: string[] = [];
  readonly #blobs: Blobs;
  readonly #place: RemotePlace;
  readonly #signal: AbortSignal;
  readonly #room = new Room(LISTED_AT_ONCE);

  constructor(blobs: Blobs, place: RemotePlace, signal: AbortSignal) {
    this.#blobs = blobs;
    this.#place = place;
    this.#signal = signal;
  }

  async lookUp(path: string): Promise<"folder" | "file" | undefined> {
    const key = path.slice(1);
    if (key === "") return "folder";
    // That a web server has nothing there is seen when its header is read.
    if (!this.#place.canList) return "file";
    for await (const _ of this.#blobs.list(`${key}/`, { signal: this.#signal })) return "folder";
    return await this.#blobs.head(key, { signal: this.#signal }) && "file";
  }

  kindOf(path: string): "file" | undefined | Promise<"folder" | "file" | undefined> {
    if (isGlob(path)) return undefined;
    // Who names thousands of images does not wait for as many answers.
    return isImageExtension(extensionOf(path)) ? "file" : this.lookUp(path);
  }

  async *list(
    folder: string,
    { beginning = "", signal = this.#signal }: TreeListOptions = {},
  ): AsyncGenerator<TreeEntry> {
    if (!this.#place.canList) throw this.cannotList(folder);
    const below = folder === "/" ? "" : `${folder.slice(1)}/`;
    // These are no beginning that a key may have, though longer names may begin so.
    const prefix = below + (beginning === "." || beginning === ".." ? "" : beginning);
    const leave = await this.#room.take(1, signal);
    try {
      for await (const { key } of this.#blobs.list(prefix, { folders: true, signal })) {
        const isDirectory = key.endsWith("/");
        const name = key.slice(below.length, isDirectory ? -1 : undefined);
        if (/^\.{0,2}$|[\\\0]/.test(name)) this.unusable.push(this.nameOf(`/${key}`));
        else yield { name, isDirectory, isSymlink: false };
      }
    } finally {
      leave();
    }
  }

  async open(path: string): Promise<ByteSource> {
    const source = await BlobSource.open(this.#blobs, path.slice(1), { signal: this.#signal });
    if (source !== undefined) return source;
    throw new ImageError(
      `Cannot open "${this.nameOf(path)}" as an image: there is nothing; mend its name`,
      "missing",
    );
  }

  nameOf(path: string): string {
    return this.#place.addressOf(path);
  }

  /** The error for what would have to be listed. */
  cannotList(path: string): UsageError {
    return new UsageError(
      `Cannot find images in "${
        this.nameOf(path)
      }": over HTTP nothing can be listed; name them one by one, or by a template with numbers from and to, ` +
        `such as "${this.#place.addressOf("/raw/s_<z:4>.png")}" --z 0:100`,
    );
  }
}
