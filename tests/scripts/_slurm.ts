/**
 * A Slurm of one node, from what is installed, with more slots than there are processors.
 * @module
 */
import { hostname } from "node:os";
import { join } from "node:path";

/** How a program ended. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; throws what it said if it fails and may not. */
export async function run(
  words: readonly string[],
  { env = {}, cwd, mayFail = false }: {
    readonly env?: Record<string, string>;
    readonly cwd?: string;
    readonly mayFail?: boolean;
  } = {},
): Promise<Ran> {
  const [path, ...args] = words;
  const { code, ...output } = await new Deno.Command(path, { args, env, cwd, stdin: "null" })
    .output();
  const [stdout, stderr] = [output.stdout, output.stderr].map((bytes) =>
    new TextDecoder().decode(bytes)
  );
  if (code !== 0 && !mayFail) throw new Error(`${words.join(" ")} ended with ${code}: ${stderr}`);
  return { code, stdout, stderr };
}

const PROGRAMS = ["slurmctld", "slurmd", "sbatch", "munged"];

/** Why Slurm cannot be tried here; undefined: it can. */
export async function whyNoSlurm(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return "it is for Linux";
  if (Deno.uid() !== 0) return "its programs must be started by root";
  for (const name of PROGRAMS) {
    const { code } = await run(["sh", "-c", `command -v ${name}`], { mayFail: true });
    if (code !== 0) return `there is no ${name}; install slurm-wlm and munge`;
  }
  return undefined;
}

/** A controller and a node with eight slots. */
export class Slurm implements AsyncDisposable {
  readonly env: Record<string, string>;
  readonly #folder: string;
  readonly #daemons: Deno.ChildProcess[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
    this.env = { SLURM_CONF: join(folder, "slurm.conf") };
  }

  /** Starts it, and waits until the node is idle. */
  static async start(): Promise<Slurm> {
    const slurm = new Slurm(await Deno.makeTempDir({ prefix: "sluice-slurm-" }));
    try {
      await slurm.#start();
      return slurm;
    } catch (error) {
      await slurm[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #start(): Promise<void> {
    const folder = this.#folder;
    const name = hostname().split(".")[0];
    const ports = [freePort(), freePort()];
    await Deno.writeTextFile(
      this.env.SLURM_CONF,
      `ClusterName=test
SlurmctldHost=${name}(127.0.0.1)
SlurmctldPort=${ports[0]}
SlurmdPort=${ports[1]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=${folder}/munge/socket
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
SlurmctldLogFile=${folder}/slurmctld.log
SlurmdLogFile=${folder}/slurmd.log
SchedulerParameters=sched_min_interval=0,bf_interval=1
KillWait=5
NodeName=${name} NodeAddr=127.0.0.1 CPUs=8 RealMemory=4000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`,
    );
    for (const part of ["state", "spool", "munge"]) await Deno.mkdir(join(folder, part));
    const munge = join(folder, "munge");
    await Deno.writeFile(join(munge, "key"), crypto.getRandomValues(new Uint8Array(128)), {
      mode: 0o400,
    });
    // Its folders must be root's alone to write, and for all to enter.
    await Deno.chmod(folder, 0o755);
    this.#spawn("munged", [
      ...["--foreground", "--force", "--num-threads=2"],
      ...["--socket", "socket", "--key-file", "key"].map((word) =>
        word.startsWith("--") ? word : join(munge, word)
      ),
      ...["--pid-file", join(munge, "pid"), "--log-file", join(munge, "log")],
      ...["--seed-file", join(munge, "seed")],
    ]);
    await this.#until("munged answers", async () => {
      const socket = ["--socket", join(munge, "socket")];
      return (await run(["munge", "-n", ...socket], { mayFail: true })).code === 0;
    });
    this.#spawn("slurmctld", ["-D"]);
    this.#spawn("slurmd", ["-D"]);
    await this.#until("the node is idle", async () => {
      const { stdout } = await this.run(["sinfo", "-h", "-o", "%t"], { mayFail: true });
      return stdout.trim() === "idle";
    });
  }

  /** Runs one of its programs. */
  run(words: readonly string[], options: Parameters<typeof run>[1] = {}): Promise<Ran> {
    return run(words, { ...options, env: { ...this.env, ...options.env } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.run(["scancel", "--full", "-u", "root"], { mayFail: true });
    await this.#until(
      "all jobs are over",
      async () => (await this.run(["squeue", "-h"], { mayFail: true })).stdout.trim() === "",
    ).catch(() => {});
    for (const daemon of this.#daemons.toReversed()) {
      daemon.kill("SIGTERM");
      const timer = setTimeout(() => daemon.kill("SIGKILL"), 5000);
      await daemon.status;
      clearTimeout(timer);
    }
    await Deno.remove(this.#folder, { recursive: true });
  }

  #spawn(name: string, args: readonly string[]): void {
    this.#daemons.push(
      new Deno.Command(name, {
        args: [...args],
        env: { ...this.env, PATH: `${Deno.env.get("PATH")}:/usr/sbin:/sbin` },
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn(),
    );
  }

  async #until(what: string, ask: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + 20_000;
    while (!await ask()) {
      if (performance.now() > deadline) throw new Error(`Waited too long until ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}
