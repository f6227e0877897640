import { assert, assertEquals } from "@std/assert";
import { Fields } from "../../http/codec/fields.ts";
import { wireFields } from "../../http/codec/wire_fields.ts";
import { readTarget } from "../routing/target.ts";
import { assertField, requestHead, rules } from "./_head_test_util.ts";
import { CLIENT, makeRelay, PROXY, relayed } from "./_relay_test_util.ts";

Deno.test("a request gets what tells who its client is, Via and an id", () => {
  assertEquals(relayed({ fields: ["Accept: */*", "traceparent: 00-a-b-01"] }), [
    "Host: a.example",
    "Accept: */*",
    "traceparent: 00-a-b-01",
    "X-Forwarded-For: 192.0.2.1",
    "X-Forwarded-Proto: http",
    "X-Forwarded-Host: a.example",
    "Via: 1.1 meerkat",
    "X-Request-Id: id-1",
  ]);
});

const HOP_BY_HOP = [
  "Connection: keep-alive",
  "Connection: close, x-private",
  "X-Private: 1",
  "Keep-Alive: timeout=5",
  "Proxy-Connection: keep-alive",
  "TE: gzip",
  "Upgrade: h2c",
  "HTTP2-Settings: AAMAAABkAAQAAP__",
  "Proxy-Authorization: Basic eA==",
  "Proxy-Authenticate: Basic",
  "Proxy: http://evil.example",
];

Deno.test("what is between two neighbours stays behind", () => {
  for (const peer of [CLIENT, PROXY]) {
    const lines = relayed({ fields: HOP_BY_HOP.slice(1), peer });
    assertEquals(lines.length, 6);
    assertField(lines, "Connection");
    assertEquals(
      relayed({ fields: HOP_BY_HOP.slice(0, 1), peer }).length,
      6,
    );
  }
});

Deno.test("Trailer and Expect pass", () => {
  const fields = ["Trailer: Digest", "Expect: 100-continue"];
  const lines = relayed({ fields });
  assertField(lines, "Trailer", "Digest");
  assertField(lines, "Expect", "100-continue");
});

Deno.test("TE: trailers is asked for anew, any other coding is not", () => {
  for (const te of ["trailers", "gzip;q=0.5, Trailers"]) {
    const lines = relayed({ fields: ["Connection: TE", `TE: ${te}`] });
    assertField(lines, "TE", "trailers");
    assertField(lines, "Connection", "TE");
  }
  const lines = relayed({ fields: ["Connection: TE", "TE: trailers-not"] });
  assertField(lines, "TE");
  assertField(lines, "Connection");
});

Deno.test("naming a field in Connection does not take away what is needed", () => {
  const names = [
    ...["Host", "Content-Length", "X-Forwarded-For", "X-Forwarded-Host"],
    ...["X-Forwarded-Proto", "Forwarded", "Via", "X-Request-Id", "Cookie"],
    ...["Authorization", "Content-Type", "X-Rule"],
  ];
  const lines = relayed({
    forwarded: "both",
    line: "POST / HTTP/1.1",
    fields: [
      `Connection: close, ${names.join(", ")}`,
      "Content-Length: 3",
      "Content-Type: text/plain",
      "Cookie: a=1",
      "Authorization: Basic eA==",
      "X-Forwarded-For: 203.0.113.7",
      "Via: 1.0 front",
    ],
    peer: PROXY,
    rules: rules({ set: { "X-Rule": "1" } }),
  });
  assertField(lines, "Host", "a.example");
  assertField(lines, "Content-Length", "3");
  assertField(lines, "Content-Type", "text/plain");
  assertField(lines, "Cookie", "a=1");
  assertField(lines, "Authorization", "Basic eA==");
  assertField(lines, "X-Forwarded-For", "203.0.113.7, 10.0.0.1");
  assertField(lines, "X-Forwarded-Host", "a.example");
  assertField(lines, "X-Forwarded-Proto", "http");
  assertField(
    lines,
    "Forwarded",
    "for=10.0.0.1;proto=http;host=a.example",
  );
  assertField(lines, "X-Request-Id", "id-1");
  assertField(lines, "X-Rule", "1");
  assertEquals(lines.filter((line) => line === "Via: 1.1 meerkat").length, 1);
});

