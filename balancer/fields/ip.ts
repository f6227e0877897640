/**
 * IP addresses as bytes, and as the one text that each of them has.
 *
 * @module
 */

const DOT = 0x2e, ZERO = 0x30;

/**
 * Reads an IPv4 or IPv6 address, RFC 4291 §2.2. An IPv4-mapped IPv6 address
 * (`::ffff:192.0.2.1`) stays one: see {@linkcode unmapped}.
 *
 * @param text The address, without brackets, port and zone.
 * @returns Its 4 or 16 bytes, or `undefined` if it is none. Zeroes in front of a
 * decimal number are refused: some readers take it for octal then.
 */
export function parseAddress(text: string): Uint8Array | undefined {
  if (text.includes(":")) return parseIpv6(text);
  const bytes = new Uint8Array(4);
  return readIpv4(text, bytes, 0) ? bytes : undefined;
}

/** Makes the IPv4 address of an IPv4-mapped one; others stay as they are. */
export function unmapped(bytes: Uint8Array): Uint8Array {
  return isMapped(bytes) ? bytes.slice(12) : bytes;
}

/** Whether an address is IPv4-mapped, RFC 4291 §2.5.5.2. */
export function isMapped(bytes: Uint8Array): boolean {
  if (bytes.length !== 16 || bytes[10] !== 0xff || bytes[11] !== 0xff) {
    return false;
  }
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false;
  return true;
}

/**
 * Writes an address: IPv6 as RFC 5952 §4 has it, with hexadecimal digits only.
 *
 * @param bytes 4 or 16 of them.
 */
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(bytes[i]! << 8 | bytes[i + 1]!);
  const [from, to] = longestZeroes(groups);
  const hex = groups.map((group) => group.toString(16));
  if (to - from < 2) return hex.join(":");
  return `${hex.slice(0, from).join(":")}::${hex.slice(to).join(":")}`;
}

/**
 * The one text for all spellings of an address; IPv4 for an IPv4-mapped one.
 *
 * @returns `undefined` if it is no address.
 */
export function canonicalAddress(text: string): string | undefined {
  const bytes = parseAddress(text);
  return bytes && formatAddress(unmapped(bytes));
}

/** Where the first of the longest runs of zeroes is. */
function longestZeroes(groups: readonly number[]): [from: number, to: number] {
  let best: [number, number] = [0, 0];
  for (let from = 0; from < groups.length; from++) {
    let to = from;
    while (groups[to] === 0) to++;
    if (to - from > best[1] - best[0]) best = [from, to];
  }
  return best;
}

/** Reads `a.b.c.d`, and nothing behind it, into four bytes. */
function readIpv4(text: string, bytes: Uint8Array, at: number): boolean {
  let value = -1;
  let count = 0;
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : DOT;
    if (code === DOT) {
      if (value < 0 || count === 4) return false;
      bytes[at + count++] = value;
      value = -1;
      continue;
    }
    const digit = code - ZERO;
    if (digit < 0 || digit > 9 || value === 0) return false;
    value = value < 0 ? digit : value * 10 + digit;
    if (value > 255) return false;
  }
  return count === 4;
}

function parseIpv6(text: string): Uint8Array | undefined {
  // 39 characters are eight groups; a dotted end takes up to six more.
  if (text.length > 45) return undefined;
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = readGroups(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? readGroups(halves[1]!, true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  // "::" stands for one group at least.
  if (halves.length === 2 ? missing < 2 : missing !== 0) return undefined;
  const bytes = new Uint8Array(16);
  bytes.set(head);
  bytes.set(tail, 16 - tail.length);
  return bytes;
}

/**
 * Reads groups of hexadecimal digits.
 *
 * @param last Whether the address ends here: the last two groups may be dotted.
 */
function readGroups(text: string, last: boolean): number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (let i = 0; i < groups.length; i++) {
    const group = groups[i]!;
    if (last && i === groups.length - 1 && group.includes(".")) {
      const ipv4 = new Uint8Array(4);
      if (!readIpv4(group, ipv4, 0)) return undefined;
      bytes.push(...ipv4);
      continue;
    }
    if (!/^[0-9A-Fa-f]{1,4}$/.test(group)) return undefined;
    const value = parseInt(group, 16);
    bytes.push(value >> 8, value & 0xff);
  }
  return bytes;
}
