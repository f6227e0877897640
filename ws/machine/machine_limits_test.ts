// What a connection takes, and how long it waits.

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  close,
  concat,
  encode,
  frame,
  ping,
  text,
} from "../conformance/_frames_test_util.ts";
import { resolveDeflate } from "../deflate/params.ts";
import { DeflateContexts } from "../deflate/contexts.ts";
import { connBench, machineBench, settle } from "../_ws_test_util.ts";
import { WsMachine } from "./machine.ts";
import type { WsLimits } from "./limits.ts";

Deno.test("A message in one frame may be as long as maxMessage, and no longer", async () => {
  const { conn, peer, log } = machineBench({ maxMessage: 200 });
  await peer.send(text("x".repeat(200)));
  assertEquals(log, ["open", "message:200"]);
  // The head is enough to know.
  peer.write(encode([frame(2, new Uint8Array(201))], true).subarray(0, 8));
  const [reply] = await peer.replies();
  assert(reply!.startsWith("close:1009"));
  await peer.end();
  const error = await conn.closed;
  assertEquals([error?.code, error?.reply], ["message_too_large", 1009]);
  assertEquals(error?.side, "remote");
  assertEquals(log.at(-1), "close:1006:message_too_large");
});

Deno.test("maxMessage counts all fragments of a message, and begins anew with the next", async () => {
  const { conn, peer, log } = machineBench({ maxMessage: 10 });
  const three = [
    frame(2, new Uint8Array(4), { fin: false }),
    frame(0, new Uint8Array(4), { fin: false }),
    frame(0, new Uint8Array(2)),
  ];
  await peer.send(...three, ...three);
  const zeros = "message:[0,0,0,0,0,0,0,0,0,0]";
  assertEquals(log, ["open", zeros, zeros]);
  await peer.send(three[0]!, three[1]!, frame(0, new Uint8Array(3)));
  await peer.end();
  assertEquals((await conn.closed)?.code, "message_too_large");
});

Deno.test("maxMessage counts what a message is after decompression", async () => {
  const deflate = resolveDeflate();
  const { conn, peer, log } = machineBench({ deflate, maxMessage: 10_000 });
  const contexts = new DeflateContexts("client", deflate);
  const good = contexts.compress(new Uint8Array(10_000));
  const bad = contexts.compress(new Uint8Array(10_001));
  contexts.close();
  assert(bad.length < 100);
  await peer.send(frame(2, good, { rsv: 4 }));
  assertEquals(log, ["open", "message:[10000]"]);
  await peer.send(frame(2, bad, { rsv: 4 }));
  await peer.end();
  const error = await conn.closed;
  assertEquals([error?.code, error?.reply], ["message_too_large", 1009]);
});

Deno.test("A message of maxMessage bytes may be longer while it is compressed", async () => {
  const deflate = resolveDeflate();
  const { conn, peer, log } = machineBench({ deflate, maxMessage: 1_000 });
  const contexts = new DeflateContexts("client", deflate);
  const noise = crypto.getRandomValues(new Uint8Array(1_000));
  const payload = contexts.compress(noise);
  contexts.close();
  assert(payload.length > 1_000);
  await peer.send(frame(2, payload, { rsv: 4 }));
  assertEquals(log, ["open", "message:[1000]"]);
  conn.abort();
});

Deno.test("A message of zero bytes passes a maxMessage of zero", async () => {
  const { conn, peer, log } = machineBench({ maxMessage: 0 });
  await peer.send(text(""));
  assertEquals(log, ["open", "message:"]);
  await peer.send(text("x"));
  await peer.end();
  assertEquals((await conn.closed)?.reply, 1009);
});

Deno.test("maxFrame limits one frame", async () => {
  const { conn, peer, log } = machineBench({ maxFrame: 200 });
  await peer.send(
    frame(1, "x".repeat(200), { fin: false }),
    frame(0, "x".repeat(200)),
    ping("x".repeat(125)),
  );
  assertEquals(log.slice(0, 2), ["open", "message:400"]);
  await peer.send(text("x".repeat(201)));
  await peer.end();
  const error = await conn.closed;
  assertEquals([error?.code, error?.reply], ["frame_too_large", 1009]);
});

Deno.test("maxFragments limits the frames of one message", async () => {
  const { conn, peer, log } = machineBench({ maxFragments: 3 });
  const some = (count: number) => [
    frame(1, "", { fin: false }),
    ...Array.from({ length: count - 2 }, () => frame(0, "x", { fin: false })),
    frame(0, "y"),
  ];
  await peer.send(...some(3), ...some(3));
  assertEquals(log, ["open", "message:xy", "message:xy"]);
  await peer.send(...some(4));
  await peer.end();
  const error = await conn.closed;
  assertEquals([error?.code, error?.reply], ["too_many_fragments", 1008]);
});