Deno.test("Host is kept, the backend's, or what it was set to", () => {
  assertField(relayed({ host: "keep" }), "Host", "a.example");
  assertField(relayed({ host: "backend" }), "Host", "backend:81");
  assertField(relayed({ host: "c.example" }), "Host", "c.example");
  for (const host of ["keep", "backend", "c.example"]) {
    const lines = relayed({ host, peer: PROXY });
    assertField(lines, "X-Forwarded-Host", "a.example");
  }
});

Deno.test("a request of HTTP/1.0 without Host gets the backend's", () => {
  const lines = relayed({ line: "GET / HTTP/1.0" });
  assertField(lines, "Host", "backend:81");
  assertField(lines, "X-Forwarded-Host");
  assertField(lines, "Via", "1.0 meerkat");
});

Deno.test("the host of a target in absolute-form takes the place of Host", () => {
  const line = "GET http://b.example:8080/ HTTP/1.1";
  const lines = relayed({ line, fields: ["Host: a.example"] });
  assertField(lines, "Host", "b.example:8080");
  assertField(lines, "X-Forwarded-Host", "b.example:8080");
});

Deno.test("Via is added behind what is there", () => {
  const lines = relayed({ fields: ["Via: 1.0 front, 1.1 next"] });
  assertField(lines, "Via", "1.0 front, 1.1 next", "1.1 meerkat");
  assertField(relayed({ via: false }), "Via");
});

Deno.test("a WebSocket is asked for anew, in any case", () => {
  for (const value of ["websocket", "WebSocket"]) {
    const fields = ["Connection: keep-alive, Upgrade", `Upgrade: ${value}`];
    const lines = relayed({ fields: [...fields, "Sec-WebSocket-Version: 13"] });
    assertField(lines, "Connection", "Upgrade");
    assertField(lines, "Upgrade", "websocket");
    assertField(lines, "Sec-WebSocket-Version", "13");
    const refused = relayed({ fields, websocket: false });
    assertField(refused, "Connection");
    assertField(refused, "Upgrade");
  }
});

Deno.test("no other protocol is asked for, nor one that Connection does not name", () => {
  for (
    const fields of [
      ["Connection: Upgrade", "Upgrade: h2c"],
      ["Connection: Upgrade", "Upgrade: websocket, h2c"],
      ["Connection: close", "Upgrade: websocket"],
      ["Upgrade: websocket"],
    ]
  ) {
    const lines = relayed({ fields });
    assertField(lines, "Upgrade");
    assertField(lines, "Connection");
  }
});

Deno.test("a backend is known to have been asked for a WebSocket", () => {
  const head = requestHead(
    "GET / HTTP/1.1",
    "Host: a",
    "Connection: Upgrade",
    "Upgrade: websocket",
  );
  const wire = wireFields(
    makeRelay().relay(head, readTarget(head)!, CLIENT, "id", "b"),
  );
  assert(wire.upgrade && wire.connectionUpgrade);
});

Deno.test("characters beyond ASCII stay the bytes that they are", () => {
  assertField(relayed({ fields: ["X-A: \xe4"] }), "X-A", "\xe4");
});

Deno.test("trailers lose what the header section must not have", () => {
  const relay = makeRelay();
  const none = new Fields();
  assert(relay.trailers(none, CLIENT) === none);
  const trailers = new Fields({
    Digest: "a",
    "X-Forwarded-For": "6.6.6.6",
    X_Forwarded_Host: "6.6.6.6",
    "X-Request-Id": "6",
  });
  assertEquals([...relay.trailers(trailers, CLIENT)], [["Digest", "a"]]);
});
