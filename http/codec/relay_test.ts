import { assertEquals } from "@std/assert";
import { Fields, fieldsOfHead } from "./fields.ts";
import { FieldFilter, relayFields } from "./relay.ts";
import { wireFields } from "./wire_fields.ts";

const NONE = new FieldFilter([]);

/** The text that is sent of fields which were received so. */
function relayed(lines: string[], drop = NONE, extra = "") {
  const head = lines.map((line) => line + "\r\n").join("") + "\r\n";
  return wireFields(relayFields(fieldsOfHead(head, 0, false), drop, extra));
}

Deno.test("relayFields passes fields on as they came", () => {
  const lines = ["Host: a", "ACCEPT:*/*", "X-Two:  b \t", "Empty:"];
  const wire = relayed(lines);
  assertEquals(wire.text, lines.map((line) => line + "\r\n").join(""));
  assertEquals([wire.hosts, wire.contentLength, wire.chunked], [1, -1, false]);
});

Deno.test("relayFields drops what is between two neighbours only", () => {
  for (
    const line of [
      "Connection: keep-alive",
      "connection: close",
      "Keep-Alive: timeout=5",
      "Upgrade: h2c",
      "Transfer-Encoding: chunked",
      "Content-Length: 5",
    ]
  ) {
    assertEquals(relayed([line, "Host: a"]).text, "Host: a\r\n", line);
    assertEquals(relayed(["Host: a", line]).text, "Host: a\r\n", line);
  }
});

Deno.test("relayFields keeps what frames the message", () => {
  assertEquals(relayed(["Content-Length: 12"]).contentLength, 12);
  assertEquals(relayed(["TRANSFER-ENCODING: chunked"]).chunked, true);
});

Deno.test("relayFields drops what Connection names, wherever it stands", () => {
  const lines = ["X-A: 1", "X-B: 2", "X-C: 3"];
  for (const at of [0, 1, 2, 3]) {
    const all = [...lines];
    all.splice(at, 0, "Connection: close, x-b,X-C");
    assertEquals(relayed(all).text, "X-A: 1\r\n");
  }
});

Deno.test("relayFields heeds each of several Connection fields", () => {
  const lines = ["Connection: x-a", "X-A: 1", "X-B: 2", "Connection: X-B"];
  assertEquals(relayed([...lines, "X-C: 3"]).text, "X-C: 3\r\n");
});

Deno.test("relayFields keeps what Connection must not name", () => {
  const wire = relayed([
    "Connection: host, content-length, cookie, authorization, x-a",
    "Host: a",
    "Content-Length: 3",
    "Cookie: c=1",
    "Authorization: Basic eA==",
    "X-A: 1",
  ]);
  assertEquals(
    wire.text,
    "Host: a\r\nCookie: c=1\r\nAuthorization: Basic eA==\r\n",
  );
  assertEquals([wire.hosts, wire.contentLength], [1, 3]);
});

Deno.test("relayFields drops what it is asked for, and adds lines", () => {
  const drop = new FieldFilter(["Host", "x-b"]);
  const wire = relayed(
    ["hOST: a", "X-B: 1", "X-C: 2", "X-b: 3"],
    drop,
    "Host: b\r\nX-D: 4\r\n",
  );
  assertEquals(wire.text, "X-C: 2\r\nHost: b\r\nX-D: 4\r\n");
  assertEquals(wire.hosts, 1);
});

Deno.test("relayFields knows whether a date is among the fields", () => {
  const drop = new FieldFilter(["date"]);
  assertEquals(relayed(["Date: x"]).date, true);
  assertEquals(relayed(["Host: x"]).date, false);
  assertEquals(relayed(["Date: x"], drop).date, false);
  assertEquals(relayed(["Date: x"], drop, "Date: y\r\n").date, true);
});

Deno.test("relayFields takes fields that a program made, and Latin-1", () => {
  const fields = new Fields({ Host: "a", "X-A": "caf\xe9", Connection: "x-b" });
  fields.append("X-B", "1");
  const wire = wireFields(relayFields(fields, NONE, ""));
  assertEquals(wire.text, "Host: a\r\nX-A: caf\xe9\r\n");
  assertEquals(wire.wide, true);
});
