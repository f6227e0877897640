import { assert, assertEquals, assertThrows } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import { parseProxyHeader, type ProxyHeader } from "./parse.ts";

/** Bytes of a string, a byte for each character. */
function latin1(text: string): number[] {
  return [...text].map((character) => character.charCodeAt(0));
}

const SIGNATURE = latin1("\r\n\r\n\0\r\nQUIT\n");

/** A header of version 2; its length is right unless it is given. */
function binary(
  command: number,
  family: number,
  body: number[] = [],
  length = body.length,
): number[] {
  return [...SIGNATURE, command, family, length >> 8, length & 0xff, ...body];
}

function ends(
  source: string,
  from: number,
  destination: string,
  to: number,
): ProxyHeader {
  return {
    local: false,
    source: { hostname: source, port: from },
    destination: { hostname: destination, port: to },
  };
}

const UNKNOWN: ProxyHeader = { local: false };
const LOCAL: ProxyHeader = { local: true };
const LONGEST_V6 = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
const IPV4 = [192, 0, 2, 1, 198, 51, 100, 2, 0xdc, 0x04, 0x01, 0xbb];
const IPV6 = [
  ...[0x20, 0x01, 0x0d, 0xb8, ...new Array(11).fill(0), 1],
  ...[0xfe, 0x80, ...new Array(13).fill(0), 2],
  ...[0xff, 0xff, 0x00, 0x00],
];
const MAPPED = [
  ...[...new Array(10).fill(0), 0xff, 0xff, 192, 0, 2, 1],
  ...[...new Array(10).fill(0), 0xff, 0xff, 198, 51, 100, 2],
  ...[0, 1, 0, 2],
];
// PP2_TYPE_NOOP with two bytes, and a checksum that is wrong.
const TLVS = [0x04, 0, 2, 0, 0, 0x03, 0, 4, 1, 2, 3, 4];

const GOOD: [name: string, bytes: number[], header: ProxyHeader][] = [
  [
    "a line of IPv4",
    latin1("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n"),
    ends("192.168.0.1", 56324, "192.168.0.11", 443),
  ],
  [
    "the longest line of IPv4",
    latin1("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"),
    ends("255.255.255.255", 65535, "255.255.255.255", 65535),
  ],
  [
    "a line of IPv6",
    latin1("PROXY TCP6 2001:DB8::1 fe80:0:0::2 0 1\r\n"),
    ends("2001:db8::1", 0, "fe80::2", 1),
  ],
  [
    "the longest line of IPv6",
    latin1(`PROXY TCP6 ${LONGEST_V6} ${LONGEST_V6} 65535 65535\r\n`),
    ends(LONGEST_V6, 65535, LONGEST_V6, 65535),
  ],
  [
    "a line of IPv4-mapped addresses",
    latin1("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:c633:6402 1 2\r\n"),
    ends("192.0.2.1", 1, "198.51.100.2", 2),
  ],
  ["a short unknown line", latin1("PROXY UNKNOWN\r\n"), UNKNOWN],
  [
    "the longest unknown line",
    latin1(`PROXY UNKNOWN ${LONGEST_V6} ${LONGEST_V6} 65535 65535\r\n`),
    UNKNOWN,
  ],
  [
    "an unknown line with anything",
    latin1("PROXY UNKNOWN \0 x  \r\n"),
    UNKNOWN,
  ],
  [
    "TCP over IPv4",
    binary(0x21, 0x11, IPV4),
    ends("192.0.2.1", 56324, "198.51.100.2", 443),
  ],
  [
    "TCP over IPv6",
    binary(0x21, 0x21, IPV6),
    ends("2001:db8::1", 65535, "fe80::2", 0),
  ],
  [
    "TCP over IPv4-mapped IPv6",
    binary(0x21, 0x21, MAPPED),
    ends("192.0.2.1", 1, "198.51.100.2", 2),
  ],
  [
    "TCP over IPv4 with extensions",
    binary(0x21, 0x11, [...IPV4, ...TLVS]),
    ends("192.0.2.1", 56324, "198.51.100.2", 443),
  ],
  [
    "the longest that is taken",
    binary(0x21, 0x11, [...IPV4, ...new Array(4096 - 28).fill(0)]),
    ends("192.0.2.1", 56324, "198.51.100.2", 443),
  ],
  ["UDP over IPv4", binary(0x21, 0x12, IPV4), UNKNOWN],
  ["UDP over IPv6", binary(0x21, 0x22, IPV6), UNKNOWN],
  ["a Unix socket", binary(0x21, 0x31, new Array(216).fill(65)), UNKNOWN],
  ["a Unix datagram", binary(0x21, 0x32, new Array(216).fill(0)), UNKNOWN],
  ["no family", binary(0x21, 0x00), UNKNOWN],
  ["no family with bytes", binary(0x21, 0x00, [1, 2, 3]), UNKNOWN],
  ["no transport", binary(0x21, 0x10, [1, 2, 3]), UNKNOWN],
  ["a local connection", binary(0x20, 0x00), LOCAL],
  ["a local connection with addresses", binary(0x20, 0x11, IPV4), LOCAL],
  ["a local connection of any family", binary(0x20, 0xff, [1]), LOCAL],
];

