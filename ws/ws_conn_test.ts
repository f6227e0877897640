import { assert, assertEquals, assertThrows } from "@std/assert";
import { ConnError } from "../conn/error.ts";
import { RawMachine } from "../conn/raw.ts";
import { close, ping, pong, text } from "./conformance/_frames_test_util.ts";
import { connBench, settle } from "./_ws_test_util.ts";

Deno.test("WsConn gives each event to its handler, with itself", async () => {
  const conns = new Set<unknown>();
  const { conn, peer, log } = connBench({
    handler: (_, conn) => void conns.add(conn),
  });
  await peer.send(text("a"), ping("p"), pong("q"), close(1000));
  await peer.end();
  await conn.closed;
  assertEquals(log, [
    "open",
    "message:a",
    "ping:p",
    "pong:",
    "closing:1000",
    "close:1000:clean",
  ]);
  assertEquals([...conns], [conn]);
});

Deno.test("WsConn tells what a connection is", async () => {
  const { conn, peer } = connBench({ attach: { secure: true } });
  assertEquals(conn.protocol, "websocket");
  assertEquals([conn.secure, conn.subprotocol, conn.deflate], [
    true,
    "",
    undefined,
  ]);
  assertEquals((conn.localAddr as Deno.NetAddr).port, 1);
  assertEquals((conn.remoteAddr as Deno.NetAddr).port, 2);
  assert(conn.id > 0);
  conn.send("abc");
  assertEquals(conn.buffered, 5);
  await peer.send(text("x"));
  assertEquals([conn.buffered, conn.stats.bytesOut, conn.stats.bytesIn], [
    0,
    5,
    7,
  ]);
  conn.abort();
});

Deno.test("WsConn.state is closing from the close frame on", async () => {
  const { conn, peer } = connBench();
  assertEquals([conn.state, conn.closeCode, conn.closeReason], [
    "open",
    undefined,
    "",
  ]);
  conn.close();
  assertEquals(conn.state, "closing");
  await peer.send(close(4000, "bye"));
  assertEquals([conn.state, conn.closeCode], ["closing", undefined]);
  await peer.end();
  await conn.closed;
  assertEquals([conn.state, conn.closeCode, conn.closeReason], [
    "closed",
    4000,
    "bye",
  ]);
  assertEquals(conn.send("x"), false);
  conn.close();
  conn.close(4000, "x");
  conn.abort();
});

Deno.test("WsConn.close sends a code and a reason, 1000 by default", async () => {
  const cases: [Parameters<typeof close> | [], string][] = [
    [[], "close:1000"],
    [[4000], "close:4000"],
    [[1001, "going"], "close:1001:going"],
  ];
  for (const [args, reply] of cases) {
    const { conn, peer } = connBench();
    conn.close(...args as [number]);
    assertEquals(await peer.replies(), [reply]);
    conn.abort();
  }
});

Deno.test("WsConn.close refuses what a close frame cannot carry", () => {
  const { conn } = connBench();
  for (const [code, reason] of [[1006, ""], [1000, "x".repeat(124)]] as const) {
    const error = assertThrows(() => conn.close(code, reason), ConnError);
    assertEquals(error.code, "close_invalid");
  }
  assertEquals(conn.state, "open");
  conn.abort();
});

Deno.test("WsConn.close with an error sends its reply, and the close event has it", async () => {
  const { conn, peer, log } = connBench();
  const error = new ConnError("Too late", {
    code: "late",
    side: "local",
    reply: 4008,
  });
  conn.close(error);
  assertEquals(conn.state, "closing");
  assertEquals(await peer.replies(), ["close:4008:Too late"]);
  await peer.end();
  assertEquals(await conn.closed, error);
  assertEquals(log, ["open", "close:1006:late"]);
});

Deno.test("WsConn.abort rejects nobody, and its signal aborts", async () => {
  const { conn, log } = connBench();
  const error = new ConnError("Test", { code: "test", side: "local" });
  assert(!conn.signal.aborted);
  conn.abort(error);
  assertEquals(await conn.closed, error);
  assert(conn.signal.aborted);
  assertEquals(log, ["open", "close:1006:test"]);
});

Deno.test("WsConn.signal aborts when the peer has left, also in a pause", async () => {
  const gate = Promise.withResolvers<void>();
  const { conn, peer } = connBench({
    handler: (event) => event.type === "message" ? gate.promise : undefined,
  });
  await peer.send(text("a"));
  await peer.end();
  assert(conn.signal.aborted);
  assertEquals(conn.state, "open");
  gate.resolve();
  assertEquals((await conn.closed)?.code, "no_close_frame");
});

Deno.test("WsConn.become turns a WebSocket into something else", async () => {
  const raw: string[] = [];
  const { conn, peer, log } = connBench({
    handler: (event, conn) => {
      if (event.type !== "message") return;
      conn.become(new RawMachine(), (event) => {
        raw.push(
          event.type === "bytes"
            ? new TextDecoder().decode(event.bytes)
            : event.type,
        );
      });
    },
  });
  peer.write(
    new Uint8Array([0x81, 0x82, 0, 0, 0, 0, 104, 105, 114, 97, 119]),
  );
  await settle();
  assertEquals(log, ["open", "message:hi"]);
  assertEquals(raw, ["open", "raw"]);
  assertThrows(() => conn.send("x"), ConnError, "another protocol");
  await peer.end();
});

Deno.test("WsConn.close answers what a handler that waits for it wants", async () => {
  const { conn, peer, log } = connBench({
    handler: async (event, conn) => {
      if (event.type !== "message") return;
      conn.close();
      await conn.closed;
    },
  });
  await peer.send(text("a"), text("b"));
  assertEquals(await peer.replies(), ["close:1000"]);
  await peer.send(close(1000));
  await peer.end();
  assertEquals(await conn.closed, undefined);
  assertEquals(log.at(-1), "close:1000:clean");
});
