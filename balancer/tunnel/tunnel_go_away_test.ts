import { assertEquals, assertThrows } from "@std/assert";
import { TestClock } from "../../conn/clock.ts";
import { ConnError } from "../../conn/error.ts";
import { attach, drainConn } from "../../conn/loop.ts";
import { memoryPair } from "../../conn/pair.ts";
import { RawMachine } from "../../conn/raw.ts";
import { type WsEvent, WsMachine } from "../../ws/mod.ts";
import {
  frame,
  PASS,
  settle,
  shortFrames,
  status,
  tunnelBench,
} from "./_tunnel_test_util.ts";
import { tunnelWebSocket } from "./tunnel.ts";

Deno.test("goAway gives both ends a close frame, and ends when both have answered", async () => {
  const { client, backend, clock, tunnel } = tunnelBench();
  await client.send([0x81, "up"]);
  await backend.send([0x81, "down"]);
  tunnel.goAway();
  assertEquals(await client.frames(), ["text:down", "close:1001"]);
  assertEquals(await backend.frames(), ["text:up", "close:1001"]);
  await client.close(1001);
  assertEquals([client.ended, backend.ended], ["eof", "no"]);
  await client.end();
  assertEquals(backend.ended, "no");
  await backend.close(1001);
  assertEquals(backend.ended, "no", "the server hangs up first");
  await backend.end();
  assertEquals(backend.ended, "eof");
  const result = await tunnel.closed;
  assertEquals(result, {
    bytesIn: 8,
    bytesOut: 6,
    messagesIn: 1,
    messagesOut: 1,
    endedBy: "balancer",
    code: 1001,
  });
  assertEquals((await client.bytes()).length, 0);
  assertEquals((await backend.bytes()).length, 0);
  assertEquals(clock.pending, 0);
});

Deno.test("goAway drops what comes after the close frames", async () => {
  const { client, backend, tunnel } = tunnelBench();
  tunnel.goAway(4001, "moved");
  await client.send([0x81, "late"], [0x01, "half"], [0x80, "whole"]);
  await backend.send([0x89, "late"]);
  await client.close(4001);
  await client.end();
  await backend.close(4001);
  await backend.end();
  const { bytesIn, bytesOut, messagesIn, code } = await tunnel.closed;
  assertEquals([bytesIn, bytesOut, messagesIn, code], [0, 0, 0, 4001]);
  assertEquals(await client.frames(), ["close:4001"]);
  assertEquals(await backend.frames(), ["close:4001"]);
});

Deno.test("goAway puts its frames behind what is under way, wherever that is cut", async () => {
  const long = frame(0x82, new Uint8Array(300), false);
  for (const cut of [1, 2, 3, 4, 5, 150, 303, 304]) {
    for (const mark of [0x02, 0x82]) {
      const { client, backend, tunnel } = tunnelBench();
      const down = long.slice();
      down[0] = mark;
      backend.write(down.slice(0, cut));
      await settle();
      tunnel.goAway();
      // A head that is not complete has not passed, and does not now.
      const expected = cut < 4
        ? ["close:1001"]
        : [mark === 2 ? "binary+:300" : "binary:300", "close:1001"];
      backend.write(down.slice(cut));
      await backend.send([0x80, "end"]);
      assertEquals(await client.frames(), expected, `cut at ${cut}`);
      tunnel.abort();
      await tunnel.closed;
    }
  }
});

Deno.test("goAway masks what it puts in for the backend, behind a masked frame", async () => {
  const message = frame(0x81, "x".repeat(200), true);
  for (let cut = 8; cut <= message.length; cut += 7) {
    const { client, backend, tunnel } = tunnelBench();
    client.write(message.slice(0, cut));
    await settle();
    tunnel.goAway();
    client.write(message.slice(cut));
    await client.close(1001);
    assertEquals(await backend.frames(), ["text:200", "close:1001"]);
    assertEquals(client.ended, "eof");
    tunnel.abort();
    await tunnel.closed;
  }
});

