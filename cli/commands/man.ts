/**
 * `sluice man`.
 * @module
 */
import { join } from "node:path";
import { messageOf, SluiceError } from "../../core/errors.ts";
import { type Command, type Context, EXIT } from "../command.ts";
import { TREE } from "../commands.ts";
import { valueOf } from "../job_options.ts";
import { manualName, manualPage } from "../man.ts";
import { type Call, CallError, parseCall } from "../parse.ts";
import { plural } from "../text.ts";

/** Prints a manual page, or writes all of them. */
export async function run({ words, flags }: Call, { output }: Context): Promise<number> {
  const name = words.get("command") ?? [];
  const folder = valueOf(flags, "output");
  const command = await findCommand(name);
  if (folder === undefined) {
    const page = manualPage(TREE, command);
    output.report({ name: manualName(command), page }, page.trimEnd());
    return EXIT.done;
  }
  const files = (name.length > 0 ? [command] : [undefined, ...TREE.commands]).map((one) => ({
    path: join(folder, `${manualName(one)}.1`),
    page: manualPage(TREE, one),
  }));
  try {
    await Deno.mkdir(folder, { recursive: true });
    for (const { path, page } of files) await Deno.writeTextFile(path, page);
  } catch (error) {
    throw new SluiceError(
      `Cannot write manual pages to "${folder}": ${messageOf(error)}; give --output another folder`,
      { cause: error },
    );
  }
  output.report(
    { files: files.map(({ path }) => path) },
    `Wrote ${plural(files.length, "manual page")} to "${folder}"`,
  );
  return EXIT.done;
}

async function findCommand(name: readonly string[]): Promise<Command | undefined> {
  const call = await parseCall([...name, "--help"], TREE);
  if (call.command === undefined && call.group !== undefined) {
    throw new CallError(
      `Cannot find a manual page of "${call.group}" alone: name a command, as \`sluice help ${call.group}\` lists them`,
      "man",
    );
  }
  return call.command;
}
