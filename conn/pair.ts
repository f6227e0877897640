/**
 * Two transports that need no socket, with faults on demand.
 *
 * @module
 */

import { Pipe } from "./_pipe.ts";
import type { Transport } from "./transport.ts";

/** Options of {@linkcode memoryPair}. */
export interface MemoryPairOptions {
  /**
   * How many bytes each direction holds; a write beyond it waits until the other
   * end reads.
   *
   * @default {65536}
   */
  bufferSize?: number;
  /**
   * The first value of {@linkcode MemoryTransport.chunk} at both ends.
   *
   * @default {Infinity}
   */
  chunk?: number | (() => number);
  /**
   * The addresses of the two ends.
   *
   * @default {127.0.0.1:1 and 127.0.0.1:2, over TCP}
   */
  addrs?: [Deno.Addr, Deno.Addr];
}

/** One end of a {@linkcode memoryPair}. */
export interface MemoryTransport extends Transport {
  /**
   * The most bytes that a read gives; `1` splits what the peer sends at every
   * byte. A function is asked before each read.
   */
  chunk: number | (() => number);
  /** Bytes that were read here. */
  readonly bytesRead: number;
  /** Bytes that were taken from writes here. */
  readonly bytesWritten: number;
  /** How many writes there were here. */
  readonly writes: number;
  /** Whether this end was closed. */
  readonly closed: boolean;
  /**
   * Holds back all that the peer sends, its end of stream too: reads here wait.
   * Once the buffer is full, the peer's writes wait as well.
   */
  stall(): void;
  /** Ends a {@linkcode MemoryTransport.stall}. */
  resume(): void;
  /**
   * Breaks the connection: reads and writes at both ends reject with
   * `Deno.errors.ConnectionReset`, and what was under way is lost.
   */
  reset(): void;
}

class MemoryEnd implements MemoryTransport {
  readonly localAddr: Deno.Addr;
  readonly remoteAddr: Deno.Addr;
  readonly #in: Pipe;
  readonly #out: Pipe;
  closed = false;
  bytesRead = 0;
  bytesWritten = 0;
  writes = 0;

  constructor(input: Pipe, output: Pipe, local: Deno.Addr, remote: Deno.Addr) {
    this.#in = input;
    this.#out = output;
    this.localAddr = local;
    this.remoteAddr = remote;
  }

  get chunk(): number | (() => number) {
    return this.#in.chunk;
  }

  set chunk(chunk: number | (() => number)) {
    this.#in.chunk = chunk;
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    const count = await this.#in.read(buffer);
    if (count !== null) this.bytesRead += count;
    return count;
  }

  async write(bytes: Uint8Array): Promise<number> {
    this.writes++;
    const count = await this.#out.write(bytes);
    this.bytesWritten += count;
    return count;
  }

  // As on a socket, a failure comes as a rejection.
  // deno-lint-ignore require-await
  async closeWrite(): Promise<void> {
    if (this.closed) throw new Deno.errors.BadResource("The end is closed");
    this.#out.endWriting();
  }

  close(): void {
    this.closed = true;
    this.#in.closeReader();
    this.#out.closeWriter();
  }

  stall(): void {
    this.#in.stall();
  }

  resume(): void {
    this.#in.resume();
  }

  reset(): void {
    this.#in.reset();
    this.#out.reset();
  }

  ref(): void {}

  unref(): void {}
}

/**
 * Makes two transports that are connected to each other in memory: what one
 * writes the other one reads, with a bounded buffer between, half-close, and
 * faults on demand. Handlers and machines run over them as over a socket.
 *
 * @param options Buffer size, splitting of reads, and addresses.
 * @returns The two ends.
 *
 * @example A handler that is fed byte by byte
 * ```ts
 * import { attach, memoryPair, RawMachine } from "@meerkat/net/conn";
 * import { assertEquals } from "@std/assert";
 *
 * const [here, there] = memoryPair({ chunk: 1 });
 * const sizes: number[] = [];
 * const conn = attach(there, new RawMachine(), (event) => {
 *   if (event.type === "bytes") sizes.push(event.bytes.length);
 * });
 * await here.write(new Uint8Array(3));
 * await here.closeWrite();
 * assertEquals(await here.read(new Uint8Array(1)), null);
 * here.close();
 * await conn.closed;
 * assertEquals(sizes, [1, 1, 1]);
 * ```
 */
export function memoryPair(
  options: MemoryPairOptions = {},
): [MemoryTransport, MemoryTransport] {
  const { bufferSize = 64 * 1024, chunk = Infinity } = options;
  const [addrA, addrB] = options.addrs ?? [
    { transport: "tcp", hostname: "127.0.0.1", port: 1 },
    { transport: "tcp", hostname: "127.0.0.1", port: 2 },
  ];
  const aToB = new Pipe(bufferSize, chunk);
  const bToA = new Pipe(bufferSize, chunk);
  return [
    new MemoryEnd(bToA, aToB, addrA, addrB),
    new MemoryEnd(aToB, bToA, addrB, addrA),
  ];
}
