/**
 * Looking at what travels over a connection.
 *
 * @module
 */

import { formatAddr } from "./addr.ts";
import { InspectedTransport } from "./_inspected.ts";
import type { Transport } from "./transport.ts";

/** Some bytes that were read or written. */
export interface InspectRecord {
  /** `"in"`: read from the peer; `"out"`: taken by the transport. */
  readonly direction: "in" | "out";
  /** The bytes, outside TLS; valid only during the call. */
  readonly bytes: Uint8Array;
  /** When, in milliseconds since the epoch. */
  readonly at: number;
  /** The address of this end. */
  readonly localAddr: Deno.Addr;
  /** The address of the peer. */
  readonly remoteAddr: Deno.Addr;
}

/** Gets all traffic of a connection; must not throw. */
export type InspectHook = (record: InspectRecord) => void;

/** Options of {@linkcode hexdump}. */
export interface HexdumpOptions {
  /**
   * The number that the first line begins with.
   *
   * @default {0}
   */
  offset?: number;
  /**
   * At most so many bytes are shown; a last line says how many are not.
   *
   * @default {Infinity}
   */
  maxBytes?: number;
}

/**
 * Shows bytes as text, 16 a line: offset, hexadecimal, and ASCII.
 *
 * @param bytes The bytes.
 * @param options First offset and limit.
 * @returns Lines, each ended by a newline.
 *
 * @example A line
 * ```ts
 * import { hexdump } from "@meerkat/net/conn";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(
 *   hexdump(new TextEncoder().encode("GET /\r\n")),
 *   "0000   47 45 54 20 2f 0d 0a                              GET /..\n",
 * );
 * ```
 */
export function hexdump(
  bytes: Uint8Array,
  options: HexdumpOptions = {},
): string {
  const { offset = 0, maxBytes = Infinity } = options;
  const shown = bytes.subarray(0, maxBytes);
  let text = "";
  for (let at = 0; at < shown.length; at += 16) {
    const row = shown.subarray(at, at + 16);
    let hex = "";
    let ascii = "";
    for (const byte of row) {
      hex += byte.toString(16).padStart(2, "0") + " ";
      ascii += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".";
    }
    const place = (offset + at).toString(16).padStart(4, "0");
    text += `${place}   ${hex.padEnd(48)}  ${ascii}\n`;
  }
  const hidden = bytes.length - shown.length;
  return hidden > 0 ? `${text}(and ${hidden} bytes more)\n` : text;
}

/**
 * Writes a record as a heading, with the time, the two ends, the direction and
 * the number of bytes, and a {@linkcode hexdump}.
 *
 * @param record What an {@linkcode InspectHook} got.
 * @param options First offset and limit of the dump.
 * @returns Lines, each ended by a newline.
 *
 * @example A record
 * ```ts
 * import { formatRecord } from "@meerkat/net/conn";
 * import { assertEquals } from "@std/assert";
 *
 * const text = formatRecord({
 *   direction: "out",
 *   bytes: new Uint8Array([0x68, 0x69]),
 *   at: 0,
 *   localAddr: { transport: "tcp", hostname: "127.0.0.1", port: 8000 },
 *   remoteAddr: { transport: "tcp", hostname: "::1", port: 9000 },
 * });
 * assertEquals(
 *   text.split("\n")[0],
 *   "-- 1970-01-01T00:00:00.000Z 127.0.0.1:8000 -> [::1]:9000 2",
 * );
 * ```
 */
export function formatRecord(
  record: InspectRecord,
  options?: HexdumpOptions,
): string {
  const { direction, bytes, at, localAddr, remoteAddr } = record;
  const arrow = direction === "in" ? "<-" : "->";
  return `-- ${new Date(at).toISOString()} ${formatAddr(localAddr)} ${arrow} ${
    formatAddr(remoteAddr)
  } ${bytes.length}\n${hexdump(bytes, options)}`;
}

/**
 * Puts a hook between a transport and who uses it. `listen` and `dial` do so
 * when they get the `inspect` option.
 *
 * @param transport The transport.
 * @param hook Gets all that is read and written.
 * @returns A transport to use in the other one's place.
 *
 * @example Counting what is sent
 * ```ts
 * import { inspected, memoryPair } from "@meerkat/net/conn";
 * import { assertEquals } from "@std/assert";
 *
 * const [here] = memoryPair();
 * let sent = 0;
 * const transport = inspected(here, ({ direction, bytes }) => {
 *   if (direction === "out") sent += bytes.length;
 * });
 * await transport.write(new Uint8Array(3));
 * assertEquals(sent, 3);
 * ```
 */
export function inspected(transport: Transport, hook: InspectHook): Transport {
  return new InspectedTransport(transport, hook);
}
