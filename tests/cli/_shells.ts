/**
 * Real shells in which keys are pressed: bash and zsh on a terminal of their own, fish by its `complete -C`.
 * @module
 */

/** What a shell offers, with descriptions where it shows any. */
export type Offers = ReadonlyMap<string, string>;

/** A shell that has a completion script. */
export interface Shell extends AsyncDisposable {
  /** What is offered where a line ends. */
  offers(line: string): Promise<Offers>;
  /** The line after the tab key was pressed at its end. */
  tab?(line: string): Promise<string>;
}

/** How a shell is started. */
export interface ShellOptions {
  /** The path of a completion script. */
  readonly script: string;
  /** Where it works. */
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Whether the script lies where zsh or fish look for it, rather than being read at the start. @default false */
  readonly installed?: boolean;
}

/** The shells by name. */
export const shells: Readonly<
  Record<string, { needs: readonly string[]; open: (options: ShellOptions) => Promise<Shell> }>
> = {
  bash: { needs: ["bash", "script"], open: openBash },
  zsh: { needs: ["zsh", "script"], open: openZsh },
  fish: { needs: ["fish"], open: openFish },
};

/** Whether a program is there; of `script`, the one of util-linux. */
export function has(program: string): boolean {
  const look = program === "script"
    ? "script --version | grep -q util-linux"
    : `command -v ${program}`;
  return new Deno.Command("sh", { args: ["-c", look], stdout: "null", stderr: "null" })
    .outputSync().success;
}

/** Moves to the end of the line, and removes it. */
const CLEAR = "\x05\x15";
/** Lists what is offered; prints the line between marks. */
const [LIST, PRINT] = ["\x18i", "\x18p"];

