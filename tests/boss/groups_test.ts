/** What groups of users may do with resources of the Boss. */
import { deepEqual, rejects } from "node:assert/strict";
import { BossToken } from "../../boss/credentials.ts";
import { BossResources } from "../../boss/resources.ts";
import { serveResources } from "./_boss_resources.ts";
import { TEST_TOKEN } from "./_boss_server.ts";

const CHANNEL = { kind: "channel", collection: "colA", experiment: "expA", name: "chA" } as const;

Deno.test("BossResources.allow() names the resource by all that it lies in", async () => {
  await using boss = serveResources();
  const server = { host: boss.host, protocol: "http" };
  const resources = new BossResources(server, new BossToken(TEST_TOKEN, "a test"));
  boss.groups.add("readers");
  boss.there.set("collection/colA/experiment/expA/channel/chA", { name: "chA" });
  await resources.allow(CHANNEL, { group: "readers", permissions: ["read"] });
  deepEqual(boss.allowed, [{
    group: "readers",
    permissions: ["read"],
    collection: "colA",
    experiment: "expA",
    channel: "chA",
  }]);
  await rejects(
    resources.allow(CHANNEL, { group: "nobody", permissions: ["read"] }),
    /^BossError: Cannot let group "nobody" use channel "colA\/expA\/chA" at ".*": the server answered 404/,
  );
});
