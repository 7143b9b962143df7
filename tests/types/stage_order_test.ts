import { deepEqual, equal, match } from "node:assert/strict";
import { checkSnippets } from "./_check_snippets.ts";

const FEED = "sluice.pipeline(sluice.leaseTasks(ledger, { job: 1 }))";
const READ = "sluice.readSlabs(store, { sources, pool })";
const SPLIT = "sluice.splitChunks(layout)";
const UPLOAD = "sluice.upload(store, { pool, ledger })";
const INVERT = `sluice.mapBands("invert", ({ data }) => { data[0] = 1; })`;

/** Stages in a wrong order, and what the one in the wrong place takes and gets. */
const WRONG = {
  "decode() without resolvePaths()": {
    code: `${FEED}.through(sluice.decode({ pool }));`,
    takes: "ResolvedImages",
    gets: "undefined",
  },
  "mapBands() before anything was read": {
    code: `${FEED}.through(${INVERT});`,
    takes: "Slab",
    gets: "undefined",
  },
  "mapBands() after splitChunks()": {
    code: `${FEED}.through(${READ}).through(${SPLIT}).through(${INVERT});`,
    takes: "Slab",
    gets: "ChunkedSlab",
  },
  "buildScales() after splitChunks()": {
    code:
      `${FEED}.through(${READ}).through(${SPLIT}).through(sluice.buildScales(layout, { pool }));`,
    takes: "Slab",
    gets: "ChunkedSlab",
  },
  "upload() without splitChunks()": {
    code: `${FEED}.through(${READ}).through(${UPLOAD});`,
    takes: "ChunkedSlab",
    gets: "Slab",
  },
  "splitChunks() after upload()": {
    code: `${FEED}.through(${READ}).through(${SPLIT}).through(${UPLOAD}).through(${SPLIT});`,
    takes: "Slab",
    gets: "Receipt",
  },
  "a stage of one's own on another type": {
    code:
      `${FEED}.through(sluice.stage("count", () => 1)).through(sluice.stage("spell", (word: string) => word.length));`,
    takes: "string",
    gets: "number",
  },
} as const;

/** Scripts without an annotation, each with what it hands on at the end. */
const INFERRED = {
  "the whole pipeline": `
    const run = ${FEED}.through(${READ}).through(${INVERT})
      .through(sluice.buildScales(layout, { pool })).through(${SPLIT}).through(${UPLOAD});
    for await (const { task, value } of run) await ledger.acknowledge(task.lease, [value]);
    isA<sluice.Pipeline<sluice.Receipt>>()(run);`,
  "images that are resolved, then decoded": `
    const run = ${FEED}.through(sluice.resolvePaths(sources)).through(sluice.decode({ pool }));
    for await (const { value } of run) isA<sluice.Slab>()(value);`,
  "a stage in place knows what it gets": `
    const run = ${FEED}.through(${READ})
      .through(sluice.stage("measure", (slab) => sluice.boxVolume(slab.box)))
      .through(sluice.stage("halve", (voxels) => voxels / 2))
      .through(sluice.stage("name", (half, { task }) => \`\${task.index}: \${half.toFixed(1)}\`));
    for await (const { value } of run) isA<string>()(value);`,
  "a stage that takes anything": `
    const run = ${FEED}.through(${READ})
      .through(sluice.stage("number", (_: unknown, { task }) => task.index))
      .through(sluice.stage("double", (index) => index * 2));
    for await (const { value } of run) isA<number>()(value);`,
  "a stage that is a bare function": `
    const run = ${FEED}.through(${READ}).through((slabs) => slabs).through(${SPLIT});
    for await (const { value } of run) isA<sluice.ChunkedSlab>()(value);`,
  "the work of a stage that is late": `
    const run = ${FEED}.through(sluice.stage("wait", async () => await Promise.resolve(7)))
      .through(sluice.stage("double", (seven) => seven * 2));
    for await (const { value } of run) isA<number>()(value);`,
  "a function that takes any pipeline": `
    const same = <T>(run: sluice.Pipeline<T>) =>
      run.through(sluice.stage("look at", (value: T) => value));
    const count = <T>(run: sluice.Pipeline<T>) =>
      run.through(sluice.stage("count", () => 1)).through(sluice.stage("double", (n) => n * 2));
    isA<sluice.Pipeline<sluice.Slab>>()(same(${FEED}.through(${READ})));
    isA<sluice.Pipeline<number>>()(count(${FEED}));`,
  "a stage that may be there or not": `
    const own = Math.random() > 0.5 ? ${INVERT} : undefined;
    const run = ${FEED}.through(${READ}).through(own ?? ((slabs) => slabs)).through(${SPLIT});
    isA<sluice.Pipeline<sluice.ChunkedSlab>>()(run);`,
  "an array source in the place of images": `
    const source = sluice.arraySource({ name: "", size: [1, 1, 1], dtype: "uint8" }, (box, voxels) => {
      voxels[0] = box.min[0];
    });
    const run = ${FEED}.through(sluice.readSlabs(store, { sources: source, pool })).through(${SPLIT});
    isA<sluice.Pipeline<sluice.ChunkedSlab>>()(run);`,
  "a stage that is tested alone": `
    const [half] = await testing.runStage(sluice.stage("halve", (n: number) => n / 2), [7]);
    isA<number>()(half);`,
};

