/** Servers that others wrote, running for the length of a test. */

/** A program that serves until it is disposed. */
export interface Program extends AsyncDisposable {
  readonly url: string;
}

/** Nothing of what a program says is kept. */
export const silent = { stdin: "null", stdout: "null", stderr: "null" } as const;

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

/**
 * Starts a program on a free port, and waits until it answers.
 * @param options.certificate File of one that vouches for the program, which may write it itself.
 */
export async function start(
  command: (port: number) => Deno.Command,
  { scheme = "http", certificate }: {
    readonly scheme?: "http" | "https";
    readonly certificate?: string;
  } = {},
): Promise<Program> {
  const port = freePort();
  const url = `${scheme}://127.0.0.1:${port}`;
  const child = command(port).spawn();
  let hasEnded = false;
  const ended = child.status.then(() => {
    hasEnded = true;
  });
  const stop = async () => {
    if (!hasEnded) child.kill();
    await ended;
  };
  for (let tries = 0; tries < 240 && !hasEnded; tries++) {
    try {
      using client = certificate === undefined
        ? undefined
        : Deno.createHttpClient({ caCerts: [await Deno.readTextFile(certificate)] });
      await (await fetch(url, { client })).body?.cancel();
      return { url, [Symbol.asyncDispose]: stop };
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
  await stop();
  throw new Error(
    `Cannot reach "${url}" as the server that was started: it ended, or never answered`,
  );
}

/** A program of npm, as a command. */
export function npmProgram(
  specifier: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-lock", "--no-config", specifier, ...args],
    env: { ...env },
    ...silent,
  });
}

/** Whether a package of npm is here, or can be fetched; else it says what is left out. */
export async function isInstalled(specifier: string): Promise<boolean> {
  const args = ["cache", "--no-lock", "--no-config", specifier];
  const { success } = await new Deno.Command(Deno.execPath(), { args, ...silent }).output();
  if (!success) console.warn(`Left out what needs it: ${specifier} cannot be had`);
  return success;
}
