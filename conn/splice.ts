/**
 * Two connections, tied together.
 *
 * @module
 */

import type { Conn } from "./conn.ts";
import type { ConnError } from "./error.ts";
import type { Machine } from "./machine.ts";
import { RawMachine, type TcpCommand, type TcpEvent } from "./raw.ts";

/** One end of a {@linkcode splice}. */
export type SpliceEnd = Conn<TcpEvent, TcpCommand>;

/** How two connections are tied together. */
export interface SpliceOptions {
  /**
   * What the ends speak, the first connection's first. Each looks at what its
   * peer sends, before it passes: what it makes `bytes` events of goes to the
   * other end, an `eof` event ends that one's side of the stream, and a `close`
   * event closes it. The `bytes` need to be valid during the event only if they
   * are no more than `MAX_COPIED`.
   *
   * @default Raw machines that let each direction end by itself
   */
  machines?: readonly [
    Machine<TcpEvent, TcpCommand>,
    Machine<TcpEvent, TcpCommand>,
  ];
  /**
   * Gets both ends before anything passes. What is sent to one of them goes
   * behind all that has passed so far.
   */
  onOpen?: (a: SpliceEnd, b: SpliceEnd) => void;
}

/** What a tunnel carried, once it has ended. */
export interface SpliceResult {
  /** Bytes from the first connection to the second. */
  aToB: number;
  /** Bytes from the second connection to the first. */
  bToA: number;
  /** Why it ended, if it was not by both ends' own will. */
  error?: ConnError;
}

/**
 * Makes a raw tunnel of two connections, whatever they spoke before: bytes,
 * back-pressure and the end of each direction pass through; if one breaks, the
 * other is cut.
 *
 * @param a One connection; its view is detached.
 * @param b The other; its view is detached.
 * @param options For who wants to look at what passes, or to put bytes in.
 * @returns Resolves when both have closed, whatever the reason.
 * @throws {ConnError} (the promise rejects) If one of them is closed or detached
 * already; the other one is then closed.
 *
 * @example A tunnel between two pairs
 * ```ts
 * import { attach, memoryPair, RawMachine, splice } from "@meerkat/net/conn";
 * import { assertEquals } from "@std/assert";
 *
 * const [client, left] = memoryPair();
 * const [right, server] = memoryPair();
 * const tunnel = splice(
 *   attach(left, new RawMachine()),
 *   attach(right, new RawMachine()),
 * );
 * attach(server, new RawMachine(), (event, conn) => {
 *   if (event.type === "bytes") conn.send(event.bytes);
 * });
 * const conn = attach(client, new RawMachine(), (event, conn) => {
 *   if (event.type === "open") conn.send("ping");
 *   if (event.type === "bytes") conn.close();
 * });
 * await conn.closed;
 * assertEquals(await tunnel, { aToB: 4, bToA: 4 });
 * ```
 */
export async function splice<E1, C1, E2, C2>(
  a: Conn<E1, C1>,
  b: Conn<E2, C2>,
  options: SpliceOptions = {},
): Promise<SpliceResult> {
  const result: SpliceResult = { aToB: 0, bToA: 0 };
  const [machineA, machineB] = options.machines ?? [halfOpen(), halfOpen()];
  // Until the second half stands, the first one's input waits.
  const tied = Promise.withResolvers<void>();
  let halfA: SpliceEnd | undefined;
  let halfB: SpliceEnd | undefined;
  try {
    halfA = a.become(machineA, (event) => {
      if (event.type === "open") return tied.promise;
      if (event.type === "bytes") result.aToB += event.bytes.length;
      if (halfB !== undefined) return relay(event, halfB);
    });
    halfB = b.become(machineB, (event) => {
      if (event.type === "bytes") result.bToA += event.bytes.length;
      return relay(event, halfA!);
    });
    options.onOpen?.(halfA, halfB);
  } catch (error) {
    // Whoever holds the one that is detached goes on with it.
    if (halfA === undefined) b.abort();
    halfA?.abort();
    halfB?.abort();
    throw error;
  }
  tied.resolve();
  const [errorA, errorB] = await Promise.all([halfA.closed, halfB.closed]);
  const error = errorA ?? errorB;
  if (error !== undefined) result.error = error;
  return result;
}

function halfOpen(): RawMachine {
  return new RawMachine({ allowHalfOpen: true });
}

/** Does to `to` what happened at the other end; a promise while it is full. */
function relay(event: TcpEvent, to: SpliceEnd): Promise<void> | void {
  switch (event.type) {
    case "bytes":
      if (!to.send(event.bytes)) return to.drain();
      break;
    case "eof":
      to.closeWrite();
      break;
    case "close":
      if (event.error === undefined) to.close();
      else to.abort(event.error);
  }
}
