import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { ConnError } from "../conn/error.ts";
import { fieldOf } from "./_connect_test_util.ts";
import { Bench } from "./_reconnect_test_util.ts";
import type { ReconnectOptions } from "./reconnect.ts";

Deno.test("reconnect opens, and tells what comes", async () => {
  await using bench = new Bench();
  assertEquals(bench.socket.state, "connecting");
  const { conn, received } = await bench.accept();
  assertEquals(bench.socket.state, "open");
  conn.send("hi");
  assertEquals(bench.socket.send("hello"), true);
  await bench.settle();
  assertEquals(received, ["hello"]);
  assertEquals(bench.log, ["open 0", "message hi"]);
});

Deno.test("reconnect opens again after the delay, not before", async () => {
  await using bench = new Bench();
  await bench.cut(await bench.accept());
  assertEquals(bench.socket.state, "waiting");
  assertEquals(bench.socket.conn, undefined);
  await bench.pass(249);
  assertEquals(bench.net.requests.length, 1);
  await bench.pass(1);
  assertEquals(bench.net.requests.length, 2);
  assertEquals(bench.socket.state, "connecting");
  await bench.accept();
  assertEquals(bench.log, [
    "open 0",
    "reconnecting 1 in 250: reset",
    "open 1 resumed",
  ]);
});

Deno.test("reconnect waits longer after each failure in a row", async () => {
  await using bench = new Bench({ baseDelay: 100, maxDelay: 300 });
  for (const delay of [50, 100, 150, 150]) {
    await bench.refuse("503 Busy");
    assertEquals(
      bench.log.at(-1)?.replace(/\d+ in/, "in"),
      `reconnecting in ${delay}: handshake_refused`,
    );
    await bench.pass(delay);
  }
  await bench.accept();
  assertEquals(bench.log.at(-1), "open 4");
});

Deno.test("reconnect counts from the beginning after a connection that lived", async () => {
  await using bench = new Bench({ stableAfter: 5000, pingInterval: Infinity });
  await bench.cut(await bench.accept());
  await bench.pass(250);
  const short = await bench.accept();
  await bench.pass(4999);
  await bench.cut(short);
  assertEquals(bench.log.at(-1), "reconnecting 2 in 500: reset");
  await bench.pass(500);
  const long = await bench.accept();
  await bench.pass(5000);
  await bench.cut(long);
  assertEquals(bench.log.at(-1), "reconnecting 1 in 250: reset");
});

for (const code of [1000, 1008]) {
  Deno.test(`reconnect stops when the server closes with ${code}`, async () => {
    await using bench = new Bench();
    await bench.hangUp(await bench.accept(), code, "Bye");
    assertEquals(await bench.socket.closed, undefined);
    assertEquals(bench.socket.state, "closed");
    assertEquals(bench.log, ["open 0", "closing", `close ${code}`]);
    await bench.pass(10_000);
    assertEquals(bench.net.clock.pending, 0);
  });
}

for (const code of [1001, 1011, 1012, 1013, 3000]) {
  Deno.test(`reconnect goes on when the server closes with ${code}`, async () => {
    await using bench = new Bench();
    await bench.hangUp(await bench.accept(), code);
    assertEquals(bench.log.at(-1), `reconnecting 1 in 250: ${code}`);
  });
}

Deno.test("reconnect takes other codes to stop on", async () => {
  await using bench = new Bench({ stopCodes: [4001] });
  await bench.hangUp(await bench.accept(), 1000);
  assertEquals(bench.log.at(-1), "reconnecting 1 in 250: 1000");
  await bench.pass(250);
  await bench.hangUp(await bench.accept(), 4001);
  assertEquals(bench.log.at(-1), "close 4001");
});

Deno.test("reconnect goes on when this side is who found a violation", async () => {
  await using bench = new Bench({ maxMessageRate: 1 });
  const { conn } = await bench.accept();
  conn.send("one");
  conn.send("two");
  await bench.settle();
  assertEquals(bench.log.at(-1), "reconnecting 1 in 250: too_many_messages");
});

Deno.test("reconnect stops at a refusal that will not change", async () => {
  await using bench = new Bench();
  await bench.refuse("403 Forbidden");
  assertEquals((await bench.socket.closed)?.code, "handshake_refused");
  assertEquals(bench.log, ["close handshake_refused"]);
  assertEquals(bench.net.clock.pending, 0);
});

Deno.test("reconnect honours Retry-After, and draws from there", async () => {
  await using bench = new Bench();
  await bench.refuse("503 Busy", "Retry-After: 60\r\n");
  assertEquals(bench.log, ["reconnecting 1 in 60250: handshake_refused"]);
  await bench.pass(60_000);
  assertEquals(bench.net.requests.length, 1);
  await bench.pass(250);
  assertEquals(bench.net.requests.length, 2);
});

Deno.test("reconnect does not stay away for as long as a server likes", async () => {
  for (
    const [asked, options, delay] of [
      ["999999999", {}, 600_250],
      ["Fri, 31 Dec 9999 23:59:59 GMT", {}, 600_250],
      ["601", {}, 600_250],
      ["600", {}, 600_250],
      ["60", { maxRetryAfter: 1000 }, 1250],
      ["3600", { maxRetryAfter: Infinity }, 3_600_250],
    ] as [string, ReconnectOptions, number][]
  ) {
    await using bench = new Bench(options);
    await bench.refuse("503 Busy", `Retry-After: ${asked}\r\n`);
    const expected = `reconnecting 1 in ${delay}: handshake_refused`;
    assertEquals(bench.log, [expected], asked);
  }
});

