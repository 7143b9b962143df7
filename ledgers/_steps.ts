/**
 * Transactions as generators of statements, so that the same lines run on a database that answers at once (SQLite)
 * and on one that answers over a connection.
 * @module
 */

/** What a column holds. Booleans are 0 and 1; "none" is 0 or the empty text. */
export type SqlValue = number | string;

/** One thing that a transaction asks for. */
export type Step =
  | { readonly kind: "query" | "command"; readonly sql: string; readonly values: SqlValue[] }
  /** Something outside the database that must be done before the transaction is committed. */
  | { readonly kind: "call"; readonly run: () => unknown };

/** The steps of a transaction, and what it returns. */
export type Steps<Result> = Generator<Step, Result, unknown>;

/** Asks for rows. Placeholders are `?`. */
export function* query<Row>(sql: string, ...values: SqlValue[]): Steps<Row[]> {
  return (yield { kind: "query", sql, values }) as Row[];
}

/** Changes rows. */
export function* command(sql: string, ...values: SqlValue[]): Steps<void> {
  yield { kind: "command", sql, values };
}

/** Does something outside the database; if it throws, the transaction is rolled back. */
export function* call(run: () => unknown): Steps<void> {
  yield { kind: "call", run };
}

/** Runs steps to their end with answers that come at once. */
export function runSteps<Result>(steps: Steps<Result>, answer: (step: Step) => unknown): Result {
  let next = steps.next();
  while (!next.done) next = steps.next(answer(next.value));
  return next.value;
}

/**
 * Runs steps on a database that answers later. Commands, whose answer nobody reads, are sent without waiting: a
 * transaction costs a way there and back for each query, and one for its end.
 * @param ask Sends a statement; in the order they were sent, statements take effect.
 */
export async function runStepsLater<Result>(
  steps: Steps<Result>,
  ask: (sql: string, values: readonly SqlValue[]) => Promise<unknown>,
): Promise<Result> {
  let sent: Promise<unknown>[] = [];
  const settle = async () => {
    const all = sent;
    sent = [];
    await Promise.all(all);
  };
  const answer = async (step: Step): Promise<unknown> => {
    if (step.kind === "call") {
      await settle();
      return step.run();
    }
    const asked = ask(step.sql, step.values);
    if (step.kind === "query") {
      await settle();
      return await asked;
    }
    // Whoever waits for it hears of its failure.
    asked.catch(() => {});
    sent.push(asked);
  };
  let next = steps.next();
  while (!next.done) next = steps.next(await answer(next.value));
  await settle();
  return next.value;
}
