/** The log: its lines as Python writes them, and its name. */
import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { LogFile } from "../../../cli/drop_in/log_file.ts";
import { TestFolder } from "../../_images.ts";

const NOON = new Date(2026, 0, 2, 3, 4, 5);

Deno.test("LogFile adds lines in the form of boss-ingest, and shows what it logs", async () => {
  await using folder = await TestFolder.of({ "a.log": "before\n" });
  const shown: string[] = [];
  const path = `${folder.path}/a.log`;
  using log = await LogFile.open({ path, now: () => NOON, echo: (text) => shown.push(text) });
  log.info("CREATED INGEST JOB: 42");
  log.detail("a tile");
  log.warning("odd");
  log.error("wrong");
  log.keep("the end");
  deepEqual((await Deno.readTextFile(path)).split("\n"), [
    "before",
    "01-02 03:04 INFO     CREATED INGEST JOB: 42",
    "01-02 03:04 WARNING  odd",
    "01-02 03:04 ERROR    wrong",
    "01-02 03:04 ERROR    the end",
    "",
  ]);
  deepEqual(shown, ["CREATED INGEST JOB: 42", "odd", "wrong"]);
});

const levels = [
  { level: "critical", logged: ["INFO"] },
  { level: "Error", logged: ["INFO", "ERROR"] },
  { level: "WARN", logged: ["INFO", "WARNING", "ERROR"] },
  { level: "info", logged: ["INFO", "INFO", "WARNING", "ERROR"] },
  { level: "debug", logged: ["INFO", "INFO", "WARNING", "ERROR"] },
] as const;
for (const { level, logged } of levels) {
  Deno.test(`LogFile at level ${level} logs what matters, and that`, async () => {
    await using folder = await TestFolder.of({});
    const path = `${folder.path}/a.log`;
    using log = await LogFile.open({ path, level, echo: () => {} });
    log.info("always");
    log.detail("a tile");
    log.warning("odd");
    log.error("wrong");
    const lines = (await Deno.readTextFile(path)).trimEnd().split("\n");
    deepEqual(lines.map((line) => line.slice(12, 20).trim()), [...logged]);
  });
}

Deno.test("LogFile.open() names a level that is none, and a file that cannot be", async () => {
  await using folder = await TestFolder.of({});
  const path = `${folder.path}/no/such/a.log`;
  await rejects(
    LogFile.open({ path, level: "loud" }),
    /at level "loud": it is none; give critical,/,
  );
  await rejects(
    LogFile.open({ path }),
    /^SluiceError: Cannot open ".*a\.log" as a log file: .*--log-file$/s,
  );
});

Deno.test("LogFile has a name with time and process where none is given", async () => {
  await using folder = await TestFolder.of({});
  const script = `
    import { LogFile } from ${
    JSON.stringify(new URL("../../../cli/drop_in/log_file.ts", import.meta.url).href)
  };
    using log = await LogFile.open({ now: () => new Date(2026, 0, 2, 3, 4, 5) });
    log.info(log.path.replace(String(Deno.pid), "PID"));
  `;
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", script],
    env: { HOME: folder.path, NO_COLOR: "1" },
  }).output();
  equal(code, 0);
  const said = new TextDecoder().decode(stdout).trimEnd();
  equal(said, `${folder.path}/.boss-ingest/ingest_log20260102-030405_pidPID.log`);
  const [name] = await Array.fromAsync(Deno.readDir(`${folder.path}/.boss-ingest`));
  match(name.name, /^ingest_log20260102-030405_pid\d+\.log$/);
});
