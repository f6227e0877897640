import { assert, assertEquals } from "@std/assert";
import type { WebSocketSettings } from "../config/settings.ts";
import {
  frame,
  INSPECT,
  PASS,
  settle,
  status,
  type TunnelBench,
  tunnelBench,
} from "./_tunnel_test_util.ts";
import type { TunnelSide } from "./tunnel.ts";

/** Lets both ends answer the close frames that they have, and go. */
async function finish({ client, backend, tunnel }: TunnelBench) {
  for (const peer of [client, backend]) {
    await peer.close(1001);
    await peer.end();
  }
  return await tunnel.closed;
}

/** What a peer sends that breaks a rule: the rule, and the code. */
const BAD: [string, Partial<WebSocketSettings>, [number, string][], number][] =
  [
    ["a frame over its limit", { maxFrame: 4 }, [[0x81, "12345"]], 1009],
    ["a message over its limit", { maxMessage: 4 }, [[0x81, "12345"]], 1009],
    [
      "a message over its limit in pieces",
      { maxMessage: 4 },
      [[0x01, "123"], [0x89, "12345"], [0x00, "4"], [0x80, "5"]],
      1009,
    ],
    ["a reserved opcode", {}, [[0x83, ""]], 1002],
    ["reserved bits", {}, [[0xa1, ""]], 1002],
    ["a lone continuation", {}, [[0x80, ""]], 1002],
    ["a message in a message", {}, [[0x01, ""], [0x81, ""]], 1002],
    ["a fragmented ping", {}, [[0x09, ""]], 1002],
    ["a long pong", {}, [[0x8a, "x".repeat(126)]], 1002],
    ["half a close code", {}, [[0x88, "x"]], 1002],
  ];

for (const [what, rules, frames, code] of BAD) {
  Deno.test(`a tunnel ends with ${code} who sends ${what}, and tells the other`, async () => {
    for (const side of ["client", "backend"] as TunnelSide[]) {
      const bench = tunnelBench({ ...INSPECT, ...rules });
      const other = side === "client" ? "backend" : "client";
      await bench[side].send([0x81, "ok"], ...frames, [0x81, "more"]);
      // Whoever broke the rule is not listened to.
      assertEquals(await bench[side].frames(), [`close:${code}`]);
      assertEquals(bench[side].ended, "eof");
      const passed = await bench[other].frames();
      assertEquals(
        [passed[0], passed.at(-1), passed.length],
        [
          "text:ok",
          side === "client" ? "close:1001" : "close:1014",
          frames.length + 1,
        ],
      );
      assertEquals(bench[other].ended, "no");
      const result = await finish(bench);
      assertEquals(result.endedBy, side);
      assertEquals(result.code, code);
      assertEquals(result.error?.reply, code);
      assertEquals(result.error?.side, "remote");
      assertEquals(bench.failures, []);
    }
  });
}

Deno.test("a tunnel ends a client that does not mask", async () => {
  const bench = tunnelBench(INSPECT);
  bench.client.write(frame(0x81, "bare", false));
  assertEquals(await bench.client.frames(), ["close:1002"]);
  assertEquals(await bench.backend.frames(), ["close:1001"]);
  const { error } = await finish(bench);
  assertEquals(error?.code, "mask_invalid");
});

Deno.test("a tunnel lets through what is at its limits, and compressed messages", async () => {
  const bench = tunnelBench({ ...INSPECT, maxFrame: 4, maxMessage: 6 });
  for (const peer of [bench.client, bench.backend]) {
    await peer.send([0x41, "1234"], [0x80, "56"], [0xc1, "1234"]);
  }
  assertEquals(await bench.client.frames(), [
    "text+:1234",
    "more:56",
    "text:1234",
  ]);
  assertEquals((await bench.backend.frames()).length, 3);
  const { error, messagesIn, messagesOut } = await finish(bench);
  assertEquals([error, messagesIn, messagesOut], [undefined, 2, 2]);
});

Deno.test("the close frame for who broke a rule waits for the frame that it gets", async () => {
  const bench = tunnelBench(INSPECT);
  const down = frame(0x82, new Uint8Array(100), false);
  bench.backend.write(down.slice(0, 60));
  await bench.client.send([0x83, ""], [0x81, "more"]);
  assertEquals(await bench.client.frames(), ["cut"]);
  assertEquals(await bench.backend.frames(), ["close:1001"]);
  assertEquals(bench.client.ended, "no");
  bench.backend.write(down.slice(60));
  await bench.backend.send([0x81, "late"]);
  assertEquals(
    (await bench.client.bytes()).slice(42),
    frame(
      0x88,
      status(1002, "Cannot read the frame: opcode 3 is reserved"),
      false,
    ),
  );
  assertEquals(bench.client.ended, "eof");
  await finish(bench);
});

