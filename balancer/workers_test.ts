import { assert, assertEquals, assertRejects } from "@std/assert";
import { ConnError } from "../conn/error.ts";
import type { ServeWorkersOptions } from "../conn/workers.ts";
import { request } from "../http/client/client.ts";
import { serve } from "../http/server/serve.ts";
import type { BalancerConfig } from "./config/config.ts";
import { ConfigError } from "./config/config_error.ts";
import type { BalancerSnapshot } from "./telemetry/snapshot.ts";
import { type BalancerWorkers, balanceWorkers } from "./workers.ts";

const hostname = "127.0.0.1";
const module = new URL("testdata/worker.ts", import.meta.url);

// Sharing a port is unstable in Deno, and spreads connections on Linux only.
const ignore = !("listenDatagram" in Deno) || Deno.build.os !== "linux";

/** A backend that answers with its name. */
function backend(name: string) {
  const server = serve({ hostname, port: 0 }, () => new Response(name));
  const { port } = server.addr as Deno.NetAddr;
  return { address: `${hostname}:${port}`, server };
}

function start(
  config: BalancerConfig,
  options: Partial<ServeWorkersOptions> = {},
): Promise<BalancerWorkers> {
  return balanceWorkers(config, { module, hostname, workers: 2, ...options });
}

function webConfig(...backends: string[]): BalancerConfig {
  return { routes: [{ upstream: "web" }], upstreams: { web: { backends } } };
}

/** Asks over connections of their own; tells the threads, and what came. */
async function ask(server: BalancerWorkers, path = "/", times = 24) {
  const { port } = server.addr as Deno.NetAddr;
  const threads = new Set<string>();
  const texts = new Set<string>();
  for (let i = 0; i < times; i++) {
    const response = await request(`http://${hostname}:${port}${path}`, {
      fields: { Connection: "close" },
    });
    threads.add(response.fields.get("x-thread") ?? "");
    texts.add(await response.text());
  }
  return { threads: [...threads].sort(), texts: [...texts].sort() };
}

function backendsOf({ upstreams }: BalancerSnapshot) {
  return upstreams[0]!.backends.map(({ id, state, weight }) => ({
    id,
    state,
    weight,
  }));
}

Deno.test({
  name: "balanceWorkers runs the balancer in each thread, and adds figures up",
  ignore,
  async fn() {
    const a = backend("a");
    await using _a = a.server;
    await using server = await start(webConfig(a.address));
    const { threads, texts } = await ask(server);
    assertEquals(threads, ["0", "1"]);
    assertEquals(texts, ["a"]);
    const { accepted, upstreams, reloads } = await server.balancer.snapshot();
    assertEquals([accepted, upstreams.length, reloads], [24, 1, 0]);
    assert(await server.balancer.ready());
  },
});

Deno.test({
  name: "balanceWorkers changes backends in all threads",
  ignore,
  async fn() {
    const [a, b] = [backend("a"), backend("b")];
    await using _a = a.server;
    await using _b = b.server;
    await using server = await start(webConfig(a.address));
    const { balancer } = server;
    await balancer.addBackend("web", { address: b.address, id: "b" });
    assertEquals((await ask(server)).texts, ["a", "b"]);
    await balancer.setDraining("web", a.address, true);
    assertEquals(await ask(server), { threads: ["0", "1"], texts: ["b"] });
    await balancer.setWeight("web", "b", 3);
    assertEquals(backendsOf(await balancer.snapshot()), [
      { id: a.address, state: "draining", weight: 1 },
      { id: "b", state: "up", weight: 3 },
    ]);
    await balancer.setDraining("web", a.address, false);
    await balancer.removeBackend("web", "b");
    assertEquals(await ask(server), { threads: ["0", "1"], texts: ["a"] });
  },
});

Deno.test({
  name: "balanceWorkers says why a change is refused",
  ignore,
  async fn() {
    await using server = await start(webConfig("127.0.0.1:1"));
    const { balancer } = server;
    const code = async (change: Promise<void>) =>
      (await assertRejects(() => change, ConnError)).reply;
    assertEquals(await code(balancer.setWeight("no", "x", 1)), 404);
    assertEquals(await code(balancer.setDraining("web", "x", true)), 404);
    const again = balancer.addBackend("web", { address: "127.0.0.1:1" });
    assertEquals(await code(again), 409);
    await assertRejects(
      () => balancer.addBackend("web", { address: "nowhere" }),
      ConfigError,
    );
  },
});

Deno.test({
  name: "balanceWorkers updates all threads, or none",
  ignore,
  async fn() {
    const [a, b] = [backend("a"), backend("b")];
    await using _a = a.server;
    await using _b = b.server;
    await using server = await start(webConfig(a.address));
    const { balancer } = server;
    await balancer.update(webConfig(b.address));
    // In both: 24 connections of one thread alone are not to be seen.
    assertEquals((await ask(server)).texts, ["b"]);
    await assertRejects(
      () => balancer.update({ routes: [{ upstream: "none" }] }),
      ConfigError,
    );
    balancer.updateRefused();
    const { reloads, reloadsRefused } = await balancer.snapshot();
    assertEquals([reloads, reloadsRefused], [1, 2]);
    assertEquals((await ask(server)).texts, ["b"]);
    const { route } = await balancer.explain({ host: "", target: "/" });
    assertEquals(route, "/");
  },
});

Deno.test({
  name: "a thread that is started again knows what has changed",
  ignore,
  async fn() {
    const [a, b] = [backend("a"), backend("b")];
    await using _a = a.server;
    await using _b = b.server;
    const crashed = Promise.withResolvers<ConnError>();
    await using server = await start(webConfig("127.0.0.1:1"), {
      workers: 1,
      onError: crashed.resolve,
    });
    const { balancer } = server;
    await balancer.update(webConfig(a.address));
    await balancer.addBackend("web", { address: b.address, id: "b" });
    await balancer.setDraining("web", a.address, true);
    assertEquals((await ask(server)).texts, ["b"]);
    // It ends while the request does.
    await ask(server, "/crash", 1).catch(() => {});
    assertEquals((await crashed.promise).code, "worker_failed");
    for (let tries = 0; tries < 200; tries++) {
      const found = await ask(server).catch(() => undefined);
      if (found !== undefined) {
        assertEquals(found.texts, ["b"]);
        break;
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assertEquals(backendsOf(await balancer.snapshot()), [
      { id: a.address, state: "draining", weight: 1 },
      { id: "b", state: "up", weight: 1 },
    ]);
    assertEquals((await balancer.snapshot()).reloads, 1);
  },
});

Deno.test({
  name:
    "balanceWorkers is not ready once it shuts down, and cannot be asked then",
  ignore,
  async fn() {
    const server = await start(webConfig("127.0.0.1:1"));
    await server.shutdown();
    await server.finished;
    assertEquals(await server.balancer.ready(), false);
    const error = await assertRejects(
      () => server.balancer.snapshot(),
      ConnError,
    );
    assertEquals([error.code, error.reply], ["no_worker", 503]);
  },
});

Deno.test("balanceWorkers refuses what is wrong before it starts a thread", async () => {
  await assertRejects(() => start({ routes: [{}] }), ConfigError);
  const policy = () => undefined;
  const upstream = { backends: ["127.0.0.1:1"], policy };
  const error = await assertRejects(
    () => start({ routes: [{ upstream }] }),
    DOMException,
  );
  assertEquals(error.name, "DataCloneError");
});
