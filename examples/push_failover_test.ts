// Two hubs over one Redis, behind the load balancer: all as programs.

import { assertEquals } from "@std/assert";
import type { PushClient } from "@meerkat/net/push";
import { Crowd } from "../push/crowd_test_util.ts";
import { RedisServer } from "../push/engine/redis_server_test_util.ts";
import { HubProgram } from "../push/hub_program_test_util.ts";
import { assertKept, assertSeen } from "../push/witness_test_util.ts";
import { testWith } from "../tools/need.ts";
import { RunningBalancer } from "./_load_balancer_test_util.ts";

/** The hubs that clients are at. */
function hubsOf(clients: readonly PushClient[]): Set<string | undefined> {
  return new Set(clients.map(({ id }) => id?.split("-")[0]));
}

testWith(
  "redis-server",
  "clients of a hub that is killed go on at the other, and miss nothing",
  async (program) => {
    await using redis = await RedisServer.start(program);
    const start = () => HubProgram.start({ engine: { redis: redis.url } });
    await using first = await start();
    await using second = await start();
    const backends = [first, second].flatMap(({ port }) =>
      ["/push", "/publish"].flatMap((
        prefix,
      ) => ["-b", prefix, `127.0.0.1:${port}`])
    );
    await using balancer = await RunningBalancer.start(
      ["-p", "127.0.0.1:0", ...backends],
    );
    const url = `ws://127.0.0.1:${balancer.port}/push`;
    await using crowd = new Crowd();
    const clients = Array.from({ length: 8 }, () => crowd.client(url));
    const [a, b, ...watching] = clients;
    crowd.publish(a!, "a", 500);
    crowd.publish(b!, "b", 500);
    crowd.post(url, "c", 100);
    watching.forEach((client, i) => {
      crowd.watch(client, "t/#", i < 3 ? EVERY : { delta: i % 2 === 0 });
    });
    for (const mode of ["every", "every", "latest"] as const) {
      crowd.watchStream(url, "t/#", { mode });
      crowd.watchPolls(url, "t/#", { mode });
    }
    await crowd.untilAcknowledged(100);
    await crowd.until(() => hubsOf(clients).size === 2, "both have clients");
    await first.kill();
    await crowd.untilAcknowledged(400);
    await first.start();
    await crowd.untilAcknowledged(600);
    await second.kill();
    await crowd.untilAllSeen();
    assertEquals(hubsOf(clients).size, 1);
    for (const witness of crowd.witnesses) {
      assertSeen(witness, crowd.counts);
      if (witness.mode === "every") assertKept(witness, crowd.acknowledged);
    }
  },
);

const EVERY = { mode: "every", since: "oldest" } as const;
