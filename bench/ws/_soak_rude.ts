/**
 * Clients that do not behave, over raw sockets. They only fail if the server does
 * not get rid of them.
 *
 * @module
 */

import { clientFrame } from "./_frames.ts";
import type { Behaviour } from "./_soak_polite.ts";

const encoder = new TextEncoder();

const REQUEST = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n" +
  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

const TEXT = 1;
const PING = 9;

function textFrame(text: string): Uint8Array {
  return clientFrame(TEXT, encoder.encode(text));
}

/** Does something with a socket and closes it; that it breaks is no surprise. */
async function withSocket(
  port: number,
  use: (conn: Deno.TcpConn) => Promise<void>,
): Promise<void> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  try {
    await use(conn);
  } catch (error) {
    const broke = error instanceof Deno.errors.ConnectionReset ||
      error instanceof Deno.errors.BrokenPipe ||
      error instanceof Deno.errors.ConnectionAborted;
    if (!broke) throw error;
  }
}

/** Makes the handshake first. */
function withWebSocket(
  port: number,
  use: (conn: Deno.TcpConn) => Promise<void>,
  fields = "",
): Promise<void> {
  return withSocket(port, async (conn) => {
    await writeAll(conn, encoder.encode(`${REQUEST}${fields}\r\n`));
    const buffer = new Uint8Array(1024);
    const count = await conn.read(buffer) ?? 0;
    const head = new TextDecoder().decode(buffer.subarray(0, count));
    if (!head.startsWith("HTTP/1.1 101 ")) throw new Error(`Got "${head}"`);
    await use(conn);
  });
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await conn.write(bytes.subarray(at));
  }
}

/** Reads until the server ends the connection. */
async function untilEnd(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(16 * 1024);
  while (await conn.read(buffer) !== null);
}

/** Sends something that is against the rules, and waits to be thrown out. */
function offend(bytes: Uint8Array, fields?: string): Behaviour {
  return (port) =>
    withWebSocket(port, async (conn) => {
      await writeAll(conn, textFrame("hello"));
      await writeAll(conn, bytes);
      await untilEnd(conn);
    }, fields);
}

/** Behaviours by name. */
export const rude: Readonly<Record<string, Behaviour>> = {
  "leaves in the handshake": (port) =>
    withSocket(port, (conn) => writeAll(conn, encoder.encode(REQUEST))),
  "asks for another version": (port) =>
    withSocket(port, async (conn) => {
      const other = REQUEST.replace("13", "12");
      await writeAll(conn, encoder.encode(`${other}Connection: close\r\n\r\n`));
      await untilEnd(conn);
    }),
  "leaves without a word": (port) =>
    withWebSocket(port, async (conn) => {
      for (let i = 0; i < 5; i++) await writeAll(conn, textFrame("hello"));
    }),
  "leaves in a frame": (port) =>
    withWebSocket(
      port,
      (conn) => writeAll(conn, textFrame("x".repeat(5000)).subarray(0, 3000)),
    ),
  "leaves in a message": (port) =>
    withWebSocket(port, async (conn) => {
      const first = textFrame("one fragment");
      first[0]! &= 0x7f;
      await writeAll(conn, first);
    }, DEFLATE),
  "does not read": (port) =>
    withWebSocket(port, async (conn) => {
      const frame = clientFrame(2, new Uint8Array(64 * 1024));
      for (let i = 0; i < 32; i++) await writeAll(conn, frame);
    }),
  "does not answer pings": (port) => withWebSocket(port, untilEnd),
  "does not answer the close": (port) =>
    withWebSocket(port, async (conn) => {
      await writeAll(conn, textFrame("close"));
      await untilEnd(conn);
    }),
  "ends its side": (port) =>
    withWebSocket(port, async (conn) => {
      await writeAll(conn, textFrame("hello"));
      await conn.closeWrite();
      await untilEnd(conn);
    }),
  "sends pings only": (port) =>
    withWebSocket(port, async (conn) => {
      const ping = clientFrame(PING, new Uint8Array(125));
      for (let i = 0; i < 200; i++) await writeAll(conn, ping);
    }),
  "sends an unmasked frame": offend(new Uint8Array([0x81, 1, 97])),
  "sends a reserved bit": offend(new Uint8Array([0xb1, 0x80, 1, 2, 3, 4])),
  "sends bad UTF-8": offend(clientFrame(TEXT, new Uint8Array([0xc0, 0x80]))),
  "sends what does not inflate": offend(
    clientFrame(0x40 | TEXT, new Uint8Array([0xff, 0xff, 0xff])),
    DEFLATE,
  ),
  "announces too much": offend(
    new Uint8Array([0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4]),
  ),
  "sends rubbish": (port) =>
    withWebSocket(port, async (conn) => {
      const rubbish = crypto.getRandomValues(new Uint8Array(4096));
      await writeAll(conn, rubbish);
    }),
};
