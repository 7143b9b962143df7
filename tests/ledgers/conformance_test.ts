import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { RangeRow } from "../../ledgers/_ranges.ts";
import { openMemoryLedger } from "../../ledgers/memory_ledger.ts";
import type { Ledger } from "../../ledgers/ledger.ts";
import { openPostgresLedger } from "../../ledgers/postgres_ledger.ts";
import { openSqliteLedger } from "../../ledgers/sqlite_ledger.ts";
import type { LedgerKind } from "./_bench.ts";
import { OwnSchema, SERVER } from "./_postgres.ts";
import { conform } from "./conformance.ts";

const kinds: LedgerKind[] = [
  {
    name: "memory",
    runs: 40,
    async open(options) {
      const ledger = await openMemoryLedger(options);
      return {
        ledger,
        again: () => Promise.resolve({ ledger, [Symbol.asyncDispose]: () => Promise.resolve() }),
        [Symbol.asyncDispose]: () => ledger[Symbol.asyncDispose](),
      };
    },
  },
  {
    name: "sqlite",
    runs: 60,
    async open(options) {
      const folder = await Deno.makeTempDir();
      const path = join(folder, "jobs.db");
      const ledger = await openSqliteLedger(path, options);
      const reader = new DatabaseSync(path, { readOnly: true });
      const select = reader.prepare(
        `SELECT first_task AS "first", end_task AS "end", phase, state, attempts, lapses, fence,
           reason, died FROM task_range WHERE job = ? ORDER BY first_task`,
      );
      return {
        ledger,
        receipts: join(folder, "receipts"),
        rows: (job) => select.all(job) as unknown as RangeRow[],
        async again() {
          const other = await openSqliteLedger(path, options);
          return { ledger: other, [Symbol.asyncDispose]: () => other[Symbol.asyncDispose]() };
        },
        async [Symbol.asyncDispose]() {
          reader.close();
          await ledger[Symbol.asyncDispose]();
          await Deno.remove(folder, { recursive: true });
        },
      };
    },
  },
];

if (SERVER !== undefined) {
  kinds.push({
    name: "postgres",
    runs: 40,
    async open(options) {
      const schema = await OwnSchema.make(SERVER!);
      const folder = await Deno.makeTempDir();
      const open = () => openPostgresLedger(schema.url, options);
      const close = async () => {
        await schema[Symbol.asyncDispose]();
        await Deno.remove(folder, { recursive: true });
      };
      let ledger: Ledger;
      try {
        ledger = await open();
      } catch (error) {
        await close();
        throw error;
      }
      return {
        ledger,
        receipts: join(folder, "receipts"),
        rows: (job) =>
          schema.ask<RangeRow>(
            `SELECT first_task AS "first", end_task AS "end", phase, state, attempts, lapses,
               fence, reason, died FROM $.task_range WHERE job = ${job} ORDER BY first_task`,
          ),
        async again() {
          const other = await open();
          return { ledger: other, [Symbol.asyncDispose]: () => other[Symbol.asyncDispose]() };
        },
        async [Symbol.asyncDispose]() {
          await ledger[Symbol.asyncDispose]();
          await close();
        },
      };
    },
  });
}

for (const kind of kinds) conform(kind);