Deno.test("The defaults let 4 MiB in fragments of 64 bytes through", async () => {
  let size = 0;
  const { conn, peer } = machineBench({
    handler: (event) => {
      if (event.type === "message") size = event.data.length;
    },
  });
  const count = 4 * 1024 * 1024 / 64;
  const more = encode([frame(0, new Uint8Array(64), { fin: false })], true);
  const all = new Uint8Array(more.length * (count - 2));
  for (let i = 0; i < count - 2; i++) all.set(more, i * more.length);
  peer.write(concat([
    encode([frame(2, new Uint8Array(64), { fin: false })], true),
    all,
    encode([frame(0, new Uint8Array(64))], true),
  ]));
  for (let i = 0; size === 0 && i < 1000; i++) await settle();
  assertEquals(size, 4 * 1024 * 1024);
  conn.abort();
});

Deno.test("highMark is what send goes by, and drain follows", async () => {
  const { conn, peer, log } = machineBench({
    highMark: 1_000,
    pair: { bufferSize: 100 },
  });
  peer.transport.stall();
  assertEquals(conn.send("x".repeat(900)), true);
  assertEquals(conn.needsDrain, false);
  assertEquals(conn.send("x".repeat(200)), false);
  assertEquals(conn.needsDrain, true);
  assertEquals(log, ["open"]);
  peer.transport.resume();
  await conn.drain();
  assertEquals(log, ["open", "drain"]);
  assertEquals(conn.needsDrain, false);
  assertEquals(conn.send("x"), true);
  conn.abort();
});

Deno.test("A highMark that is not given is the connection's own", async () => {
  const { conn, peer } = connBench({
    attach: { highMark: 10 },
    pair: { bufferSize: 1 },
  });
  peer.transport.stall();
  assertEquals(conn.send("12345678"), true);
  assertEquals(conn.send("9"), false);
  conn.abort();
  await conn.closed;
});

Deno.test("WsMachine refuses a limit that makes no sense", () => {
  const bad: WsLimits[] = [
    { maxMessage: -1 },
    { maxFrame: 124 },
    { maxFragments: 0 },
    { maxMessageRate: 0.5 },
    { highMark: -1 },
    { pingInterval: 0 },
    { pongTimeout: 0 },
    { idleTimeout: 0 },
    { closeTimeout: -1 },
    { maxMessage: NaN },
  ];
  for (const limits of bad) {
    const [name] = Object.keys(limits);
    assertThrows(
      () => new WsMachine("server", limits),
      RangeError,
      `Cannot set "${name}" to `,
    );
  }
});

Deno.test("A frame that breaks a rule is 1002, at its head", async () => {
  const cases: [Parameters<typeof frame>, string][] = [
    [[3, ""], "opcode_unknown"],
    [[11, ""], "opcode_unknown"],
    [[1, "", { rsv: 4 }], "reserved_bits"],
    [[1, "", { rsv: 1 }], "reserved_bits"],
    [[1, "", { masked: false }], "mask_invalid"],
    [[9, "", { fin: false }], "control_fragmented"],
    [[9, "x".repeat(126)], "control_too_long"],
    [[8, "x"], "close_invalid"],
    [[0, ""], "fragment_invalid"],
    [[1, "x", { lengthBits: 16 }], "length_invalid"],
    [[2, new Uint8Array(200), { lengthBits: 64 }], "length_invalid"],
    [[2, "x", { lengthBits: 64, announced: 1n << 63n }], "length_invalid"],
  ];
  for (const [args, code] of cases) {
    const { conn, peer, log } = machineBench();
    await peer.send(text("good"), frame(...args), text("late"));
    const [reply] = await peer.frames();
    assertEquals(reply!.payload.subarray(0, 2), new Uint8Array([3, 234]));
    await peer.end();
    assertEquals((await conn.closed)?.code, code);
    assertEquals(log, ["open", "message:good", `close:1006:${code}`]);
  }
});

Deno.test("Text that is not UTF-8 is 1007", async () => {
  for (
    const frames of [
      [text(new Uint8Array([0xff]))],
      [close(1000, new Uint8Array([0xff]))],
      // The first bad byte is enough.
      [frame(1, new Uint8Array([0xce, 0xba, 0xed, 0xa0]), { fin: false })],
      [frame(1, new Uint8Array([0xe2, 0x82]), { fin: false }), frame(0, "")],
    ]
  ) {
    const { conn, peer } = machineBench();
    await peer.send(...frames);
    await peer.end();
    const error = await conn.closed;
    assertEquals([error?.code, error?.reply], ["utf8_invalid", 1007]);
  }
});
