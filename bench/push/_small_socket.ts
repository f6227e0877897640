/**
 * Sockets for which the system keeps little.
 *
 * @module
 */

import { close } from "../ws/_libc.ts";

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVTIMEO = 20;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const TCP_MAXSEG = 2;

/** What fits a packet of Ethernet; on loopback it would be 64 KiB. */
const SEGMENT = 1448;
/** Less is not to be had: the system takes its least. */
const RECEIVE_BUFFER = 1;
/** How long to wait for input, in seconds. */
const RECEIVE_TIMEOUT = 5n;

const libc = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  setsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "u32"],
    result: "i32",
  },
}).symbols;

/**
 * Connects to a port of 127.0.0.1. If nobody reads from the socket, the system
 * takes about 30 KB for it from who sends; for another one it takes 4 MB.
 *
 * @param port The port.
 * @returns The file descriptor.
 */
export function connectSmall(port: number): number {
  const fd = libc.socket(AF_INET, SOCK_STREAM, 0);
  const set = (level: number, name: number, value: number) =>
    libc.setsockopt(fd, level, name, new Int32Array([value]), 4);
  set(SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
  set(IPPROTO_TCP, TCP_MAXSEG, SEGMENT);
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  const time = new BigInt64Array([RECEIVE_TIMEOUT, 0n]);
  libc.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, time, time.byteLength);
  const address = new Uint8Array(16);
  const view = new DataView(address.buffer);
  view.setUint16(0, AF_INET, true);
  view.setUint16(2, port);
  address.set([127, 0, 0, 1], 4);
  if (fd < 0 || libc.connect(fd, address, address.length) !== 0) {
    if (fd >= 0) close(fd);
    throw new Error(`Cannot connect to port "${port}"`);
  }
  return fd;
}
