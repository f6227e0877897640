import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { forwardedFor, forwardedNode, forwardedValue } from "./forwarded.ts";

const VALUES: [value: string, nodes: string[] | undefined][] = [
  ["for=192.0.2.43", ["192.0.2.43"]],
  ['For="[2001:db8:cafe::17]:4711"', ["[2001:db8:cafe::17]:4711"]],
  ["for=192.0.2.60;proto=http;by=203.0.113.43", ["192.0.2.60"]],
  ["for=192.0.2.43, for=198.51.100.17", ["192.0.2.43", "198.51.100.17"]],
  ["by=_a;FOR=_b\t,\tproto=https", ["_b", ""]],
  ['for="a,b;for=c"', ["a,b;for=c"]],
  ['for="a\\"b"', ['a"b']],
  ["", undefined],
  [",", undefined],
  ["for=a,", undefined],
  ["for=a;", undefined],
  ["for=a;for=b", undefined],
  ["for = a", undefined],
  ["for=a;;by=b", undefined],
  ["for=[::1]", undefined],
  ["for=192.0.2.43:80", undefined],
  ['for="', undefined],
  ['for="a', undefined],
  ['for="a\\"', undefined],
  ['for="a"b', undefined],
  ["for=", undefined],
];

for (const [value, nodes] of VALUES) {
  Deno.test(`Forwarded: ${value} names ${JSON.stringify(nodes)}`, () => {
    assertEquals(forwardedFor(value), nodes);
  });
}

Deno.test("a node is quoted where RFC 7239 asks for it", () => {
  assertEquals(forwardedNode("192.0.2.1"), "192.0.2.1");
  assertEquals(forwardedNode("2001:db8::1"), '"[2001:db8::1]"');
  assertEquals(forwardedNode(""), "unknown");
});

Deno.test("a value that is written can be read again", () => {
  const text = fc.string({ unit: "grapheme-ascii", minLength: 1 });
  fc.assert(fc.property(text, (text) => {
    assertEquals(forwardedFor(`for=${forwardedValue(text)}`), [text]);
  }));
});
