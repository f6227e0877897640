import { assert, assertEquals } from "@std/assert";
import { TestClock } from "../../conn/clock.ts";
import { attach } from "../../conn/loop.ts";
import { memoryPair } from "../../conn/pair.ts";
import { RawMachine } from "../../conn/raw.ts";
import { WsMachine } from "../../ws/machine/machine.ts";
import {
  concat,
  frame,
  INSPECT,
  PASS,
  settle,
  status,
  tunnelBench,
} from "./_tunnel_test_util.ts";
import { tunnelWebSocket } from "./tunnel.ts";

const CHUNKS = [1, 2, 3, 7, 1000, Infinity];

/** A long and varied exchange of one side. */
function script(masked: boolean): Uint8Array {
  return concat([
    frame(0x81, "", masked),
    frame(0x81, "short", masked),
    frame(0x02, new Uint8Array(125), masked),
    frame(0x89, "ping", masked),
    frame(0x00, new Uint8Array(126), masked),
    frame(0x80, new Uint8Array(300), masked),
    frame(0xc2, new Uint8Array(65_535), masked),
    frame(0x8a, "", masked),
    frame(0x82, new Uint8Array(65_536), masked),
    frame(0x88, status(1000, "done"), masked),
  ]);
}

for (const settings of [PASS, INSPECT]) {
  const mode = settings.inspect ? "that is looked into" : "as it is";
  Deno.test(`a tunnel ${mode} passes every byte, however it comes`, async () => {
    for (const chunk of CHUNKS) {
      const { client, backend, tunnel } = tunnelBench(settings, {
        chunk,
        bufferSize: 1 << 20,
      });
      const [up, down] = [script(true), script(false)];
      client.write(up);
      backend.write(down);
      await client.end();
      await backend.end();
      const result = await tunnel.closed;
      assertEquals(await backend.bytes(), up);
      assertEquals(await client.bytes(), down);
      assertEquals([client.ended, backend.ended], ["eof", "eof"]);
      const { endedBy, ...rest } = result;
      assert(endedBy !== "balancer");
      assertEquals(rest, {
        bytesIn: up.length,
        bytesOut: down.length,
        messagesIn: 5,
        messagesOut: 5,
        code: 1000,
      }, `chunks of ${chunk}`);
    }
  });
}

Deno.test("a tunnel carries a conversation of two WebSockets to its end", async () => {
  const [here, left] = memoryPair();
  const [right, there] = memoryPair();
  const tunnel = tunnelWebSocket(
    attach(left, new RawMachine(), () => {}),
    attach(right, new RawMachine(), () => {}),
    { settings: INSPECT },
  );
  attach(there, new WsMachine("server"), (event, conn) => {
    if (event.type === "message") conn.send(event.data);
  });
  const replies: unknown[] = [];
  const client = attach(here, new WsMachine("client"), (event, conn) => {
    if (event.type === "open") conn.send("hello");
    if (event.type === "message") {
      replies.push(event.data);
      if (replies.length < 3) conn.send(`${event.data}!`);
      else conn.send({ type: "close", code: 4000 });
    }
  });
  assertEquals(await client.closed, undefined);
  assertEquals(replies, ["hello", "hello!", "hello!!"]);
  const { bytesIn, bytesOut, ...rest } = await tunnel.closed;
  assertEquals([bytesIn, bytesOut], [18 + 6 * 3 + 8, 18 + 2 * 3 + 4]);
  assertEquals(rest, {
    messagesIn: 3,
    messagesOut: 3,
    endedBy: "client",
    code: 4000,
  });
});

Deno.test("a tunnel carries back-pressure", async () => {
  const { client, backend, tunnel } = tunnelBench(PASS, { bufferSize: 1024 });
  backend.transport.stall();
  const message = frame(0x82, new Uint8Array(4096), true);
  for (let i = 0; i < 500; i++) client.write(message);
  await settle();
  const taken = client.transport.bytesWritten;
  assert(taken < 400 * 1024, `${taken} bytes piled up`);
  backend.transport.resume();
  await client.close(1000);
  await client.end();
  while (backend.ended === "no") await settle();
  await backend.end();
  const { bytesIn, messagesIn } = await tunnel.closed;
  assertEquals([bytesIn, messagesIn], [500 * message.length + 8, 500]);
  assertEquals((await backend.bytes()).length, bytesIn);
});

