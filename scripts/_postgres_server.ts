/**
 * A PostgreSQL of one's own, from what is installed, in a temporary folder: to stop, to start again, and to lock.
 * @module
 */
import { join } from "node:path";
import { isNotFound } from "../core/errors.ts";

/** How it lets people in. */
export interface ServerOptions {
  /** Password of its only user, `postgres`; absent: it trusts everyone. */
  readonly password?: string;
  /** Whether it speaks TLS, and with nobody otherwise. @default false */
  readonly tls?: boolean;
  /** Lines of its configuration. @default none */
  readonly settings?: readonly string[];
}

/** Where the programs of the server lie, or undefined where none is installed. */
export async function findPrograms(): Promise<string | undefined> {
  for (const parent of ["/usr/lib/postgresql", "/usr/local/lib/postgresql", "/opt/homebrew/opt"]) {
    const found: string[] = [];
    try {
      for await (const { name } of Deno.readDir(parent)) found.push(name);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    for (const version of found.sort().reverse()) {
      const bin = join(parent, version, "bin");
      try {
        await Deno.stat(join(bin, "pg_ctl"));
        return bin;
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }
  return undefined;
}

/** The user it runs as: it refuses to run as root. */
async function ownUser(): Promise<{ uid?: number; gid?: number }> {
  if (Deno.uid() !== 0) return {};
  const users = new Map(
    (await Deno.readTextFile("/etc/passwd")).split("\n").map((line) => {
      const [name, , uid, gid] = line.split(":");
      return [name, { uid: Number(uid), gid: Number(gid) }];
    }),
  );
  const user = users.get("postgres") ?? users.get("nobody");
  if (user === undefined) throw new Error("There is no user to run PostgreSQL as");
  return user;
}

/** One that runs, or was stopped. */
export class PostgresServer implements AsyncDisposable {
  readonly folder: string;
  readonly port: number;
  readonly #bin: string;
  readonly #user: { uid?: number; gid?: number };
  readonly #password: string | undefined;

  private constructor(
    folder: string,
    port: number,
    bin: string,
    user: { uid?: number; gid?: number },
    password: string | undefined,
  ) {
    [this.folder, this.port, this.#bin, this.#user] = [folder, port, bin, user];
    this.#password = password;
  }

  /** Makes one and starts it. */
  static async start(bin: string, options: ServerOptions = {}): Promise<PostgresServer> {
    const { password, tls = false, settings = [] } = options;
    const user = await ownUser();
    const folder = await Deno.makeTempDir({ prefix: "sluice-postgres-" });
    const server = new PostgresServer(folder, freePort(), bin, user, password);
    const file = (name: string) => join(folder, name);
    try {
      await Deno.writeTextFile(file("password"), password ?? "");
      if (user.uid !== undefined) {
        for (const path of [folder, file("password")]) {
          await Deno.chown(path, user.uid, user.gid ?? null);
        }
      }
      await server.#run(
        "initdb",
        ...["-D", file("data"), "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C"],
        ...(password === undefined ? ["-A", "trust"] : ["-A", "scram-sha-256"]),
        ...(password === undefined ? [] : ["--pwfile", file("password")]),
      );
      if (tls) await server.#certify(password);
      await Deno.writeTextFile(
        file("data/postgresql.conf"),
        [
          "",
          "listen_addresses = '127.0.0.1'",
          `port = ${server.port}`,
          `unix_socket_directories = '${folder}'`,
          "fsync = off",
          ...(tls
            ? ["ssl = on", "ssl_cert_file = '../cert.pem'", "ssl_key_file = '../key.pem'"]
            : []),
          ...settings,
          "",
        ].join("\n"),
        { append: true },
      );
      await server.start();
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Address of its database. */
  url(parameters = ""): string {
    const secret = this.#password === undefined ? "" : `:${encodeURIComponent(this.#password)}`;
    return `postgres://postgres${secret}@127.0.0.1:${this.port}/postgres${parameters}`;
  }

  /** Path of the certificate that it shows, which is its own authority. */
  get certificate(): string {
    return join(this.folder, "cert.pem");
  }

  async start(): Promise<void> {
    await this.#control("-l", join(this.folder, "log"), "-w", "start");
  }

  /** Ends it at once, as a crash would: what was not on its disk is lost. */
  async crash(): Promise<void> {
    await this.#control("-m", "immediate", "stop");
  }

  /** Ends it as an administrator would who does not wait for those that are connected. */
  async stop(): Promise<void> {
    await this.#control("-m", "fast", "stop");
  }

  /** Starts a program beside it, as the same user. */
  spawn(program: string, ...args: string[]): Deno.ChildProcess {
    return new Deno.Command(program, {
      args,
      cwd: this.folder,
      ...this.#user,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  /** Ends it and removes it where nothing can be waited for. */
  endSync(): void {
    const data = join(this.folder, "data");
    new Deno.Command(join(this.#bin, "pg_ctl"), {
      args: ["-D", data, "-s", "-m", "immediate", "stop"],
      ...this.#user,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).outputSync();
    Deno.removeSync(this.folder, { recursive: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.crash().catch(() => {});
    await Deno.remove(this.folder, { recursive: true });
  }

  #control(...words: string[]): Promise<void> {
    return this.#run("pg_ctl", "-D", join(this.folder, "data"), "-s", ...words);
  }

  async #run(program: string, ...args: string[]): Promise<void> {
    await runAs(this.#user, join(this.#bin, program), args, this.folder);
  }

  /** A certificate for localhost, not for its number: so that a wrong name can be shown. */
  async #certify(password: string | undefined): Promise<void> {
    const words = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost";
    await runAs(this.#user, "openssl", [
      ...words.split(" "),
      ...["-addext", "subjectAltName=DNS:localhost"],
      ...["-keyout", join(this.folder, "key.pem"), "-out", join(this.folder, "cert.pem")],
    ], this.folder);
    const method = password === undefined ? "trust" : "scram-sha-256";
    await Deno.writeTextFile(
      join(this.folder, "data/pg_hba.conf"),
      `hostssl all all all ${method}\nhostnossl all all all reject\n`,
    );
  }
}

async function runAs(
  user: { uid?: number; gid?: number },
  program: string,
  args: string[],
  cwd: string,
): Promise<void> {
  // Not piped: a server that was started would keep the pipe open.
  const log = join(cwd, "run.log");
  const { code } = await new Deno.Command("sh", {
    args: ["-c", `exec "$0" "$@" > '${log}' 2>&1`, program, ...args],
    cwd,
    ...user,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
  if (code !== 0) {
    throw new Error(`${program} ended with ${code}: ${await Deno.readTextFile(log)}`);
  }
}

/** A port that nobody listens at. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}
