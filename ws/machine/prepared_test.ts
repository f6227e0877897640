import {
  assert,
  assertEquals,
  assertNotStrictEquals,
  assertStrictEquals,
} from "@std/assert";
import { parse } from "../conformance/_frames_test_util.ts";
import { DeflateContexts } from "../deflate/contexts.ts";
import { resolveDeflate } from "../deflate/params.ts";
import { formsOf, PreparedMessage } from "./prepared.ts";

const SETTINGS = { windowBits: 15, level: 1, memLevel: 8 };

Deno.test("PreparedMessage is text or binary, and knows its size in bytes", () => {
  const text = new PreparedMessage("é€");
  assertEquals(text.size, 5);
  const binary = new PreparedMessage(new Uint8Array(7));
  assertEquals(binary.size, 7);
  const frames = [text, binary].map((message) =>
    parse(formsOf(message).plain.frame, false)
  );
  assertEquals(frames.map(({ frames }) => frames[0]!.opcode), [1, 2]);
  assertEquals(frames[0]!.frames[0]!.payload, new TextEncoder().encode("é€"));
  assertEquals(frames[1]!.end, 9);
});

Deno.test("PreparedMessage is encoded once", () => {
  const message = new PreparedMessage("x".repeat(70_000));
  const { plain } = formsOf(message);
  assertStrictEquals(formsOf(message).plain.frame, plain.frame);
  const { frames, end } = parse(plain.frame, false);
  assertEquals(end, 70_010);
  assertEquals(frames[0]!.payload.length, 70_000);
});

Deno.test("PreparedMessage is compressed once for each set of parameters", () => {
  const message = new PreparedMessage("mongoose ".repeat(100));
  const one = formsOf(message).compressed(SETTINGS);
  assertStrictEquals(formsOf(message).compressed({ ...SETTINGS }), one);
  assertStrictEquals(one.frame, one.frame);
  for (
    const other of [{ windowBits: 9 }, { level: 9 }, { memLevel: 1 }]
  ) {
    const settings = { ...SETTINGS, ...other };
    assertNotStrictEquals(formsOf(message).compressed(settings), one);
  }
  assert(one.payload.length < message.size);
});

Deno.test("PreparedMessage is read by any peer with its window, with contexts or without", () => {
  for (const windowBits of [8, 9, 12, 15]) {
    const settings = { ...SETTINGS, windowBits };
    const text = "0123456789abcdef".repeat(4_000);
    const { frame } = formsOf(new PreparedMessage(text)).compressed(
      settings,
    );
    const [{ payload, rsv, opcode, fin }] = parse(frame, false)
      .frames as [ReturnType<typeof parse>["frames"][number]];
    assertEquals([rsv, opcode, fin], [4, 1, true]);
    for (const serverNoContextTakeover of [true, false]) {
      const contexts = new DeflateContexts(
        "client",
        resolveDeflate({
          serverNoContextTakeover,
          serverMaxWindowBits: windowBits,
        }),
      );
      for (let i = 0; i < 2; i++) {
        const bytes = contexts.inflate(payload, true, text.length);
        assertEquals(new TextDecoder().decode(bytes), text);
      }
      contexts.close();
    }
  }
});

Deno.test("An empty PreparedMessage is a message, compressed or not", () => {
  const message = new PreparedMessage("");
  assertEquals(
    parse(formsOf(message).plain.frame, false).frames[0]!.payload.length,
    0,
  );
  const contexts = new DeflateContexts("client", resolveDeflate());
  const { payload } = formsOf(message).compressed(SETTINGS);
  assertEquals(contexts.inflate(payload, true, 0).length, 0);
  contexts.close();
});
