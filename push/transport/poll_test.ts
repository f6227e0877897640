import { assert, assertEquals } from "@std/assert";
import { WheelEntry, wheelFor } from "../../conn/wheel.ts";
import { Site } from "./site_test_util.ts";

Deno.test("GET gives the newest value, and 404 without one", async () => {
  await using site = await Site.open();
  assertEquals((await site.get("/push?topic=t"))[0], 404);
  await site.hub.publish("t", "text");
  const response = await site.fetch("/push?topic=t");
  assertEquals(response.headers.get("content-type"), "application/json");
  assertEquals(response.headers.get("cache-control"), "no-cache");
  assertEquals(response.headers.get("etag"), `"${site.hub.epoch}.1"`);
  assertEquals(await response.json(), "text");
  await site.hub.publish("default", 7);
  assertEquals((await site.get("/push"))[1], "7\n");
  const head = await site.fetch("/push?topic=t", { method: "HEAD" });
  assertEquals([head.status, await head.text()], [200, ""]);
  assertEquals(site.hub.stats.clients, 0);
});

Deno.test("a value that the client has is not sent again", async () => {
  await using site = await Site.open();
  await site.hub.publish("t", 1);
  const [, , etag] = await site.get("/push?topic=t");
  const again = await site.get("/push?topic=t", { "if-none-match": etag! });
  assertEquals(again, [304, "", etag]);
  const weak = await site.get("/push?topic=t", {
    "if-none-match": `W/${etag}`,
  });
  assertEquals(weak[0], 304);
  await site.hub.publish("other", 2);
  const moved = await site.get("/push?topic=t", { "if-none-match": etag! });
  assertEquals(moved[0], 304);
  await site.hub.publish("t", 3);
  const [status, body] = await site.get("/push?topic=t", {
    "if-none-match": moved[2]!,
  });
  assertEquals([status, body], [200, "3\n"]);
});

Deno.test("one client gets every value, one at a time", async () => {
  await using site = await Site.open({ topics: { t: { history: true } } });
  for (let n = 1; n <= 4; n++) await site.hub.publish("t", n);
  let since = "oldest";
  const got: string[] = [];
  while (true) {
    const [status, body, etag] = await site.get(
      `/push?topic=t&mode=every&since=${since}`,
    );
    if (status === 304) break;
    got.push(body);
    since = etag!.slice(1, -1);
  }
  assertEquals(got, ["1\n", "2\n", "3\n", "4\n"]);
});

Deno.test("what is lost before a value is said in a field", async () => {
  await using site = await Site.open({
    topics: { t: { history: { count: 2 } } },
  });
  for (let n = 1; n <= 4; n++) await site.hub.publish("t", n);
  const { epoch } = site.hub;
  for (const since of [`${epoch}.1`, "other.9"]) {
    const response = await site.fetch(
      `/push?topic=t&mode=every&since=${since}`,
    );
    assertEquals(await response.text(), "4\n");
    assertEquals(response.headers.get("push-notice"), "reset", since);
  }
});

Deno.test("messages are polled all at once, with a cursor to go on", async () => {
  await using site = await Site.open({ topics: { "#": { history: true } } });
  const path = "/push?topic=a&topic=b/%23&mode=every&format=envelope";
  const [status, body, first] = await site.get(path);
  assertEquals([status, JSON.parse(body)], [200, []]);
  await site.hub.publish("a", 1);
  await site.hub.publish("b/x", 2);
  await site.hub.publish("c", 3);
  await site.hub.publish("a", 4);
  const response = await site.get(path, { "if-none-match": first! });
  const { epoch } = site.hub;
  assertEquals(JSON.parse(response[1]), [
    { type: "value", topic: "a", cursor: `${epoch}.1`, value: 1 },
    { type: "value", topic: "b/x", cursor: `${epoch}.2`, value: 2 },
    { type: "value", topic: "a", cursor: `${epoch}.4`, value: 4 },
  ]);
  assertEquals(response[2], `"${epoch}.4"`);
  const end = await site.get(path, { "if-none-match": response[2]! });
  assertEquals(end, [304, "", `"${epoch}.4"`]);
});

Deno.test("more than fits into an answer is polled in pieces, all of it in order", async () => {
  for (const notices of [0, 62, 63, 64, 127]) {
    await using site = await Site.open({
      topics: { "old/#": {}, "#": { history: { count: 1000, bytes: 1e9 } } },
    });
    for (let n = 0; n < notices; n++) {
      await site.hub.publish(`old/${n}`, 0);
    }
    for (let n = 0; n < notices; n++) {
      await site.hub.publish(`old/${n}`, 1);
    }
    const pad = "x".repeat(40_000);
    for (let n = 0; n < 40; n++) await site.hub.publish("t", `${n} ${pad}`);
    let since = `"${site.hub.epoch}.0"`;
    const got: string[] = [];
    while (true) {
      const [status, body, etag] = await site.get(
        "/push?topic=%23&mode=every&format=envelope",
        { "if-none-match": since },
      );
      if (status === 304) break;
      for (const message of JSON.parse(body)) {
        if (message.type === "value" && message.topic === "t") {
          got.push(message.value.split(" ")[0]);
        }
      }
      assert(etag !== since, "it goes on");
      since = etag!;
    }
    assertEquals(got, Array.from({ length: 40 }, (_, n) => String(n)));
  }
});

