/**
 * Opening and closing WebSockets by system calls.
 *
 * @module
 */

import { CLOSE_FRAME } from "./_frames.ts";
import { close, connect, receive, sendAll, sendSome } from "./_libc.ts";

const buffer = new Uint8Array(64 * 1024);
const END_OF_HEAD = "\r\n\r\n";

/** A WebSocket that is open. */
export interface Opened {
  /** The socket. */
  fd: number;
  /** The head of the answer. */
  head: string;
  /** What came behind it. */
  rest: Uint8Array;
}

/** How a WebSocket is opened. */
export interface OpenOptions {
  /** More fields of the request, each with its line end. */
  fields?: string;
  /** Whether the system is to keep little for it, see `connect`. */
  small?: boolean;
}

/**
 * Opens a WebSocket.
 *
 * @param port The server's port.
 * @param path What to ask for.
 * @param options How.
 * @returns The WebSocket.
 */
export function openWebSocket(
  port: number,
  path: string,
  { fields = "", small = false }: OpenOptions = {},
): Opened {
  const fd = connect(port, small);
  const key = btoa(
    String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))),
  );
  sendAll(
    fd,
    new TextEncoder().encode(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n` +
        "Upgrade: websocket\r\nConnection: Upgrade\r\n" +
        "Sec-WebSocket-Version: 13\r\n" +
        `Sec-WebSocket-Key: ${key}\r\n${fields}\r\n`,
    ),
  );
  let head = "";
  for (;;) {
    const count = receive(fd, buffer);
    if (count === 0) throw new Error(`No answer, but "${head}"`);
    // Here a character is a byte: a frame may follow.
    const text = String.fromCharCode(...buffer.subarray(0, count));
    const before = head.length;
    head += text;
    const end = head.indexOf(END_OF_HEAD) + END_OF_HEAD.length;
    if (end < END_OF_HEAD.length) continue;
    if (!head.startsWith("HTTP/1.1 101 ")) {
      throw new Error(`Not an upgrade: "${head}"`);
    }
    return {
      fd,
      head: head.slice(0, end),
      rest: buffer.slice(end - before, count),
    };
  }
}

/** Says goodbye on all connections, and waits until the server has, too. */
export function closeWebSockets(fds: readonly number[]): void {
  for (const fd of fds) sendSome(fd, CLOSE_FRAME);
  let silent = false;
  for (const fd of fds) {
    try {
      while (!silent && receive(fd, buffer) > 0);
    } catch {
      // Once is enough to wait for a server that does not answer.
      silent = true;
    }
    close(fd);
  }
}
