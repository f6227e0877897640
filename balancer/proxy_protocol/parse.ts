/**
 * Reading the header of the PROXY protocol, versions 1 and 2, as its
 * specification (HAProxy, `proxy-protocol.txt`, 2.x) describes it in section 2.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import { decodeLatin1 } from "../../http/codec/head_values.ts";
import { formatAddress, parseAddress, unmapped } from "../fields/ip.ts";

/** The longest line of version 1, with its CRLF. */
const MAX_LINE = 107;
/** The longest header of version 2 that is taken. */
export const MAX_HEADER = 4096;
/** What version 2 has in front of its addresses. */
const FIXED = 16;

const CR = 0x0d, LF = 0x0a;

/** What a header of version 2 begins with. */
export const SIGNATURE: readonly number[] = [
  ...[0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a],
  ...[0x51, 0x55, 0x49, 0x54, 0x0a],
];

/** `"PROXY "`. */
const WORD: readonly number[] = [0x50, 0x52, 0x4f, 0x58, 0x59, 0x20];

/** One end of a connection. */
export interface ProxyEndpoint {
  /** Its address in canonical form; IPv4 if it is IPv4-mapped. */
  readonly hostname: string;
  /** Its port. */
  readonly port: number;
}

/** What a header says. */
export interface ProxyHeader {
  /**
   * Who opened the connection. `undefined` if the sender did not say, or said
   * something else than TCP over IP: the connection's own address counts then.
   */
  readonly source?: ProxyEndpoint;
  /** Where to. There if, and only if, `source` is. */
  readonly destination?: ProxyEndpoint;
  /** Whether the sender speaks for itself: a health check (`LOCAL`). */
  readonly local: boolean;
}

/** A header, and what it took. */
export interface ParsedProxyHeader {
  /** The header. */
  readonly header: ProxyHeader;
  /** How many bytes it is. */
  readonly length: number;
}

/**
 * Reads a header. What follows it is not looked at.
 *
 * Extensions of version 2 (TLVs), its checksum among them, are skipped. UDP and
 * Unix sockets are taken, without their addresses, as section 2.2 allows.
 *
 * @param bytes All that has come so far.
 * @returns The header, or `undefined` if more has to come.
 * @throws {ConnError} With code `"bad_proxy_header"` as soon as it cannot become
 * one.
 */
export function parseProxyHeader(
  bytes: Uint8Array,
): ParsedProxyHeader | undefined {
  if (bytes.length === 0) return undefined;
  if (bytes[0] === CR) return parseBinary(bytes);
  checkStart(bytes, WORD);
  return parseLine(bytes);
}

/** Makes the error for a header that breaks the rules. */
export function badProxyHeader(problem: string): ConnError {
  return new ConnError(`Cannot read the PROXY header: ${problem}`, {
    code: "bad_proxy_header",
    side: "remote",
  });
}

function checkStart(bytes: Uint8Array, start: readonly number[]): void {
  const length = Math.min(bytes.length, start.length);
  for (let i = 0; i < length; i++) {
    if (bytes[i] !== start[i]) {
      throw badProxyHeader('it begins neither with "PROXY " nor the signature');
    }
  }
}

function parseLine(bytes: Uint8Array): ParsedProxyHeader | undefined {
  const end = bytes.subarray(0, MAX_LINE).findIndex((byte) =>
    byte === CR || byte === LF
  );
  if (end === MAX_LINE - 1 || (end === -1 && bytes.length >= MAX_LINE)) {
    throw badProxyHeader(`the line is longer than ${MAX_LINE} bytes`);
  }
  if (end === -1) return undefined;
  const isCut = end + 1 === bytes.length;
  if (bytes[end] === LF || (!isCut && bytes[end + 1] !== LF)) {
    throw badProxyHeader("the line does not end in CRLF");
  }
  if (isCut) return undefined;
  const text = decodeLatin1(bytes, WORD.length, end);
  return { header: parseWords(text), length: end + 2 };
}

/** Reads `TCP4 <source> <destination> <port> <port>`, section 2.1. */
function parseWords(text: string): ProxyHeader {
  if (/^UNKNOWN(?: |$)/.test(text)) return { local: false };
  const words = text.split(" ");
  const size = words[0] === "TCP4" ? 4 : words[0] === "TCP6" ? 16 : 0;
  if (size === 0 || words.length !== 5) {
    throw badProxyHeader(
      `the line is ${
        JSON.stringify(text)
      }, expected TCP4, TCP6 or UNKNOWN, and two addresses and ports`,
    );
  }
  const [, source, destination, from, to] = words;
  return {
    local: false,
    source: endpoint(source!, from!, size),
    destination: endpoint(destination!, to!, size),
  };
}

function endpoint(text: string, port: string, size: number): ProxyEndpoint {
  const bytes = parseAddress(text);
  if (bytes?.length !== size) {
    throw badProxyHeader(
      `the address is ${JSON.stringify(text)}, expected one of IPv${
        size === 4 ? 4 : 6
      }`,
    );
  }
  if (!/^(?:0|[1-9][0-9]{0,4})$/.test(port) || Number(port) > 65_535) {
    throw badProxyHeader(
      `the port is ${JSON.stringify(port)}, expected a number up to 65535`,
    );
  }
  return { hostname: formatAddress(unmapped(bytes)), port: Number(port) };
}

/** Reads the binary form, section 2.2. */
function parseBinary(bytes: Uint8Array): ParsedProxyHeader | undefined {
  checkStart(bytes, SIGNATURE);
  const command = bytes[12];
  if (command !== undefined && command !== 0x20 && command !== 0x21) {
    throw badProxyHeader("its version or command is unknown");
  }
  if (bytes.length < FIXED) return undefined;
  const family = bytes[13]!;
  const size = bytes[14]! << 8 | bytes[15]!;
  const length = FIXED + size;
  if (length > MAX_HEADER) {
    throw badProxyHeader(`it is longer than ${MAX_HEADER} bytes`);
  }
  // The family of LOCAL is to be ignored.
  const isLocal = command === 0x20;
  if (!isLocal) checkFamily(family, size);
  if (bytes.length < length) return undefined;
  const header = isLocal ? { local: true } : readAddresses(bytes, family);
  return { header, length };
}

/** How many bytes of addresses and ports each family has. */
const SIZES: readonly number[] = [0, 12, 36, 216];

function checkFamily(family: number, size: number): void {
  const least = SIZES[family >> 4];
  if (least === undefined || (family & 0x0f) > 2) {
    throw badProxyHeader("its address family or transport is unknown");
  }
  const hasAddresses = (family & 0x0f) !== 0;
  if (hasAddresses && size < least) {
    throw badProxyHeader("it is too short for its address family");
  }
}

function readAddresses(bytes: Uint8Array, family: number): ProxyHeader {
  if (family !== 0x11 && family !== 0x21) return { local: false };
  const size = family === 0x11 ? 4 : 16;
  const read = (index: number): ProxyEndpoint => {
    const at = FIXED + index * size;
    const port = FIXED + 2 * size + 2 * index;
    return {
      hostname: formatAddress(unmapped(bytes.slice(at, at + size))),
      port: bytes[port]! << 8 | bytes[port + 1]!,
    };
  };
  return { local: false, source: read(0), destination: read(1) };
}