Deno.test("goAway waits no longer than it may for a frame or an answer", async () => {
  const { client, backend, clock, tunnel } = tunnelBench();
  const huge = frame(0x82, new Uint8Array(1000), false);
  backend.write(huge.slice(0, 500));
  await settle();
  tunnel.goAway();
  await clock.advance(4900);
  assertEquals([client.ended, backend.ended], ["no", "no"]);
  await clock.advance(300);
  const { error, endedBy } = await tunnel.closed;
  assertEquals([error?.code, endedBy], ["close_timeout", "balancer"]);
  assertEquals(shortFrames(await client.bytes(), false), ["cut"]);
  assertEquals(await backend.frames(), ["close:1001"]);
  assertEquals(clock.pending, 0);
});

Deno.test("goAway gets through to a backend whose client takes nothing", async () => {
  const { client, backend, clock, tunnel } = tunnelBench(PASS, {
    bufferSize: 1024,
  });
  client.transport.stall();
  for (let i = 0; i < 300; i++) {
    backend.write(frame(0x82, new Uint8Array(1000), false));
  }
  await settle();
  tunnel.goAway();
  assertEquals(await backend.frames(), ["close:1001"]);
  backend.close(1001);
  for (let i = 0; i < 400; i++) await settle();
  await backend.end();
  assertEquals(backend.ended, "eof");
  await clock.advance(5200);
  assertEquals((await tunnel.closed).error?.code, "close_timeout");
});

Deno.test("a backend that answers and does not hang up is no error", async () => {
  const { client, backend, clock, tunnel } = tunnelBench();
  tunnel.goAway();
  await client.close(1001);
  await client.end();
  await backend.close(1001);
  await clock.advance(5200);
  const { error, code } = await tunnel.closed;
  assertEquals([error, code], [undefined, 1001]);
});

Deno.test("an end that answers late gets no more time to hang up", async () => {
  const { client, backend, clock, tunnel } = tunnelBench();
  tunnel.goAway();
  await backend.close(1001);
  await backend.end();
  await clock.advance(4500);
  await client.close(1001);
  await clock.advance(800);
  const { error } = await tunnel.closed;
  assertEquals([error, clock.now()], [undefined, 5300]);
});

Deno.test("an end that answers with broken frames is not waited for", async () => {
  const { client, backend, tunnel } = tunnelBench();
  tunnel.goAway();
  await client.send([0x83, ""]);
  await backend.send([0x83, ""]);
  assertEquals([client.ended, backend.ended], ["eof", "eof"]);
  await client.end();
  await backend.end();
  assertEquals((await tunnel.closed).error, undefined);
});

Deno.test("goAway leaves a handshake that is under way to the ends, for a while", async () => {
  const { client, backend, clock, tunnel } = tunnelBench();
  await client.close(3000);
  tunnel.goAway();
  await backend.send([0x81, "still"]);
  await backend.close(3000);
  assertEquals(await client.frames(), ["text:still", "close:3000"]);
  assertEquals(await backend.frames(), ["close:3000"]);
  await clock.advance(5200);
  const { error, endedBy, code } = await tunnel.closed;
  assertEquals([error, endedBy, code], [undefined, "client", 3000]);
});

Deno.test("an end that breaks does not cut the one that is still saying goodbye", async () => {
  const { client, backend, tunnel } = tunnelBench();
  tunnel.goAway();
  await settle();
  backend.transport.reset();
  await settle();
  assertEquals(await client.frames(), ["close:1001"]);
  assertEquals(client.ended, "no");
  await client.close(1001);
  assertEquals(client.ended, "eof");
  await client.end();
  const { error, endedBy } = await tunnel.closed;
  assertEquals([error?.code, endedBy], ["reset", "balancer"]);
});