/** Other mistakes, and what the compiler says of them. */
const MISTAKEN = {
  "a property that what it gets does not have": {
    code: `${FEED}.through(${READ}).through(sluice.stage("measure", (slab) => slab.width));`,
    says: /Property 'width' does not exist on type 'Slab'/,
  },
  "a type that is taken for another": {
    code: `isA<string>()(JSON.parse("7"));`,
    says: /Expected 2 arguments, but got 1/,
  },
  "a value of another type in runStage()": {
    code: `testing.runStage(sluice.stage("spell", (word: string) => word.length), [1]);`,
    says: /Type 'number' is not assignable to type 'string'/,
  },
  "a task that is acknowledged with something else than a receipt": {
    code: `
      const run = ${FEED}.through(${READ});
      for await (const { task, value } of run) await ledger.acknowledge(task.lease, [value]);`,
    says: /Type 'Slab' is missing the following properties from type 'Receipt'/,
  },
};

const found = await checkSnippets({
  ...Object.fromEntries(
    Object.entries(WRONG).map((
      [name, { code }],
    ) => [name, code.replaceAll(".through", "\n.through")]),
  ),
  ...INFERRED,
  ...Object.fromEntries(Object.entries(MISTAKEN).map(([name, { code }]) => [name, code])),
});

for (const [name, { takes, gets }] of Object.entries(WRONG)) {
  Deno.test(`${name} does not compile, and the error says what it takes and what it gets`, () => {
    equal(found[name].length, 1, found[name].join("\n"));
    const sentence = `{ "This stage takes": ${takes}; "but the one before it hands on": ${gets}; }`;
    // All of it: which stage, what is wrong with it, the line of the script with the stage underlined, and where.
    const [stage, wrong, line, underlined, where, ...more] = found[name][0].trim().split("\n");
    match(stage, /^TS2345 \[ERROR\]: Argument of type 'Stage</);
    equal(wrong.endsWith(`is not assignable to type '${sentence}'.`), true, found[name][0]);
    match(line, /\.through\(/);
    match(underlined, /^ *~+$/);
    match(where, /snippet/);
    deepEqual(more, []);
  });
}

for (const name of Object.keys(INFERRED)) {
  Deno.test(`types are inferred without an annotation: ${name}`, () => deepEqual(found[name], []));
}

for (const [name, { says }] of Object.entries(MISTAKEN)) {
  Deno.test(`a mistake is found where it is: ${name}`, () => {
    equal(found[name].length, 1, found[name].join("\n"));
    match(found[name][0], says);
  });
}
