// A server in memory that does as the test says, and a client for it.

import { TestClock } from "../../conn/clock.ts";
import { memoryPair, type MemoryTransport } from "../../conn/pair.ts";
import { concat } from "./byte_source.ts";
import { Client } from "./client.ts";
import type {
  ClientOptions,
  Connected,
  Connector,
  ConnectRequest,
} from "./client_options.ts";

const encoder = new TextEncoder();

/** The server's end of one connection. */
export class Peer {
  readonly transport: MemoryTransport;
  readonly request: ConnectRequest;
  readonly #decoder: TextDecoder;
  #text = "";

  constructor(
    transport: MemoryTransport,
    request: ConnectRequest,
    decoder: TextDecoder = new TextDecoder(),
  ) {
    this.transport = transport;
    this.request = request;
    this.#decoder = decoder;
  }

  /** Reads until `end` has come; gives everything up to and with it. */
  async until(end: string): Promise<string> {
    const buffer = new Uint8Array(65536);
    while (!this.#text.includes(end)) {
      const count = await this.transport.read(buffer);
      if (count === null) throw new Error(`The client left: "${this.#text}"`);
      this.#text += this.#decoder.decode(buffer.subarray(0, count));
    }
    const at = this.#text.indexOf(end) + end.length;
    const head = this.#text.slice(0, at);
    this.#text = this.#text.slice(at);
    return head;
  }

  /** Reads a request's head. */
  head(): Promise<string> {
    return this.until("\r\n\r\n");
  }

  /** Reads to the client's end of stream. */
  async rest(): Promise<string> {
    const buffer = new Uint8Array(65536);
    let count: number | null;
    while ((count = await this.transport.read(buffer)) !== null) {
      this.#text += this.#decoder.decode(buffer.subarray(0, count));
    }
    return this.#text;
  }

  /** Sends everything in one write, if the client takes it so. */
  async send(...parts: (string | Uint8Array)[]): Promise<void> {
    let bytes = concat(
      parts.map((part) =>
        typeof part === "string" ? encoder.encode(part) : part
      ),
    );
    while (bytes.length > 0) {
      bytes = bytes.subarray(await this.transport.write(bytes));
    }
  }

  /** Sends a reply with a body of known length. */
  reply(body: string, fields = "", status = "200 OK"): Promise<void> {
    const length = encoder.encode(body).length;
    return this.send(
      `HTTP/1.1 ${status}\r\n${fields}Content-Length: ${length}\r\n\r\n${body}`,
    );
  }

  /** Reads a request's head, and replies. */
  async serve(body: string, fields = "", status = "200 OK"): Promise<string> {
    const head = await this.head();
    await this.reply(body, fields, status);
    return head;
  }
}

/** Makes the server's end of a connection. */
export type MakePeer<P> = (
  transport: MemoryTransport,
  request: ConnectRequest,
) => P;

/** Takes the place of the network. */
export class FakeNet<P extends Peer = Peer> implements Connector {
  /** Connections so far. */
  readonly requests: ConnectRequest[] = [];
  readonly clock = new TestClock();
  /** What becomes of the next attempts to connect, in order. */
  readonly faults: Error[] = [];
  readonly #makePeer: MakePeer<P>;
  #peers: P[] = [];
  #wanted: ((peer: P) => void)[] = [];
  /** The most bytes that a read gives to the client. */
  chunk: number | undefined;
  /** Makes connecting wait. */
  gate: Promise<void> | undefined;

  constructor(makePeer?: MakePeer<P>) {
    this.#makePeer = makePeer ??
      ((transport, request) => new Peer(transport, request) as P);
  }

  /** A client that has this for a network. */
  client(options: ClientOptions = {}): Client {
    return new Client({ connect: this, clock: this.clock, ...options });
  }

  /** The next connection. */
  next(): Promise<P> {
    const peer = this.#peers.shift();
    if (peer !== undefined) return Promise.resolve(peer);
    return new Promise((resolve) => this.#wanted.push(resolve));
  }

  async connect(request: ConnectRequest): Promise<Connected> {
    this.requests.push(request);
    await this.gate;
    request.signal.throwIfAborted();
    const fault = this.faults.shift();
    if (fault !== undefined) throw fault;
    const [here, there] = memoryPair();
    if (this.chunk !== undefined) here.chunk = this.chunk;
    const peer = this.#makePeer(there, request);
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
