/**
 * Command lines, as the programs themselves read them: `record_argparse.py` has asked them.
 */
import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { ArgumentsError, type Grammar, parseArguments } from "../../../cli/drop_in/args.ts";
import { BOSS_INGEST } from "../../../cli/drop_in/boss_ingest_grammar.ts";
import { PREP_INGEST } from "../../../cli/drop_in/prep_ingest_grammar.ts";
import { helpOf, usageOf } from "../../../cli/drop_in/usage.ts";
import { TestFolder } from "../../_images.ts";

interface Recorded {
  readonly usage: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly calls: readonly {
    readonly words: readonly string[];
    /** By name, with what holds where nothing was said. */
    readonly given?: Readonly<Record<string, string | number | boolean | null>>;
    readonly code?: number;
    readonly error?: string;
  }[];
}

const recorded: Record<string, Recorded> = JSON.parse(
  await Deno.readTextFile(new URL("./answers/argparse.json", import.meta.url)),
);

/** What holds where nothing was said, as the programs have it. */
const DEFAULTS: Readonly<Record<string, unknown>> = {
  log_level: "warning",
  processes_nb: 1,
  ramp_seconds: 1,
  intern_cfg: "boss.cfg",
};

/** What was said, in the form of the programs. */
function answerOf(words: readonly string[], grammar: Grammar) {
  try {
    const given = parseArguments(words, grammar);
    if (given === "help") return { code: 0, error: "" };
    const named = grammar.options.map(({ long, kind }) => {
      const name = long.replaceAll("-", "_");
      // One flag of the program has another default than all others.
      const absent = kind === "flag" ? (long === "cancel" ? null : false) : null;
      return [name, given.values.get(long) ?? DEFAULTS[name] ?? absent];
    });
    return {
      given: { ...Object.fromEntries(named), config_file: given.positional ?? null },
    };
  } catch (error) {
    if (!(error instanceof ArgumentsError)) throw error;
    return { code: 2, error: `${grammar.program}: error: ${error.message}` };
  }
}

for (const grammar of [BOSS_INGEST, PREP_INGEST]) {
  const { usage, files = {}, calls } = recorded[grammar.program];
  Deno.test(`usage of ${grammar.program} is that of the program`, () => {
    equal(usageOf(grammar), usage);
    equal(helpOf(grammar).split("\n\n")[0], usage);
  });
  for (const { words, ...wanted } of calls) {
    Deno.test(`${grammar.program} ${words.join(" ")}: as the program reads it`, async () => {
      await using folder = await TestFolder.of({});
      const within = (text: string) => text.replace(/^@/gm, `@${folder.path}/`);
      for (const [name, text] of Object.entries(files)) {
        await folder.put(name, new TextEncoder().encode(within(text)));
      }
      const found = answerOf(
        words.map((word) => files[word.slice(1)] || word === "@no_such.txt" ? within(word) : word),
        grammar,
      );
      if (words[0] !== "@no_such.txt") return deepEqual(found, wanted);
      equal(found.code, 2);
      ok(found.error!.includes("no_such.txt") && wanted.error!.includes("no_such.txt"));
    });
  }
}

Deno.test("flags that the program does not have are no answer to a prefix", () => {
  const given = parseArguments(["--host", "h:1", "-c", "-j", "1"], BOSS_INGEST);
  ok(given !== "help");
  equal(given.text("host"), "h:1");
  equal(parseArguments(["--h"], BOSS_INGEST), "help");
  throws(() => parseArguments(["--hos", "h:1"], BOSS_INGEST), /unrecognized arguments: --hos$/);
});

Deno.test("a flag that may be given more than once keeps all of its values", () => {
  const words = ["--grant-net", "a.lab", "--grant-net=b.lab:8443", "--spool", "x", "--spool", "y"];
  const given = parseArguments(words, BOSS_INGEST);
  ok(given !== "help");
  deepEqual([given.text("grant-net"), given.text("spool")], ["a.lab\nb.lab:8443", "y"]);
});

Deno.test("words that are not understood are named without what may be a token", () => {
  const token = "0123456789abcdef0123456789abcdef01234567";
  for (const words of [["a.json", token], [`--api_token=${token}`], ["--apitoken", token]]) {
    const { error } = answerOf(["a.json", ...words], BOSS_INGEST);
    ok(error!.includes("unrecognized arguments"), error);
    ok(!error!.includes(token), error);
  }
  const { error } = answerOf(["--log=secret", "a.json"], BOSS_INGEST);
  ok(!error!.includes("secret"), error);
});
