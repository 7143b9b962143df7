/**
 * What the compiler says of pieces of a script.
 * @module
 */
import { join } from "node:path";
import { withFolder } from "../_stack.ts";

const MOD = new URL("../../mod.ts", import.meta.url).href;
const TESTING = new URL("../../testing.ts", import.meta.url).href;

/** What every snippet may name. */
const HEAD = `
import * as sluice from ${JSON.stringify(MOD)};
import * as testing from ${JSON.stringify(TESTING)};
declare const ledger: sluice.Ledger;
declare const pool: sluice.WorkerPool;
declare const store: sluice.Volume;
declare const sources: sluice.SourceList;
declare const layout: sluice.Layout;
type Same<A, B> = (<X>() => X extends A ? 1 : 2) extends (<X>() => X extends B ? 1 : 2) ? [] : [never];
/** Compiles where a value has this very type: not where it is \`any\`. */
const isA = <T>() => <U>(_value: U, ..._same: Same<T, U>) => {};
void [isA, sluice, testing, ledger, pool, store, sources, layout];
`;

/** What the compiler finds wrong in each snippet: nothing where it compiles. All are checked in one go. */
export async function checkSnippets(
  snippets: Readonly<Record<string, string>>,
): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  await withFolder(async (folder) => {
    const names = Object.keys(snippets);
    const paths = names.map((_, i) => join(folder, `snippet_${i}.ts`));
    for (const [i, name] of names.entries()) {
      await Deno.writeTextFile(paths[i], `${HEAD}${snippets[name]}\nexport {};\n`);
    }
    const { stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--quiet", "--no-config", "--no-lock", ...paths],
      cwd: folder,
      env: { NO_COLOR: "1" },
    }).output();
    const said = new TextDecoder().decode(stderr);
    const errors = said.split(/^(?=TS\d+ \[ERROR\]: \S|Found \d+ errors)/m).filter((text) =>
      text.startsWith("TS")
    );
    for (const [i, name] of names.entries()) {
      found[name] = errors.filter((text) => text.includes(`/snippet_${i}.ts:`));
    }
    const assigned = Object.values(found).flat().length;
    // What belongs to no snippet is wrong with the check itself.
    if (assigned !== errors.length || (errors.length === 0 && said !== "")) throw new Error(said);
  });
  return found;
}