for (const [name, bytes, header] of GOOD) {
  const whole = Uint8Array.from(bytes);
  const parsed = { header, length: whole.length };

  Deno.test(`the PROXY header is read: ${name}`, () => {
    assertEquals(parseProxyHeader(whole), parsed);
  });

  Deno.test(`the PROXY header waits for all of itself: ${name}`, () => {
    for (let length = 0; length < whole.length; length++) {
      assertEquals(parseProxyHeader(whole.subarray(0, length)), undefined);
    }
  });

  Deno.test(`the PROXY header leaves what follows: ${name}`, () => {
    for (const next of ["G", "\r\nPROXY ", "x".repeat(5000)]) {
      const more = Uint8Array.from([...bytes, ...latin1(next)]);
      assertEquals(parseProxyHeader(more), parsed);
    }
  });
}

/** Lines that are wrong, and how much of each is enough to see it. */
const BAD: [name: string, bytes: number[], enough?: number][] = [
  ["HTTP", latin1("GET / HTTP/1.1\r\n"), 1],
  ["TLS", [0x16, 3, 1], 1],
  ["a NUL", [0], 1],
  ["another case", latin1("proxy TCP4"), 1],
  ["nothing behind PROXY", latin1("PROXY\r\n"), 6],
  ["a tab behind PROXY", latin1("PROXY\tTCP4"), 6],
  ["an empty line behind PROXY", latin1("PROXY \r\n")],
  ["an unknown family", latin1("PROXY TCP5 1.1.1.1 1.1.1.1 1 1\r\n")],
  ["UNKNOWN that goes on", latin1("PROXY UNKNOWNS\r\n")],
  ["UDP in a line", latin1("PROXY UDP4 1.1.1.1 1.1.1.1 1 1\r\n")],
  ["two spaces", latin1("PROXY TCP4  1.1.1.1 1.1.1.1 1 1\r\n")],
  ["a space at the end", latin1("PROXY TCP4 1.1.1.1 1.1.1.1 1 1 \r\n")],
  ["too few words", latin1("PROXY TCP4 1.1.1.1 1.1.1.1 1\r\n")],
  ["too many words", latin1("PROXY TCP4 1.1.1.1 1.1.1.1 1 1 1\r\n")],
  ["IPv6 in TCP4", latin1("PROXY TCP4 ::1 1.1.1.1 1 1\r\n")],
  ["IPv4 in TCP6", latin1("PROXY TCP6 ::1 1.1.1.1 1 1\r\n")],
  ["zeroes in front", latin1("PROXY TCP4 01.1.1.1 1.1.1.1 1 1\r\n")],
  ["a name", latin1("PROXY TCP4 localhost 1.1.1.1 1 1\r\n")],
  ["a zone", latin1("PROXY TCP6 fe80::1%1 ::1 1 1\r\n")],
  ["a port with zeroes", latin1("PROXY TCP4 1.1.1.1 1.1.1.1 01 1\r\n")],
  ["a port out of range", latin1("PROXY TCP4 1.1.1.1 1.1.1.1 1 65536\r\n")],
  ["a negative port", latin1("PROXY TCP4 1.1.1.1 1.1.1.1 -1 1\r\n")],
  ["no port", latin1("PROXY TCP4 1.1.1.1 1.1.1.1  1\r\n")],
  ["a line that ends in LF", latin1("PROXY UNKNOWN\n")],
  ["a line that ends in CR", latin1("PROXY UNKNOWN\rG")],
  ["an LF in the line", latin1("PROXY UNKNOWN a\nb\r\n"), 16],
  ["a line without end", latin1("PROXY UNKNOWN".padEnd(107)), 107],
  ["a line of 108 bytes", latin1("PROXY UNKNOWN".padEnd(106) + "\r\n"), 107],
  ["another signature", latin1("\r\n\r\n\0\r\nQUIX\n"), 11],
  ["empty lines in front of HTTP", latin1("\r\nGET /"), 3],
  ["version 1 in binary", binary(0x11, 0x11, IPV4), 13],
  ["version 3", binary(0x31, 0x11, IPV4), 13],
  ["an unknown command", binary(0x22, 0x11, IPV4), 13],
  ["an unknown family in binary", binary(0x21, 0x41, IPV4), 16],
  ["an unknown transport", binary(0x21, 0x13, IPV4), 16],
  ["too short for IPv4", binary(0x21, 0x11, IPV4.slice(1)), 16],
  ["too short for IPv6", binary(0x21, 0x21, IPV6.slice(1)), 16],
  ["too short for Unix", binary(0x21, 0x31, new Array(215).fill(0)), 16],
  ["longer than is taken", binary(0x21, 0x11, [], 4081), 16],
  ["a local one longer than is taken", binary(0x20, 0x00, [], 4081), 16],
];

for (const [name, bytes, enough = bytes.length] of BAD) {
  Deno.test(`the PROXY header is refused as early as can be: ${name}`, () => {
    const all = Uint8Array.from(bytes);
    assert(enough <= all.length);
    const before = parseProxyHeader(all.subarray(0, enough - 1));
    assertEquals(before, undefined);
    for (const length of [enough, all.length]) {
      const error = assertThrows(
        () => parseProxyHeader(all.subarray(0, length)),
        ConnError,
      );
      assertEquals([error.code, error.side], ["bad_proxy_header", "remote"]);
    }
  });
}