Deno.test("who breaks a rule after the other's close frame gets no second one", async () => {
  const bench = tunnelBench({ ...INSPECT, maxFrame: 100 });
  await bench.backend.close(1000);
  await bench.client.send([0x82, new Uint8Array(101)]);
  assertEquals(await bench.client.frames(), ["close:1000"]);
  assertEquals(bench.client.ended, "eof");
  assertEquals(await bench.backend.frames(), ["close:1001"]);
  const { endedBy, code, error } = await finish(bench);
  assertEquals([endedBy, code, error?.code], [
    "backend",
    1000,
    "frame_too_large",
  ]);
});

Deno.test("who breaks a rule gets no close frame in a frame that stays half", async () => {
  const bench = tunnelBench(INSPECT);
  bench.backend.write(frame(0x82, new Uint8Array(100), false).slice(0, 60));
  await bench.backend.end();
  await bench.client.send([0x83, ""]);
  assertEquals(await bench.client.frames(), ["cut"]);
  assertEquals(bench.client.ended, "eof");
  assertEquals(await bench.backend.frames(), ["close:1001"]);
  assertEquals(bench.backend.ended, "eof");
  await bench.client.end();
  const { endedBy, error } = await bench.tunnel.closed;
  assertEquals([endedBy, error?.code], ["backend", "opcode_unknown"]);
});

Deno.test("messageRate holds a second's worth, and fills up with time", async () => {
  const bench = tunnelBench({ ...INSPECT, messageRate: 4 });
  const { client, backend, clock } = bench;
  const one: [number, string][] = [[0x01, "a"], [0x89, ""], [0x80, "b"]];
  await client.send(...one, ...one, ...one, ...one);
  await clock.advance(250);
  await client.send([0x81, "c"]);
  await backend.send(...one, ...one, ...one, ...one, ...one, ...one);
  assertEquals((await client.frames()).length, 18);
  assertEquals((await backend.frames()).length, 13);
  await clock.advance(200);
  await client.send([0x81, "d"]);
  assertEquals(await backend.frames(), ["close:1001"]);
  assertEquals(await client.frames(), ["close:1008"]);
  const { error, messagesIn } = await finish(bench);
  assertEquals([error?.code, messagesIn], ["too_many_messages", 5]);
});

Deno.test("messageRate below one still lets a message through now and then", async () => {
  const bench = tunnelBench({ ...INSPECT, messageRate: 0.5 });
  for (let i = 0; i < 5; i++) {
    await bench.client.send([0x81, "x"]);
    await bench.clock.advance(2000);
  }
  assertEquals((await bench.backend.frames()).length, 5);
  bench.tunnel.abort();
  await bench.tunnel.closed;
});

Deno.test("messageRate does not count the time that the backend made the client wait", async () => {
  const bench = tunnelBench({ ...INSPECT, messageRate: 5 }, {
    bufferSize: 1024,
  });
  const { client, backend, clock } = bench;
  backend.transport.stall();
  await client.send([0x82, new Uint8Array(100_000)]);
  for (let i = 0; i < 100 && client.transport.bytesWritten < 99_000; i++) {
    await settle();
  }
  // A message each 250 ms, for ten seconds of which none is read.
  for (let i = 0; i < 40; i++) {
    client.send([0x81, "steady"]);
    await clock.advance(250);
  }
  backend.transport.resume();
  for (let i = 0; i < 400; i++) await settle();
  assertEquals((await backend.frames()).length, 41);
  bench.tunnel.abort();
  await bench.tunnel.closed;
});

Deno.test("onFailure gets the close code that a backend sends of its own accord", async () => {
  for (const code of [1011, 1012, 1013, 1014]) {
    const bench = tunnelBench(INSPECT);
    await bench.backend.close(code);
    assertEquals(bench.failures, [code]);
    assertEquals((await finish(bench)).code, code);
    assertEquals(bench.failures, [code]);
  }
});

Deno.test("onFailure is not for other codes, answers, clients, and tunnels that only pass", async () => {
  const other = tunnelBench(INSPECT);
  await other.backend.close(1000);
  const answer = tunnelBench(INSPECT);
  await answer.client.close(1011);
  await answer.backend.close(1011);
  const passing = tunnelBench(PASS);
  await passing.backend.close(1011);
  const going = tunnelBench(INSPECT);
  going.tunnel.goAway();
  await going.backend.close(1011);
  for (const bench of [other, answer, passing, going]) {
    assertEquals(bench.failures, []);
    const { endedBy } = await finish(bench);
    assert(endedBy !== undefined);
  }
});
