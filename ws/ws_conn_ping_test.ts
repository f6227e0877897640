import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ConnError } from "../conn/error.ts";
import { pong } from "./conformance/_frames_test_util.ts";
import { connBench, settle, stateOf } from "./_ws_test_util.ts";

Deno.test("WsConn.ping resolves with the latency", async () => {
  const { conn, peer, clock } = connBench();
  const pinged = conn.ping();
  const [sent] = await peer.frames();
  assertEquals(sent!.opcode, 9);
  await clock.advance(35);
  assertEquals(await stateOf(pinged), "pending");
  await peer.send(pong(sent!.payload));
  assertEquals(await pinged, 35);
  assertEquals(conn.latency, 35);
  conn.abort();
});

Deno.test("WsConn.ping takes a payload, and by default each has its own", async () => {
  const { conn, peer } = connBench();
  conn.ping(new TextEncoder().encode("mine"));
  assertEquals(await peer.replies(), ["ping:mine"]);
  const payloads = new Set<string>();
  for (let i = 0; i < 300; i++) {
    conn.ping();
    payloads.add(`${(await peer.frames())[0]!.payload}`);
  }
  assertEquals(payloads.size, 300);
  assertThrows(() => conn.ping(new Uint8Array(126)), ConnError, "125");
  conn.abort();
});

Deno.test("WsConn.ping resolves older pings with a newer one's pong", async () => {
  const { conn, peer } = connBench();
  const pings = [conn.ping(), conn.ping(), conn.ping()];
  const sent = await peer.frames();
  await peer.send(pong(sent.at(-1)!.payload));
  for (const pinged of pings) assertEquals(await stateOf(pinged), "fulfilled");
  conn.abort();
});

Deno.test("WsConn.ping resolves all older pings, however many", async () => {
  const { conn, peer } = connBench();
  const pings = Array.from({ length: 40 }, () => conn.ping());
  const sent = await peer.frames();
  await peer.send(pong(sent.at(-1)!.payload));
  assertEquals(await stateOf(Promise.all(pings)), "fulfilled");
  conn.abort();
});

Deno.test("WsConn.ping on a closing connection leaves older pings as they are", async () => {
  const { conn, peer } = connBench();
  const early = conn.ping();
  const [sent] = await peer.frames();
  conn.close();
  await assertRejects(() => conn.ping(), ConnError);
  assertEquals(await stateOf(early), "pending");
  await peer.send(pong(sent!.payload));
  assertEquals(await stateOf(early), "fulfilled");
  conn.abort();
});

Deno.test("WsConn.ping measures each ping from its own start", async () => {
  const { conn, peer, clock } = connBench();
  const one = conn.ping();
  await clock.advance(100);
  const two = conn.ping();
  const [, sent] = await peer.frames();
  await clock.advance(10);
  await peer.send(pong(sent!.payload));
  assertEquals([await one, await two], [110, 10]);
  conn.abort();
});

Deno.test("WsConn.ping resolves when a ping that took its place is answered", async () => {
  const { conn, peer } = connBench({ pair: { bufferSize: 100 } });
  peer.transport.stall();
  conn.send(new Uint8Array(9_000));
  await settle();
  const pinged = conn.ping();
  // As a heartbeat does.
  conn.send({ type: "ping", payload: new Uint8Array([1]) });
  peer.transport.resume();
  const pings = (await peer.frames()).filter(({ opcode }) => opcode === 9);
  assertEquals(pings.length, 1);
  await peer.send(pong(pings[0]!.payload));
  assertEquals(await stateOf(pinged), "fulfilled");
  conn.abort();
});

Deno.test("WsConn.ping is not answered by a pong that nobody asked for", async () => {
  const { conn, peer } = connBench();
  const pinged = conn.ping();
  await peer.send(pong(), pong("x"));
  assertEquals(await stateOf(pinged), "pending");
  conn.abort();
  await assertRejects(() => pinged, ConnError);
});

Deno.test("WsConn.ping rejects when the connection closes, or is closing already", async () => {
  const { conn, peer } = connBench();
  const early = conn.ping();
  await peer.end();
  await conn.closed;
  const late = conn.ping();
  for (const pinged of [early, late]) {
    const error = await assertRejects(() => pinged, ConnError);
    assertEquals(error.code, "closed");
  }
  const closing = connBench();
  closing.conn.close();
  await assertRejects(() => closing.conn.ping(), ConnError);
  closing.conn.abort();
});

Deno.test("WsConn.ping may be left alone", async () => {
  const { conn } = connBench();
  conn.ping();
  conn.abort();
  conn.ping();
  await conn.closed;
});