Deno.test("a tunnel passes the end of one direction, and goes on with the other", async () => {
  const { client, backend, clock, tunnel } = tunnelBench();
  await client.send([0x81, "all"]);
  await client.end();
  assertEquals(await backend.frames(), ["text:all"]);
  assertEquals(backend.ended, "eof");
  for (let i = 0; i < 5; i++) {
    await clock.advance(4000);
    await backend.send([0x81, `${i}`]);
  }
  assertEquals((await client.frames()).length, 5);
  await backend.end();
  assertEquals(await tunnel.closed, {
    bytesIn: 9,
    bytesOut: 15,
    messagesIn: 1,
    messagesOut: 5,
    endedBy: "client",
  });
  assertEquals(clock.pending, 0);
});

Deno.test("a tunnel with one end left is cut when nothing comes for a while", async () => {
  const { client, backend, clock, tunnel } = tunnelBench();
  await backend.end();
  assertEquals(client.ended, "eof");
  await clock.advance(4900);
  assertEquals(backend.ended, "no");
  await clock.advance(300);
  const { error, endedBy } = await tunnel.closed;
  assertEquals([error?.code, endedBy], ["close_timeout", "backend"]);
  assertEquals(backend.ended, "eof");
});

for (const stalled of ["client", "backend"] as const) {
  Deno.test(`a tunnel with one end left is kept while the ${stalled} takes what waits`, async () => {
    const { clock, tunnel, ...peers } = tunnelBench(PASS, {
      bufferSize: 1024,
    });
    const { client, backend } = peers;
    peers[stalled].transport.stall();
    for (const peer of [client, backend]) {
      await peer.send([0x82, new Uint8Array(5000)], [0x88, status(1000)]);
    }
    await backend.end();
    await clock.advance(20_000);
    peers[stalled].transport.resume();
    await client.end();
    for (const peer of [client, backend]) {
      assertEquals(await peer.frames(), ["binary:5000", "close:1000"]);
    }
    const { error, code } = await tunnel.closed;
    assertEquals([error, code], [undefined, 1000]);
  });
}

Deno.test("a tunnel cuts one end when the other breaks, and says who did", async () => {
  for (const side of ["client", "backend"] as const) {
    const { tunnel, ...peers } = tunnelBench();
    const other = side === "client" ? "backend" : "client";
    await peers[side].send([0x81, "last words"]);
    peers[side].transport.reset();
    const { error, endedBy, code } = await tunnel.closed;
    assertEquals([error?.code, endedBy, code], ["reset", side, undefined]);
    assertEquals(await peers[other].frames(), ["text:last words"]);
    assert(peers[other].ended !== "no");
  }
});

Deno.test("a reset after both close frames is no error", async () => {
  const { client, backend, tunnel } = tunnelBench();
  await client.close(1000);
  await backend.close(1000);
  backend.transport.reset();
  const { error, endedBy, code } = await tunnel.closed;
  assertEquals([error, endedBy, code], [undefined, "client", 1000]);
});

Deno.test("a tunnel passes half a head at the end of the stream", async () => {
  const { client, backend, tunnel } = tunnelBench();
  client.write(Uint8Array.of(0x81, 0xfe, 1));
  await client.end();
  assertEquals(await backend.bytes(), Uint8Array.of(0x81, 0xfe, 1));
  await backend.end();
  assertEquals((await tunnel.closed).bytesIn, 3);
});

Deno.test("a tunnel that only passes lets broken frames through, and stops counting", async () => {
  const { client, backend, tunnel } = tunnelBench();
  await client.send([0x81, "good"], [0x83, "reserved"], [0x81, "later"]);
  const bytes = await backend.bytes();
  assertEquals(bytes.length, 6 + 4 + 6 + 8 + 6 + 5);
  await backend.send([0x81, "fine"]);
  assertEquals(await client.frames(), ["text:fine"]);
  tunnel.abort();
  const result = await tunnel.closed;
  assertEquals([result.messagesIn, result.messagesOut], [1, 1]);
  assertEquals([result.endedBy, result.error], ["balancer", undefined]);
});

Deno.test("a tunnel of a closed connection cuts the other, and says so", async () => {
  for (const gone of [0, 1]) {
    const ends = [memoryPair(), memoryPair()];
    const conns = ends.map(([end]) =>
      attach(end, new RawMachine(), () => {}, { clock: new TestClock() })
    );
    conns[gone]!.abort();
    const { closed } = tunnelWebSocket(conns[0]!, conns[1]!, {
      settings: PASS,
    });
    const { error, endedBy } = await closed;
    assertEquals([error?.code, endedBy], [
      "closed",
      gone === 0 ? "client" : "backend",
    ]);
    await Promise.all(conns.map((conn) => conn.closed));
  }
});
