/** Questions, and answers that come in pieces, late, or not at all. */
import { deepEqual, equal, rejects } from "node:assert/strict";
import { Prompts } from "../../../cli/drop_in/prompts.ts";

const never = new AbortController().signal;

/** An input of pieces; where there are no more it is over, or stays open. */
function input(pieces: readonly string[], end: "over" | "open" = "over") {
  const left = pieces.map((piece) => new TextEncoder().encode(piece));
  return {
    read(into: Uint8Array): Promise<number | null> {
      const piece = left.shift();
      if (piece === undefined) {
        return end === "over" ? Promise.resolve(null) : new Promise(() => {});
      }
      into.set(piece);
      return Promise.resolve(piece.length);
    },
  };
}

function prompts(...given: Parameters<typeof input>) {
  const said: string[] = [];
  return { said, prompts: new Prompts({ input: input(...given), say: (text) => said.push(text) }) };
}

for (
  const [answer, wanted] of [["y\n", true], ["Y\r\n", true], ["n\n", false], ["N", false]] as const
) {
  Deno.test(`ask() takes ${JSON.stringify(answer)} for ${wanted ? "yes" : "no"}`, async () => {
    const { prompts: one, said } = prompts([answer]);
    equal(await one.ask("Sure? (y/n): ", never), wanted);
    deepEqual(said, ["Sure? (y/n): "]);
  });
}

Deno.test("ask() asks again until it is y or n, and keeps lines for later questions", async () => {
  const { prompts: one, said } = prompts(["ye", "s\n\ny ", "\nn\ny\n"]);
  equal(await one.ask("A? ", never), false);
  equal(await one.ask("B? ", never), true);
  const again = "Enter 'y' or 'n' for 'yes' or 'no'\n";
  deepEqual(said, ["A? ", again, "A? ", again, "A? ", again, "A? ", "B? "]);
});

Deno.test("ask() fails where nobody answers, and says what would", async () => {
  const { prompts: one } = prompts(["maybe\n"]);
  await rejects(
    one.ask("\nStart? (y/n): ", never),
    /^SluiceError: Cannot ask "Start\? \(y\/n\):": the input is over; .*--force$/,
  );
});

Deno.test("ask() that is given up leaves what is read to the next question", async () => {
  const gate = Promise.withResolvers<void>();
  const source = input(["y\n"]);
  const one = new Prompts({
    input: {
      async read(into) {
        await gate.promise;
        return await source.read(into);
      },
    },
    say: () => {},
  });
  const reason = new Error("no time");
  const stop = new AbortController();
  const asked = one.ask("A? ", stop.signal);
  stop.abort(reason);
  await rejects(asked, (error) => error === reason);
  gate.resolve();
  equal(await one.ask("B? ", never), true);
});
