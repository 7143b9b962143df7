/** A volume on a disk that machines share, with the permissions that are documented for it. */
import { equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { JobFolder } from "../../stores/job_folder.ts";
import { tiffOf } from "../_images.ts";
import { canFake, FakeDisk } from "./_fake_disk.ts";
import { OwnSchema, SERVER } from "./_postgres.ts";

if (!canFake) console.log("Skipped: a volume on a network file system, as there is no gcc");

const ROOT = new URL("../../", import.meta.url).pathname;
const { tasks } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json"))) as {
  readonly tasks: Readonly<Record<string, string>>;
};
/** As `deno task sluice:net`, with less of the network. */
const FLAGS = tasks["sluice:net"].split(" ").slice(1, -1).filter((flag) => flag !== "--allow-net");

Deno.test({
  name:
    "a volume on NFS is written with a ledger in PostgreSQL, and refused with one in SQLite beside it",
  ignore: !canFake || SERVER === undefined,
  async fn() {
    await using disk = await FakeDisk.make();
    await using schema = await OwnSchema.make(SERVER!);
    const raw = join(disk.path, "raw");
    await Deno.mkdir(raw);
    for (let z = 0; z < 4; z++) {
      const section = tiffOf([{ dtype: "uint16", first: z * 7 + 1 }]);
      await Deno.writeFile(join(raw, `section_${z}.tif`), section);
    }
    const volume = join(disk.path, "out.ome.zarr");
    const ingest = async (ledger: string, type: string) => {
      const { host } = new URL(SERVER!);
      const words = ["ingest", join(raw, "*.tif"), volume, "--shard", "7x5x1", "--chunk", "7x5x1"];
      const { code, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [
          ...FLAGS,
          `--allow-net=${host}`,
          "--no-prompt",
          "cli.ts",
          ...words,
          "--ledger",
          ledger,
        ],
        cwd: ROOT,
        env: { ...disk.env(type), SLUICE_HOME: join(disk.folder, "home"), NO_COLOR: "1" },
      }).output();
      return { code, said: new TextDecoder().decode(stderr) };
    };
    const refused = await ingest(`sqlite:${join(disk.path, "jobs.db")}`, "6969");
    equal(refused.code, 1);
    match(refused.said, /it lies on a network file system \(NFS\)/);
    const { code, said } = await ingest(schema.url, "6969");
    equal(code, 0, said);
    // Other machines see a receipt before they hear that its task is done.
    const receipts = (await JobFolder.open(volume)).receiptsPlace;
    const [{ name }] = await Array.fromAsync(Deno.readDir(receipts));
    const lines = (await Deno.readTextFile(join(receipts, name))).trimEnd().split("\n").length;
    const synced = (await disk.syncs()).filter((path) => path === join(receipts, name)).length;
    ok(lines >= 4);
    equal(synced, lines + 1, "each, and the file when it was closed");
    // On a disk of this machine, the rest of it sees them at once.
    await Deno.remove(volume, { recursive: true });
    equal((await ingest(schema.url, "ef53")).code, 0);
    const [local] = await Array.fromAsync(Deno.readDir(receipts));
    equal((await disk.syncs()).filter((path) => path.endsWith(local.name)).length, 1);
  },
});
