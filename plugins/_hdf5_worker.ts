/// <reference lib="deno.worker" />
/** The thread that looks up names in one HDF5 file. */
import { messageOf } from "../core/errors.ts";
import { readAt } from "./_hdf5_file.ts";
import { type Hdf5Names, openNames } from "./_hdf5_library.ts";
import type { Answer, Question } from "./_hdf5_tree.ts";

let names: Hdf5Names | undefined;

self.onmessage = async ({ data }: MessageEvent<Question>) => {
  try {
    self.postMessage({ value: await answer(data) } satisfies Answer);
  } catch (error) {
    self.postMessage({ fault: messageOf(error) } satisfies Answer);
  }
};

async function answer(question: Question): Promise<unknown> {
  if (question.kind === "open") {
    // It is closed with the thread.
    const file = Deno.openSync(question.path);
    const { size } = file.statSync();
    const read = (from: number, into: Uint8Array) => into.set(readAt(file, from, into.length));
    names = await openNames(read, size);
    return undefined;
  }
  if (names === undefined) throw new Error("no file is open");
  switch (question.kind) {
    case "list":
      return names.list();
    case "find":
      return names.find(question.path);
    case "describe":
      return names.describe(question.path, question.names);
    default:
      return question satisfies never;
  }
}
