import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Sink } from "../../conn/machine.ts";
import { Fields } from "../codec/fields.ts";
import { HttpMachine } from "../machine/machine.ts";
import type { HttpCommand, HttpEvent } from "../codec/message.ts";
import { ChunkPrinter, reply, replyJson } from "./print.ts";

/** A connection that has received a GET, and what it wrote. */
function setUp(version = "1.1") {
  const machine = new HttpMachine("server");
  const decoder = new TextDecoder();
  const written: string[] = [];
  const sink: Sink<HttpEvent> = {
    now: 0,
    buffered: 0,
    paused: false,
    emit: () => true,
    write: (data) =>
      void written.push(typeof data === "string" ? data : decoder.decode(data)),
    writeAhead: () => {},
    settleAhead: () => {},
    writeShared: () => {},
    close: () => {},
    abort: () => {},
    readOn: () => {},
  };
  const request = `GET / HTTP/${version}\r\nHost: a\r\n\r\n`;
  machine.receive(new TextEncoder().encode(request), sink);
  return {
    conn: {
      send(command: HttpCommand) {
        machine.send(command, sink);
        return true;
      },
    },
    /** Head lines but for `Date`, and the body. */
    sent(): [head: string[], body: string] {
      const text = written.join("");
      const end = text.indexOf("\r\n\r\n");
      const head = text.slice(0, end).split("\r\n")
        .map((line) => line.toLowerCase())
        .filter((line) => !line.startsWith("date:"));
      return [head, text.slice(end + 4)];
    },
  };
}

function assertHas(lines: string[], ...expected: string[]): void {
  for (const line of expected) {
    assert(lines.includes(line), `no "${line}" in ${JSON.stringify(lines)}`);
  }
}

Deno.test("reply sends text with its type and length", () => {
  const { conn, sent } = setUp();
  assertEquals(reply(conn, { body: "é\n" }), true);
  const [head, body] = sent();
  assertHas(
    head,
    "http/1.1 200 ok",
    "content-type: text/plain; charset=utf-8",
    "content-length: 3",
  );
  assertEquals(body, "é\n");
});

Deno.test("reply keeps the content type that the fields give", () => {
  for (
    const fields of [
      { "CONTENT-TYPE": "text/html", "X-A": "b" },
      new Fields({ "content-type": "text/html", "x-a": "b" }),
      new Headers({ "content-type": "text/html", "x-a": "b" }),
    ]
  ) {
    const { conn, sent } = setUp();
    reply(conn, { status: 404, reason: "Gone fishing", fields, body: "a" });
    const [head] = sent();
    assertEquals(head[0], "http/1.1 404 gone fishing");
    assertHas(head, "content-type: text/html", "x-a: b");
    assertEquals(head.filter((line) => /^content-type/.test(line)).length, 1);
  }
});

Deno.test("reply adds a type to fields without one and leaves them alone", () => {
  const { conn, sent } = setUp();
  const fields = new Fields({ "X-A": "b" });
  reply(conn, { fields, body: "a" });
  assertHas(sent()[0], "x-a: b", "content-type: text/plain; charset=utf-8");
  assertEquals([...fields], [["X-A", "b"]]);
});

Deno.test("reply gives no type to bytes and to nothing", () => {
  for (const body of [Uint8Array.of(65), "", undefined]) {
    const { conn, sent } = setUp();
    reply(conn, body === undefined ? {} : { body });
    const [head] = sent();
    assertHas(head, `content-length: ${body?.length ?? 0}`);
    assert(!head.some((line) => line.startsWith("content-type")));
  }
});

Deno.test("replyJson sends a value and its type", () => {
  const { conn, sent } = setUp();
  replyJson(conn, { a: [1, "é"] }, { status: 201, fields: { "X-A": "b" } });
  const [head, body] = sent();
  assertHas(
    head,
    "http/1.1 201 created",
    "content-type: application/json",
    "x-a: b",
  );
  assertEquals(body, '{"a":[1,"é"]}');
});

Deno.test("replyJson refuses what has no JSON form, and sends nothing", () => {
  const { conn, sent } = setUp();
  assertThrows(() => replyJson(conn, undefined), TypeError, "undefined");
  assertThrows(() => replyJson(conn, () => {}), TypeError, "function");
  assertEquals(sent()[1], "");
  replyJson(conn, null);
  assertEquals(sent()[1], "null");
});

Deno.test("ChunkPrinter sends chunks, none for nothing, and trailers", () => {
  const { conn, sent } = setUp();
  const out = new ChunkPrinter(conn, { status: 202 });
  out.print("a\n");
  out.print("");
  out.print(new Uint8Array());
  out.json({ b: 1 });
  out.print(Uint8Array.of(99));
  out.end({ "X-Sum": "6" });
  const [head, body] = sent();
  assertHas(
    head,
    "http/1.1 202 accepted",
    "transfer-encoding: chunked",
    "content-type: text/plain; charset=utf-8",
  );
  assertEquals(
    body,
    '2\r\na\n\r\n7\r\n{"b":1}\r\n1\r\nc\r\n0\r\nX-Sum: 6\r\n\r\n',
  );
});

Deno.test("ChunkPrinter sends no chunks to HTTP/1.0", () => {
  const { conn, sent } = setUp("1.0");
  const out = new ChunkPrinter(conn, { fields: { "Content-Type": "a/b" } });
  out.print("one ");
  out.print("two");
  out.end();
  const [head, body] = sent();
  assertHas(head, "content-type: a/b");
  assert(!head.some((line) => line.startsWith("transfer-encoding")));
  assertEquals(body, "one two");
});

Deno.test("ChunkPrinter tells when the send queue is full", () => {
  const answers = [true, false, true];
  const conn = { send: () => answers.shift()! };
  const out = new ChunkPrinter(conn);
  assertEquals([out.print("a"), out.print("b")], [false, true]);
});
