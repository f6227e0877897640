// How a WebSocket that reconnects ends, by the program.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ConnError } from "../conn/error.ts";
import { Bench } from "./_reconnect_test_util.ts";

Deno.test("close ends it in order while it is open", async () => {
  await using bench = new Bench();
  const { conn, received } = await bench.accept();
  bench.socket.send("last");
  bench.socket.close(3001, "Done");
  assertEquals(bench.socket.state, "closing");
  assertEquals(bench.socket.send("too late"), false);
  await bench.settle();
  assertEquals(received, ["last"]);
  await conn.closed;
  assertEquals(await bench.socket.closed, undefined);
  assertEquals(bench.log, ["open 0", "closing", "close 3001"]);
});

Deno.test("close ends it at once while it connects", async () => {
  await using bench = new Bench();
  const { peer } = await bench.request();
  bench.socket.close();
  assertEquals(bench.socket.state, "closed");
  assertEquals(bench.log, []);
  assertEquals(await bench.socket.closed, undefined);
  assertEquals(bench.log, ["close 1006"]);
  await bench.settle();
  assertEquals(bench.net.clock.pending, 0);
  await assertRejects(() => peer.until("never"));
});

Deno.test("close ends it at once while it waits, and leaves no timer", async () => {
  await using bench = new Bench();
  await bench.refuse("503 Busy");
  assertEquals(bench.socket.state, "waiting");
  bench.socket.close();
  await bench.settle();
  assertEquals(bench.net.clock.pending, 0);
  await bench.pass(60_000);
  assertEquals(bench.net.requests.length, 1);
  assertEquals(bench.log.slice(1), ["close 1006"]);
});

Deno.test("close refuses what no close frame can say, in every state", async () => {
  await using bench = new Bench({}, async (event) => {
    if (event.type === "open") await Promise.resolve();
  });
  const { socket } = bench;
  const refuses = (state: string) => {
    assertEquals(socket.state, state);
    for (
      const [code, reason] of [[1005], [99], [NaN], [1000, "ä".repeat(62)]]
    ) {
      const error = assertThrows(
        () => socket.close(code as number, reason as string),
        ConnError,
      );
      assertEquals(error.code, "close_invalid", `${state} ${code}`);
    }
    assertEquals(socket.state, state);
  };
  refuses("connecting");
  await bench.refuse("503 Busy");
  refuses("waiting");
  await bench.pass(250);
  socket.send("waited");
  const { received } = await bench.accept();
  refuses("open");
  assertEquals(received, ["waited"]);
  socket.close(3001, "ä".repeat(61));
  refuses("closing");
  await socket.closed;
  refuses("closed");
});

Deno.test("close ends it before the first attempt", async () => {
  await using bench = new Bench();
  bench.socket.close();
  await bench.settle();
  assertEquals(bench.net.requests.length, 0);
  assertEquals(bench.log, ["close 1006"]);
});

Deno.test("close ends it at whatever moment an attempt succeeds", async () => {
  let opened = 0;
  for (let turns = 0; turns < 100; turns++) {
    await using bench = new Bench();
    const peer = await bench.net.next();
    await peer.accept();
    for (let i = 0; i < turns; i++) await null;
    bench.socket.close();
    await bench.settle();
    if (bench.log[0] === "open 0") {
      opened++;
      assertEquals(bench.socket.state, "closing");
    } else {
      assertEquals(bench.socket.state, "closed");
      assertEquals(bench.log, ["close 1006"]);
      assertEquals(bench.net.clock.pending, 0);
    }
  }
  // Some were too early for it, and some too late.
  assert(opened > 0 && opened < 100, `${opened}`);
});

Deno.test("nothing stays at the signal when it is over", async () => {
  const { signal } = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: [string, EventListener]) => {
    listeners++;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: [string, EventListener]) => {
    listeners--;
    removeEventListener.apply(signal, args);
  };
  const bench = new Bench({ signal });
  await bench.accept();
  assertEquals(listeners, 1);
  bench.socket.close();
  await bench.socket.closed;
  assertEquals(listeners, 0);
});

