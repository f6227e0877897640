import { assert, assertEquals } from "@std/assert";
import { attach } from "./loop.ts";
import { memoryPair } from "./pair.ts";
import { RawMachine } from "./raw.ts";
import type { Transport } from "./transport.ts";

/** A transport that has always more to read, up to an end. */
function endless(size: number, reads: number): Transport & { left: number } {
  const [here] = memoryPair();
  return {
    left: reads,
    localAddr: here.localAddr,
    remoteAddr: here.remoteAddr,
    read(buffer) {
      if (this.left-- <= 0) return Promise.resolve(null);
      return Promise.resolve(Math.min(size, buffer.length));
    },
    write: (bytes) => here.write(bytes),
    closeWrite: () => here.closeWrite(),
    close: () => here.close(),
  };
}

Deno.test("A peer that sends without end lets timers and others have their turn", async () => {
  for (const [size, secure] of [[64 * 1024, false], [100, true]] as const) {
    const transport = endless(size, 1_000_000);
    const conn = attach(transport, new RawMachine(), () => {}, { secure });
    const left = await new Promise<number>((resolve) => {
      setTimeout(() => resolve(transport.left), 0);
    });
    assert(left > 0, "All was read before the timer fired");
    conn.abort();
    await conn.closed;
  }
});

Deno.test("A connection that closes in a break leaves no timer", async () => {
  const transport = endless(64 * 1024, 1_000_000);
  const conn = attach(transport, new RawMachine(), () => {});
  // It takes many breaks until then; the sanitizer sees a timer that is left.
  for (let i = 0; i < 20; i++) await new Promise((r) => setTimeout(r, 0));
  conn.abort();
  await conn.closed;
  assertEquals(conn.state, "closed");
});
