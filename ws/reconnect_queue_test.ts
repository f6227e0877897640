import { assertEquals, assertThrows } from "@std/assert";
import { ConnError } from "../conn/error.ts";
import { closeFrame } from "./_connect_test_util.ts";
import { Bench } from "./_reconnect_test_util.ts";
import { PreparedMessage } from "./machine/prepared.ts";

Deno.test("what is sent without a connection goes out in order", async () => {
  await using bench = new Bench();
  const { socket } = bench;
  assertEquals(socket.send("one"), false);
  assertEquals(socket.send(new Uint8Array([2])), false);
  assertEquals(socket.send(new PreparedMessage("three")), false);
  const first = await bench.accept();
  assertEquals(socket.send("four"), true);
  await bench.settle();
  assertEquals(first.received, ["one", new Uint8Array([2]), "three", "four"]);
  await bench.cut(first);
  socket.send("five");
  await bench.pass(250);
  const second = await bench.accept();
  assertEquals(second.received, ["five"]);
});

Deno.test("what is sent after the server's close frame waits for the next one", async () => {
  await using bench = new Bench({}, (event, socket) => {
    if (event.type === "closing") socket.send("in time");
    if (event.type === "reconnecting") socket.send("later");
  });
  const first = await bench.accept();
  await bench.hangUp(first, 1001);
  await bench.pass(250);
  const second = await bench.accept();
  assertEquals(first.received, []);
  assertEquals(second.received, ["later"]);
});

Deno.test("what is sent while the connection closes waits for the next one", async () => {
  await using bench = new Bench();
  const peer = await bench.net.next();
  await peer.accept({ then: [closeFrame(1001)] });
  await bench.settle();
  assertEquals(bench.log, ["open 0", "closing"]);
  assertEquals(bench.socket.conn?.state, "closing");
  assertEquals(bench.socket.send("later"), false);
  peer.transport.close();
  await bench.pass(250);
  assertEquals((await bench.accept()).received, ["later"]);
});

Deno.test("what the handler of open sends goes out before what has waited", async () => {
  await using bench = new Bench({}, (event, socket) => {
    if (event.type === "open") socket.send("resume");
  });
  bench.socket.send("waited");
  assertEquals((await bench.accept()).received, ["resume", "waited"]);
});

Deno.test("what has waited goes out when the handler of open is done", async () => {
  const looked = Promise.withResolvers<void>();
  await using bench = new Bench({}, async (event, socket) => {
    if (event.type !== "open") return;
    socket.send("hello");
    await looked.promise;
    event.conn.send("resume");
    socket.send("behind");
  });
  bench.socket.send("waited");
  const { received } = await bench.accept();
  assertEquals(received, ["hello"]);
  assertEquals(bench.socket.send("meanwhile"), false);
  looked.resolve();
  await bench.settle();
  assertEquals(received, ["hello", "resume", "waited", "meanwhile", "behind"]);
});

Deno.test("what has waited is kept if the connection breaks before its turn", async () => {
  const looked = Promise.withResolvers<void>();
  await using bench = new Bench({}, async (event) => {
    if (event.type === "open" && !event.resumed) await looked.promise;
  });
  bench.socket.send("waited");
  const first = await bench.accept();
  await bench.cut(first);
  looked.resolve();
  await bench.pass(250);
  const second = await bench.accept();
  assertEquals(first.received, []);
  assertEquals(second.received, ["waited"]);
});

Deno.test("close sends what has waited, if there is a connection", async () => {
  await using bench = new Bench({}, async (event, socket) => {
    if (event.type !== "open") return;
    await Promise.resolve();
    socket.close();
  });
  bench.socket.send("waited");
  const { received } = await bench.accept();
  assertEquals(received, ["waited"]);
  assertEquals(bench.log.at(-1), "close 1000");
});

Deno.test("close in the handler of open comes behind what has waited", async () => {
  await using bench = new Bench({}, (event, socket) => {
    if (event.type === "open") socket.close(3001);
  });
  bench.socket.send("waited");
  const { received } = await bench.accept();
  assertEquals(received, ["waited"]);
  assertEquals(bench.log, ["open 0", "drain", "closing", "close 3001"]);
});

Deno.test("the queue takes so many bytes, and throws beyond", async () => {
  await using bench = new Bench({ queue: 100 });
  const { socket } = bench;
  socket.send("ä".repeat(20)); // 40 bytes, and 16
  const error = assertThrows(() => socket.send("x".repeat(29)), ConnError);
  assertEquals([error.code, error.side], ["send_queue_full", "local"]);
  socket.send("x".repeat(28));
  assertThrows(() => socket.send(""), ConnError);
  const { received } = await bench.accept();
  assertEquals(received, ["ä".repeat(20), "x".repeat(28)]);
});

