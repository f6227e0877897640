import { assert, assertEquals, assertThrows } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import { Fields } from "../../http/codec/fields.ts";
import { peerAt } from "./_head_test_util.ts";
import { AddressSet, clientAddress, type ForwardedKind } from "./trust.ts";

Deno.test("an address set holds its addresses and ranges, and no others", () => {
  const set = new AddressSet([
    "192.0.2.1",
    "10.0.0.0/8",
    "172.16.5.1/12",
    "203.0.113.128/25",
    "2001:db8::/33",
    "fd00::1",
  ]);
  const held = [
    ...["192.0.2.1", "10.0.0.0", "10.255.255.255", "172.16.0.0"],
    ...["172.31.255.255", "203.0.113.128", "203.0.113.255"],
    ...["2001:db8::1", "2001:DB8:7fff::", "fd00::1", "fd00:0::1"],
    ...["::ffff:10.1.2.3", "::ffff:a01:203"],
  ];
  const others = [
    ...["192.0.2.2", "11.0.0.0", "172.32.0.0", "172.15.255.255"],
    ...["203.0.113.127", "2001:db8:8000::", "fd00::2", "::10.0.0.1"],
    ...["", "unix:", "localhost", "10.0.0.0/8"],
  ];
  for (const address of held) assert(set.has(address), address);
  for (const address of others) assert(!set.has(address), address);
});

Deno.test("a range of IPv4-mapped addresses is one of IPv4", () => {
  const set = new AddressSet(["::ffff:10.0.0.0/104"]);
  assertEquals(set.has("10.9.9.9"), true);
  assertEquals(set.has("::ffff:10.9.9.9"), true);
  assertEquals(set.has("11.0.0.0"), false);
});

Deno.test("all of IPv6 has no IPv4 in it, nor the other way round", () => {
  assertEquals(new AddressSet(["::/0"]).has("192.0.2.1"), false);
  assertEquals(new AddressSet(["::/0"]).has("fe80::1"), true);
  assertEquals(new AddressSet(["0.0.0.0/0"]).has("fe80::1"), false);
  assertEquals(new AddressSet(["0.0.0.0/0"]).has("255.1.1.1"), true);
});

Deno.test("who connects over a Unix socket is trusted only by name", () => {
  assertEquals(new AddressSet(["0.0.0.0/0", "::/0"]).has(""), false);
  assertEquals(new AddressSet(["unix:"]).has(""), true);
});

for (
  const range of [
    ...["", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "10/8"],
    ...["10.0.0.0/8/8", "localhost", "10.0.0.0/ 8", "[::1]", "unix"],
  ]
) {
  Deno.test(`${JSON.stringify(range)} is no address range`, () => {
    const error = assertThrows(() => new AddressSet([range]), ConnError);
    assertEquals(error.code, "bad_range");
  });
}

const TRUSTED = new AddressSet(["10.0.0.0/8", "fd00::/8"]);

const CLIENTS: [
  name: string,
  peer: string,
  fields: Record<string, string | string[]>,
  client: string,
  kind?: ForwardedKind,
][] = [
  ["nobody is named", "10.0.0.1", {}, "10.0.0.1"],
  [
    "the peer is not trusted",
    "192.0.2.9",
    { "X-Forwarded-For": "1.1.1.1" },
    "192.0.2.9",
  ],
  ["one is named", "10.0.0.1", { "X-Forwarded-For": "1.1.1.1" }, "1.1.1.1"],
  [
    "a client names somebody else",
    "10.0.0.1",
    { "X-Forwarded-For": "9.9.9.9, 1.1.1.1" },
    "1.1.1.1",
  ],
  [
    "there are more proxies",
    "10.0.0.1",
    { "X-Forwarded-For": "9.9.9.9,1.1.1.1 , 10.0.0.3,10.0.0.2" },
    "1.1.1.1",
  ],
  [
    "they are in several fields",
    "10.0.0.1",
    { "X-Forwarded-For": ["9.9.9.9, 1.1.1.1", "10.0.0.2"] },
    "1.1.1.1",
  ],
  [
    "all are trusted",
    "10.0.0.1",
    { "X-Forwarded-For": "10.0.0.3, 10.0.0.2" },
    "10.0.0.3",
  ],
  [
    "one is no address",
    "10.0.0.1",
    { "X-Forwarded-For": "1.1.1.1, unknown, 10.0.0.2" },
    "10.0.0.2",
  ],
  ["it is empty", "10.0.0.1", { "X-Forwarded-For": "" }, "10.0.0.1"],
  [
    "there is a port",
    "10.0.0.1",
    { "X-Forwarded-For": "1.1.1.1:443" },
    "1.1.1.1",
  ],
  [
    "there are brackets",
    "10.0.0.1",
    { "X-Forwarded-For": "[2001:DB8::1]:443" },
    "2001:db8::1",
  ],
  [
    "it is IPv4-mapped",
    "::ffff:10.0.0.1",
    { "X-Forwarded-For": "::ffff:1.1.1.1" },
    "1.1.1.1",
  ],
  [
    "Forwarded says it",
    "fd00::1",
    { Forwarded: 'for=9.9.9.9, For="[2001:db8::1]:80";proto=http' },
    "2001:db8::1",
  ],
  [
    "Forwarded has an element without for",
    "10.0.0.1",
    { Forwarded: "for=1.1.1.1, proto=http" },
    "10.0.0.1",
  ],
  [
    "Forwarded hides it",
    "10.0.0.1",
    { Forwarded: "for=1.1.1.1, for=_hidden" },
    "10.0.0.1",
  ],
  [
    "Forwarded is malformed",
    "10.0.0.1",
    { Forwarded: 'for=", for=1.1.1.1' },
    "10.0.0.1",
  ],
  [
    "both are there",
    "10.0.0.1",
    { Forwarded: "for=9.9.9.9", "X-Forwarded-For": "1.1.1.1" },
    "1.1.1.1",
  ],
  [
    "only Forwarded counts",
    "10.0.0.1",
    { Forwarded: "for=1.1.1.1", "X-Forwarded-For": "9.9.9.9" },
    "1.1.1.1",
    "forwarded",
  ],
  [
    "Forwarded does not count",
    "10.0.0.1",
    { Forwarded: "for=9.9.9.9" },
    "10.0.0.1",
    "x-forwarded",
  ],
];

for (const [name, peer, fields, client, kind] of CLIENTS) {
  Deno.test(`the client is ${client} if ${name}`, () => {
    const init = new Fields(fields);
    assertEquals(clientAddress(peerAt(peer), init, TRUSTED, kind), client);
  });
}

Deno.test("a peer asks a set once", () => {
  let asked = 0;
  class Counting extends AddressSet {
    override has(address: string): boolean {
      asked++;
      return super.has(address);
    }
  }
  const peer = peerAt("10.0.0.1");
  const set = new Counting(["10.0.0.1"]);
  assertEquals([peer.isTrusted(set), peer.isTrusted(set)], [true, true]);
  assertEquals(asked, 1);
  assertEquals(peer.isTrusted(new Counting([])), false);
});

Deno.test("a peer has the canonical form of its address, without zone", () => {
  assertEquals(peerAt("FE80::1%eth0").address, "fe80::1");
  assertEquals(peerAt("::ffff:192.0.2.1").address, "192.0.2.1");
  assertEquals(peerAt("").address, "");
});
