import { assert, assertEquals } from "@std/assert";
import { readTarget } from "../routing/target.ts";
import {
  assertField,
  peerAt,
  requestHead,
  rules,
  sentRequest,
} from "./_head_test_util.ts";
import { CLIENT, makeRelay, PROXY, relayed } from "./_relay_test_util.ts";

Deno.test("a request over TLS is forwarded as https", () => {
  const lines = relayed({ peer: peerAt("2001:db8::1", true) });
  assertField(lines, "X-Forwarded-Proto", "https");
  assertField(lines, "X-Forwarded-For", "2001:db8::1");
});

Deno.test("what an untrusted peer claims is dropped, however it is spelt", () => {
  const claims = [
    ...["X-Forwarded-For", "x_forwarded_for", "X-Forwarded_For"],
    ...["X_FORWARDED-FOR", "X-Forwarded-Host", "X_Forwarded_Host"],
    ...["X-Forwarded-Proto", "X_Forwarded-Proto", "X-Forwarded-Port"],
    ...["X-Forwarded-Anything", "X_Forwarded_Anything", "Forwarded"],
    ...["X-Forwarded-A", "x-forwarded-by"],
    ...["X-Real-IP", "X_Real_IP", "X-Request-Id", "X_Request_Id"],
    ...["Content_Length", "Transfer_Encoding"],
  ];
  for (const claim of claims) {
    const lines = relayed({ fields: [`${claim}: 6.6.6.6`, "X-Fine_One: 1"] });
    assert(!lines.join().includes("6.6.6.6"), claim);
    assertField(lines, "X-Fine_One", "1");
  }
});

Deno.test("what a trusted peer claims with underscores is dropped, too", () => {
  const fields = ["X_Forwarded_For: 6.6.6.6", "X-Request_Id: 6"];
  const lines = relayed({ fields, peer: PROXY });
  assertEquals(lines.filter((line) => line.includes("6")), [
    // Neither of them is there.
  ]);
});

Deno.test("X-Forwarded of a trusted peer is kept, and its address added", () => {
  const lines = relayed({
    fields: [
      "X-Forwarded-For: 198.51.100.1",
      "x-forwarded-for: 203.0.113.7",
      "X-Forwarded-Proto: https",
      "X-Forwarded-Host: shop.example",
      "X-Forwarded-Port: 443",
      "X-Real-IP: 203.0.113.7",
    ],
    peer: PROXY,
  });
  assertField(
    lines,
    "X-Forwarded-For",
    "198.51.100.1, 203.0.113.7, 10.0.0.1",
  );
  assertField(lines, "X-Forwarded-Proto", "https");
  assertField(lines, "X-Forwarded-Host", "shop.example");
  assertField(lines, "X-Forwarded-Port", "443");
  assertField(lines, "X-Real-IP", "203.0.113.7");
});

Deno.test("X-Forwarded is made for a trusted peer that says nothing", () => {
  const lines = relayed({ fields: ["X-Forwarded-For:"], peer: PROXY });
  assertField(lines, "X-Forwarded-For", "10.0.0.1");
  assertField(lines, "X-Forwarded-Proto", "http");
  assertField(lines, "X-Forwarded-Host", "a.example");
});

Deno.test("a peer on a Unix socket has no address to tell", () => {
  const peer = peerAt("");
  assertField(relayed({ peer }), "X-Forwarded-For");
  assertField(relayed({ peer }), "X-Forwarded-Proto", "http");
  const fields = ["X-Forwarded-For: 203.0.113.7", "Forwarded: for=203.0.113.7"];
  const lines = relayed({ peer, fields, forwarded: "both" });
  assertField(lines, "X-Forwarded-For", "203.0.113.7");
  assertField(
    lines,
    "Forwarded",
    "for=203.0.113.7, for=unknown;proto=http;host=a.example",
  );
});

Deno.test("Forwarded takes the place of X-Forwarded if it is asked for", () => {
  const lines = relayed({
    forwarded: "forwarded",
    fields: ["Host: a.example:8080", "Forwarded: for=6.6.6.6"],
    peer: peerAt("2001:db8::1", true),
  });
  assertField(
    lines,
    "Forwarded",
    'for="[2001:db8::1]";proto=https;host="a.example:8080"',
  );
  assert(!lines.join().includes("X-Forwarded"));
});

Deno.test("Forwarded of a trusted peer is added to if it is well-formed", () => {
  const own = "for=10.0.0.1;proto=http;host=a.example";
  const forwarded = (value: string) =>
    relayed({
      forwarded: "forwarded",
      fields: [`Forwarded: ${value}`],
      peer: PROXY,
    });
  assertField(
    forwarded("for=_a, for=_b"),
    "Forwarded",
    `for=_a, for=_b, ${own}`,
  );
  assertField(forwarded('for="'), "Forwarded", own);
  assertField(forwarded(""), "Forwarded", own);
});

Deno.test("a backend gets only the kind of field that was asked for", () => {
  const fields = [
    "Forwarded: for=203.0.113.7",
    "X-Forwarded-For: 203.0.113.7",
    "X-Forwarded-Host: b.example",
  ];
  const x = relayed({ fields, peer: PROXY });
  assertField(x, "Forwarded");
  const standard = relayed({ forwarded: "forwarded", fields, peer: PROXY });
  assertField(standard, "X-Forwarded-For");
  assertField(standard, "X-Forwarded-Host");
  const none = relayed({ forwarded: "none", fields, peer: PROXY });
  assertField(none, "Forwarded", "for=203.0.113.7");
  assertField(none, "X-Forwarded-For", "203.0.113.7");
  assertField(none, "X-Forwarded-Host", "b.example");
  const untrusted = relayed({ forwarded: "none", fields });
  assert(!untrusted.join().includes("orwarded"));
});

Deno.test("an untrusted peer is not believed where rules take a field away", () => {
  const lines = relayed({
    fields: ["X-Forwarded-Proto: https", "X-Forwarded-Host: b.example"],
    rules: rules({ remove: ["X-Forwarded-For"] }),
  });
  assertField(lines, "X-Forwarded-For");
  assertField(lines, "X-Forwarded-Proto", "http");
  assertField(lines, "X-Forwarded-Host", "a.example");
});

Deno.test("fields that a program has changed are relayed the same", () => {
  const head = requestHead("GET / HTTP/1.1", "Host: a", "X_Real_IP: 6.6.6.6");
  head.fields.set("X-Forwarded-Foo", "6.6.6.6");
  head.fields.set("X-A", "1");
  const lines = sentRequest(
    makeRelay().relay(head, readTarget(head)!, CLIENT, "id", "b"),
  );
  assert(!lines.join().includes("6.6.6.6"));
  assertField(lines, "X-A", "1");
});
