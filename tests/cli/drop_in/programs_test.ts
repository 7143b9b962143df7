/** The table of programs: every one of them loads, is found, and is told of. */
import { equal, match, ok, rejects } from "node:assert/strict";
import { TREE } from "../../../cli/commands.ts";
import { DROP_INS, findDropIn } from "../../../cli/drop_in/programs.ts";
import { treeHelp } from "../../../cli/help.ts";
import { manualPage } from "../../../cli/man.ts";
import { parseCall } from "../../../cli/parse.ts";

for (const program of DROP_INS) {
  Deno.test(`${program.name} loads, and is told of wherever commands are`, async () => {
    equal(findDropIn(program.name), program);
    const { help, run } = await program.load();
    match(help(), new RegExp(`^usage: ${program.name} \\[-h\\]`));
    equal(typeof run, "function");
    const words = ["In place of other programs", program.name, program.summary];
    for (const word of words) {
      ok(treeHelp(TREE, { columns: 200 }).includes(word), word);
      ok(manualPage(TREE).replaceAll("\\-", "-").includes(word), word);
    }
    ok(TREE.commands.every(({ name }) => name !== program.name));
  });
}

for (
  const [typed, meant] of [
    ["boss_ingest", "boss-ingest"],
    ["bossingest", "boss-ingest"],
    ["prep-ingest", "prep_ingest"],
    ["boss-ingst", "boss-ingest"],
  ]
) {
  Deno.test(`sluice ${typed} is answered with the program that was meant`, async () => {
    equal(findDropIn(typed), undefined);
    await rejects(parseCall([typed], TREE), new RegExp(`did you mean "sluice ${meant}"`));
  });
}
