import { assert, assertEquals } from "@std/assert";
import { ReadBuffer } from "./_read_buffer.ts";

/** Reads `data` into the buffer as one read would, and says how large it was. */
function fill(
  buffer: ReadBuffer,
  data: number[] | number,
  mayGrow = true,
): number {
  const room = buffer.room(mayGrow)!;
  const bytes = typeof data === "number" ? new Uint8Array(data) : data;
  room.set(bytes);
  buffer.filled(bytes.length);
  return room.length;
}

Deno.test("ReadBuffer keeps what was not consumed in front, in one piece", () => {
  const buffer = new ReadBuffer();
  fill(buffer, [1, 2, 3]);
  buffer.consume(2);
  fill(buffer, [4]);
  assertEquals(buffer.bytes(), new Uint8Array([3, 4]));
  assertEquals(buffer.size, 2);
});

Deno.test("ReadBuffer starts small, grows while reads fill it, and shrinks again", () => {
  const buffer = new ReadBuffer();
  const sizes: number[] = [];
  for (let i = 0; i < 5; i++) {
    const room = buffer.room(true)!;
    sizes.push(room.length);
    buffer.filled(room.length);
    buffer.consume(room.length);
  }
  assertEquals(sizes, [1024, 4096, 16384, 65536, 262144]);
  for (let i = 0; i < 8; i++) {
    fill(buffer, [1]);
    buffer.consume(1);
  }
  assertEquals(buffer.room(true)?.length, 1024);
});

Deno.test("ReadBuffer does not grow while input is paused", () => {
  const buffer = new ReadBuffer();
  assertEquals(fill(buffer, 1024, false), 1024);
  assertEquals(buffer.room(false), undefined);
  assert(buffer.room(true)!.length > 0);
});

Deno.test("ReadBuffer moves the rest to the front to make room", () => {
  const buffer = new ReadBuffer();
  fill(buffer, 1024, false);
  buffer.consume(1000);
  assertEquals(buffer.room(false)?.length, 1000);
  assertEquals(buffer.size, 24);
});

Deno.test("ReadBuffer grows to the machine's lookahead and no further", () => {
  const buffer = new ReadBuffer();
  let room;
  while ((room = buffer.room(true, 300_000)) !== undefined) {
    buffer.filled(room.length);
  }
  assertEquals(buffer.size, 300_000);
});

Deno.test("ReadBuffer takes bytes back while a read is under way", () => {
  const buffer = new ReadBuffer(new Uint8Array([2]));
  const room = buffer.room(true)!;
  buffer.unread(new Uint8Array([1]));
  room[0] = 3;
  buffer.filled(1);
  assertEquals(buffer.bytes(), new Uint8Array([1, 2, 3]));
  buffer.consume(1);
  assertEquals(buffer.bytes(), new Uint8Array([2, 3]));
  buffer.consume(2);
  assertEquals(buffer.size, 0);
});

Deno.test("ReadBuffer.clear drops everything", () => {
  const buffer = new ReadBuffer(new Uint8Array([1]));
  fill(buffer, [2]);
  buffer.clear();
  assertEquals([buffer.size, buffer.bytes().length], [0, 0]);
});
