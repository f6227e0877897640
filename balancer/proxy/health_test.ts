// Which backends get requests, and what the figures say of it.

import { assert, assertEquals } from "@std/assert";
import { Bench, type BenchOptions } from "../balancer_test_util.ts";
import {
  post,
  readResponse,
  request,
  respond,
  settle,
  statusOf,
} from "./proxy_test_util.ts";

/** Sends so many requests; who answered each, or the status. */
async function answers(t: Bench, count: number): Promise<string> {
  let all = "";
  for (let i = 0; i < count; i++) {
    const reply = readResponse(await t.ask(request()));
    const status = statusOf(reply.start);
    all += status === 200 ? reply.body : status;
  }
  return all;
}

/** Ejects after two failures, for a second; no retries, so that all is seen. */
const ejecting = (options: BenchOptions = {}) =>
  new Bench({
    route: { retries: { attempts: 0 } },
    ...options,
    upstream: {
      ejection: { failures: 2, baseTime: 1000 },
      ...options.upstream,
    },
  });

Deno.test("a backend that fails is left alone for a while, and tried once", async () => {
  await using t = ejecting();
  t.a.mode = "refusing";
  assertEquals(await answers(t, 6), "502b502bbb");
  assertEquals(t.figures().state, "ejected");
  assertEquals(t.figures().ejections, 1);
  await t.clock.advance(1100);
  assertEquals(t.figures().state, "trial");
  t.a.mode = "up";
  assert((await answers(t, 4)).includes("a"));
  assertEquals(t.figures().state, "up");
});

Deno.test("a trial that fails ejects for twice as long", async () => {
  await using t = ejecting();
  t.a.mode = "refusing";
  await answers(t, 4);
  await t.clock.advance(1100);
  assert((await answers(t, 2)).includes("502"));
  await t.clock.advance(1100);
  assertEquals(t.figures().state, "ejected");
  assertEquals(await answers(t, 2), "bb");
  await t.clock.advance(1000);
  assertEquals(t.figures().state, "trial");
});

Deno.test("one request is the trial, the others go elsewhere", async () => {
  await using t = ejecting();
  t.a.mode = "refusing";
  await answers(t, 4);
  await t.clock.advance(1100);
  t.a.mode = "up";
  t.a.answer = () => {};
  const got: string[] = [];
  for (let i = 0; i < 6; i++) got.push(await t.client().ask(request()));
  assertEquals(got.filter((each) => each === "").length, 1);
  assertEquals(t.a.requests.length, 1);
});

Deno.test("a trial whose client leaves makes room for another one", async () => {
  await using t = ejecting();
  t.a.mode = "refusing";
  await answers(t, 4);
  await t.clock.advance(1100);
  t.a.mode = "up";
  t.a.answer = () => {};
  const clients = [t.client(), t.client()];
  for (const client of clients) await client.ask(request());
  for (const client of clients) client.close();
  await settle();
  assertEquals(t.figures().state, "trial");
  t.a.answer = () => respond("a");
  assert((await answers(t, 2)).includes("a"));
  assertEquals(t.figures().state, "up");
});

Deno.test("responses of 500 eject only if the upstream says so", async () => {
  for (const count5xx of [false, true]) {
    await using t = ejecting({
      upstream: { ejection: { failures: 2, count5xx } },
    });
    t.a.answer = () => respond("bad", 500);
    await answers(t, 4);
    assertEquals(t.figures().state, count5xx ? "ejected" : "up");
    assertEquals(t.figures().statuses, [0, 0, 0, 0, 2]);
  }
});

Deno.test("a backend that is slow is ejected", async () => {
  await using t = ejecting({
    backends: 2,
    upstream: { ejection: { maxLatency: 100 }, policy: "first" },
  });
  t.a.answer = () => {};
  for (let i = 0; i < 25; i++) {
    const client = t.client();
    await client.ask(request());
    if (client.received !== "") continue;
    await t.clock.advance(200);
    t.a.wire.send(respond("a"));
    await settle();
  }
  assertEquals(t.figures().state, "ejected");
});

