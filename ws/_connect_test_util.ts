// A network in memory whose servers do as the test says.

import { TestClock } from "../conn/clock.ts";
import { memoryPair, type MemoryTransport } from "../conn/pair.ts";
import type {
  Connected,
  Connector,
  ConnectRequest,
} from "../http/client/client_options.ts";
import { acceptKey } from "./handshake/accept_key.ts";

const decoder = new TextDecoder("latin1");
const encoder = new TextEncoder();

/** A text message, as a server sends it. */
export function textFrame(text: string): Uint8Array {
  const payload = encoder.encode(text);
  return new Uint8Array([0x81, payload.length, ...payload]);
}

/** A close frame, as a server sends it. */
export function closeFrame(code: number): Uint8Array {
  return new Uint8Array([0x88, 2, code >> 8, code & 255]);
}

/** The value of a field in a head. */
export function fieldOf(head: string, name: string): string | undefined {
  return new RegExp(`^${name}: (.*)\r$`, "im").exec(head)?.[1];
}

/** A server's end of one connection. */
export class Peer {
  readonly transport: MemoryTransport;
  readonly request: ConnectRequest;
  #text = "";

  constructor(transport: MemoryTransport, request: ConnectRequest) {
    this.transport = transport;
    this.request = request;
  }

  /** Reads until `end` has come; gives everything up to and with it. */
  async until(end: string): Promise<string> {
    const buffer = new Uint8Array(65536);
    while (!this.#text.includes(end)) {
      const count = await this.transport.read(buffer);
      if (count === null) throw new Error(`The client left: "${this.#text}"`);
      this.#text += decoder.decode(buffer.subarray(0, count));
    }
    const at = this.#text.indexOf(end) + end.length;
    const part = this.#text.slice(0, at);
    this.#text = this.#text.slice(at);
    return part;
  }

  /** Reads a request's head. */
  head(): Promise<string> {
    return this.until("\r\n\r\n");
  }

  /** Reads to the client's end of stream, or its reset. */
  async rest(): Promise<string> {
    const buffer = new Uint8Array(65536);
    let count: number | null;
    while ((count = await this.transport.read(buffer)) !== null) {
      this.#text += decoder.decode(buffer.subarray(0, count));
    }
    return this.#text;
  }

  /** Sends everything in one write, if the client takes it so. */
  async send(...parts: (string | Uint8Array)[]): Promise<void> {
    const all = parts.map((part) =>
      typeof part === "string" ? encoder.encode(part) : part
    );
    let bytes: Uint8Array = new Uint8Array(all.flatMap((part) => [...part]));
    while (bytes.length > 0) {
      bytes = bytes.subarray(await this.transport.write(bytes));
    }
  }

  /** Answers what is not a 101. */
  reply(status: string, fields = "", body = ""): Promise<void> {
    return this.send(
      `HTTP/1.1 ${status}\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`,
    );
  }

  /** Answers as a server does that accepts; `then` follows in the same write. */
  async accept(
    options: { fields?: string; then?: Uint8Array[] } = {},
  ): Promise<string> {
    const head = await this.head();
    const { fields = "", then = [] } = options;
    await this.send(switching(head, fields), ...then);
    return head;
  }
}

/** The answer that opens a WebSocket. */
export function switching(head: string, fields = ""): string {
  const accept = acceptKey(fieldOf(head, "Sec-WebSocket-Key")!);
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" +
    `Connection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n${fields}\r\n`;
}

/** Takes the place of the network. */
export class TestNet implements Connector {
  /** Connections, and starts of TLS, so far. */
  readonly requests: ConnectRequest[] = [];
  readonly clock = new TestClock();
  /** The most bytes that a read gives to the client. */
  chunk: number | undefined;
  /** Makes connecting wait. */
  gate: Promise<void> | undefined;
  #peers: Peer[] = [];
  #wanted: ((peer: Peer) => void)[] = [];

  /** What makes `connect` use it. */
  get options(): { connect: Connector; clock: TestClock } {
    return { connect: this, clock: this.clock };
  }

  /** The next connection. */
  next(): Promise<Peer> {
    const peer = this.#peers.shift();
    if (peer !== undefined) return Promise.resolve(peer);
    return new Promise((resolve) => this.#wanted.push(resolve));
  }

  async connect(request: ConnectRequest): Promise<Connected> {
    this.requests.push(request);
    await this.gate;
    request.signal.throwIfAborted();
    const [here, there] = memoryPair();
    if (this.chunk !== undefined) here.chunk = this.chunk;
    const peer = new Peer(there, request);
    const wanted = this.#wanted.shift();
    if (wanted !== undefined) wanted(peer);
    else this.#peers.push(peer);
    return { transport: here, timings: { connect: 0, tls: 0 } };
  }

  /** Notes that TLS was begun, and does without. */
  startTls(
    transport: MemoryTransport,
    request: ConnectRequest,
  ): Promise<Connected> {
    this.requests.push(request);
    return Promise.resolve({ transport, timings: { connect: 0, tls: 0 } });
  }
}