Deno.test("an end that breaks in a frame ends the other without a close frame", async () => {
  for (const how of ["reset", "end"] as const) {
    const { client, backend, tunnel } = tunnelBench();
    backend.write(frame(0x82, new Uint8Array(100), false).slice(0, 50));
    await settle();
    tunnel.goAway();
    if (how === "end") await backend.end();
    else backend.transport.reset();
    assertEquals(await client.frames(), ["cut"]);
    assertEquals(client.ended, "eof");
    await client.end();
    assertEquals((await tunnel.closed).endedBy, "balancer");
  }
});

Deno.test("goAway closes plainly where frames cannot be told apart", async () => {
  const { client, backend, tunnel } = tunnelBench();
  await backend.send([0x83, "reserved"]);
  tunnel.goAway();
  await settle();
  assertEquals([client.ended, backend.ended], ["eof", "eof"]);
  assertEquals(await backend.frames(), ["close:1001"]);
  assertEquals((await client.bytes()).length, 10);
  await client.end();
  await backend.end();
  const { error, endedBy } = await tunnel.closed;
  assertEquals([error, endedBy], [undefined, "balancer"]);
});

/** A protocol that is not over yet when its connection is drained. */
class Unhurried extends RawMachine {
  override drain(): void {}
}

for (const when of ["before it is one", "that stands"]) {
  Deno.test(`draining a connection of a tunnel ${when} is going away`, async () => {
    const [here, left] = memoryPair();
    const [right, there] = memoryPair();
    const log: string[] = [];
    const note = (who: string) => (event: WsEvent) => {
      if (event.type !== "close") return;
      log.push(`${who} ${event.code} ${event.wasClean}`);
    };
    attach(here, new WsMachine("client"), note("client"));
    attach(there, new WsMachine("server"), note("backend"));
    const client = attach(left, new Unhurried(), () => {});
    const backend = attach(right, new Unhurried(), () => {});
    if (when !== "that stands") drainConn(client);
    const { closed } = tunnelWebSocket(client, backend, { settings: PASS });
    if (when === "that stands") drainConn(client);
    const { endedBy, code, error } = await closed;
    assertEquals([endedBy, code, error], ["balancer", 1001, undefined]);
    await settle();
    assertEquals(log.sort(), ["backend 1001 true", "client 1001 true"]);
  });
}

Deno.test("goAway refuses a code that no frame may carry", async () => {
  const { tunnel } = tunnelBench();
  const error = assertThrows(() => tunnel.goAway(1006), ConnError);
  assertEquals(error.code, "close_invalid");
  tunnel.abort();
  await tunnel.closed;
  tunnel.goAway();
});

Deno.test("abort cuts both ends, with the error that it was given", async () => {
  const { client, backend, tunnel, clock } = tunnelBench();
  const error = new ConnError("Too long", { code: "late", side: "local" });
  tunnel.abort(error);
  const result = await tunnel.closed;
  assertEquals([result.error, result.endedBy], [error, "balancer"]);
  await settle();
  assertEquals([client.ended, backend.ended], ["eof", "eof"]);
  assertEquals(clock.pending, 0);
});

Deno.test("a close frame is known in pieces, empty, and with the other's answer", async () => {
  const cases: [Uint8Array, number][] = [
    [new Uint8Array(0), 1005],
    [status(1000), 1000],
    [status(4999, "x".repeat(123)), 4999],
  ];
  for (const [payload, code] of cases) {
    const clock = new TestClock();
    const [here, left] = memoryPair();
    const [right, there] = memoryPair({ chunk: 1 });
    const attached = (end: typeof left) =>
      attach(end, new RawMachine(), () => {}, { clock });
    const tunnel = tunnelWebSocket(attached(left), attached(right), {
      settings: PASS,
    });
    await there.write(frame(0x88, payload, false));
    await settle();
    await here.write(frame(0x88, status(1001), true));
    for (const end of [here, there]) end.close();
    const result = await tunnel.closed;
    assertEquals([result.code, result.endedBy], [code, "backend"]);
  }
});
