/**
 * Writing the header of the PROXY protocol.
 *
 * @module
 */

import { formatAddress, parseAddress, unmapped } from "../fields/ip.ts";
import { SIGNATURE } from "./parse.ts";

/** Version 2, command PROXY. */
const PROXY = 0x21;

/**
 * Makes the header that a connection to a backend begins with: section 2 of the
 * PROXY protocol. It must be sent before anything else, TLS too.
 *
 * Two IPv4 addresses are sent as such, also if they are IPv4-mapped; if one is
 * IPv6, both are. If one is no IP address (a Unix socket), the header says only
 * that it is not known: `UNKNOWN`, `AF_UNSPEC`. For a connection of the balancer's
 * own (a health check) give that connection's addresses, as section 2.1 says.
 *
 * @param version Text or binary.
 * @param source Where the client is.
 * @param destination Where it connected to.
 */
export function encodeProxyHeader(
  version: "v1" | "v2",
  source: Deno.Addr,
  destination: Deno.Addr,
): Uint8Array {
  const ends = sameFamily(source, destination);
  return version === "v1" ? encodeLine(ends) : encodeBinary(ends);
}

/** An address of IP and a port. */
interface End {
  readonly bytes: Uint8Array;
  readonly port: number;
}

type Ends = readonly [source: End, destination: End];

function sameFamily(
  source: Deno.Addr,
  destination: Deno.Addr,
): Ends | undefined {
  const from = endOf(source);
  const to = endOf(destination);
  if (from === undefined || to === undefined) return undefined;
  return from.bytes.length === to.bytes.length
    ? [from, to]
    : [mapped(from), mapped(to)];
}

function endOf(addr: Deno.Addr): End | undefined {
  if (!("hostname" in addr)) return undefined;
  // A zone means something on this machine only.
  const bytes = parseAddress(addr.hostname.replace(/%.*$/, ""));
  return bytes && { bytes: unmapped(bytes), port: addr.port };
}

/** Makes an IPv4 address IPv4-mapped. */
function mapped({ bytes, port }: End): End {
  if (bytes.length === 16) return { bytes, port };
  const wide = new Uint8Array(16);
  wide.fill(0xff, 10, 12);
  wide.set(bytes, 12);
  return { bytes: wide, port };
}

function encodeLine(ends: Ends | undefined): Uint8Array {
  let text = "PROXY UNKNOWN\r\n";
  if (ends !== undefined) {
    const [from, to] = ends;
    const family = from.bytes.length === 4 ? "TCP4" : "TCP6";
    text = `PROXY ${family} ${formatAddress(from.bytes)} ` +
      `${formatAddress(to.bytes)} ${from.port} ${to.port}\r\n`;
  }
  return new TextEncoder().encode(text);
}

function encodeBinary(ends: Ends | undefined): Uint8Array {
  if (ends === undefined) {
    return Uint8Array.of(...SIGNATURE, PROXY, 0x00, 0, 0);
  }
  const [from, to] = ends;
  const size = from.bytes.length;
  return Uint8Array.of(
    ...SIGNATURE,
    PROXY,
    size === 4 ? 0x11 : 0x21,
    0,
    2 * size + 4,
    ...from.bytes,
    ...to.bytes,
    from.port >> 8,
    from.port & 0xff,
    to.port >> 8,
    to.port & 0xff,
  );
}