Deno.test("responses that break count as failures", async () => {
  await using t = ejecting();
  t.a.answer = (_, wire) => {
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\nabc");
    wire.end();
  };
  for (let i = 0; i < 4; i++) await t.ask(request());
  assertEquals(t.figures().state, "ejected");
  assertEquals(t.figures().errors, { body_cut: 2 });
});

Deno.test("chunked responses that break count as failures", async () => {
  await using t = ejecting();
  t.a.answer = (_, wire) => {
    wire.send(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
    );
    wire.end();
  };
  for (let i = 0; i < 4; i++) await t.ask(request());
  assertEquals(t.figures().errors, { body_cut: 2 });
  assertEquals(t.figures().state, "ejected");
});

Deno.test("clients that leave eject nobody", async () => {
  await using t = ejecting();
  t.a.answer = t.b.answer = () => {};
  for (let i = 0; i < 10; i++) {
    const client = t.client();
    await client.ask(request());
    client.close();
    await settle();
  }
  assertEquals([t.figures(0).state, t.figures(1).state], ["up", "up"]);
});

Deno.test("bad requests eject nobody", async () => {
  await using t = ejecting();
  for (let i = 0; i < 10; i++) {
    await t.ask(
      request("/", "Transfer-Encoding: chunked\r\n", "POST") + "xyz\r\n",
    );
  }
  assertEquals([t.figures(0).state, t.figures(1).state], ["up", "up"]);
});

Deno.test("if none is available all are tried", async () => {
  await using t = ejecting();
  t.a.mode = t.b.mode = "refusing";
  await answers(t, 4);
  assertEquals([t.figures(0).state, t.figures(1).state], [
    "ejected",
    "ejected",
  ]);
  assertEquals(t.upstream().panic, true);
  t.a.mode = t.b.mode = "up";
  const got = await answers(t, 4);
  assert(got.includes("a") && got.includes("b"), got);
});

Deno.test("below the panic threshold all are tried", async () => {
  await using t = ejecting({ backends: 3, upstream: { panicThreshold: 0.5 } });
  t.a.mode = t.b.mode = "refusing";
  await answers(t, 6);
  assertEquals(t.upstream().panic, true);
  t.a.mode = t.b.mode = "up";
  assertEquals([...new Set(await answers(t, 6))].sort().join(""), "abc");
});

Deno.test("a GET is tried at an ejected backend before it fails", async () => {
  await using t = ejecting({ route: {} });
  t.a.mode = "refusing";
  assertEquals(await answers(t, 4), "bbbb");
  assertEquals(t.figures().state, "ejected");
  // The first one is back, nobody knows it yet, and the second one goes.
  t.a.mode = "up";
  t.b.mode = "refusing";
  await t.b.wire.end();
  assertEquals(await answers(t, 1), "a");
});

Deno.test("without ejection a backend is always tried", async () => {
  await using t = ejecting({ upstream: { ejection: false } });
  t.a.mode = "refusing";
  assertEquals(await answers(t, 6), "502b502b502b");
});

Deno.test("no client sees a backend that is down, with retries", async () => {
  await using t = new Bench();
  t.a.mode = "refusing";
  assertEquals(await answers(t, 40), "b".repeat(40));
});

const CHECKS = { health: { path: "/ok", interval: 1000, unhealthyAfter: 2 } };

Deno.test("active checks find out who is down, and who is back", async () => {
  await using t = new Bench({ upstream: CHECKS });
  let healthy = false;
  t.a.answer = ({ start }) =>
    start.startsWith("GET /ok ")
      ? respond("", healthy ? 200 : 500)
      : respond("a");
  await t.clock.advance(4000);
  assertEquals(t.figures().state, "down");
  assertEquals(t.figures().check?.passed, false);
  assertEquals(await answers(t, 4), "bbbb");
  healthy = true;
  await t.clock.advance(4000);
  assertEquals(t.figures().state, "up");
  assertEquals([...(await answers(t, 4))].sort().join(""), "aabb");
});

