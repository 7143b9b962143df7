/** `sluice boss-ingest`, as scripts call it. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { errorAnswer } from "../../_s3_server.ts";
import { DELETED, TEST_TOKEN, TILE_BUCKET, UPLOADING } from "../../boss/_boss_server.ts";
import { createJob } from "../../boss/_work.ts";
import type { Ran } from "../_sluice.ts";
import { type Bench, TILES, withBoss } from "./_jobs.ts";
import { Program, type ProgramOptions, runProgram } from "./_program.ts";

/** The end of a job takes no time. */
const QUICK = { waitSeconds: 0.1, completingLooks: 0 };

function optionsOf({ boss, folder }: Bench, options: Partial<ProgramOptions>): ProgramOptions {
  const env = { INTERN_TOKEN: TEST_TOKEN, AWS_ENDPOINT_URL: boss.s3.url, ...options.env };
  return { folder, ...options, env };
}

function ingest(
  bench: Bench,
  words: readonly string[],
  options: Partial<ProgramOptions> = {},
): Promise<Ran> {
  return runProgram(["boss-ingest", ...words], optionsOf(bench, options));
}

/** Objects in the bucket for tiles. */
function tilesOf({ boss }: Bench) {
  return boss.s3.buckets.get(TILE_BUCKET)!.objects;
}

