import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ConnError } from "../../conn/error.ts";
import {
  encodeEvent,
  EventStreamParser,
  type EventStreamParserOptions,
  type ServerSentEvent,
} from "./sse.ts";

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function parse(
  bytes: Uint8Array,
  cuts: Iterable<number> = [],
  options: EventStreamParserOptions = {},
): ServerSentEvent[] {
  const parser = new EventStreamParser(options);
  const events: ServerSentEvent[] = [];
  let from = 0;
  for (const to of [...cuts, bytes.length].sort((a, b) => a - b)) {
    events.push(...parser.push(bytes.subarray(from, to)));
    from = to;
  }
  return events;
}

function event(data: string, event = "message", id = ""): ServerSentEvent {
  return { event, data, id };
}

const SAMPLES: [name: string, stream: string, events: ServerSentEvent[]][] = [
  ["nothing", "", []],
  ["one event", "data: a\n\n", [event("a")]],
  ["CR line ends", "data: a\rdata: b\r\r", [event("a\nb")]],
  ["CR LF line ends", "data: a\r\ndata: b\r\n\r\n", [event("a\nb")]],
  ["mixed line ends", "data: a\r\n\rdata: b\n\r\n", [event("a"), event("b")]],
  ["LF CR as two line ends", "data: a\n\rdata: b\n\n", [
    event("a"),
    event("b"),
  ]],
  ["a byte order mark", "\ufeffdata: a\n\n", [event("a")]],
  ["two byte order marks", "\ufeff\ufeffdata: a\n\n", []],
  ["a byte order mark in data", "data: \ufeffa\n\n", [event("\ufeffa")]],
  ["no space after the colon", "data:a\n\n", [event("a")]],
  ["two spaces after the colon", "data:  a \n\n", [event(" a ")]],
  ["colons in the value", "data: a:b: c\n\n", [event("a:b: c")]],
  ["empty data", "data\n\ndata:\n\ndata: \n\n", [
    event(""),
    event(""),
    event(""),
  ]],
  ["empty data lines", "data\ndata\n\n", [event("\n")]],
  ["comments", ": hi\n:\ndata: a\n:x\n\n", [event("a")]],
  ["a type", "event: tick\ndata: a\n\ndata: b\n\n", [
    event("a", "tick"),
    event("b"),
  ]],
  ["a type without data", "event: tick\n\ndata: a\n\n", [event("a")]],
  ["an empty type", "event: x\nevent\ndata: a\n\n", [event("a")]],
  ["ids that stay", "id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n", [
    event("a", "message", "1"),
    event("b", "message", "1"),
    event("c"),
  ]],
  ["an id with NUL", "id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n", [
    event("a", "message", "1"),
    event("b", "message", "1"),
  ]],
  ["other fields and cases", "Data: a\nfoo: b\n data: c\ndata : d\n\n", []],
  ["no last empty line", "data: a\n\ndata: b\n", [event("a")]],
  ["no last line end", "data: a\n\ndata: b", [event("a")]],
  ["UTF-8", "event: é\ndata: 日本😀\n\n", [event("日本😀", "é")]],
  ["a NUL in data", "data: a\0b\n\n", [event("a\0b")]],
];

for (const [name, stream, expected] of SAMPLES) {
  Deno.test(`EventStreamParser reads ${name} however it is cut`, () => {
    const bytes = bytesOf(stream);
    assertEquals(parse(bytes), expected);
    assertEquals(parse(bytes, bytes.keys()), expected);
    for (const at of bytes.keys()) assertEquals(parse(bytes, [at]), expected);
  });
}

Deno.test("EventStreamParser replaces bytes that are not UTF-8", () => {
  const bytes = Uint8Array.of(...bytesOf("data: "), 0xff, 10, 10);
  assertEquals(parse(bytes, bytes.keys()), [event("\ufffd")]);
});

