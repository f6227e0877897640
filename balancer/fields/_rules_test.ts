import { assertEquals, assertThrows } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import type { FieldRules } from "../config/config.ts";
import { assertField, rules } from "./_head_test_util.ts";
import { CLIENT, makeRelay, PROXY, relayed } from "./_relay_test_util.ts";

Deno.test("rules remove, set and add", () => {
  const lines = relayed({
    fields: ["X-A: 1", "x-a: 2", "X-B: 1", "X-C: 1", "x_b: 6"],
    rules: rules({
      remove: ["x-a"],
      set: { "X-B": " two " },
      add: { "x-c": "2", "X-A": "3" },
    }),
  });
  assertField(lines, "X-A", "3");
  assertField(lines, "X-B", "two");
  assertField(lines, "X_B");
  assertField(lines, "X-C", "1", "2");
});

Deno.test("rules have the last word on what the balancer writes", () => {
  const names = ["X-Forwarded-For", "Via", "X-Request-Id", "Forwarded"];
  for (const peer of [CLIENT, PROXY]) {
    const removed = relayed({
      forwarded: "both",
      peer,
      rules: rules({
        remove: names,
        set: { "X-Forwarded-Proto": "https", "X-Forwarded-Host": "b.example" },
      }),
    });
    assertEquals(removed, [
      "Host: a.example",
      "X-Forwarded-Proto: https",
      "X-Forwarded-Host: b.example",
    ]);
  }
});

const BAD_RULES: [name: string, rules: FieldRules][] = [
  ...[
    ...["Connection", "Content-Length", "Transfer-Encoding", "HOST", "Upgrade"],
    ...["TE", "Keep-Alive", "Expect", "Proxy-Connection"],
  ].flatMap((name): [string, FieldRules][] => [
    [`removes ${name}`, { remove: [name] }],
    [`sets ${name}`, { set: { [name]: "1" } }],
    [`adds ${name}`, { add: { [name]: "1" } }],
  ]),
  ["removes no name", { remove: [""] }],
  ["sets a name with a space", { set: { "X A": "1" } }],
  ["adds a name with a line break", { add: { "X\r\nY": "1" } }],
  ["sets a value with a line break", { set: { "X-A": "1\r\nX-B: 2" } }],
  ["adds a value beyond Latin-1", { add: { "X-A": "\u20ac" } }],
  ["sets a field twice", { set: { "X-A": "1", "x-a": "2" } }],
];

for (const [name, some] of BAD_RULES) {
  Deno.test(`a rule that ${JSON.stringify(name)} is refused`, () => {
    const error = assertThrows(
      () => makeRelay({ rules: rules(some) }),
      ConnError,
    );
    assertEquals([error.code, error.side], ["bad_field_rule", "local"]);
  });
}

Deno.test("a name in Via and a Host that cannot be sent are refused", () => {
  for (const via of ["", "a b", "a\r\nb", "a,b"]) {
    const error = assertThrows(() => makeRelay({ via }), ConnError);
    assertEquals(error.code, "bad_via");
  }
  for (const host of ["", "a b", "a\r\nX: y", "http://a"]) {
    const error = assertThrows(() => makeRelay({ host }), ConnError);
    assertEquals(error.code, "bad_host");
  }
});
