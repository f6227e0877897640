import { assert, assertEquals } from "@std/assert";
import { Site } from "./site_test_util.ts";

Deno.test("an event stream begins with when to come back, and the newest value", async () => {
  await using site = await Site.open();
  await site.hub.publish("t", { n: 1 });
  const stream = await site.stream("/push?topic=t");
  const { headers } = stream.response;
  assertEquals(headers.get("content-type"), "text/event-stream");
  assertEquals(headers.get("cache-control"), "no-store");
  const retry = Number((await stream.any())?.retry);
  assert(retry >= 1000 && retry <= 3000);
  const { epoch } = site.hub;
  assertEquals(await stream.any(), { id: `${epoch}.1`, data: '{"n":1}' });
  await site.hub.publish("t", "lines\nof text");
  assertEquals(await stream.next(), {
    id: `${epoch}.2`,
    data: "lines\nof text",
  });
});

Deno.test("several topics are one stream with one cursor", async () => {
  await using site = await Site.open();
  await site.hub.publish("b", 1);
  await site.hub.publish("a/x", 2);
  const stream = await site.stream("/push?topic=a/%23&topic=b&topic=b");
  const { epoch } = site.hub;
  assertEquals(await stream.next(), { id: `${epoch}.1`, data: "1" });
  assertEquals(await stream.next(), { id: `${epoch}.2`, data: "2" });
  await site.hub.publish("a", 3);
  assertEquals(await stream.next(), { id: `${epoch}.3`, data: "3" });
  assertEquals(site.hub.subscribers("b"), 1);
});

Deno.test("Last-Event-ID counts more than since", async () => {
  await using site = await Site.open({ topics: { t: { history: true } } });
  for (let n = 1; n <= 5; n++) await site.hub.publish("t", n);
  const { epoch } = site.hub;
  const path = `/push?topic=t&mode=every&since=${epoch}.1`;
  const stream = await site.stream(path, { "last-event-id": `${epoch}.3` });
  assertEquals((await stream.next())?.data, "4");
  assertEquals((await stream.next())?.data, "5");
  const other = await site.stream(path, { "last-event-id": "what?" });
  assertEquals((await other.next())?.data, "2");
  const oldest = await site.stream("/push?topic=t&mode=every&since=oldest");
  assertEquals((await oldest.next())?.data, "1");
});

Deno.test("a cursor of no use is told by an event of its own, without an id", async () => {
  await using site = await Site.open({
    topics: { t: { history: { count: 2 } } },
  });
  for (let n = 1; n <= 5; n++) await site.hub.publish("t", n);
  const { epoch } = site.hub;
  const old = await site.stream(`/push?topic=t&mode=every&since=${epoch}.1`);
  assertEquals(await old.next(), {
    event: "reset",
    data: '{"type":"reset","filter":"t","topic":"t","reason":"history"}',
  });
  assertEquals(await old.next(), { id: `${epoch}.5`, data: "5" });
  const stream = await site.stream("/push?topic=t&since=other.3");
  const reset = (await stream.next())!;
  assertEquals(reset.event, "reset");
  assertEquals(JSON.parse(reset.data!).reason, "epoch");
  assertEquals(await stream.next(), { id: `${epoch}.5`, data: "5" });
});

Deno.test("a cursor from a hub that was told earlier is waited for", async () => {
  await using site = await Site.open({ topics: { t: { history: true } } });
  await site.hub.publish("t", 1);
  const { epoch } = site.hub;
  const stream = await site.stream(`/push?topic=t&mode=every&since=${epoch}.3`);
  await site.until(() => site.hub.subscribers("t") === 1);
  for (const n of [2, 3, 4]) await site.hub.publish("t", n);
  assertEquals(await stream.next(), { id: `${epoch}.4`, data: "4" });
});

Deno.test("a stream of messages has patches and members for who asks", async () => {
  await using site = await Site.open({
    topics: { t: { delta: true, presence: true } },
  });
  const pad = "as long as it must be for a patch to be shorter";
  await site.hub.publish("t", { n: 1, pad });
  const stream = await site.stream(
    "/push?topic=t&format=envelope&delta&presence=1",
  );
  const types: string[] = [];
  const next = async () => {
    const event = await stream.next();
    const message = JSON.parse(event!.data!);
    types.push(message.type);
    return message;
  };
  while (types.length < 2) await next();
  assertEquals(types.sort(), ["members", "value"]);
  await site.hub.publish("t", { n: 2, pad });
  assertEquals((await next()).patch, { n: 2 });
  assertEquals(site.hub.presence("t").length, 1);
  await stream.leave();
  await site.until(() => site.hub.presence("t").length === 0);
});

