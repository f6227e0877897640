import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { canonicalAddress } from "../fields/ip.ts";
import { encodeProxyHeader } from "./encode.ts";
import { parseProxyHeader } from "./parse.ts";

function tcp(hostname: string, port: number): Deno.NetAddr {
  return { transport: "tcp", hostname, port };
}

function text(source: Deno.Addr, destination: Deno.Addr): string {
  return new TextDecoder().decode(
    encodeProxyHeader("v1", source, destination),
  );
}

const UNIX: Deno.UnixAddr = { transport: "unix", path: "/run/lb.sock" };

Deno.test("version 1 is a line", () => {
  assertEquals(
    text(tcp("192.0.2.1", 56324), tcp("198.51.100.2", 443)),
    "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n",
  );
  assertEquals(
    text(tcp("2001:DB8:0:0::1", 1), tcp("fe80::2%eth0", 65535)),
    "PROXY TCP6 2001:db8::1 fe80::2 1 65535\r\n",
  );
});

Deno.test("IPv4-mapped addresses are sent as IPv4, unless one end is IPv6", () => {
  assertEquals(
    text(tcp("::ffff:192.0.2.1", 1), tcp("198.51.100.2", 2)),
    "PROXY TCP4 192.0.2.1 198.51.100.2 1 2\r\n",
  );
  assertEquals(
    text(tcp("192.0.2.1", 1), tcp("2001:db8::2", 2)),
    "PROXY TCP6 ::ffff:c000:201 2001:db8::2 1 2\r\n",
  );
});

Deno.test("what is no IP address is sent as unknown", () => {
  const ip = tcp("192.0.2.1", 1);
  for (const [a, b] of [[UNIX, ip], [ip, UNIX], [UNIX, UNIX]] as const) {
    assertEquals(text(a, b), "PROXY UNKNOWN\r\n");
    const bytes = encodeProxyHeader("v2", a, b);
    assertEquals([...bytes.subarray(12)], [0x21, 0x00, 0, 0]);
    assertEquals(parseProxyHeader(bytes)?.header, { local: false });
  }
  assertEquals(text(tcp("localhost", 1), ip), "PROXY UNKNOWN\r\n");
});

Deno.test("version 2 is binary", () => {
  const bytes = encodeProxyHeader(
    "v2",
    tcp("192.0.2.1", 56324),
    tcp("198.51.100.2", 443),
  );
  assertEquals([...bytes], [
    ...[0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54],
    ...[0x0a, 0x21, 0x11, 0, 12, 192, 0, 2, 1, 198, 51, 100, 2],
    ...[0xdc, 0x04, 0x01, 0xbb],
  ]);
});

Deno.test("a header that is written can be read", () => {
  const host = fc.oneof(fc.ipV4(), fc.ipV6());
  const port = fc.integer({ min: 0, max: 65535 });
  const version = fc.constantFrom("v1" as const, "v2" as const);
  fc.assert(
    fc.property(version, host, port, host, port, (version, a, from, b, to) => {
      const bytes = encodeProxyHeader(version, tcp(a, from), tcp(b, to));
      assertEquals(parseProxyHeader(bytes), {
        header: {
          local: false,
          source: { hostname: canonicalAddress(a)!, port: from },
          destination: { hostname: canonicalAddress(b)!, port: to },
        },
        length: bytes.length,
      });
    }),
  );
});
