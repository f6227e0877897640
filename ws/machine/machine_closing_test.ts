// What a connection does once it is closing.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { drainConn } from "../../conn/loop.ts";
import { ConnError } from "../../conn/error.ts";
import { close, frame, ping, text } from "../conformance/_frames_test_util.ts";
import { deflateBudget } from "../deflate/budget.ts";
import { resolveDeflate } from "../deflate/params.ts";
import { RawMachine } from "../../conn/raw.ts";
import { machineBench, settle } from "../_ws_test_util.ts";

Deno.test("After a close, messages are dropped and pings answered", async () => {
  const { conn, peer, log } = machineBench();
  conn.close();
  await peer.send(text("a"), ping("p"), text("b"));
  assertEquals(await peer.replies(), ["close:1000", "pong:p"]);
  await peer.send(close(1000));
  await peer.end();
  await conn.closed;
  assertEquals(log.filter((event) => event.startsWith("message")), []);
  assertEquals(log.at(-1), "close:1000:clean");
});

Deno.test("What follows the peer's close frame is ignored", async () => {
  const { conn, peer, log } = machineBench({ role: "client" });
  await peer.send(close(1000), text("x"), ping("x"), frame(15, "bad"));
  await peer.send(frame(15, "bad"));
  assertEquals(await peer.replies(), ["close:1000"]);
  await peer.end();
  assertEquals(await conn.closed, undefined);
  assertEquals(log, ["open", "closing:1000", "close:1000:clean"]);
});

Deno.test("After a close nothing is sent, not even a second close", async () => {
  const { conn, peer } = machineBench();
  conn.close();
  conn.send("x");
  conn.send(new Uint8Array(10_000));
  conn.send({ type: "ping" });
  conn.send({ type: "pong" });
  conn.send({ type: "fragment", kind: "text", data: "x", final: true });
  conn.send({ type: "close", code: 4000 });
  assertEquals(await peer.replies(), ["close:1000"]);
  conn.abort();
});

Deno.test("A close frame may come between the fragments of a message", async () => {
  const { conn, peer } = machineBench();
  conn.send({ type: "fragment", kind: "text", data: "x", final: false });
  await peer.send(frame(1, "y", { fin: false }), close(1001));
  assertEquals(await peer.replies(), ["text+:x", "close:1001"]);
  await peer.end();
  assertEquals(await conn.closed, undefined);
});

Deno.test("A close with a code or a reason that is not allowed throws and sends nothing", async () => {
  const { conn, peer } = machineBench();
  const bad: [number | undefined, string?][] = [
    [1004],
    [1005],
    [1006],
    [1015],
    [999],
    [0],
    [-1],
    [2999],
    [5000],
    [65536 + 1000],
    [NaN],
    [1000.5],
    [undefined, "a reason needs a code"],
    [1000, "x".repeat(124)],
    [1000, "€".repeat(42)],
  ];
  for (const [code, reason] of bad) {
    const command = {
      type: "close" as const,
      ...(code !== undefined && { code }),
      ...(reason !== undefined && { reason }),
    };
    const error = assertThrows(() => conn.send(command), ConnError, "Cannot");
    assertEquals([error.code, error.side], ["close_invalid", "local"]);
  }
  conn.send("still open");
  conn.send({ type: "close", code: 1000, reason: "€".repeat(41) });
  assertEquals(await peer.replies(), ["text:still open", "close:1000:41"]);
  conn.abort();
});

Deno.test("A close that is asked for while the handler is paused still completes", async () => {
  const gate = Promise.withResolvers<void>();
  for (const before of [true, false]) {
    const { conn, peer, log } = machineBench({
      handler: (event) => event.type === "message" ? gate.promise : undefined,
    });
    await peer.send(text("a"));
    // Some of it is read already when the close is asked for.
    if (before) await peer.send(text("b"), close(1000));
    conn.close();
    assertEquals(await peer.replies(), ["close:1000"]);
    if (!before) await peer.send(text("b"), close(1000));
    assert(peer.ended);
    await peer.end();
    assertEquals(await conn.closed, undefined);
    assertEquals(log.filter((event) => event.startsWith("message")), [
      "message:a",
    ]);
    assertEquals(log.at(-1), "close:1000:clean");
  }
  gate.resolve();
});

Deno.test("A close completes behind more input than a paused connection buffers", async () => {
  const gate = Promise.withResolvers<void>();
  const { conn, peer, log } = machineBench({
    pair: { bufferSize: 1024 },
    handler: (event) => event.type === "message" ? gate.promise : undefined,
  });
  await peer.send(text("a"));
  await peer.send(frame(2, new Uint8Array(300_000)), close(1000));
  conn.close();
  assertEquals(await peer.replies(), ["close:1000"]);
  await peer.end();
  assertEquals(await conn.closed, undefined);
  assertEquals(log.at(-1), "close:1000:clean");
  gate.resolve();
});

Deno.test("A paused handler hears nothing of input, not even after a close", async () => {
  const gate = Promise.withResolvers<void>();
  const { conn, peer, log } = machineBench({
    handler: (event) => event.type === "message" ? gate.promise : undefined,
  });
  await peer.send(text("a"));
  conn.close();
  await peer.send(ping("p"), frame(10, "q"));
  assertEquals(await peer.replies(), ["close:1000", "pong:p"]);
  assertEquals(log, ["open", "message:a"]);
  gate.resolve();
  conn.abort();
});

Deno.test("A draining server closes with 1001", async () => {
  const { conn, peer, log } = machineBench();
  drainConn(conn);
  assertEquals(await peer.replies(), ["close:1001"]);
  await peer.send(close(1001));
  await peer.end();
  assertEquals(await conn.closed, undefined);
  assertEquals(log.at(-1), "close:1001:clean");
});

Deno.test("No ping goes out after a close, even one asked for at once", async () => {
  const { conn, clock, peer, log } = machineBench({
    pingInterval: 500,
    pongTimeout: 500,
    closeTimeout: 3_000,
    handler: (event, conn) => {
      if (event.type === "open") conn.close();
    },
  });
  await clock.advance(3_500);
  assertEquals(await peer.replies(), ["close:1000"]);
  assertEquals((await conn.closed)?.code, "close_timeout");
  assertEquals(log, ["open", "close:1006:close_timeout"]);
});

Deno.test("WsMachine.closing tells whether a close frame was sent", () => {
  const { conn, machine } = machineBench();
  assert(!machine.closing);
  conn.close();
  assert(machine.closing);
  conn.abort();
});

Deno.test("A connection that has ended gives the memory of its compression back", async () => {
  const before = deflateBudget.used;
  const ends: ((bench: ReturnType<typeof machineBench>) => unknown)[] = [
    ({ conn }) => conn.abort(),
    ({ peer }) => peer.end(),
    ({ peer }) => peer.transport.reset(),
    ({ conn }) => conn.become(new RawMachine(), () => {}).abort(),
  ];
  for (const end of ends) {
    const bench = machineBench({ deflate: resolveDeflate({ threshold: 0 }) });
    bench.conn.send("x".repeat(100));
    await settle();
    assert(deflateBudget.used > before);
    await end(bench);
    await settle();
    assertEquals(deflateBudget.used, before);
  }
});