Deno.test("reconnect gives up after the last attempt", async () => {
  await using bench = new Bench({ maxAttempts: 2 });
  for (const delay of [250, 500, 0]) {
    await bench.refuse("500 No");
    await bench.pass(delay);
  }
  assertEquals(bench.log, [
    "reconnecting 1 in 250: handshake_refused",
    "reconnecting 2 in 500: handshake_refused",
    "close handshake_refused",
  ]);
  assertEquals(bench.net.clock.pending, 0);
});

Deno.test("reconnect stops at an invalid URL or option", async () => {
  for (
    const options of [
      { fields: { "sec-websocket-key": "mine" } },
      { fields: { "a b": "1" } },
      { maxMessage: -1 },
      { prepare: () => ({ url: "mailto:a@a.test" }) },
    ] satisfies ReconnectOptions[]
  ) {
    await using bench = new Bench(options);
    await bench.settle();
    assertEquals(bench.socket.state, "closed", JSON.stringify(options));
    assert((await bench.socket.closed) instanceof ConnError);
    assertEquals(bench.log.length, 1);
  }
});

Deno.test("prepare says where to go on, before every attempt", async () => {
  const calls: unknown[] = [];
  await using bench = new Bench({
    fields: { "X-A": "1" },
    prepare: (attempt, last) => {
      calls.push([attempt, last?.code, last?.error?.code]);
      if (attempt === 0) return;
      return {
        url: `ws://b.test/${attempt}`,
        fields: { "X-Cursor": `${attempt}` },
        protocols: "v2",
      };
    },
  });
  const first = await bench.accept();
  assertEquals(fieldOf(first.head, "X-A"), "1");
  await bench.hangUp(first, 1001);
  await bench.pass(250);
  const second = await bench.accept("Sec-WebSocket-Protocol: v2\r\n");
  assert(second.head.startsWith("GET /1 HTTP/1.1\r\nHost: b.test\r\n"));
  assertEquals(fieldOf(second.head, "X-Cursor"), "1");
  assertEquals(fieldOf(second.head, "X-A"), undefined);
  assertEquals(bench.socket.conn?.subprotocol, "v2");
  assertEquals(calls, [[0, undefined, undefined], [1, 1001, undefined]]);
});

Deno.test("a prepare that fails is a failed attempt", async () => {
  await using bench = new Bench({
    prepare: (attempt) => {
      if (attempt === 0) throw new Error("No token");
      return Promise.reject(new Error("No token"));
    },
  });
  await bench.settle();
  await bench.pass(250);
  assertEquals(bench.log, [
    "reconnecting 1 in 250: prepare_failed",
    "reconnecting 2 in 500: prepare_failed",
  ]);
  assertEquals(bench.net.requests.length, 0);
});

Deno.test("reconnect refuses options that make no sense", () => {
  for (
    const options of [
      { baseDelay: -1 },
      { maxDelay: NaN },
      { maxRetryAfter: -1 },
      { maxAttempts: -1 },
      { stableAfter: -1 },
      { queue: -1 },
      { queue: "drop" as "reject" },
    ]
  ) assertThrows(() => new Bench(options), RangeError);
});

Deno.test("ping measures the connection of the moment", async () => {
  await using bench = new Bench();
  const error = await assertRejects(() => bench.socket.ping(), ConnError);
  assertEquals(error.code, "not_connected");
  const hosted = await bench.accept();
  assertEquals(await bench.socket.ping(), 0);
  assertEquals(bench.socket.latency, 0);
  await bench.cut(hosted);
  assertEquals(bench.socket.latency, undefined);
});

Deno.test("messages gives those of all connections", async () => {
  await using bench = new Bench({}, "messages");
  const seen: unknown[] = [];
  const reading = (async () => {
    for await (const message of bench.socket.messages()) seen.push(message);
  })();
  const first = await bench.accept();
  first.conn.send("one");
  first.conn.send("two");
  await bench.settle();
  await bench.cut(first);
  await bench.pass(250);
  const second = await bench.accept();
  second.conn.send(new Uint8Array([3]));
  await bench.settle();
  await bench.hangUp(second, 1000);
  await reading;
  assertEquals(seen, ["one", "two", new Uint8Array([3])]);
});

Deno.test("messages pauses reading until the loop comes back", async () => {
  await using bench = new Bench({}, "messages");
  const hosted = await bench.accept();
  const big = "x".repeat(60_000);
  for (let i = 0; i < 50; i++) hosted.conn.send(big);
  await bench.settle();
  assert(hosted.conn.buffered > 1_000_000);
  const messages = bench.socket.messages();
  for (let i = 0; i < 50; i++) {
    assertEquals((await messages.next()).value, big);
  }
  assertEquals(hosted.conn.buffered, 0);
});

Deno.test("messages ends with the error", async () => {
  await using bench = new Bench({}, "messages");
  const rejected = assertRejects(() => bench.socket.messages().next());
  await bench.refuse("401 No");
  const error = await rejected;
  assertInstanceOf(error, ConnError);
  assertEquals(error.code, "handshake_refused");
});

Deno.test("messages is not for who has a handler", async () => {
  await using bench = new Bench();
  const error = await assertRejects(
    () => bench.socket.messages().next(),
    ConnError,
  );
  assertEquals(error.code, "has_handler");
});

Deno.test("send throws while there is no connection, if it is to reject", async () => {
  await using bench = new Bench({ queue: "reject" });
  const send = () => bench.socket.send("a");
  assertEquals(assertThrows(send, ConnError).code, "not_connected");
  const hosted = await bench.accept();
  assertEquals(send(), true);
  await bench.cut(hosted);
  assertEquals(assertThrows(send, ConnError).code, "not_connected");
});
