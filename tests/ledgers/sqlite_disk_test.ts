import { equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { networkFileSystem, sharedFuse } from "../../ledgers/_network_fs.ts";
import { canFake, FakeDisk } from "./_fake_disk.ts";

const PROBE = new URL("./_probe.ts", import.meta.url).pathname;

async function succeeds(command: string, ...args: string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(command, { args, stdout: "null", stderr: "null" }).output())
      .success;
  } catch {
    return false;
  }
}

const canMount = Deno.build.os === "linux" && await succeeds("unshare", "-m", "true");
if (!canMount) console.log("Skipped: disks that are full or read-only, as nothing can be mounted");
if (!canFake) console.log("Skipped: network file systems, as there is no gcc");

interface Answer {
  readonly jobs?: number;
  readonly fault?: string;
  readonly message?: string;
}

/** Runs the probe in a shell line, where `$probe` starts it and `$folder` is a folder of its own. */
async function probe(
  shell: string,
  { mounts = true, env = {} }: { mounts?: boolean; env?: Record<string, string> } = {},
): Promise<Answer> {
  const folder = await Deno.makeTempDir();
  try {
    const script = ["sh", "-ec", shell];
    const { stdout, stderr, success } = await new Deno.Command(mounts ? "unshare" : script[0], {
      args: mounts ? ["-m", ...script] : script.slice(1),
      env: { ...env, folder, probe: `${Deno.execPath()} run -A --quiet ${PROBE}` },
    }).output();
    ok(success, new TextDecoder().decode(stderr));
    return JSON.parse(new TextDecoder().decode(stdout));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name: "sqlite ledger: a full disk is named, wherever it fills",
  ignore: !canMount,
  async fn() {
    // From nothing at all to room for some jobs with their receipts.
    for (const size of ["4k", "40k", "100k", "400k"]) {
      const answer = await probe(
        `mount -t tmpfs -o size=${size} tmpfs "$folder"; $probe "$folder/jobs.db" 999`,
      );
      equal(answer.fault, "disk-full", JSON.stringify(answer));
      match(answer.message ?? "", /the disk is full; free some space/);
    }
  },
});

Deno.test({
  name: "sqlite ledger: a disk that may not be written is named",
  ignore: !canMount,
  async fn() {
    const readOnly = 'mount --bind "$folder" "$folder"; mount -o remount,ro,bind "$folder"';
    const fresh = await probe(`${readOnly}; $probe "$folder/jobs.db" 1`);
    equal(fresh.fault, "read-only", JSON.stringify(fresh));
    const used = await probe(
      `$probe "$folder/jobs.db" 1 > "$folder/first"; ${readOnly}; $probe "$folder/jobs.db" 1`,
    );
    equal(used.fault, "read-only", JSON.stringify(used));
  },
});

Deno.test({
  name: "sqlite ledger: a network file system is refused, and the remedy named",
  ignore: !canFake,
  async fn() {
    await using disk = await FakeDisk.make();
    const ask = (type: string) =>
      probe('mkdir "$folder/fake"; LD_PRELOAD="$SHIM" $probe "$folder/fake/below/jobs.db" 1', {
        mounts: false,
        env: { ...disk.env(type), LD_PRELOAD: "", SHIM: disk.env(type).LD_PRELOAD },
      });
    const shared = [
      { type: "6969", name: "NFS" },
      { type: "ff534d42", name: "CIFS" },
      { type: "0bd00bd0", name: "Lustre" },
    ];
    for (const { type, name } of shared) {
      const { fault, message = "" } = await ask(type);
      equal(fault, "network-file-system");
      match(message, new RegExp(`lies on a network file system \\(${name}\\)`));
      match(message, /use --ledger sqlite:PATH on a local disk, or postgres:\/\/HOST\/DATABASE$/);
    }
    // tmpfs; FUSE, where /proc/mounts knows of no kind that machines share.
    for (const type of ["01021994", "65735546"]) equal((await ask(type)).jobs, 1, type);
  },
});

Deno.test("networkFileSystem() accepts a local folder, and a path that is not there yet", async () => {
  const folder = await Deno.makeTempDir();
  equal(networkFileSystem(folder), undefined);
  equal(networkFileSystem(join(folder, "a", "b", "jobs.db")), undefined);
  await Deno.remove(folder);
});

const MOUNTS = `/dev/vda / ext4 rw 0 0
me@host:/data /mnt/far fuse.sshfs rw 0 0
server:/export /mnt/far/nfs fuse.nfs4 rw 0 0
ntfs /mnt/far/usb fuseblk rw 0 0
bucket /mnt/with\\040blank fuse.s3fs rw 0 0
overlay /mnt/near fuse.fuse-overlayfs rw 0 0
me@host:/data /mnt/hidden fuse.sshfs rw 0 0
tmpfs /mnt/hidden tmpfs rw 0 0
`;
const paths = [
  { path: "/home/me", kind: undefined },
  { path: "/mnt/far", kind: "fuse.sshfs" },
  { path: "/mnt/far/a/b", kind: "fuse.sshfs" },
  { path: "/mnt/farther", kind: undefined },
  { path: "/mnt/far/nfs/a", kind: "fuse.nfs4" },
  { path: "/mnt/far/usb/a", kind: undefined },
  { path: "/mnt/with blank/a", kind: "fuse.s3fs" },
  { path: "/mnt/near/a", kind: undefined },
  { path: "/mnt/hidden/a", kind: undefined },
];
for (const { path, kind } of paths) {
  Deno.test(`sharedFuse() finds ${kind ?? "no shared disk"} at ${path}`, () =>
    equal(sharedFuse(path, MOUNTS), kind));
}
