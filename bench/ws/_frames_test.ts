import { assertEquals, assertThrows } from "@std/assert";
import { AnswerReader, clientFrame, prepare, readAnswer } from "./_frames.ts";

/** A server's frame: the head without a key, and a payload. */
function frame(first: number, head: number[], length: number): number[] {
  return [first, ...head, ...new Array(length).fill(0x81)];
}

const SAMPLES = new Uint8Array([
  ...frame(0x82, [3], 3),
  ...frame(0x89, [4], 4), // a ping
  ...frame(0x02, [126, 1, 0], 256), // a fragment
  ...frame(0x80, [127, 0, 0, 0, 0, 0, 1, 0, 0], 65536), // the last one
  ...frame(0x81, [0], 0),
  ...frame(0xc1, [125], 125),
]);
const MESSAGES = 4;

Deno.test("AnswerReader counts messages, whatever the bytes come in", () => {
  for (const size of [1, 2, 3, 7, 255, 1000, SAMPLES.length]) {
    const reader = new AnswerReader();
    let count = 0;
    for (let at = 0; at < SAMPLES.length; at += size) {
      const piece = SAMPLES.slice(at, at + size);
      count += reader.take(piece, piece.length);
    }
    assertEquals([count, reader.left], [MESSAGES, 0], `in pieces of ${size}`);
  }
});

Deno.test("AnswerReader goes over what was dropped unread", () => {
  const reader = new AnswerReader();
  assertEquals(reader.take(new Uint8Array([0x82, 126, 1, 0, 1]), 5), 0);
  assertEquals(reader.left, 255);
  assertEquals([reader.skip(254), reader.skip(1)], [0, 1]);
});

Deno.test("AnswerReader refuses a close frame", () => {
  const bytes = new Uint8Array([0x88, 0]);
  assertThrows(() => new AnswerReader().take(bytes, 2), Error, "closed");
});

Deno.test("AnswerReader refuses a masked frame", () => {
  const bytes = new Uint8Array([0x82, 0x81, 1, 2, 3, 4, 5]);
  assertThrows(() => new AnswerReader().take(bytes, 7), Error, "masked");
});

Deno.test("clientFrame masks, and writes lengths in as few bytes as it can", () => {
  const heads = [125, 126, 65535, 65536].map((
    length,
  ) => [...clientFrame(2, new Uint8Array(length)).subarray(0, 10)]);
  const key = [0x37, 0xfa, 0x21, 0x3d];
  assertEquals(heads.map((head) => head.slice(0, 4)), [
    [0x82, 0xfd, 0x37, 0xfa],
    [0x82, 0xfe, 0, 126],
    [0x82, 0xfe, 255, 255],
    [0x82, 0xff, 0, 0],
  ]);
  assertEquals(heads[1]!.slice(4, 8), key);
  assertEquals(heads[3]!.slice(2), [0, 0, 0, 0, 0, 1, 0, 0]);
  const payload = clientFrame(1, new Uint8Array([1, 2, 3, 4, 5])).subarray(6);
  assertEquals([...payload], [0x36, 0xf8, 0x22, 0x39, 0x32]);
});

Deno.test("prepare makes JSON messages of the size, each another", () => {
  const messages = prepare("json", 1024);
  const texts = messages.map(({ payload }) =>
    new TextDecoder().decode(payload)
  );
  for (const text of texts) {
    assertEquals([text.length, JSON.parse(text).type], [1024, "update"]);
  }
  assertEquals(new Set(texts).size, texts.length);
});

Deno.test("readAnswer reads plain and compressed messages", () => {
  const plain = new Uint8Array([0x81, 2, 104, 105]);
  assertEquals([...readAnswer(plain)], [104, 105]);
  for (const windowBits of [9, 15]) {
    const [{ payload, frame }] = prepare("json", 1024, windowBits) as [
      ReturnType<typeof prepare>[0],
    ];
    // Unmasked, as a server sends it: the length takes two bytes.
    const body = frame.subarray(8).map((byte, i) => byte ^ frame[4 + i % 4]!);
    const answer = [frame[0]!, frame[1]! & 0x7f, frame[2]!, frame[3]!, ...body];
    assertEquals(readAnswer(new Uint8Array(answer)), payload);
  }
});

Deno.test("readAnswer refuses what is no message by itself", () => {
  for (const first of [0x01, 0x80, 0x89]) {
    assertThrows(() => readAnswer(new Uint8Array([first, 0])), Error, "Not a");
  }
});
