/**
 * Whom to believe, and who the client is behind proxies that are believed.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import type { Fields } from "../../http/codec/fields.ts";
import { forwardedFor } from "./forwarded.ts";
import { canonicalAddress, isMapped, parseAddress, unmapped } from "./ip.ts";
import type { Peer } from "./peer.ts";

/** The network part of an address. */
interface Range {
  readonly bytes: Uint8Array;
  readonly bits: number;
}

/**
 * A set of addresses: single ones, and ranges.
 *
 * An IPv4-mapped address (`::ffff:192.0.2.1`) is the same as its IPv4 address,
 * on both sides. An IPv6 range does not hold IPv4 addresses otherwise.
 */
export class AddressSet {
  readonly #ranges: readonly Range[];
  readonly #local: boolean;

  /**
   * Creates a set.
   *
   * @param ranges Addresses (`"192.0.2.1"`, `"2001:db8::1"`), CIDR ranges
   * (`"10.0.0.0/8"`, `"fd00::/8"`), and `"unix:"` for whoever connects over a Unix
   * socket.
   * @throws {ConnError} With code `"bad_range"`.
   */
  constructor(ranges: readonly string[]) {
    this.#local = ranges.includes("unix:");
    this.#ranges = ranges.filter((range) => range !== "unix:").map(parseRange);
  }

  /**
   * Whether an address is in the set.
   *
   * @param address As text; `""` for the other end of a Unix socket. What is no
   * address is in no set.
   */
  has(address: string): boolean {
    if (address === "") return this.#local;
    if (this.#ranges.length === 0) return false;
    const parsed = parseAddress(address);
    if (parsed === undefined) return false;
    const bytes = unmapped(parsed);
    for (const range of this.#ranges) if (holds(range, bytes)) return true;
    return false;
  }
}

function holds({ bytes, bits }: Range, address: Uint8Array): boolean {
  if (bytes.length !== address.length) return false;
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (bytes[i] !== address[i]) return false;
  const left = 8 - (bits & 7);
  return left === 8 || bytes[whole]! >> left === address[whole]! >> left;
}

function parseRange(text: string): Range {
  const [, address = "", length] = /^([^/]*)(?:\/([0-9]{1,3}))?$/.exec(text) ??
    [];
  const parsed = parseAddress(address);
  if (parsed === undefined) throw badRange(text);
  const max = parsed.length * 8;
  const bits = length === undefined ? max : Number(length);
  if (bits > max) throw badRange(text);
  return isMapped(parsed) && bits >= 96
    ? { bytes: unmapped(parsed), bits: bits - 96 }
    : { bytes: parsed, bits };
}

function badRange(text: string): ConnError {
  return new ConnError(
    `Cannot use the address range ${
      JSON.stringify(text)
    }: expected an IP address, a CIDR range or "unix:"`,
    { code: "bad_range", side: "local" },
  );
}

/** Which fields say who the client is. */
export type ForwardedKind = "x-forwarded" | "forwarded" | "both" | "none";

/**
 * The client's address: of all that the proxies in front say, the last one that
 * is not trusted, because only those that are trusted wrote what stands behind
 * it. Something in between that is no address ends the search there.
 *
 * @param peer The other end of the connection. If it is not trusted, it is the
 * client.
 * @param fields The fields of its request.
 * @param trusted Whom to believe.
 * @param kind Which fields to read: `X-Forwarded-For`, `Forwarded`, or (`"both"`
 * and `"none"`) the latter if there is none of the former. A proxy that is
 * trusted writes one of them, and may pass on what a client wrote into the other.
 * @returns The address in canonical form, without a port; `""` if there is none.
 */
export function clientAddress(
  peer: Peer,
  fields: Fields,
  trusted: AddressSet,
  kind: ForwardedKind = "both",
): string {
  if (!peer.isTrusted(trusted)) return peer.address;
  const nodes = forwardedNodes(fields, kind);
  let client = peer.address;
  for (let i = nodes.length - 1; i >= 0; i--) {
    const address = nodeAddress(nodes[i]!);
    if (address === undefined) break;
    client = address;
    if (!trusted.has(address)) break;
  }
  return client;
}

function forwardedNodes(fields: Fields, kind: ForwardedKind): string[] {
  const list = kind === "forwarded" ? undefined : fields.get("x-forwarded-for");
  if (list !== undefined) return list.split(",");
  if (kind === "x-forwarded") return [];
  const value = fields.get("forwarded");
  return value === undefined ? [] : forwardedFor(value) ?? [];
}

/** The address of `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1` or `[2001:db8::1]:80`. */
function nodeAddress(node: string): string | undefined {
  const text = node.trim();
  const [, host = text] =
    /^(?:\[([^\]]*)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5})$/.exec(text)
      ?.filter((part) => part !== undefined) ?? [];
  return canonicalAddress(host);
}
