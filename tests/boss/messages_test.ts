import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import {
  asciiJson,
  cuboidMetadata,
  cuboidObjectMetadata,
  metadataBytes,
  MOST_METADATA_BYTES,
  parametersOf,
  parseExactly,
  parseUploadMessage,
  tileMetadata,
  tileObjectMetadata,
} from "../../boss/messages.ts";
import { fc } from "../_fast_check.ts";

const CHUNK = "0e5e6b38f6b3e074fafbe9eae4c6307c&16&4&5&6&0&0&0&1&0";
const TILE = "c9edd1becd797415aba46ad5869fea53&4&5&6&0&0&0&17&0";

/** As the server writes it: spaces, numbers as Python has them, keys that are not passed on. */
const JOIN = `{"ingest_job": {"id": 42, "status": 1, "ingest_queue": "https://q/ingest-42", ` +
  `"upload_queue": "https://q/upload-42", "tile_count": 3200}, "credentials": {"access_key": "A"}, ` +
  `"KVIO_SETTINGS": {"cache_host": "c", "cache_db": 0, "read_timeout": 1209600}, ` +
  `"STATEIO_CONFIG": {}, "resource": {"boss_key": "caf\\u00e9&e&c", "coord_frame": {"x_voxel_size": 4.0, "z": 1e-05}}, ` +
  `"OBJECTIO_CONFIG": {"id_index_new_chunk_threshold": "9007199254740993", "n": 9007199254740993}, ` +
  `"ingest_lambda": "deprecated"}`;
const PARAMETERS = `{"upload_queue":"https://q/upload-42","ingest_queue":"https://q/ingest-42",` +
  `"KVIO_SETTINGS":{"cache_host":"c","cache_db":0,"read_timeout":1209600},"STATEIO_CONFIG":{},` +
  `"OBJECTIO_CONFIG":{"id_index_new_chunk_threshold":"9007199254740993","n":9007199254740993},` +
  `"resource":{"boss_key":"caf\\u00e9&e&c","coord_frame":{"x_voxel_size":4.0,"z":1e-05}}}`;

Deno.test("parametersOf() gives back what the server said, in the order of old clients and to the last digit", () => {
  equal(parametersOf(JOIN), PARAMETERS);
  equal(
    parametersOf(`{"ingest_job":{"upload_queue":"u","ingest_queue":null},"resource":{}}`),
    `{"upload_queue":"u","ingest_queue":null,"resource":{}}`,
  );
});

Deno.test("a tile's metadata is compact, in the order of old clients", () => {
  const parameters = parametersOf(JOIN);
  const made = { chunkKey: CHUNK, tileKey: TILE, job: 42, parameters, size: [512, 256] } as const;
  const metadata = tileMetadata(made);
  equal(
    metadata,
    `{"chunk_key":"${CHUNK}","tile_key":"${TILE}","ingest_job":42,"parameters":${PARAMETERS},"x_size":512,"y_size":256}`,
  );
  deepEqual(tileObjectMetadata({ id: "m-1", receiptHandle: "r" }, metadata), {
    message_id: "m-1",
    receipt_handle: "r",
    metadata,
  });
});

Deno.test("a cuboid's metadata is compact, in the order of old clients, and the only name", () => {
  const parameters = parametersOf(`{"ingest_job":{"upload_queue":"u","ingest_queue":null}}`);
  const metadata = cuboidMetadata({ job: 42, chunkKey: CHUNK, parameters });
  equal(
    metadata,
    `{"ingest_job":42,"chunk_key":"${CHUNK}","parameters":{"upload_queue":"u","ingest_queue":null}}`,
  );
  deepEqual(cuboidObjectMetadata(metadata), { metadata });
});

Deno.test("T3: the number of a job goes out as an integer, whoever gave it as text", () => {
  const parameters = parametersOf("{}");
  match(cuboidMetadata({ job: 42, chunkKey: CHUNK, parameters }), /^\{"ingest_job":42,/);
  for (const job of ["42" as unknown as number, 4.5, NaN]) {
    throws(() => cuboidMetadata({ job, chunkKey: CHUNK, parameters }), RangeError);
    const size = [512, 512] as const;
    throws(() => tileMetadata({ job, chunkKey: CHUNK, tileKey: TILE, parameters, size }));
  }
});

Deno.test("T26: metadata is ASCII whatever its text, says the same, and is counted as S3 counts it", () => {
  equal(asciiJson({ é: "\u007f€😀\n" }), '{"\\u00e9":"\\u007f\\u20ac\\ud83d\\ude00\\n"}');
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    const text = asciiJson(value);
    ok(/^[\x20-\x7e]*$/.test(text));
    deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
    equal(asciiJson(parseExactly(text)), text);
  }));
  equal(metadataBytes({ metadata: "12", message_id: "345" }), 8 + 2 + 10 + 3);
  equal(MOST_METADATA_BYTES, 2048);
});

