/**
 * Disks that several machines share, where the locks of SQLite cannot be trusted
 * (https://www.sqlite.org/wal.html, "all processes must be on the same host").
 * @module
 */
import { realpathSync, statfsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { isNotFound } from "../core/errors.ts";

// Type numbers of statfs(2), from linux/magic.h and the sources of those that are not in the kernel.
const TYPES: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB2"],
  [0x0bd00bd0, "Lustre"],
  [0x47504653, "GPFS"],
  [0x19830326, "BeeGFS"],
  [0x5346414f, "AFS"],
  [0x6b414653, "AFS"],
  [0x00c36400, "Ceph"],
  [0x01021997, "9p"],
  [0x20030528, "OrangeFS"],
]);
const FUSE = 0x65735546;
const SHARED_FUSE =
  /^fuse\.(sshfs|nfs|s3fs|s3|goofys|rclone|gcsfuse|blobfuse|mountpoint-s3|juicefs|gluster|ceph|beegfs|lustre|smb|cifs|davfs|curlftpfs|mfs|moosefs|lizardfs|afs)/;

/**
 * The name of the network file system that a path lies on, or undefined where it lies on a local disk or where one
 * cannot know. The path itself need not be there.
 */
export function networkFileSystem(path: string): string | undefined {
  return sharedBy(path) || undefined;
}

/** Whether a path surely lies on a disk of this machine; false also where one cannot know. */
export function isOnThisMachine(path: string): boolean {
  return sharedBy(path) === "";
}

/** The kind of file system that machines share, or "" for one of this machine, or undefined: one cannot know. */
function sharedBy(path: string): string | undefined {
  if (Deno.build.os !== "linux") return undefined;
  try {
    const real = realPath(resolve(path));
    const type = statfsSync(real).type >>> 0;
    if (type !== FUSE) return TYPES.get(type) ?? "";
    return sharedFuse(real, Deno.readTextFileSync("/proc/mounts")) ?? "";
  } catch (error) {
    // statfs needs --allow-sys=statfs, and what is in /proc all permissions there are.
    if (error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}

/** The path, or the nearest folder above it that is there, without symbolic links. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (!isNotFound(error) || dirname(path) === path) throw error;
    return realPath(dirname(path));
  }
}

/**
 * The kind of the FUSE file system that a path lies on, if it is one that machines share.
 * @param mounts The text of /proc/mounts.
 */
export function sharedFuse(path: string, mounts: string): string | undefined {
  let [longest, kind] = ["", ""];
  for (const line of mounts.trimEnd().split("\n")) {
    const [, at, type] = line.split(" ");
    const folder = unescape(at);
    const isAbove = path === folder ||
      path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
    // Of two on one folder, the later hides the earlier.
    if (isAbove && folder.length >= longest.length) [longest, kind] = [folder, type];
  }
  return SHARED_FUSE.test(kind) ? kind : undefined;
}

/** Mount points are written with blanks and backslashes as octal numbers. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8)));
}