Deno.test("a check that gets no answer fails", async () => {
  await using t = new Bench({ upstream: CHECKS });
  t.a.answer = () => {};
  await t.clock.advance(10_000);
  assertEquals(t.figures().state, "down");
});

Deno.test("a backend that comes back starts slowly", async () => {
  let chance = 0;
  await using t = ejecting({
    random: () => chance,
    upstream: { slowStart: 10_000 },
  });
  t.a.mode = "refusing";
  await answers(t, 4);
  await t.clock.advance(1100);
  t.a.mode = "up";
  await answers(t, 2);
  assertEquals(t.figures().state, "starting");
  chance = 0.5;
  assertEquals(await answers(t, 4), "bbbb", "it has a tenth of its share");
  chance = 0.05;
  assert((await answers(t, 4)).includes("a"));
  await t.clock.advance(6000);
  chance = 0.5;
  assert((await answers(t, 4)).includes("a"), "it has more than half");
  await t.clock.advance(5000);
  assertEquals(t.figures().state, "up");
});

Deno.test("weights are shares", async () => {
  await using t = new Bench({
    backends: 3,
    config: ([a, b, c]) => ({
      routes: [{
        upstream: {
          policy: "weighted",
          backends: [
            { address: a!, weight: 3 },
            { address: b!, weight: 1 },
            { address: c!, weight: 0 },
          ],
        },
      }],
    }),
  });
  assertEquals([...(await answers(t, 8))].sort().join(""), "aaaaaabb");
});

Deno.test("least connections chooses who has least to do", async () => {
  await using t = new Bench({ upstream: { policy: "least_connections" } });
  t.a.answer = () => {};
  const busy = t.client();
  await busy.ask(request());
  assertEquals(await answers(t, 3), "bbb");
});

Deno.test("a client keeps its backend with hash", async () => {
  await using t = new Bench({ backends: 4, upstream: { policy: "hash" } });
  const got = await answers(t, 8);
  assertEquals(got, got[0]!.repeat(8));
});

Deno.test("figures add up", async () => {
  await using t = new Bench();
  t.a.answer = () => respond("12345");
  t.b.answer = () => respond("no", 404);
  await t.ask(post("abc"));
  await t.ask(request());
  await t.ask(request());
  const { routes, accepted } = t.balancer.snapshot();
  assertEquals(accepted, 3);
  assertEquals(routes[0]!.requests, 3);
  assertEquals(routes[0]!.statuses, [0, 2, 0, 1, 0]);
  const [a, b] = [t.figures(0), t.figures(1)];
  assertEquals([a.requests, a.bytesIn, a.bytesOut], [2, 3, 10]);
  assertEquals([b.requests, b.bytesIn, b.bytesOut], [1, 0, 2]);
  assertEquals([a.connects, b.connects], [1, 1]);
  assertEquals(a.latency.counts.reduce((sum, each) => sum + each), 2);
  assertEquals(t.record, {
    ...t.record,
    route: "/",
    upstream: "/",
    backend: t.a.address,
    clientAddress: "10.0.0.1",
    secure: false,
    status: 200,
    outcome: "complete",
    error: undefined,
    bytesIn: 0,
    bytesOut: 5,
    retries: 0,
    hedged: false,
  });
});

Deno.test("times are told", async () => {
  await using t = new Bench({ backends: 1 });
  t.a.answer = () => {};
  const client = t.client();
  await client.ask(request());
  await t.clock.advance(50);
  t.a.wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  await settle();
  await t.clock.advance(30);
  t.a.wire.send("0\r\n\r\n");
  await settle();
  const { firstByteTime, totalTime, queueTime, connectTime } = t.record;
  assertEquals({ firstByteTime, totalTime, queueTime, connectTime }, {
    firstByteTime: 50,
    totalTime: 80,
    queueTime: 0,
    connectTime: 0,
  });
  assertEquals(Math.round(t.figures().meanLatency), 50);
});
