/**
 * The help of every command, as it is printed.
 *
 * `SLUICE_UPDATE=1 deno test -A tests/cli/help_test.ts` writes `tests/cli/__snapshots__` anew.
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import { TREE } from "../../cli/commands.ts";
import { commandHelp, treeHelp } from "../../cli/help.ts";

const folder = new URL("./__snapshots__/", import.meta.url);
const helps = new Map([
  ["sluice", treeHelp(TREE, {})],
  ...TREE.commands.map((command) => [command.name, commandHelp(command, TREE, {})] as const),
]);

for (const [name, help] of helps) {
  Deno.test(`help of ${name}`, async () => {
    const path = new URL(`${name}.txt`, folder);
    if (Deno.env.get("SLUICE_UPDATE")) {
      await Deno.mkdir(folder, { recursive: true });
      await Deno.writeTextFile(path, `${help}\n`);
    }
    equal(`${help}\n`, await Deno.readTextFile(path));
  });
}

Deno.test("every snapshot is of a command", async () => {
  const files = await Array.fromAsync(Deno.readDir(folder), (entry) => entry.name);
  deepEqual(files.sort(), [...helps.keys()].map((name) => `${name}.txt`).sort());
});

Deno.test("help keeps to the columns there are", () => {
  for (const command of TREE.commands) {
    for (const columns of [60, 80, 100]) {
      const [prose] = commandHelp(command, TREE, { columns }).split("\nExample");
      for (const line of prose.split("\n")) ok(line.length <= columns, `${columns}: ${line}`);
    }
  }
});