Deno.test("the queue holds a mebibyte by default", async () => {
  await using bench = new Bench();
  bench.socket.send(new Uint8Array(2 ** 20 - 16));
  assertThrows(() => bench.socket.send(""), ConnError);
});

Deno.test("drain waits for a connection and for what is queued", async () => {
  await using bench = new Bench();
  bench.socket.send("waited");
  let drained = false;
  bench.socket.drain().then(() => drained = true);
  await bench.settle();
  assertEquals(drained, false);
  await bench.accept();
  assertEquals(drained, true);
  assertEquals(bench.log, ["open 0", "drain"]);
});

Deno.test("drain waits for the connection's own queue, too", async () => {
  await using bench = new Bench();
  bench.socket.send("x".repeat(300_000));
  const request = await bench.request();
  let drained = false;
  bench.socket.drain().then(() => drained = true);
  request.peer.transport.stall();
  const { acceptKey } = await import("./handshake/accept_key.ts");
  const key = /Sec-WebSocket-Key: (\S+)/.exec(request.head)![1]!;
  await request.peer.send(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" +
      `Connection: Upgrade\r\nSec-WebSocket-Accept: ${acceptKey(key)}\r\n\r\n`,
  );
  await bench.settle();
  assertEquals([bench.log, drained], [["open 0"], false]);
  request.peer.transport.resume();
  const buffer = new Uint8Array(65536);
  while (!drained) {
    await request.peer.transport.read(buffer);
    await bench.settle();
  }
  assertEquals(bench.log, ["open 0", "drain"]);
});

Deno.test("drain resolves when it is over", async () => {
  await using bench = new Bench();
  const drained = bench.socket.drain();
  bench.socket.close();
  await drained;
});

for (const [how, before] of [["first", 0], ["after an await", 1]] as const) {
  Deno.test(`drain does not wait for the handler of open that waits for it, ${how}`, async () => {
    const told: string[] = [];
    await using bench = new Bench({}, async (event, socket) => {
      if (event.type !== "open") return;
      for (let i = 0; i < before; i++) await Promise.resolve();
      event.conn.send("resume");
      socket.send("hello");
      await socket.drain();
      told.push("drained");
      socket.send("behind");
    });
    bench.socket.send("waited");
    const { conn, received } = await bench.accept();
    await bench.settle();
    assertEquals(told, ["drained"]);
    assertEquals(
      received,
      before === 0
        ? ["resume", "hello", "waited", "behind"]
        : ["resume", "waited", "hello", "behind"],
    );
    conn.send("hi");
    await bench.settle();
    assertEquals(bench.log.at(-1), "message hi");
  });
}

Deno.test("drain lets the handler of open come to its first await", async () => {
  await using bench = new Bench({}, async (event, socket) => {
    if (event.type !== "open") return;
    const drained = socket.drain();
    socket.send("resume");
    await drained;
  });
  bench.socket.send("waited");
  const { received } = await bench.accept();
  assertEquals(received, ["resume", "waited"]);
});

Deno.test("drain in the handler of open waits for the next connection if this one breaks", async () => {
  const looked = Promise.withResolvers<void>();
  let drained = false;
  await using bench = new Bench({}, async (event, socket) => {
    if (event.type !== "open" || event.resumed) return;
    await looked.promise;
    await socket.drain();
    drained = true;
  });
  bench.socket.send("waited");
  await bench.cut(await bench.accept());
  looked.resolve();
  await bench.settle();
  assertEquals(drained, false);
  await bench.pass(250);
  assertEquals((await bench.accept()).received, ["waited"]);
  assertEquals(drained, true);
});

Deno.test("what the connection cannot take yet goes on waiting", async () => {
  const errors: string[] = [];
  await using bench = new Bench({ queue: 100 }, async (event, socket) => {
    if (event.type !== "open") return;
    event.conn.send({
      type: "fragment",
      kind: "text",
      data: "a",
      final: false,
    });
    await socket.drain().catch((error) => errors.push(error.code));
    // It still counts.
    assertThrows(() => socket.send("x".repeat(80)), ConnError, "queue");
    event.conn.send({ type: "fragment", kind: "text", data: "b", final: true });
  });
  bench.socket.send("waited");
  const { received } = await bench.accept();
  await bench.settle();
  assertEquals(errors, ["message_open"]);
  assertEquals(received, ["ab", "waited"]);
});

Deno.test("the queue refuses what is no message", async () => {
  await using bench = new Bench();
  for (const wrong of [5, {}, new ArrayBuffer(3), { type: "ping" }]) {
    const send = () => bench.socket.send(wrong as unknown as string);
    assertEquals(assertThrows(send, ConnError).code, "command_invalid");
  }
  bench.socket.send("waited");
  assertEquals((await bench.accept()).received, ["waited"]);
});
