// Heads for the tests of the handshake, as the HTTP codec makes them.

import { assertEquals } from "@std/assert";
import { HeadScanner } from "../../http/codec/head.ts";
import { resolveOptions } from "../../http/codec/limits.ts";
import type { RequestHead, ResponseHead } from "../../http/codec/message.ts";
import {
  readRequestHead,
  readResponseHead,
} from "../../http/codec/read_head.ts";

const encoder = new TextEncoder();

/** The key of RFC 6455 §1.3, and its answer. */
export const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
export const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/** The lines of a request that is in order. */
export const REQUEST: readonly string[] = [
  "GET /chat HTTP/1.1",
  "Host: a.test",
  "Upgrade: websocket",
  "Connection: Upgrade",
  `Sec-WebSocket-Key: ${KEY}`,
  "Sec-WebSocket-Version: 13",
];

/** The lines of a response that is in order. */
export const RESPONSE: readonly string[] = [
  "HTTP/1.1 101 Switching Protocols",
  "Upgrade: websocket",
  "Connection: Upgrade",
  `Sec-WebSocket-Accept: ${ACCEPT}`,
];

/** A head as it is sent. */
export function wire(lines: readonly string[]): string {
  return [...lines, "", ""].join("\r\n");
}

/**
 * The lines without the fields that are replaced, and with what replaces them:
 * one starting with `-` only goes, one starting with `+` only comes.
 */
export function edited(
  lines: readonly string[],
  changes: readonly string[],
): string[] {
  const nameOf = (line: string) => line.split(":")[0]!.toLowerCase();
  let result = [...lines];
  for (const change of changes) {
    const plain = change.replace(/^[+-]/, "");
    if (!change.startsWith("+")) {
      result = result.filter((line) => nameOf(line) !== nameOf(plain));
    }
    if (!change.startsWith("-")) result.push(plain);
  }
  return result;
}

/** Scans the lines as one of the two kinds of message. */
function scanned(
  kind: "request" | "status",
  lines: readonly string[],
): { scan: HeadScanner; text: string } {
  const role = kind === "request" ? "server" : "client";
  const scan = new HeadScanner(kind, resolveOptions(role));
  const bytes = encoder.encode(wire(lines));
  const end = scan.scan(bytes, 0);
  assertEquals(end, bytes.length);
  return { scan, text: scan.decode(bytes, 0, end) };
}

/** What a server makes of these lines. */
export function requestHead(lines: readonly string[]): RequestHead {
  const { scan, text } = scanned("request", lines);
  return readRequestHead(scan, text);
}

/** What a client makes of these lines. */
export function responseHead(lines: readonly string[]): ResponseHead {
  const { scan, text } = scanned("status", lines);
  return readResponseHead(scan, text, "GET");
}
