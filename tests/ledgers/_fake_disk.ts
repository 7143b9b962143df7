/**
 * A folder that looks as if it lay on a disk of another kind, to whoever asks with `statfs`.
 * @module
 */
import { ok } from "node:assert/strict";
import { join } from "node:path";

// What statfs says of every path that contains $FAKE_PATH becomes $FAKE_TYPE; what is synced there is written down.
const SHIM = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>
static int fake(const char *path) { return strstr(path, getenv("FAKE_PATH")) != NULL; }
static long type(void) { return strtol(getenv("FAKE_TYPE"), NULL, 16); }
int statfs(const char *path, struct statfs *out) {
  int (*real)(const char *, struct statfs *) = dlsym(RTLD_NEXT, "statfs");
  int result = real(path, out);
  if (result == 0 && fake(path)) out->f_type = type();
  return result;
}
int statfs64(const char *path, struct statfs64 *out) {
  int (*real)(const char *, struct statfs64 *) = dlsym(RTLD_NEXT, "statfs64");
  int result = real(path, out);
  if (result == 0 && fake(path)) out->f_type = type();
  return result;
}
int fdatasync(int fd) {
  int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
  const char *log = getenv("FAKE_SYNCS");
  if (log != NULL) {
    char link[64], path[4097];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, 4096);
    if (length > 0) {
      path[length] = '\\n';
      int file = open(log, O_WRONLY | O_APPEND | O_CREAT, 0600);
      if (write(file, path, length + 1) < 0) abort();
      close(file);
    }
  }
  return real(fd);
}
`;

/** Whether it can be built here. */
export const canFake: boolean = Deno.build.os === "linux" && await succeeds("gcc", "--version");

/** Makes a program see such a disk. */
export class FakeDisk implements AsyncDisposable {
  private constructor(readonly folder: string) {}

  /** Builds what it takes, in a folder of its own. */
  static async make(): Promise<FakeDisk> {
    const disk = new FakeDisk(await Deno.makeTempDir());
    const source = join(disk.folder, "shim.c");
    await Deno.writeTextFile(source, SHIM);
    ok(await succeeds("gcc", "-shared", "-fPIC", "-o", disk.#shim, source, "-ldl"));
    await Deno.mkdir(disk.path);
    return disk;
  }

  /** The folder that looks so. */
  get path(): string {
    return join(this.folder, "fake");
  }

  get #shim(): string {
    return join(this.folder, "shim.so");
  }

  /** What a program must have in its environment. `type`: as `statfs` gives it, in hexadecimal digits. */
  env(type: string): Record<string, string> {
    return {
      LD_PRELOAD: this.#shim,
      FAKE_PATH: "/fake",
      FAKE_TYPE: type,
      FAKE_SYNCS: join(this.folder, "syncs"),
    };
  }

  /** Paths of what was synced, once for each time. */
  async syncs(): Promise<string[]> {
    return (await Deno.readTextFile(join(this.folder, "syncs"))).trimEnd().split("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

async function succeeds(program: string, ...args: string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args, stdout: "null", stderr: "null" }).output())
      .success;
  } catch {
    return false;
  }
}
