import { assertEquals, assertThrows } from "@std/assert";
import { NumberReader, Outbox, SIZE } from "./_messages.ts";

/** A message as a server would pass it on: as it came, without the mask. */
function passOn(frame: Uint8Array, tail = ""): Uint8Array {
  const key = frame.subarray(2, 6);
  const text = frame.slice(6).map((byte, i) => byte ^ key[i & 3]!);
  const end = new TextEncoder().encode(tail);
  const length = text.length + end.length;
  const head = length < 126
    ? [0x81, length]
    : [0x81, 126, length >> 8, length & 255];
  return new Uint8Array([...head, ...text, ...end]);
}

function messages(numbers: readonly number[], tail = ""): Uint8Array {
  const parts = numbers.map((number) => {
    const outbox = new Outbox();
    outbox.add(number);
    return passOn(outbox.bytes, tail);
  });
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

function read(reader: NumberReader, bytes: Uint8Array): [number[], number] {
  const end = reader.read(bytes, 0, bytes.length);
  return [[...reader.numbers.subarray(0, reader.count)], end];
}

Deno.test("NumberReader finds the numbers of what Outbox made", () => {
  const numbers = [0, 7, 1234, 99_999_999];
  const bytes = messages(numbers);
  assertEquals(bytes.length, numbers.length * (SIZE + 2));
  assertEquals(read(new NumberReader(1024, 0), bytes), [numbers, bytes.length]);
});

Deno.test("NumberReader leaves a frame that is not whole", () => {
  const bytes = messages([1, 2]);
  const reader = new NumberReader(1024, 0);
  for (let end = 0; end < bytes.length; end++) {
    const whole = end < SIZE + 2 ? 0 : 1;
    assertEquals(read(reader, bytes.subarray(0, end)), [
      [1, 2].slice(0, whole),
      whole * (SIZE + 2),
    ]);
  }
});

Deno.test("NumberReader finds numbers before the end of long messages", () => {
  const tail = '"}' + " ".repeat(50);
  const bytes = messages([5, 6], tail);
  const reader = new NumberReader(1024, tail.length);
  assertEquals(read(reader, bytes), [[5, 6], bytes.length]);
});

Deno.test("NumberReader goes over messages without a number, and pings", () => {
  const hello = [0x81, 2, 0x7b, 0x7d];
  const ping = [0x89, 0];
  const bytes = new Uint8Array([...hello, ...ping, ...messages([3])]);
  const reader = new NumberReader(1024, 0);
  assertEquals(read(reader, bytes), [[3], bytes.length]);
});

Deno.test("NumberReader refuses a close, and a frame that is no text", () => {
  const reader = new NumberReader(1024, 0);
  const close = new Uint8Array([0x88, 2, 4408 >> 8, 4408 & 255]);
  assertThrows(() => read(reader, close), Error, '"4408"');
  const binary = new Uint8Array([0x82, 1, 0]);
  assertThrows(() => read(reader, binary), Error, "Not a text");
  const masked = new Uint8Array([0x81, 0x81, 0, 0, 0, 0, 0]);
  assertThrows(() => read(reader, masked), Error, "masked");
});

Deno.test("Outbox keeps what was not sent", () => {
  const outbox = new Outbox();
  outbox.add(1);
  const { length } = outbox.bytes;
  outbox.add(2);
  outbox.sent(length);
  assertEquals(outbox.bytes.length, length);
  assertEquals(outbox.empty, false);
  outbox.sent(length);
  assertEquals([outbox.empty, outbox.full], [true, false]);
});
