import { assert, assertEquals, assertThrows } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import { wireFields } from "./wire_fields.ts";
import { Fields, type FieldsInit, fieldsOfHead } from "./fields.ts";

const HEAD =
  "GET / HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nx-one:  2 \r\nE:\r\n\r\n";
const AT = HEAD.indexOf("Host");

function received(): Fields {
  return fieldsOfHead(HEAD, AT, false);
}

const ALL: [string, string][] = [
  ["Host", "a"],
  ["X-One", "1"],
  ["x-one", "2"],
  ["E", ""],
];

for (
  const [kind, make] of [
    ["of a head", received],
    ["of a program", () => new Fields(ALL)],
  ] as const
) {
  Deno.test(`Fields ${kind} are found in any case, in order`, () => {
    const fields = make();
    assertEquals(fields.size, 4);
    assertEquals(fields.get("hOsT"), "a");
    assertEquals(fields.get("X-ONE"), "1, 2");
    assertEquals(fields.getAll("x-One"), ["1", "2"]);
    assertEquals(fields.get("e"), "");
    assertEquals([fields.get("x"), fields.has("x")], [undefined, false]);
    assertEquals([fields.has("E"), fields.has("e")], [true, true]);
    assertEquals([...fields], ALL);
  });

  Deno.test(`Fields ${kind} can be changed`, () => {
    const fields = make();
    fields.set("X-ONE", "3");
    assertEquals(fields.getAll("x-one"), ["3"]);
    assertEquals([...fields][1], ["X-ONE", "3"]);
    fields.append("Host", " b\t");
    assertEquals(fields.get("host"), "a, b");
    assertEquals([fields.delete("HOST"), fields.delete("HOST")], [true, false]);
    fields.set("New", "x");
    assertEquals([...fields], [["X-ONE", "3"], ["E", ""], ["New", "x"]]);
  });

  Deno.test(`Fields ${kind} are sent as they are after a change`, () => {
    const fields = make();
    const before = wireFields(fields);
    assertEquals(before.text, "Host: a\r\nX-One: 1\r\nx-one: 2\r\nE: \r\n");
    assert(wireFields(fields) === before);
    fields.delete("x-one");
    assertEquals(wireFields(fields).text, "Host: a\r\nE: \r\n");
    fields.append("F", "f");
    assertEquals(wireFields(fields).text, "Host: a\r\nE: \r\nF: f\r\n");
    fields.set("F", "g");
    assertEquals(wireFields(fields).text, "Host: a\r\nE: \r\nF: g\r\n");
  });
}

Deno.test("Fields are made of fields, Headers, pairs and objects", () => {
  const headers = new Headers([["a", "1"], ["set-cookie", "x"], [
    "set-cookie",
    "y",
  ]]);
  const cases: [FieldsInit | undefined, [string, string][]][] = [
    [undefined, []],
    [new Fields({ A: "1" }), [["A", "1"]]],
    [headers, [["a", "1"], ["set-cookie", "x"], ["set-cookie", "y"]]],
    [[["A", "1"], ["A", "2"]], [["A", "1"], ["A", "2"]]],
    [new Map([["A", "1"]]), [["A", "1"]]],
    [{ A: "1", B: ["2", "3"] }, [["A", "1"], ["B", "2"], ["B", "3"]]],
  ];
  for (const [init, expected] of cases) {
    assertEquals([...new Fields(init)], expected);
  }
});

Deno.test("Fields of a copy are its own", () => {
  const one = received();
  const two = new Fields(one);
  two.set("Host", "b");
  assertEquals([one.get("host"), two.get("host")], ["a", "b"]);
  const none = new Fields();
  none.append("a", "b");
  assertEquals(new Fields().size, 0);
});

Deno.test("Fields compare letters alone without their case", () => {
  // "@" and "`", "[" and "{" differ as capital and small letters do.
  const fields = new Fields({ "a^": "1", "b~": "2" });
  assertEquals(fields.get("A~"), undefined);
  assertEquals(fields.get("A^"), "1");
  assertEquals(new Fields([["x`", "1"]]).get("x@"), undefined);
});

Deno.test("Fields refuse names and values that could bring in a field", () => {
  for (const name of ["", " ", "a b", "a:", "a\r\nb", "a\0", "ä", "a\u0130"]) {
    for (const act of ["set", "append"] as const) {
      const error = assertThrows(() => new Fields()[act](name, "x"), ConnError);
      assertEquals([error.code, error.side], ["bad_field_name", "local"]);
    }
  }
  for (
    const value of ["a\rb", "a\nb", "a\0b", "\x01", "\x7f", "€", "a\r\nB: c"]
  ) {
    for (const act of ["set", "append"] as const) {
      const error = assertThrows(
        () => new Fields()[act]("a", value),
        ConnError,
      );
      assertEquals([error.code, error.side], ["bad_field_value", "local"]);
    }
    assertThrows(() => new Fields({ a: value }), ConnError);
  }
});

Deno.test("Fields take white space off the ends of values, and nothing else", () => {
  const fields = new Fields({ a: " \tb c\t ", d: " \xa0 ", e: "\t" });
  assertEquals([...fields], [["a", "b c"], ["d", "\xa0"], ["e", ""]]);
});

Deno.test("wireFields takes what frames a message out of the text", () => {
  const wire = wireFields({
    "content-length": "007",
    Connection: "x, Close",
    "X-A": "ä",
  });
  assertEquals(wire.text, "Connection: x, Close\r\nX-A: ä\r\n");
  assertEquals([wire.contentLength, wire.chunked], [7, false]);
  assertEquals([wire.connection, wire.close, wire.wide], [true, true, true]);
  const chunked = wireFields({ "Transfer-Encoding": "Chunked" });
  assertEquals([chunked.text, chunked.chunked], ["", true]);
});