const TILE_MESSAGE = {
  job_id: 42,
  upload_queue_arn: "https://q/upload-42",
  ingest_queue_arn: "https://q/ingest-42",
  chunk_key: CHUNK,
  tile_key: TILE,
};
const CHUNK_MESSAGE = {
  chunk_key: "80bb7a7a149fe24b2a7d1ef8d61b35f4&1&1&2&3&0&1&0&2&0",
  cuboids: [
    { x: 0, y: 0, z: 0, key: "871639ac69a8d613b35e5b72235c7500&1&2&3&0&0&2056" },
    { x: 512, y: 512, z: 48, key: "b8955362c7ca77f07bac78680f7d7dac&1&2&3&0&0&2095" },
  ],
};

Deno.test("parseUploadMessage() reads what a tile job wants", () => {
  const ids = { collection: 4, experiment: 5, channel: 6, resolution: 0 };
  deepEqual(parseUploadMessage(JSON.stringify(TILE_MESSAGE), "tile"), {
    kind: "tile",
    chunkKey: CHUNK,
    chunk: { numTiles: 16, ...ids, x: 0, y: 0, z: 1, t: 0 },
    tileKey: TILE,
    tile: { ...ids, x: 0, y: 0, z: 17, t: 0 },
  });
});

Deno.test("parseUploadMessage() reads what a volumetric job wants", () => {
  const ids = { collection: 1, experiment: 2, channel: 3, resolution: 0 };
  deepEqual(parseUploadMessage(JSON.stringify(CHUNK_MESSAGE), "volumetric"), {
    kind: "volumetric",
    chunkKey: CHUNK_MESSAGE.chunk_key,
    chunk: { numTiles: 1, ...ids, x: 1, y: 0, z: 2, t: 0 },
    cuboids: [
      {
        key: CHUNK_MESSAGE.cuboids[0].key,
        cuboid: { ...ids, t: 0, morton: 2056n },
        offset: [0, 0, 0],
      },
      {
        key: CHUNK_MESSAGE.cuboids[1].key,
        cuboid: { ...ids, t: 0, morton: 2095n },
        offset: [512, 512, 48],
      },
    ],
  });
});

Deno.test("T41: the job says of which kind a message is, never the message", () => {
  const both = JSON.stringify({ ...TILE_MESSAGE, cuboids: CHUNK_MESSAGE.cuboids });
  equal(parseUploadMessage(both, "tile").kind, "tile");
  equal(parseUploadMessage(both, "volumetric").kind, "volumetric");
  throws(() => parseUploadMessage(JSON.stringify(CHUNK_MESSAGE), "tile"), {
    kind: "corrupt",
    message: /as one of a tile job: it has no "tile_key"/,
  });
  throws(() => parseUploadMessage(JSON.stringify(TILE_MESSAGE), "volumetric"), {
    kind: "corrupt",
    message: /as one of a volumetric job: it has no "cuboids"/,
  });
});

Deno.test("T14: a message that is none is an error to count, not the end of a worker", () => {
  const broken = [
    "",
    "null",
    "[]",
    "42",
    "{}",
    `{"chunk_key":5}`,
    JSON.stringify({ ...TILE_MESSAGE, tile_key: "x" }),
    JSON.stringify({ ...TILE_MESSAGE, chunk_key: TILE }),
  ];
  for (const body of broken) {
    throws(() => parseUploadMessage(body, "tile"), { name: "BossError", kind: "corrupt" }, body);
  }
  const cuboids = [{ x: 0, y: -1, z: 0, key: CHUNK_MESSAGE.cuboids[0].key }];
  for (const bad of [cuboids, [null], [{ x: 0, y: 0, z: 0 }], [], "x"]) {
    const body = JSON.stringify({ ...CHUNK_MESSAGE, cuboids: bad });
    throws(() => parseUploadMessage(body, "volumetric"), { kind: "corrupt" }, body);
  }
});
