import {
  assert,
  assertEquals,
  assertGreater,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { ConnError } from "@meerkat/net/conn";
import { EventSourceStream } from "@meerkat/net/http";
import { connect } from "@meerkat/net/push";
import { RedisServer } from "../push/engine/redis_server_test_util.ts";
import { testWith } from "../tools/need.ts";
import type { UnitState } from "./_hvac_plant.ts";
import { Listener, startPushServer } from "./_server_data_push_test_util.ts";
import { run } from "./_test_util.ts";

const LUCKY = /^The lucky number is \d{1,2}\.$/;
const JSON_LUCKY = /^"The lucky number is \d{1,2}\."\n$/;
const JOINED = /^(127\.0\.0\.1:\d+) joined\n/m;

/** Where a WebSocket goes. */
function ws(url: string, path = ""): string {
  return url.replace("http", "ws") + path;
}

Deno.test("server_data_push greets a WebSocket that sends nothing, at any path, and gives it the newest value", async () => {
  const { server, url } = await startPushServer();
  await using _ = server;
  const ids = new Set<string>();
  for (const path of ["", "chat", "push"]) {
    await using listener = new Listener(ws(url, path));
    const [, id = ""] = /^Hi (\S+)!$/.exec(await listener.next()) ?? [];
    assertNotEquals(id, "");
    ids.add(id);
    assertMatch(await listener.next(), LUCKY);
    const [, address] = await server.until(JOINED);
    await listener[Symbol.asyncDispose]();
    await server.until(new RegExp(`^${address} went away\n`, "m"));
  }
  assertEquals(ids.size, 3);
});

Deno.test("server_data_push tells of the plant several times a second", async () => {
  const { server, url } = await startPushServer();
  await using _ = server;
  const path = "?topic=plant/ahu-1/state&mode=every";
  await using listener = new Listener(ws(url, path));
  assertMatch(await listener.next(), /^Hi /);
  const states: UnitState[] = [];
  while (states.length < 6) states.push(JSON.parse(await listener.next()));
  const [first] = states as [UnitState];
  assertEquals(
    states.map(({ sample }) => sample),
    states.map((_, i) => first.sample + i),
  );
  const seconds = (states.at(-1)!.at - first.at) / 1000;
  assertGreater((states.length - 1) / seconds, 2);
  assertEquals(first.area, "Offices");
});

Deno.test("server_data_push answers plain requests", async (t) => {
  const { server, url } = await startPushServer();
  await using _ = server;

  await t.step("GET /push is the newest lucky number", async () => {
    const response = await fetch(`${url}push`);
    assertMatch(await response.text(), JSON_LUCKY);
    assertMatch(response.headers.get("etag") ?? "", /^"[a-z0-9]+\.\d+"$/);
  });

  await t.step("nobody waits longer than until the next value", async () => {
    const topic = `${url}push?topic=plant/ahu-2/state`;
    const first = await fetch(topic);
    const state: UnitState = await first.json();
    const headers = { "if-none-match": first.headers.get("etag") ?? "" };
    const next = await fetch(`${topic}&wait=30`, { headers });
    assertEquals(next.status, 200);
    assertGreater((await next.json()).sample, state.sample);
  });

  await t.step("the history of the plots is there", async () => {
    const query = "topic=plant/%2B/state&mode=every&since=oldest";
    const response = await fetch(`${url}push?${query}&format=envelope`);
    const messages: { type: string; topic: string; value: UnitState }[] =
      await response.json();
    const values = messages.filter(({ type }) => type === "value");
    const units = Map.groupBy(values, ({ topic }) => topic);
    assertEquals(units.size, 4);
    for (const [topic, list] of units) {
      const samples = list.map(({ value }) => value.sample);
      assertEquals(samples, samples.map((_, i) => i + 1), topic);
    }
  });

  await t.step("an event stream", async () => {
    await using source = new EventSourceStream(`${url}push?topic=plant/%23`);
    const alarms: unknown[] = [];
    let states = 0;
    for await (const { data } of source) {
      const value = JSON.parse(data);
      if (Array.isArray(value)) alarms.push(value);
      else states++;
      if (alarms.length > 0 && states > 8) break;
    }
    const [, address] = await server.until(JOINED);
    await server.until(new RegExp(`^${address} went away\n`, "m"));
  });

  await t.step("the page, its script, and nothing else", async () => {
    const page = await fetch(url);
    assertStringIncludes(await page.text(), "<title>HVAC plant</title>");
    assertStringIncludes(
      page.headers.get("content-security-policy") ?? "",
      "default-src 'none'",
    );
    const script = await fetch(`${url}push.js`);
    assertMatch(script.headers.get("content-type") ?? "", /javascript/);
    await script.body?.cancel();
    for (const path of ["page", "publish"]) {
      const response = await fetch(url + path);
      assertEquals(response.status, 404);
      await response.body?.cancel();
    }
  });

  server.kill("SIGTERM");
  assertEquals(await server.ended(), 0);
});

Deno.test("server_data_push lets a client set what a room shall have, and nothing else", async () => {
  const { server, url } = await startPushServer();
  await using _ = server;
  await using client = connect(ws(url, "push"));
  await client.publish("plant/ahu-1/set-point", 23.5);
  for await (const update of client.subscribe<UnitState>("plant/ahu-1/state")) {
    if (update.type === "value" && update.value.setPoint === 23.5) break;
  }
  for (
    const [topic, value] of [
      ["plant/ahu-1/set-point", 99],
      ["plant/ahu-1/set-point", "23"],
      ["plant/ahu-1/state", { setPoint: 23 }],
      ["lucky-number", "The lucky number is 7."],
    ] as const
  ) {
    const error = await assertRejects(
      () => client.publish(topic, value),
      ConnError,
    );
    assertEquals(error.code, "forbidden");
  }
});

Deno.test("server_data_push takes values by POST from who shows the token", async () => {
  const { server, url } = await startPushServer(["--publish", "secret"]);
  await using _ = server;
  const post = async (token: string) => {
    const response = await fetch(`${url}publish?topic=note&key=1`, {
      method: "POST",
      body: '{"text":"Filters are here"}',
      headers: { authorization: `Bearer ${token}` },
    });
    const text = await response.text();
    return { status: response.status, text };
  };
  assertEquals((await post("guess")).status, 401);
  const [first, again] = [await post("secret"), await post("secret")];
  assertEquals(first.status, 200);
  const { cursor, duplicate } = JSON.parse(first.text);
  assertEquals(duplicate, false);
  assertEquals(JSON.parse(again.text), { cursor, duplicate: true });
  const note = await fetch(`${url}push?topic=note`);
  assertEquals(await note.json(), { text: "Filters are here" });
});

Deno.test("server_data_push tells its clients when to come back before it ends", async () => {
  const { server, url } = await startPushServer();
  await using _ = server;
  const url2 = ws(url, "push");
  await using listener = new Listener(url2, "meerkat.push.v1");
  assertEquals(JSON.parse(await listener.next()).type, "hello");
  server.kill("SIGTERM");
  const { type, retry } = JSON.parse(await listener.next());
  assertEquals(type, "bye");
  assert(retry >= 0 && retry <= 2_000);
  assertEquals((await listener.closed).code, 1012);
  assertEquals(await server.ended(), 0);
});

Deno.test("server_data_push goes on where it was with sqlite", async () => {
  const folder = await Deno.makeTempDir();
  const args = ["--engine", `sqlite:${folder}/plant.db`];
  const permissions = ["--allow-write"];
  try {
    const first = await startPushServer(args, permissions);
    let cursor: string;
    {
      await using _ = first.server;
      await using client = connect(ws(first.url, "push"));
      const point = await client.publish("plant/crac-1/set-point", 21.5);
      cursor = point.cursor;
      await client[Symbol.asyncDispose]();
      first.server.kill("SIGTERM");
      assertEquals(await first.server.ended(), 0);
    }
    const second = await startPushServer(args, permissions);
    await using _ = second.server;
    await using client = connect(ws(second.url, "push"));
    const options = { since: cursor, mode: "every" } as const;
    const states = client.subscribe<UnitState>("plant/crac-1/state", options);
    for await (const update of states) {
      assertNotEquals(update.type, "reset");
      if (update.type === "value" && update.value.setPoint === 21.5) break;
    }
    // The values of the first are there, and those of the second behind them.
    const query = "topic=plant/crac-1/state&mode=every&format=envelope";
    const response = await fetch(`${second.url}push?${query}&since=oldest`);
    const messages: { value: UnitState }[] = await response.json();
    const samples = messages.map(({ value }) => value.sample);
    assertEquals(samples.filter((sample) => sample === 1).length, 2);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("server_data_push tells what is wrong with its command line", async () => {
  for (
    const [args, message] of [
      [["-p", "x"], /^Option -p is "x", expected a port/],
      [["--engine", "files"], /^Option --engine is "files", expected memory, /],
      [["--engine", "sqlite:"], /^Option --engine is "sqlite:", expected /],
      [["--engine", "redis:x"], /^Option --engine is "redis:x", expected /],
      [["--publish="], /^Option --publish needs a value\n/],
      [["--what"], /^Unknown option "--what"\n/],
    ] as const
  ) {
    const { code, stdout, stderr } = await run("server_data_push", args);
    assertMatch(stderr, message);
    assertStringIncludes(stderr, "Usage: server_data_push ");
    assertEquals([code, stdout], [1, ""]);
  }
  const { code, stdout } = await run("server_data_push", ["--help"]);
  assertMatch(stdout, /^Usage: server_data_push /);
  assertEquals(code, 0);
});

testWith(
  "redis-server",
  "two server_data_push share what one of them makes, over Redis",
  async (program) => {
    await using redis = await RedisServer.start(program);
    const args = ["--engine", `redis:${redis.url}`];
    const a = await startPushServer(args, ["--allow-env"]);
    await using _a = a.server;
    const b = await startPushServer(
      [...args, "--no-producer"],
      ["--allow-env"],
    );
    await using _b = b.server;
    await using listener = new Listener(ws(b.url, "?topic=plant/ahu-3/state"));
    assertMatch(await listener.next(), /^Hi /);
    const { sample }: UnitState = JSON.parse(await listener.next());
    const next: UnitState = JSON.parse(await listener.next());
    assertGreater(next.sample, sample);
    await using client = connect(ws(b.url, "push"));
    await client.publish("plant/ahu-3/set-point", 24.5);
    for await (
      const update of client.subscribe<UnitState>("plant/ahu-3/state")
    ) {
      if (update.type === "value" && update.value.setPoint === 24.5) break;
    }
    const [one, other] = await Promise.all([a, b].map(async ({ url }) => {
      const response = await fetch(`${url}push?topic=plant/alarms`);
      await response.body?.cancel();
      return response.headers.get("etag");
    }));
    assertEquals(other?.split(".")[0], one?.split(".")[0]);
  },
);