Deno.test("close and abort do nothing when it is over", async () => {
  await using bench = new Bench();
  bench.socket.close();
  await bench.socket.closed;
  bench.socket.close();
  bench.socket.abort();
  await bench.settle();
  assertEquals(bench.log, ["close 1006"]);
});

for (const state of ["new", "connecting", "waiting", "open"]) {
  Deno.test(`an abort of the signal ends it when it is ${state}`, async () => {
    const controller = new AbortController();
    if (state === "new") controller.abort("enough");
    await using bench = new Bench({ signal: controller.signal });
    if (state === "connecting") await bench.request();
    if (state === "waiting") await bench.refuse("503 Busy");
    if (state === "open") await bench.accept();
    controller.abort("enough");
    await bench.settle();
    const error = await bench.socket.closed;
    assertEquals([error?.code, error?.cause], ["aborted", "enough"]);
    assertEquals(bench.log.at(-1), "close aborted");
  });
}

Deno.test("close ends it while it prepares", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await using bench = new Bench({ prepare: () => promise });
  await bench.settle();
  bench.socket.close();
  resolve();
  await bench.settle();
  assertEquals(bench.net.requests.length, 0);
  assertEquals(bench.log, ["close 1006"]);
});

Deno.test("a handler that throws ends it", async () => {
  const reported: unknown[] = [];
  const report = console.error;
  console.error = (error) => reported.push(error);
  try {
    for (const type of ["open", "message", "reconnecting"]) {
      await using bench = new Bench({}, (event) => {
        if (event.type === type) throw new Error(type);
      });
      const hosted = await bench.accept();
      hosted.conn.send("hi");
      await bench.settle();
      if (type === "reconnecting") await bench.cut(hosted);
      assertEquals((await bench.socket.closed)?.code, "handler_failed");
      await bench.pass(60_000);
      assertEquals(bench.log.at(-1), "close handler_failed");
      assertEquals(bench.net.clock.pending, 0);
      assertEquals(bench.net.requests.length, 1);
    }
  } finally {
    console.error = report;
  }
  assertEquals(reported.map(String), [
    "Error: open",
    "Error: message",
    "Error: reconnecting",
  ]);
});

Deno.test("an error that the handler throws to close with ends it, too", async () => {
  await using bench = new Bench({}, (event) => {
    if (event.type !== "message") return;
    throw new ConnError("Cannot understand the message", {
      code: "nonsense",
      side: "remote",
      reply: 3007,
    });
  });
  const { conn, peer } = await bench.accept();
  conn.send("hi");
  await bench.settle();
  assertEquals((await bench.socket.closed)?.code, "nonsense");
  await conn.closed;
  peer.transport.close();
});

Deno.test("a handler that fails after its connection ends the next one", async () => {
  const failing = Promise.withResolvers<void>();
  const report = console.error;
  console.error = () => {};
  try {
    await using bench = new Bench({}, (event) => {
      return event.type === "message" ? failing.promise : undefined;
    });
    const first = await bench.accept();
    first.conn.send("hi");
    await bench.settle();
    await bench.cut(first);
    await bench.pass(250);
    await bench.accept();
    failing.reject(new Error("Late"));
    await bench.settle();
    assertEquals((await bench.socket.closed)?.code, "handler_failed");
  } finally {
    console.error = report;
  }
});

Deno.test("the handler of reconnecting may close", async () => {
  await using bench = new Bench({}, (event, socket) => {
    if (event.type === "reconnecting") socket.close();
  });
  await bench.cut(await bench.accept());
  assertEquals(bench.log.slice(1), [
    "reconnecting 1 in 250: reset",
    "close 1006",
  ]);
  assertEquals(bench.net.clock.pending, 0);
});

Deno.test("disposing closes, and waits for the end", async () => {
  const bench = new Bench();
  const { conn } = await bench.accept();
  await bench.socket[Symbol.asyncDispose]();
  await conn.closed;
  assertEquals(bench.socket.state, "closed");
  assertEquals(bench.log, ["open 0", "closing", "close 1000"]);
});
