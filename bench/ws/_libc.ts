/**
 * Sockets by system calls, for a generator of load that has to be cheaper than the
 * fastest server: `Deno.Conn` costs a generator about as much as it costs a server.
 * Linux only.
 *
 * @module
 */

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVTIMEO = 20;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const TCP_MAXSEG = 2;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const EPOLL_CTL_ADD = 1;
const EPOLLIN = 0x1;
const EPOLLOUT = 0x4;
const EPOLLERR = 0x8;
const EPOLLET = 0x80000000;

/** What fits a packet of Ethernet; on loopback it would be 64 KiB. */
const SMALL_SEGMENT = 1448;
const SMALL_BUFFER = 1;

/** How long {@linkcode receive} waits, in seconds. */
const RECEIVE_TIMEOUT = 5;

/** Deno takes numbers as `usize` too, and BigInt would cost more; its types do not. */
interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  connect(fd: number, address: Uint8Array, length: number): number;
  setsockopt(
    fd: number,
    level: number,
    name: number,
    value: ArrayBufferView,
    length: number,
  ): number;
  send(fd: number, bytes: Uint8Array, length: number, flags: number): number;
  recv(fd: number, into: Uint8Array, length: number, flags: number): number;
  close(fd: number): number;
  epoll_create1(flags: number): number;
  epoll_ctl(poll: number, op: number, fd: number, event: Uint8Array): number;
  epoll_wait(
    poll: number,
    events: Uint8Array,
    most: number,
    timeout: number,
  ): number;
}

const libc = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  setsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "u32"],
    result: "i32",
  },
  // What is asked for fits 32 bits, and so does what comes back.
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
}).symbols as unknown as Libc;

/**
 * Connects to a port of 127.0.0.1, and waits until it is.
 *
 * @param port The port.
 * @param small Whether the system is to keep little for it: about 30 KB if nobody
 * reads, and not 4 MB.
 * @returns The file descriptor.
 */
export function connect(port: number, small = false): number {
  const fd = libc.socket(AF_INET, SOCK_STREAM, 0);
  if (small) {
    set(fd, SOL_SOCKET, SO_RCVBUF, SMALL_BUFFER);
    set(fd, IPPROTO_TCP, TCP_MAXSEG, SMALL_SEGMENT);
  }
  const address = new Uint8Array(16);
  const view = new DataView(address.buffer);
  view.setUint16(0, AF_INET, true);
  view.setUint16(2, port);
  address.set([127, 0, 0, 1], 4);
  if (fd < 0 || libc.connect(fd, address, address.length) !== 0) {
    if (fd >= 0) close(fd);
    throw new Error(`Cannot connect to port "${port}"`);
  }
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  const time = new BigInt64Array([BigInt(RECEIVE_TIMEOUT), 0n]);
  libc.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, time, time.byteLength);
  return fd;
}

function set(fd: number, level: number, name: number, value: number): void {
  libc.setsockopt(fd, level, name, new Int32Array([value]), 4);
}

/**
 * Sends all of something, waiting as long as it takes.
 *
 * @param fd The socket.
 * @param bytes What to send.
 */
export function sendAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    const rest = bytes.subarray(at);
    const count = libc.send(fd, rest, rest.length, MSG_NOSIGNAL);
    if (count < 0) throw new Error("Cannot send: the server has left");
    at += count;
  }
}

/**
 * Sends what the socket takes at once.
 *
 * @param fd The socket.
 * @param bytes What to send.
 * @returns How many bytes that were; -1 if it takes none now.
 */
export function sendSome(fd: number, bytes: Uint8Array): number {
  return libc.send(fd, bytes, bytes.length, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/**
 * Receives something, and waits for it.
 *
 * @param fd The socket.
 * @param into Where to put it.
 * @returns How many bytes that were; 0 at the end.
 */
export function receive(fd: number, into: Uint8Array): number {
  const count = libc.recv(fd, into, into.length, 0);
  if (count < 0) throw new Error("Cannot receive: the server is silent");
  return count;
}

/**
 * Receives what is there.
 *
 * @param fd The socket.
 * @param into Where to put it.
 * @returns How many bytes that were; 0 at the end, -1 if nothing is there now.
 */
export function receiveSome(fd: number, into: Uint8Array): number {
  return libc.recv(fd, into, into.length, MSG_DONTWAIT);
}

/**
 * Drops what is there. Linux does not even copy it, `tcp(7)`.
 *
 * @param fd The socket.
 * @param most How many bytes to drop at most.
 * @param unused Is not written to.
 * @returns As {@linkcode receiveSome}.
 */
export function dropSome(fd: number, most: number, unused: Uint8Array): number {
  return libc.recv(fd, unused, most, MSG_DONTWAIT | MSG_TRUNC);
}

/** Closes a socket. */
export function close(fd: number): void {
  libc.close(fd);
}

/**
 * Waits for many sockets at a time. A socket is told of once when something
 * came, and has to be read until nothing is left.
 */
export class Poll implements Disposable {
  /** The structure is packed on this architecture alone, `epoll_event(3type)`. */
  static readonly #packed = Deno.build.arch === "x86_64";
  static readonly #size = Poll.#packed ? 12 : 16;
  static readonly #tag = Poll.#packed ? 4 : 8;
  static readonly #capacity = 512;
  readonly #fd = libc.epoll_create1(0);
  readonly #events = new Uint8Array(Poll.#size * Poll.#capacity);
  readonly #view = new DataView(this.#events.buffer);

  /**
   * Adds a socket.
   *
   * @param fd The socket.
   * @param tag What {@linkcode Poll.tag} calls it.
   */
  add(fd: number, tag: number): void {
    const event = new Uint8Array(Poll.#size);
    const view = new DataView(event.buffer);
    view.setUint32(0, (EPOLLIN | EPOLLOUT | EPOLLET) >>> 0, true);
    view.setUint32(Poll.#tag, tag, true);
    if (libc.epoll_ctl(this.#fd, EPOLL_CTL_ADD, fd, event) !== 0) {
      throw new Error(`Cannot watch socket "${fd}"`);
    }
  }

  /**
   * Waits until something happens.
   *
   * @param timeout How long at most, in milliseconds.
   * @returns To how many sockets.
   */
  wait(timeout: number): number {
    return libc.epoll_wait(this.#fd, this.#events, Poll.#capacity, timeout);
  }

  /** The tag of the socket to which the event with this index happened. */
  tag(index: number): number {
    return this.#view.getUint32(index * Poll.#size + Poll.#tag, true);
  }

  /** Whether that event is that the connection broke. */
  broke(index: number): boolean {
    return (this.#view.getUint32(index * Poll.#size, true) & EPOLLERR) !== 0;
  }

  [Symbol.dispose](): void {
    close(this.#fd);
  }
}
