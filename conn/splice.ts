/**
 * Two connections, tied together.
 *
 * @module
 */

import type { Conn } from "./conn.ts";
import type { ConnError } from "./error.ts";
import { RawMachine, type TcpCommand, type TcpEvent } from "./raw.ts";

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
): Promise<SpliceResult> {
  const result: SpliceResult = { aToB: 0, bToA: 0 };
  // Until the second half stands, the first one's input waits.
  const tied = Promise.withResolvers<void>();
  let halfB: TunnelEnd | undefined;
  const halfA: TunnelEnd = a.become(tunnelMachine(), (event) => {
    if (event.type === "open") return tied.promise;
    if (event.type === "bytes") result.aToB += event.bytes.length;
    if (halfB !== undefined) return relay(event, halfB);
  });
  try {
    halfB = b.become(tunnelMachine(), (event) => {
      if (event.type === "bytes") result.bToA += event.bytes.length;
      return relay(event, halfA);
    });
  } catch (error) {
    halfA.abort();
    throw error;
  }
  tied.resolve();
  const [errorA, errorB] = await Promise.all([halfA.closed, halfB.closed]);
  const error = errorA ?? errorB;
  if (error !== undefined) result.error = error;
  return result;
}

type TunnelEnd = Conn<TcpEvent, TcpCommand>;

function tunnelMachine(): RawMachine {
  return new RawMachine({ allowHalfOpen: true });
}

/** Does to `to` what happened at the other end; a promise while it is full. */
function relay(event: TcpEvent, to: TunnelEnd): Promise<void> | void {
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
