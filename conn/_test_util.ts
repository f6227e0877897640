// What several tests of this folder need.

import { TestClock } from "./clock.ts";
import type { Conn, Handler } from "./conn.ts";
import { attach, type AttachOptions } from "./loop.ts";
import {
  memoryPair,
  type MemoryPairOptions,
  type MemoryTransport,
} from "./pair.ts";
import {
  RawMachine,
  type RawOptions,
  type TcpCommand,
  type TcpEvent,
} from "./raw.ts";

/** A raw connection, the transport that its peer holds, and their clock. */
export interface Bench {
  conn: Conn<TcpEvent, TcpCommand>;
  peer: MemoryTransport;
  here: MemoryTransport;
  clock: TestClock;
  /** The events so far, in short: `"open"`, `"bytes:abc"`, `"close:reset"`. */
  log: string[];
}

/** How a {@linkcode bench} is made. */
export interface BenchOptions extends AttachOptions, RawOptions {
  pair?: MemoryPairOptions;
  handler?: Handler<TcpEvent, TcpCommand>;
}

/** One event in short. */
export function brief(event: TcpEvent): string {
  switch (event.type) {
    case "bytes":
      return `bytes:${text(event.bytes)}`;
    case "close":
      return event.error === undefined ? "close" : `close:${event.error.code}`;
    default:
      return event.type;
  }
}

/** A raw connection over a memory pair, whose events are logged. */
export function bench(options: BenchOptions = {}): Bench {
  const { pair, handler, allowHalfOpen = false, ...rest } = options;
  const [here, peer] = memoryPair(pair);
  const clock = new TestClock();
  const log: string[] = [];
  const conn = attach<TcpEvent, TcpCommand>(
    here,
    new RawMachine({ allowHalfOpen }),
    (event, conn) => {
      log.push(brief(event));
      return handler?.(event, conn);
    },
    { clock, ...rest },
  );
  return { conn, peer, here, clock, log };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

export function text(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Reads up to the end of stream, or up to so many bytes. */
export async function readAll(
  from: MemoryTransport,
  limit = Infinity,
): Promise<string> {
  let all = "";
  const buffer = new Uint8Array(64 * 1024);
  while (all.length < limit) {
    const count = await from.read(buffer);
    if (count === null) break;
    all += text(buffer.subarray(0, count));
  }
  return all;
}
