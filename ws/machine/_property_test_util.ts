/**
 * What the property tests check after each run.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { Frame } from "../conformance/_frames_test_util.ts";
import type { MemoryBench } from "../conformance/_memory_test_util.ts";
import type { WsEvent } from "./message.ts";

/** The messages among events, bytes as hexadecimal. */
export function messagesIn(events: readonly WsEvent[]): string[] {
  return events.flatMap((event) =>
    event.type === "message" ? [shown(event.data)] : []
  );
}

/** A message on one line. */
export function shown(data: string | Uint8Array): string {
  return typeof data === "string" ? `text ${data}` : data.toHex();
}

/** A frame with all of its payload. */
export function exactly({ opcode, fin, rsv, payload }: Frame): string {
  return `${opcode} ${fin} ${rsv} ${payload.toHex()}`;
}

/** Nothing was thrown, nothing is left, and the handler was told so once. */
export function checkOver(bench: MemoryBench): void {
  assertEquals(bench.thrown, []);
  assertEquals(bench.conn.state, "closed");
  assertEquals(bench.clock.pending, 0);
  assertEquals(bench.log[0], "open");
  assertEquals(bench.log.indexOf("close"), bench.log.length - 1);
  assertEquals(
    bench.log.filter((each) => each.startsWith("closing")).length <= 1,
    true,
  );
  bench.peer.transport.close();
}