Deno.test("boss-ingest creates a job, uploads it and completes it; the log says all that was said", async () => {
  await withBoss(async (bench) => {
    const words = ["job.json", "-l", "own.log", "-v", "info", "-p2", "--ramp", "0"];
    const { code, stdout, stderr } = await ingest(bench, words, { typed: "y\nY\n" });
    equal(code, 0, stdout + stderr);
    match(stdout, /\n\n\n#### INGEST JOB SUMMARY ####\n/);
    match(
      stdout,
      /\nWould you like to create a NEW ingest job\? \(y\/n\): CREATED INGEST JOB: 42\n/,
    );
    match(stdout, /\nSuccessfully Created Ingest Job ID: 42\n/);
    match(stdout, /\nDo you want to start uploading now\? \(y\/n\): /);
    match(stdout, /\n? ?\(pid=\d+\) JOINED INGEST JOB: 42\n2 threads of this process/);
    match(stdout, /\n - Cleanup Done\n$/);
    equal(tilesOf(bench).size, TILES);
    deepEqual(bench.boss.oddities, []);

    const log = await Deno.readTextFile(join(bench.folder, "own.log"));
    ok(!log.includes(TEST_TOKEN));
    for (
      const line of [
        "CREATED INGEST JOB: 42",
        "Successfully Created Ingest Job ID: 42",
        "(pid=PID) JOINED INGEST JOB: 42",
        "The token is from the variable INTERN_TOKEN",
        " - Cleanup Done",
      ]
    ) {
      const wanted = RegExp.escape(line).replace("PID", "\\d+");
      match(log, new RegExp(`^\\d\\d-\\d\\d \\d\\d:\\d\\d INFO     ${wanted}$`, "m"));
    }
  }, QUICK);
});

Deno.test("T3: a job that is joined by words is a number to the server", async () => {
  await withBoss(async (bench) => {
    const id = await createJob(bench.boss, bench.file);
    const words = ["boss-ingest", "-v", "info", "-fj", `0${id}`, "job.json"];
    const program = new Program(words, optionsOf(bench, {}));
    await program.close();
    await program.until(new RegExp(`(Uploaded tile [^]*){${TILES}}`));
    program.signal("SIGINT");
    equal((await program.end()).code, 130);
    equal(tilesOf(bench).size, TILES);
    for (const { headers } of tilesOf(bench).values()) {
      equal(JSON.parse(headers["x-amz-meta-metadata"]).ingest_job, id);
    }
    const [log] = await Array.fromAsync(Deno.readDir(join(bench.folder, ".boss-ingest")));
    match(log.name, /^ingest_log\d{8}-\d{6}_pid\d+\.log$/);

    const word = await ingest(bench, ["-f", "-j", "x1", "job.json"]);
    equal(word.code, 1);
    match(word.stdout, /Error: Cannot use "x1" as an ingest job ID: it is no whole number; give/);
  }, QUICK);
});

Deno.test("n to any question ends boss-ingest with 0, and a job that was made stays", async () => {
  await withBoss(async (bench) => {
    const never = await ingest(bench, ["job.json"], { typed: "what\nn\n" });
    deepEqual([never.code, bench.boss.jobs.size], [0, 0], never.stderr);
    match(never.stdout, /NEW ingest job\? \(y\/n\): Enter 'y' or 'n' for 'yes' or 'no'\n/);
    match(never.stdout, /NEW ingest job\? \(y\/n\): Exiting\n$/);

    const later = await ingest(bench, ["job.json"], { typed: "y\nn\n" });
    deepEqual([later.code, bench.boss.jobs.size], [0, 1], later.stderr);
    match(
      later.stdout,
      /OK - Your job is waiting for you\. You can resume by providing Ingest Job ID '42'/,
    );

    const resumed = await ingest(bench, ["job.json", "-j", "42"], { typed: "n\n" });
    equal(resumed.code, 0, resumed.stderr);
    match(resumed.stdout, /^Are you sure you want to resume ingest job 42\? \(y\/n\): Exiting\n$/);

    const cancelled = await ingest(bench, ["-c", "-j", "42", "job.json"], { typed: "n\n" });
    equal(cancelled.code, 0);
    match(
      cancelled.stdout,
      /cancel ingest job 42\? {2}\(y\/n\): Command ignored\. Job not cancelled\n$/,
    );
    equal(tilesOf(bench).size, 0);

    const again = await ingest(bench, ["job.json"], { typed: "n\n" });
    match(again.stdout, /Ingest job 42 for the same channel is preparing: -j 42 resumes it\n/);
  });
});

Deno.test("T34: what is shown before a job is made is the server's own count", async () => {
  await withBoss(async (bench) => {
    const { stdout } = await ingest(bench, ["job.json"], { typed: "n\n" });
    match(stdout, new RegExp(`\\nTotal Number of Image Tiles to Upload: ${TILES}\\n`));
  });
});

Deno.test("T22: to cancel a job takes its number and a server, and nothing of its data", async () => {
  await withBoss(async (bench) => {
    const { boss, file } = bench;
    const ids = [await createJob(boss, file), await createJob(boss, file)];
    file.client.path_processor.params.root_dir = "/no/such/folder";
    file.client.tile_processor.class = "no.such.Plugin";
    await bench.save(file);
    const byConfig = await ingest(bench, ["--cancel", "-j", `${ids[0]}`, "job.json"], {
      typed: "y\n",
    });
    equal(byConfig.code, 0, byConfig.stderr);
    match(
      byConfig.stdout,
      /Attempting to cancel Ingest Job 42\.\nIngest job 42 successfully cancelled\.\n$/,
    );
    const byHost = await ingest(bench, ["-fc", "-j", `${ids[1]}`, "--host", boss.url]);
    equal(byHost.code, 0, byHost.stderr);
    match(byHost.stdout, /^Ingest job 43 successfully cancelled\.\n$/);
    deepEqual(ids.map((id) => boss.jobs.get(id)!.state), [DELETED, DELETED]);

    const nowhere = await ingest(bench, ["-c", "-j", "43"], { typed: "n\n" });
    equal(nowhere.code, 0);
    match(
      nowhere.stdout,
      /^No configuration is given: the job is looked for at api\.theboss\.io; --host/,
    );
    for (const words of [["-c"], ["-c", "job.json"]]) {
      const { code, stdout } = await ingest(bench, words);
      equal(code, 1);
      match(
        stdout,
        /^usage: boss-ingest \[-h\][^]*\nError: You must provide an ingest job ID to cancel\n$/,
      );
    }
    const wrong = await ingest(bench, ["-fc", "-j", "7", "job.json"]);
    equal(wrong.code, 1);
    match(wrong.stderr, /^boss-ingest: Cannot .* ingest job 7 at ".*": the server answered 404/);
  });
});

Deno.test("boss-ingest says what is wrong before it asks for anything, and ends with 1; argparse's errors with 2", async () => {
  await withBoss(async (bench) => {
    const { boss, file } = bench;
    const absent = await ingest(bench, []);
    equal(absent.code, 1);
    match(absent.stdout, /^usage: [^]*\nError: Ingest Job Configuration File is required\n$/);
    const noFile = await ingest(bench, ["-f", "no.json"]);
    equal(noFile.code, 1);
    match(noFile.stdout, /^ERROR: Cannot read "no\.json" as .*: there is no such file\n$/);
    const loud = await ingest(bench, ["-v", "loud", "job.json"]);
    deepEqual([loud.code, /at level "loud": it is none/.test(loud.stderr)], [1, true]);
    const odd = await ingest(bench, ["job.json", "-p", "x"]);
    equal(odd.code, 2);
    match(
      odd.stderr,
      /^usage: [^]*\nboss-ingest: error: argument --processes_nb\/-p: invalid int value: 'x'\n$/,
    );
    const none = await ingest(bench, ["job.json", "-p", "0"]);
    deepEqual([none.code, /it must be 1 or more, and is 0/.test(none.stderr)], [2, true]);
    const silent = await ingest(bench, ["job.json"]);
    deepEqual([silent.code, /the input is over; .*--force\n$/.test(silent.stderr)], [1, true]);

    file.ingest_job.tile_size.t = 0;
    delete file.database.channel;
    await bench.save(file);
    const wrong = await ingest(bench, ["-f", "job.json"]);
    equal(wrong.code, 1);
    match(
      wrong.stdout,
      /^ERROR: Validation Failed: database\.channel: .* - ingest_job\.tile_size\.t: /,
    );
    deepEqual(boss.log.filter((line) => line.startsWith("POST")), []);
  });
});

Deno.test("boss-ingest --version asks nobody, and --help has all flags", async () => {
  await withBoss(async (bench) => {
    const version = await ingest(bench, ["--version", "job.json"]);
    deepEqual([version.code, version.stderr], [0, ""]);
    match(version.stdout, /^sluice \d+\.\d+\.\d+, in place of boss-ingest 0\.12; nobody is asked/);
    const help = await ingest(bench, ["--help"]);
    equal(help.code, 0);
    match(help.stdout, /^usage: boss-ingest \[-h\] \[--api-token API_TOKEN\]/);
    const same = await runProgram(["help", "boss-ingest"], { folder: bench.folder });
    equal(same.stdout, help.stdout);
    deepEqual(bench.boss.log, []);
  });
});

Deno.test("T24: the token of token.json serves where there is no other, and what is passed over is said", async () => {
  await withBoss(async (bench) => {
    const token = { token: TEST_TOKEN, host: "api.theboss.io" };
    await Deno.writeTextFile(join(bench.folder, "token.json"), JSON.stringify(token));
    const without = { env: { INTERN_TOKEN: "" }, typed: "n\n" };
    const found = await ingest(bench, ["job.json", "-a", "", "-v", "info"], without);
    equal(found.code, 0, found.stderr);
    match(found.stdout, /The token is from "token\.json"\n/);
    match(found.stdout, /its token for host "api\.theboss\.io", and it goes to "127/);
    const given = await ingest(bench, ["job.json", "-a", "other"], without);
    equal(given.code, 1);
    match(given.stdout, /"token\.json" holds another token, which is not used/);
    match(given.stderr, /^boss-ingest: Cannot .* 401 .* the token that was given/);
    ok(!given.stderr.includes("other"));
  });
});

Deno.test("boss-ingest lets a plugin of a lab's own read only what it is granted", async () => {
  await withBoss(async (bench) => {
    const { folder, file } = bench;
    await Deno.mkdir(join(folder, "lists"));
    await Deno.writeTextFile(join(folder, "lists", "names.txt"), "section_000.png\n");
    await Deno.writeTextFile(
      join(folder, "listed.ts"),
      `export class Listed {
        readonly #names: string[];
        constructor({ params }: { params: { list: string } }) {
          this.#names = Deno.readTextFileSync(params.list).trim().split("\\n");
        }
        process({ z }: { z: number }) { return this.#names[z]; }
      }`,
    );
    const { root_dir } = file.client.path_processor.params;
    const params = { root_dir, list: join(folder, "lists", "names.txt") };
    file.client.path_processor = { class: "./listed.ts#Listed", params };
    await bench.save(file);
    const refused = await ingest(bench, ["job.json"], { typed: "n\n" });
    equal(refused.code, 1, refused.stderr);
    match(
      refused.stdout,
      /^ERROR: Validation Failed: client\.path_processor\.class: .*--grant-read /,
    );
    const granted = await ingest(bench, ["job.json", "--grant-read", "lists"], { typed: "n\n" });
    equal(granted.code, 0, granted.stdout + granted.stderr);
    match(granted.stdout, /Plugin: \.\/listed\.ts#Listed\n[^]*Exiting\n$/);
  });
});

/** Uploads that wait for a bucket which is away. */
async function withSlowUpload(
  work: (bench: Bench, program: Program, goOn: () => void) => Promise<void>,
): Promise<void> {
  await withBoss(async (bench) => {
    const { boss, file } = bench;
    const id = await createJob(boss, file);
    const guard = boss.s3.intercept!;
    let puts = 0;
    boss.s3.intercept = () => {
      puts++;
      return errorAnswer(503, "SlowDown", boss.s3.behaviour);
    };
    const words = ["boss-ingest", "job.json", "-f", "-j", `${id}`];
    const program = new Program(words, optionsOf(bench, {}));
    for (let i = 0; puts === 0 && i < 1500; i++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await work(bench, program, () => boss.s3.intercept = guard);
  }, QUICK);
}

const QUIT = /Are you sure you want to quit uploading\? \(y\/n\)$/;

Deno.test("Ctrl-C asks, even with --force: n goes on to the end", async () => {
  await withSlowUpload(async (bench, program, goOn) => {
    program.signal("SIGINT");
    await program.until(QUIT);
    await program.type("never\n");
    await program.until(/Enter 'y' or 'n'/);
    await program.type("n\n");
    await program.until(/Continuing\.\.\.\n/);
    goOn();
    const { code, stdout } = await program.end();
    equal(code, 0, stdout);
    match(stdout, / - Cleanup Done\n$/);
    equal(tilesOf(bench).size, TILES);
  });
});

Deno.test("T1: Ctrl-C and y finish what is in hand, start nothing anew, and end with 130", async () => {
  await withSlowUpload(async (bench, program, goOn) => {
    program.signal("SIGINT");
    await program.until(QUIT);
    await program.type("y\n");
    await program.until(/Stopping upload engine\.\n/);
    goOn();
    const { code, stdout } = await program.end();
    equal(code, 130, stdout);
    match(
      stdout,
      /Client exiting\n[^]*is not complete\. To go on: sluice boss-ingest job\.json -j 42\n$/,
    );
    const done = tilesOf(bench).size;
    ok(done > 0 && done < TILES, `${done}`);
    equal(bench.boss.jobs.get(42)!.state, UPLOADING);
  });
});

Deno.test("Ctrl-C where nobody can answer, and SIGTERM, stop without a question; twice at once", async () => {
  await withSlowUpload(async (bench, program) => {
    await program.close();
    program.signal("SIGINT");
    await program.until(/Stopping upload engine\.\n/);
    await new Promise((resolve) => setTimeout(resolve, 300));
    program.signal("SIGTERM");
    const { code, stdout } = await program.end();
    equal(code, 130);
    match(stdout, /Stopping upload engine\.\nClient exiting\n[^]*is not complete\. To go on: /);
    equal(tilesOf(bench).size, 0);
  });
});

Deno.test("Ctrl-C at a question ends boss-ingest with 130, and nothing was done", async () => {
  await withBoss(async (bench) => {
    const program = new Program(["boss-ingest", "job.json"], optionsOf(bench, {}));
    await program.until(/NEW ingest job\? \(y\/n\): $/);
    program.signal("SIGINT");
    equal((await program.end()).code, 130);
    equal(bench.boss.jobs.size, 0);
  });
});