Deno.test("a comment keeps the path open", async () => {
  await using site = await Site.open({ limits: { heartbeat: 1000 } });
  const stream = await site.stream("/push?topic=t");
  await stream.any();
  assertEquals(await stream.any(), { id: `${site.hub.epoch}.0` });
  assertEquals(await stream.any(), { comment: "" });
  for (let n = 0; n < 3; n++) {
    await site.clock.advance(1200);
    assertEquals(await stream.any(), { comment: "" });
  }
});

Deno.test("HTTP/1.0 gets a stream that is not in chunks", async () => {
  await using site = await Site.open();
  await site.hub.publish("t", 1);
  const line = await site.raw(
    "GET /push?topic=t HTTP/1.0\r\nAccept: text/event-stream\r\n\r\n",
  );
  const text = await line.read("data: 1\n\n");
  assert(text.startsWith("HTTP/1."), text);
  assert(!/transfer-encoding/i.test(text), text);
  assert(/\r\n\r\nretry: \d+\n\n/.test(text), text);
  await site.hub.shutdown({ spread: 0 });
  assert((await line.read()).endsWith("retry: 0\n\n"));
});

Deno.test("a stream whose grant ends is closed", async () => {
  await using site = await Site.open({
    onConnect: () => ({ expires: Date.now() + 1000 }),
  });
  const stream = await site.stream("/push?topic=t");
  await site.clock.advance(2000);
  assertEquals(await stream.next(), undefined);
  await site.until(() => site.hub.stats.clients === 0);
});

Deno.test("a client that leaves is gone", async () => {
  const log: string[] = [];
  await using site = await Site.open({
    onJoin: ({ transport }) => log.push(`join ${transport}`),
    onLeave: ({ transport }) => log.push(`leave ${transport}`),
  });
  const stream = await site.stream("/push?topic=t");
  await stream.any();
  assertEquals(site.hub.subscribers("t"), 1);
  await stream.leave();
  await site.until(() => site.hub.stats.clients === 0);
  assertEquals(site.hub.subscribers("t"), 0);
  assertEquals(log, ["join event-stream", "leave event-stream"]);
});

Deno.test("a client that leaves while it is let in is gone", async () => {
  const { promise, resolve } = Promise.withResolvers<Record<string, never>>();
  let asked = false;
  await using site = await Site.open({
    onConnect: () => {
      asked = true;
      return promise;
    },
  });
  const line = await site.raw(
    "GET /push?topic=t HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n",
  );
  await site.until(() => asked);
  line.leave();
  resolve({});
  await site.get("/push?topic=t");
  await site.until(() => site.hub.stats.clients === 0);
  assertEquals(site.hub.stats.subscriptions, 0);
});

Deno.test("HEAD of a stream is no stream", async () => {
  await using site = await Site.open();
  await site.hub.publish("t", 1);
  const response = await site.fetch("/push?topic=t", {
    method: "HEAD",
    headers: { accept: "text/event-stream" },
  });
  assertEquals(response.status, 200);
  assertEquals(site.hub.stats.clients, 0);
});

Deno.test("a slow stream in mode latest gets what is newest in the end", async () => {
  await using site = await Site.open({ limits: { highMark: 1000 } });
  const line = await site.raw(
    "GET /push?topic=%23 HTTP/1.0\r\nAccept: text/event-stream\r\n\r\n",
  );
  await line.read("\n\n");
  const pad = "x".repeat(60_000);
  for (let n = 0; n < 400; n++) {
    await site.hub.publish(n % 2 === 0 ? "even" : "odd", `${n} ${pad}`);
    if (n % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const text = await line.read(`data: 399 ${pad}\n\n`);
  const got = [...text.matchAll(/^data: (\d+) /mg)].map(([, n]) => Number(n));
  assertEquals(got.slice(-2), [398, 399]);
  assert(got.length < 400);
  assertEquals(got, [...got].sort((a, b) => a - b));
});