/** A program on a terminal of 250 columns, by the `script` of util-linux. */
class Terminal implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #keys: WritableStreamDefaultWriter<Uint8Array>;
  readonly #screen: ReadableStreamDefaultReader<string>;
  #seen = "";

  constructor(command: string, { folder, env }: ShellOptions) {
    this.#process = new Deno.Command("script", {
      args: ["-qfc", `stty cols 250 rows 200; exec ${command}`, "/dev/null"],
      cwd: folder,
      env: { ...env, TERM: "vt100" },
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#keys = this.#process.stdin.getWriter();
    this.#screen = this.#process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Presses keys. */
  async press(keys: string): Promise<void> {
    await this.#keys.write(new TextEncoder().encode(keys));
  }

  /** What is between the next marks, and what came before. */
  async marked(): Promise<{ before: string; line: string }> {
    for (;;) {
      const match = /\{\{(.*?)\}\}/s.exec(this.#seen);
      if (match !== null) {
        const before = this.#seen.slice(0, match.index);
        this.#seen = this.#seen.slice(match.index + match[0].length);
        return { before, line: match[1] };
      }
      const { value, done } = await this.#screen.read();
      if (done) throw new Error(`The shell ended: ${this.#seen}`);
      this.#seen += value;
    }
  }

  /** Ends the program: it has nothing more to read. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.press(`${CLEAR}exit\n`);
    await this.#keys.close();
    while (!(await this.#screen.read()).done);
    await this.#process.status;
  }
}

async function openBash(options: ShellOptions): Promise<Shell> {
  const start = await Deno.makeTempFile();
  await Deno.writeTextFile(
    start,
    `source '${options.script}'
PS1='$ '
bind 'set bell-style none'
bind 'set enable-bracketed-paste off'
bind '"${"\\C-xi"}": insert-completions'
bind -x '"${"\\C-xp"}": printf "{{%s}}" "$READLINE_LINE"'
printf '{{}}'
`,
  );
  const terminal = new Terminal(`bash --noprofile --rcfile '${start}' -i`, options);
  await terminal.marked();
  const after = async (keys: string) => {
    await terminal.press(`${CLEAR}${keys}${PRINT}`);
    return (await terminal.marked()).line;
  };
  return {
    tab: (line) => after(`${line}\t`),
    async offers(line) {
      // Readline breaks words at = and :, and writes all it offers in the place of the last part.
      const [part] = /[^\s=:]*$/.exec(line)!;
      const [value] = /[^\s=]*$/.exec(line)!;
      const words = (await after(line + LIST)).slice(line.length - part.length);
      const head = value.slice(0, value.length - part.length);
      const found = words === part ? [] : words.match(/(?:\\.|[^\s\\])+/g) ?? [];
      return new Map(found.map((word) => [head + unescape(word), ""]));
    },
    async [Symbol.asyncDispose]() {
      await terminal[Symbol.asyncDispose]();
      await Deno.remove(start);
    },
  };
}

async function openZsh(options: ShellOptions): Promise<Shell> {
  const home = await Deno.makeTempDir();
  await Deno.mkdir(`${home}/zfunc`);
  if (options.installed) await Deno.copyFile(options.script, `${home}/zfunc/_sluice`);
  await Deno.writeTextFile(
    `${home}/.zshrc`,
    `fpath=('${home}/zfunc' $fpath); autoload -Uz compinit; compinit -u -D
${options.installed ? "" : `eval "$(cat '${options.script}')"`}
PS1='%% '
unsetopt beep list_beep always_last_prompt prompt_sp
zstyle ':completion:*' list-separator --
zstyle ':completion:*:messages' format '!! %d'
bindkey -e
print-line() { print -rn -- "{{$BUFFER}}" }
zle -N print-line
bindkey '^Xp' print-line
bindkey '^Xi' list-choices
print -n '{{}}'
`,
  );
  const env = { ...options.env, ZDOTDIR: home };
  const terminal = new Terminal("zsh -i", { ...options, env });
  await terminal.marked();
  const after = async (keys: string) => {
    await terminal.press(`${CLEAR}${keys}${PRINT}`);
    return await terminal.marked();
  };
  return {
    tab: async (line) => (await after(`${line}\t`)).line,
    async offers(line) {
      const { before } = await after(line + LIST);
      // deno-lint-ignore no-control-regex
      const lines = before.replace(/\x1b\[[\d;?]*[A-Za-z]|[\x00-\x09\x0b-\x1f]/g, "").split("\n");
      const found = lines.slice(1).filter((text) => !/^\s*(% |!! )/.test(text))
        .flatMap((text): [string, string][] => {
          // Words with the same description share a line.
          const described = /^\s*(\S.*?)\s+-- (.*?)\s*$/.exec(text);
          if (described !== null) {
            return described[1].split(/\s+/).map((word) => [word, described[2]]);
          }
          return text.trim().split(/\s{2,}/).filter(Boolean).map((word) => [unescape(word), ""]);
        });
      return new Map(found);
    },
    async [Symbol.asyncDispose]() {
      await terminal[Symbol.asyncDispose]();
      await Deno.remove(home, { recursive: true });
    },
  };
}

async function openFish({ script, folder, env, installed }: ShellOptions): Promise<Shell> {
  const home = await Deno.makeTempDir();
  await Deno.mkdir(`${home}/fish/completions`, { recursive: true });
  if (installed) await Deno.copyFile(script, `${home}/fish/completions/sluice.fish`);
  const read = installed ? "" : "source $argv[1];";
  return {
    async offers(line) {
      const { stdout, stderr } = await new Deno.Command("fish", {
        args: ["-c", `${read} complete -C$argv[2]`, script, line],
        cwd: folder,
        env: { ...env, XDG_CONFIG_HOME: home, XDG_DATA_HOME: home },
      }).output();
      const said = new TextDecoder().decode(stderr);
      if (said !== "") throw new Error(said);
      const lines = new TextDecoder().decode(stdout).split("\n").filter(Boolean);
      return new Map(lines.map((text) => {
        const [word, description = ""] = text.split("\t");
        return [word.replace(/^--[^=]*=/, ""), description];
      }));
    },
    [Symbol.asyncDispose]: () => Deno.remove(home, { recursive: true }),
  };
}

/** A word without the backslashes that keep its spaces. */
function unescape(word: string): string {
  return word.replace(/\\(.)/g, "$1");
}
