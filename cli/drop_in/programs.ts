/**
 * Programs in whose place sluice can be called: the first word is their name, all others are theirs.
 * @module
 */

/** What carries a program out. */
export interface DropInModule {
  /** @returns The exit code. */
  run(words: readonly string[]): Promise<number>;
  /** What its `--help` prints. */
  help(): string;
}

/** A program. */
export interface DropIn {
  /** The first word, as it is typed. */
  readonly name: string;
  /** One line, a verb first, no full stop. */
  readonly summary: string;
  /** Loads what carries it out. */
  readonly load: () => Promise<DropInModule>;
}

/** All of them. */
export const DROP_INS: readonly DropIn[] = [
  {
    name: "boss-ingest",
    summary: "Create, join or cancel an ingest job of a Boss",
    load: () => import("./boss_ingest.ts"),
  },
  {
    name: "prep_ingest",
    summary: "Create the collection, experiment and channel of an ingest job",
    load: () => import("./prep_ingest.ts"),
  },
];

/** The program of this name. */
export function findDropIn(name: string | undefined): DropIn | undefined {
  return DROP_INS.find((program) => program.name === name);
}