Deno.test("EventStreamParser keeps the last id and the retry time", () => {
  const parser = new EventStreamParser({ lastEventId: "5" });
  assertEquals(parser.lastEventId, "5");
  assertEquals(parser.retry, undefined);
  assertEquals(parser.push(bytesOf("data: a\n\n")), [
    event("a", "message", "5"),
  ]);
  // An id counts when its event is complete (HTML §9.2.6).
  parser.push(bytesOf("id: 6\nretry: 250\n"));
  assertEquals([parser.lastEventId, parser.retry], ["5", 250]);
  assertEquals(parser.push(bytesOf("\n")), []);
  assertEquals(parser.lastEventId, "6");
  for (const bad of ["-1", "1.5", "1e3", "", " 7", "0x10", "٣"]) {
    parser.push(bytesOf(`retry: ${bad}\n`));
    assertEquals(parser.retry, 250);
  }
  parser.push(bytesOf("retry:0010\n"));
  assertEquals(parser.retry, 10);
});

Deno.test("EventStreamParser limits lines and data", () => {
  const options = { maxEventLength: 20 };
  for (
    const stream of [
      "data: " + "a".repeat(30),
      ":" + "a".repeat(20) + "\n",
      "data: aaaaaaaaaa\ndata: aaaaaaaaaa\n",
      "data\n".repeat(22),
    ]
  ) {
    const bytes = bytesOf(stream);
    for (const cuts of [[], bytes.keys()]) {
      const error = assertThrows(() => parse(bytes, cuts, options), ConnError);
      assertEquals([error.code, error.side], ["event_too_large", "remote"]);
    }
  }
  const fits = bytesOf(
    "data: aaaaaaaaa\ndata: aaaaaaaaaa\n\n: aaaaaa\n".repeat(9),
  );
  assertEquals(parse(fits, [], options).length, 9);
});

Deno.test("EventStreamParser takes a time linear in the input", () => {
  const bytes = bytesOf(`data: ${"a".repeat(300_000)}\n\n`);
  assertEquals(parse(bytes, bytes.keys())[0]?.data.length, 300_000);
});

Deno.test("encodeEvent writes what EventStreamParser reads, at random splits", () => {
  const text = fc.string({ unit: "binary" });
  const line = text.map((t) => t.replace(/[\r\n\0]/g, ""));
  const events = fc.array(
    fc.record({ data: text, event: line, id: line, comment: text }),
    { maxLength: 4 },
  );
  fc.assert(
    fc.property(
      events,
      fc.array(fc.nat(200), { maxLength: 6 }),
      (sent, cuts) => {
        const bytes = bytesOf(sent.map(encodeEvent).join(""));
        const at = cuts.map((cut) => Math.min(cut, bytes.length));
        assertEquals(
          parse(bytes, at),
          sent.map(({ data, event, id }) => ({
            data: data.replace(/\r\n?/g, "\n"),
            event: event || "message",
            id,
          })),
        );
      },
    ),
  );
});

Deno.test("encodeEvent writes all fields, data last", () => {
  assertEquals(
    encodeEvent({
      data: "a\r\n\rb",
      event: "e",
      id: "",
      retry: 0,
      comment: "x\ny",
    }),
    ": x\n: y\nevent: e\nid: \nretry: 0\ndata: a\ndata: \ndata: b\n\n",
  );
  assertEquals(encodeEvent({}), "\n");
  assertEquals(encodeEvent({ data: "" }), "data: \n\n");
});

Deno.test("encodeEvent refuses what would be another line", () => {
  for (
    const bad of [
      { event: "a\nb" },
      { event: "a\r" },
      { id: "\n" },
      { id: "a\rb" },
      { id: "a\0" },
      { retry: -1 },
      { retry: 1.5 },
      { retry: NaN },
      { retry: Infinity },
    ]
  ) assertThrows(() => encodeEvent(bad), TypeError, "Cannot encode the event");
});
