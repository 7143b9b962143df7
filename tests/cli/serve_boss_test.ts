/** `sluice serve boss` as a process: jobs of sluice itself, kill -9 in the middle of one, and Ctrl-C. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { openChunkCodec } from "../../codecs/chunk_codec.ts";
import { encodePng } from "../../codecs/png_encode.ts";
import { type Json, tileFile } from "../boss/_configs.ts";
import { ended, Sluice } from "./_sluice.ts";

const [WIDTH, HEIGHT, DEPTH] = [700, 300, 6];

const voxelAt = (x: number, y: number, z: number) => (x * 3 + y * 5 + z * 11) & 0xff;

function section(z: number): Uint8Array {
  const data = Uint8Array.from(
    { length: WIDTH * HEIGHT },
    (_, i) => voxelAt(i % WIDTH, Math.floor(i / WIDTH), z),
  );
  return encodePng({ width: WIDTH, height: HEIGHT, samples: 1, dtype: "uint8", data });
}

const SECTIONS = Object.fromEntries(
  Array.from({ length: DEPTH }, (_, z) => [`raw/s000${z}.png`, section(z)]),
);

/** A server that runs, and what it says. */
class Server implements AsyncDisposable {
  readonly log: string[] = [];
  readonly url: string;
  readonly #process: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  /** Is told of each line. */
  onLine: (line: string) => void = () => {};

  private constructor(process: Deno.ChildProcess, url: string) {
    [this.#process, this.url] = [process, url];
    this.#reading = this.#read();
  }

  static async start(sluice: Sluice, port: string): Promise<Server> {
    const process = sluice.start(
      ...["serve", "boss", "--root", "boss", "--port", port, "--wait-seconds", "1"],
    );
    const said = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("AWS_ENDPOINT_URL=")) {
      const { value, done } = await said.read();
      if (done) throw new Error(text + (await new Response(process.stderr).text()));
      text += value;
    }
    await said.cancel();
    match(text, /Its token is in boss\/token/);
    return new Server(process, /at (http:\S+) from/.exec(text)![1]);
  }

  async #read(): Promise<void> {
    let rest = "";
    for await (const text of this.#process.stderr.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        this.log.push(line);
        this.onLine(line);
      }
    }
  }

  async end(signal: Deno.Signal): Promise<Deno.CommandStatus> {
    try {
      this.#process.kill(signal);
    } catch {
      // It has ended.
    }
    await this.#reading;
    return await this.#process.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
  }
}

async function make(url: string, token: string, path: string, body: Json): Promise<void> {
  const answer = await fetch(`${url}/v1/${path}`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { authorization: `Token ${token}` },
  });
  equal(answer.status, 201, await answer.text());
}

Deno.test("sluice serve boss takes a job of sluice through kill -9, and ends at Ctrl-C", async () => {
  await using sluice = await Sluice.of(SECTIONS, { task: "sluice:net" });
  await using first = await Server.start(sluice, "0");
  const { url } = first;
  const token = (await Deno.readTextFile(sluice.path("boss/token"))).trim();
  const frame = Object.fromEntries(
    Object.entries({ x: WIDTH, y: HEIGHT, z: DEPTH }).flatMap(([axis, stop]) => [
      [`${axis}_start`, 0],
      [`${axis}_stop`, stop],
      [`${axis}_voxel_size`, 4],
    ]),
  );
  await make(url, token, "collection/colA", {});
  await make(url, token, "coord/cf", { ...frame, voxel_unit: "nanometers" });
  const experiment = { coord_frame: "cf", num_hierarchy_levels: 1, hierarchy_method: "isotropic" };
  await make(url, token, "collection/colA/experiment/expA", experiment);
  const channel = { type: "image", datatype: "uint8" };
  await make(url, token, "collection/colA/experiment/expA/channel/chA", channel);

  const config = tileFile({ x: [0, WIDTH], y: [0, HEIGHT], z: [0, DEPTH] });
  Object.assign(config.client.backend, { host: new URL(url).host, protocol: "http" });
  config.client.path_processor.params.root_dir = sluice.path("raw");
  await Deno.writeTextFile(sluice.path("job.json"), JSON.stringify(config));
  const client = sluice.with({
    task: "sluice:net",
    env: { INTERN_TOKEN: token, AWS_ENDPOINT_URL: url, HOME: sluice.path("home") },
  });
  const created = await client.run("create", "job.json", "--yes");
  equal(created.code, 0, created.stderr);

  const { promise: isHalf, resolve } = Promise.withResolvers<void>();
  let tiles = 0;
  first.onLine = (line) => {
    if (/ PUT \/sluice-tiles\//.test(line) && ++tiles === 5) resolve();
  };
  const joining = ended(client.start("join", "job.json", "-j", "1", "-p", "1", "--in-hand", "1"));
  await isHalf;
  equal((await first.end("SIGKILL")).signal, "SIGKILL");
  await using second = await Server.start(sluice, new URL(url).port);
  const { code, stdout, stderr } = await joining;
  equal(code, 0, stdout + stderr);

  const box = `0:${WIDTH}/0:${HEIGHT}/0:${DEPTH}`;
  const cutout = await fetch(`${url}/v1/cutout/colA/expA/chA/0/${box}/`, {
    headers: { authorization: `Token ${token}` },
  });
  const codec = await openChunkCodec(
    { codec: "blosc", cname: "lz4", level: 5, shuffle: true, crc32c: false },
    1,
  );
  const voxels = codec.decode(await cutout.bytes(), WIDTH * HEIGHT * DEPTH);
  const wrong = voxels.findIndex((voxel, i) => {
    const [x, y] = [i % WIDTH, Math.floor(i / WIDTH) % HEIGHT];
    return voxel !== voxelAt(x, y, Math.floor(i / WIDTH / HEIGHT));
  });
  equal(wrong, -1);
  const info = await client.json("info", "boss/volumes/colA/expA/chA.ome.zarr");
  equal(info.code, 0);

  const { code: end } = await second.end("SIGINT");
  equal(end, 0, second.log.join("\n"));
  for (const line of [...first.log, ...second.log, stdout, stderr]) ok(!line.includes(token), line);
  deepEqual(second.log.filter((line) => / 5\d\d /.test(line)), []);
});

Deno.test("sluice serve boss says what it must be told", async () => {
  await using sluice = await Sluice.of({}, { task: "sluice:net" });
  const none = await sluice.run("serve", "boss");
  equal(none.code, 2);
  match(none.stderr, /give --root DIR/);
  const port = await sluice.run("serve", "boss", "--root", "boss", "--port", "70000");
  equal(port.code, 2);
  match(port.stderr, /ports end at 65535/);
});
