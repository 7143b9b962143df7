import { deepEqual, equal } from "node:assert/strict";
import { join } from "node:path";
import type { Receipt } from "../../core/receipt.ts";
import { formatReceipt, parseReceipt } from "../../ledgers/_receipt_line.ts";
import { readReceipts, ReceiptLog } from "../../ledgers/receipt_log.ts";
import { makeReceipt } from "./_plan.ts";

async function inFolder(run: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await run(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function byTask(receipts: Receipt[]): Receipt[] {
  return receipts.sort((a, b) => a.task - b.task);
}

const FULL: Receipt = {
  task: 1_000_000_000,
  fence: 1_767_312_000_000_123,
  units: [
    { unit: "0/0.0.2.1.0", bytes: 7, crc: 0xffffffff, voxels: 0x80000000, min: 3, max: 65535 },
    { unit: "1/0.0.1.0.0", bytes: 0, crc: 0, voxels: 9, min: "0", max: "18446744073709551615" },
  ],
  losses: [
    {
      image: 'a "b"\n.png',
      kind: "broken",
      box: { min: [1, 2, 3, 0, 0], max: [4, 6, 8, 1, 1] },
      reason: "It ends early",
    },
  ],
  sources: 4_000_000_000,
};

Deno.test("formatReceipt() is one short line, and parseReceipt() reads it back", () => {
  equal(formatReceipt({ task: 7, fence: 2, units: [], losses: [] }), '{"t":7,"f":2,"u":[]}');
  equal(
    formatReceipt(FULL),
    '{"t":1000000000,"f":1767312000000123,"u":[["0/0.0.2.1.0",7,4294967295,2147483648,3,65535],' +
      '["1/0.0.1.0.0",0,0,9,"0","18446744073709551615"]],' +
      '"l":[["a \\"b\\"\\n.png","broken",[1,2,3,0,0],[4,6,8,1,1],"It ends early"]],"s":4000000000}',
  );
  deepEqual(parseReceipt(formatReceipt(FULL)), FULL);
  for (const torn of ["", "null", "7", "{}", formatReceipt(FULL).slice(0, -1)]) {
    equal(parseReceipt(torn), undefined, torn);
  }
});

Deno.test("readReceipts() gives the highest fence of each task, over all files", () =>
  inFolder(async (dir) => {
    using a = new ReceiptLog(dir, "a");
    using b = new ReceiptLog(join(dir), "b");
    a.append([makeReceipt(0, 1), makeReceipt(1, 1), makeReceipt(2, 9)]);
    b.append([makeReceipt(1, 5, 1), makeReceipt(2, 3)]);
    a.append([makeReceipt(1, 4), FULL]);
    b.append([]);
    await Deno.writeTextFile(join(dir, "notes.txt"), formatReceipt(makeReceipt(99, 1)));
    deepEqual(byTask(await Array.fromAsync(readReceipts(dir))), [
      makeReceipt(0, 1),
      makeReceipt(1, 5, 1),
      makeReceipt(2, 9),
      FULL,
    ]);
  }));

Deno.test("readReceipts() of a folder that is not there gives none", () =>
  inFolder(async (dir) => {
    deepEqual(await Array.fromAsync(readReceipts(join(dir, "none"))), []);
  }));

Deno.test("a torn line is passed over wherever it was cut, and the next starts anew", () =>
  inFolder(async (dir) => {
    const line = new TextEncoder().encode(formatReceipt(makeReceipt(5, 1, 1)) + "\n");
    for (let cut = 0; cut <= line.length; cut++) {
      const name = `cut-${cut}`;
      const path = join(dir, name, "log.jsonl");
      const lone = makeReceipt(4, 1);
      {
        using log = new ReceiptLog(join(dir, name), "log");
        log.append([lone]);
        equal(log.path, path);
      }
      await Deno.writeFile(path, line.subarray(0, cut), { append: true });
      // A line that lacks only its end is whole.
      const torn = cut < line.length - 1 ? [] : [makeReceipt(5, 1, 1)];
      deepEqual(byTask(await Array.fromAsync(readReceipts(join(dir, name)))), [lone, ...torn]);
      {
        using log = new ReceiptLog(join(dir, name), "log");
        log.append([makeReceipt(6, 2)]);
        log.append([makeReceipt(7, 2)]);
      }
      deepEqual(byTask(await Array.fromAsync(readReceipts(join(dir, name)))), [
        lone,
        ...torn,
        makeReceipt(6, 2),
        makeReceipt(7, 2),
      ]);
    }
  }));

Deno.test("readReceipts() reads lines longer than its buffer, with letters of many bytes across it", () =>
  inFolder(async (dir) => {
    const long: Receipt = {
      ...makeReceipt(1, 1, 1),
      losses: [{ ...FULL.losses[0], image: "Präparat€𝛼".repeat(40_000) }],
    };
    {
      using log = new ReceiptLog(dir, "a");
      log.append([makeReceipt(0, 1), long, makeReceipt(2, 1)]);
    }
    deepEqual(await Array.fromAsync(readReceipts(dir)), [
      makeReceipt(0, 1),
      long,
      makeReceipt(2, 1),
    ]);
  }));

Deno.test("readReceipts() does not see what is appended meanwhile", () =>
  inFolder(async (dir) => {
    using log = new ReceiptLog(dir, "a");
    log.append([makeReceipt(0, 1), makeReceipt(1, 1)]);
    const reader = readReceipts(dir);
    deepEqual((await reader.next()).value, makeReceipt(0, 1));
    log.append([makeReceipt(1, 9), makeReceipt(2, 1)]);
    deepEqual(await Array.fromAsync(reader), [makeReceipt(1, 1)]);
  }));

Deno.test("tasks far apart and above 2^32 are told apart", () =>
  inFolder(async (dir) => {
    const tasks = [0, 7, 8, 65535, 65536, 2 ** 32, 2 ** 32 + 1, 2 ** 52];
    using log = new ReceiptLog(dir, "a");
    log.append(tasks.map((task) => ({ task, fence: 1, units: [], losses: [] })));
    deepEqual((await Array.fromAsync(readReceipts(dir))).map(({ task }) => task), tasks);
  }));
