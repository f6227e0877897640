// A drop-in WebSocket over memory, with a peer that takes its time.

import { assert, assertEquals } from "@std/assert";
import { closeFrame, type Peer, TestNet } from "./_connect_test_util.ts";
import { logEvents, next, type Socket } from "./_websocket_test_util.ts";
import { WebSocket } from "./websocket.ts";

const SIZE = 50_000;
/** Head and mask. */
const FRAME = SIZE + 8;

/** Opens a socket over memory whose peer reads only when it is told to. */
async function open(): Promise<{ net: TestNet; peer: Peer; socket: Socket }> {
  const net = new TestNet();
  const socket = new WebSocket("ws://a.test/", {
    ...net.options,
    deflate: false,
    pingInterval: Infinity,
  }) as Socket;
  const opened = next(socket, "open");
  const peer = await net.next();
  await peer.accept();
  await opened;
  return { net, peer, socket };
}

/** Reads so many bytes. */
async function read({ transport }: Peer, size: number): Promise<void> {
  while (size > 0) {
    const count = await transport.read(new Uint8Array(Math.min(size, 65536)));
    assert(count !== null);
    size -= count;
  }
}

/** Ends the connection from the peer's side. */
async function cut(net: TestNet, peer: Peer, socket: Socket): Promise<void> {
  const closed = next(socket, "close");
  peer.transport.reset();
  await closed;
  await net.clock.advance(0);
}

Deno.test("bufferedAmount falls as messages leave, one by one", async () => {
  const { net, peer, socket } = await open();
  for (let i = 1; i <= 4; i++) {
    socket.send(new Uint8Array(SIZE));
    assertEquals(socket.bufferedAmount, i * SIZE);
  }
  // The peer's buffer takes the first, and the beginning of the second.
  await net.clock.advance(0);
  const amounts = new Set([socket.bufferedAmount]);
  for (let i = 0; i < 4; i++) {
    await read(peer, FRAME);
    await net.clock.advance(0);
    amounts.add(socket.bufferedAmount);
  }
  assertEquals(socket.bufferedAmount, 0);
  assert(amounts.size > 1, "It must not fall at once");
  for (const amount of amounts) assertEquals(amount % SIZE, 0);
  await cut(net, peer, socket);
});

Deno.test("bufferedAmount keeps what was lost with the connection", async () => {
  const { net, peer, socket } = await open();
  for (let i = 0; i < 4; i++) socket.send(new Uint8Array(SIZE));
  await net.clock.advance(0);
  const before = socket.bufferedAmount;
  assert(before >= 2 * SIZE);
  const log = logEvents(socket);
  await cut(net, peer, socket);
  assertEquals(log, ["error", "close 1006 dirty"]);
  assertEquals(socket.bufferedAmount, before);
  socket.send("late");
  assertEquals(socket.bufferedAmount, before + 4);
});

Deno.test("bufferedAmount keeps what a full queue has lost", async () => {
  const { net, socket } = await open();
  const size = 40 * 1024 * 1024;
  const closed = next<CloseEvent>(socket, "close");
  socket.send(new Uint8Array(size));
  socket.send(new Uint8Array(size));
  socket.send("more");
  assertEquals(socket.bufferedAmount, 2 * size + 4);
  assertEquals((await closed).code, 1006);
  assertEquals(socket.bufferedAmount, 2 * size + 4);
  await net.clock.advance(0);
  assertEquals(net.clock.pending, 0);
});

Deno.test("bufferedAmount counts once what a Blob has held back", async () => {
  const { net, peer, socket } = await open();
  const { promise, resolve } = Promise.withResolvers<ArrayBuffer>();
  class Slow extends Blob {
    override arrayBuffer(): Promise<ArrayBuffer> {
      return promise;
    }
  }
  socket.send(new Slow(["abc"]));
  socket.send("behind");
  assertEquals(socket.bufferedAmount, 9);
  await cut(net, peer, socket);
  assertEquals(socket.bufferedAmount, 9);
  resolve(new ArrayBuffer(3));
  await net.clock.advance(0);
  assertEquals(socket.bufferedAmount, 9);
});

Deno.test("WebSocket is closing from the peer's close frame to the end", async () => {
  const { net, peer, socket } = await open();
  const log = logEvents(socket);
  await peer.send(closeFrame(3001));
  for (let i = 0; i < 8; i++) await net.clock.advance(0);
  assertEquals(socket.readyState, 2);
  socket.send("late");
  assertEquals(socket.bufferedAmount, 4);
  assertEquals(log, []);
  const closed = next(socket, "close");
  peer.transport.close();
  await closed;
  assertEquals(log, ["close 3001"]);
  await net.clock.advance(0);
});

Deno.test("WebSocket that is closed while it connects never opens", async () => {
  let opened = 0;
  for (let turns = 0; turns < 100; turns++) {
    const net = new TestNet();
    const socket = new WebSocket("ws://a.test/", net.options) as Socket;
    const log = logEvents(socket);
    const peer = await net.next();
    await peer.accept();
    for (let i = 0; i < turns; i++) await null;
    // The last ones wait for its task.
    if (turns > 90) await net.clock.advance(0);
    const { readyState } = socket;
    const closed = next(socket, "close");
    socket.close();
    if (readyState === 1) {
      opened++;
      peer.transport.reset();
    }
    await closed;
    const ending = readyState === 1 ? ["open"] : ["error"];
    assertEquals(log, [...ending, "close 1006 dirty"]);
    await net.clock.advance(0);
    assertEquals(net.clock.pending, 0);
  }
  assert(opened > 0, "None was late enough");
});

Deno.test("reading pauses while many messages wait for their task", async () => {
  const { net, peer, socket } = await open();
  const frame = new Uint8Array(4 + 60_000);
  frame.set([0x82, 126, 60_000 >> 8, 60_000 & 255]);
  let count = 0;
  socket.onmessage = () => count++;
  for (let i = 0; i < 100; i++) await peer.send(frame);
  while (count < 100) await net.clock.advance(0);
  await cut(net, peer, socket);
  assertEquals(count, 100);
});