Deno.test("several topics, or a pattern, are polled as messages only", async () => {
  await using site = await Site.open();
  assertEquals((await site.get("/push?topic=a&topic=b"))[0], 400);
  assertEquals((await site.get("/push?topic=a/%23"))[0], 400);
  assertEquals((await site.get("/push?topic=%2B&format=envelope"))[0], 200);
});

Deno.test("a poll waits for what is newer", async () => {
  await using site = await Site.open();
  await site.hub.publish("t", 1);
  const [, , etag] = await site.get("/push?topic=t");
  for (const format of ["value", "envelope"]) {
    const answer = site.get(`/push?topic=t&wait=30&format=${format}`, {
      "if-none-match": `"${site.hub.epoch}.${format === "value" ? 1 : 2}"`,
    });
    await site.until(() => site.hub.subscribers("t") === 1);
    await site.hub.publish("t", format);
    const [status, body] = await answer;
    assertEquals(status, 200);
    assert(body.includes(format));
  }
  assertEquals(etag, `"${site.hub.epoch}.1"`);
  assertEquals(site.hub.stats.clients, 0);
});

Deno.test("a poll answers with all of the turn that it waited for", async () => {
  await using site = await Site.open();
  await site.hub.publish("t", 0);
  const { epoch } = site.hub;
  const answer = site.get(
    `/push?topic=t&mode=every&format=envelope&wait=9&since=${epoch}.1`,
  );
  await site.until(() => site.hub.subscribers("t") === 1);
  for (let n = 1; n <= 3; n++) site.hub.publish("t", n);
  const [, body, etag] = await answer;
  const values = JSON.parse(body).map(({ value }: { value: number }) => value);
  assertEquals(values, [1, 2, 3]);
  assertEquals(etag, `"${epoch}.4"`);
});

Deno.test("a poll that has waited long enough gets 304", async () => {
  await using site = await Site.open({ limits: { wait: 5000 } });
  await site.hub.publish("t", 1);
  const { epoch } = site.hub;
  for (const [wait, after] of [["2.5", 2600], ["100", 5100]] as const) {
    let isThere = false;
    const answer = site.get(`/push?topic=t&wait=${wait}&since=${epoch}.1`)
      .then((answer) => {
        isThere = true;
        return answer;
      });
    await site.until(() => site.hub.subscribers("t") === 1);
    await site.clock.advance(after - 300);
    assert(!isThere);
    assertEquals(site.hub.subscribers("t"), 1);
    await site.clock.advance(400);
    assertEquals(await answer, [304, "", `"${epoch}.1"`]);
    assertEquals(site.hub.stats.clients, 0);
  }
});

Deno.test("what is published as the time is over is not lost", async () => {
  await using site = await Site.open();
  const { epoch } = site.hub;
  const path = "/push?topic=t&mode=every&format=envelope";
  const answer = site.get(`${path}&wait=2&since=${epoch}.0`);
  await site.until(() => site.hub.subscribers("t") === 1);
  class Publish extends WheelEntry {
    override due(): void {
      site.hub.publish("t", 1);
    }
  }
  // In the same turn, behind the poll.
  wheelFor(site.clock).schedule(new Publish(), site.clock.now() + 2000);
  await site.clock.advance(2200);
  const [first, , etag] = await answer;
  const second = await site.get(path, { "if-none-match": etag! });
  assertEquals([first, second[0]].sort(), [200, 304]);
});

Deno.test("a poll whose client leaves is over", async () => {
  await using site = await Site.open();
  const line = await site.raw(
    `GET /push?topic=t&wait=30&since=${site.hub.epoch}.0 HTTP/1.1\r\nHost: x\r\n\r\n`,
  );
  await site.until(() => site.hub.subscribers("t") === 1);
  line.leave();
  await site.until(() => site.hub.stats.clients === 0);
  assertEquals(site.hub.subscribers("t"), 0);
});

Deno.test("a poll that waits is told when the hub ends", async () => {
  await using site = await Site.open();
  const answer = site.fetch(
    `/push?topic=t&wait=30&since=${site.hub.epoch}.0`,
  );
  await site.until(() => site.hub.subscribers("t") === 1);
  await site.hub.shutdown({ spread: 0 });
  const response = await answer;
  assertEquals(response.status, 503);
  assert(response.headers.has("retry-after"));
  await response.text();
});

Deno.test("a poll whose grant ends while it waits gets 401", async () => {
  await using site = await Site.open({
    onConnect: () => ({ expires: Date.now() + 1000 }),
  });
  const answer = site.get(`/push?topic=t&wait=30&since=${site.hub.epoch}.0`);
  await site.until(() => site.hub.subscribers("t") === 1);
  await site.clock.advance(1500);
  assertEquals((await answer)[0], 401);
});

Deno.test("polls are no members and no joins", async () => {
  const log: string[] = [];
  await using site = await Site.open({
    topics: { t: { presence: true } },
    onJoin: () => log.push("join"),
    onLeave: () => log.push("leave"),
  });
  const answer = site.get(`/push?topic=t&wait=1&since=${site.hub.epoch}.0`);
  await site.until(() => site.hub.subscribers("t") === 1);
  assertEquals(site.hub.presence("t"), []);
  await site.clock.advance(1200);
  assertEquals((await answer)[0], 304);
  assertEquals(log, []);
});
