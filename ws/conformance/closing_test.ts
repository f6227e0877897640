import { assert, assertEquals } from "@std/assert";
import { type Case, ROLES, show } from "./_cases_test_util.ts";
import { close, encode, type Frame, ping, text } from "./_frames_test_util.ts";
import { MemoryBench, type Mode, settle } from "./_memory_test_util.ts";

// Autobahn has numbers for closing handshakes that the tested side begins, 7.2
// to 7.12, and no cases.

const WHOLE: Mode = { name: "whole", chunk: Infinity };
const NONE: Case = { id: "", fact: "", stages: [] };

async function shown(bench: MemoryBench): Promise<string[]> {
  return (await bench.replies()).map(show);
}

function sends(bench: MemoryBench, ...frames: Frame[]): void {
  bench.peer.write(encode(frames, bench.role === "server"));
}

async function leave(bench: MemoryBench): Promise<void> {
  await bench.peer.transport.closeWrite();
  await settle();
  bench.peer.transport.close();
  assertEquals(bench.conn.state, "closed");
  assertEquals(bench.clock.pending, 0);
}

for (const role of ROLES) {
  Deno.test(`7.4 the program's code and reason are sent, and the answer ends it (as a ${role})`, async () => {
    const bench = new MemoryBench(NONE, role, WHOLE);
    bench.conn.send({ type: "close", code: 4001, reason: "Schluß" });
    assertEquals(await shown(bench), [show(close(4001, "Schluß"))]);
    assertEquals(bench.peer.ended, false);
    sends(bench, close(4001));
    assertEquals(await shown(bench), []);
    assertEquals(bench.peer.ended, role === "server");
    await leave(bench);
    const last = bench.events.at(-1);
    assert(last?.type === "close");
    assertEquals([last.code, last.wasClean], [4001, true]);
    assertEquals(last.error, undefined);
  });

  Deno.test(`7.2 messages that come after the program's close are dropped (as a ${role})`, async () => {
    const bench = new MemoryBench(NONE, role, WHOLE);
    bench.conn.close();
    sends(bench, text("late"), close(1000));
    assertEquals(await shown(bench), [show(close(1000))]);
    await leave(bench);
    assertEquals(bench.log, ["open", "closing 1000", "close"]);
  });

  Deno.test(`7.2 close frames that cross end the connection (as a ${role})`, async () => {
    const bench = new MemoryBench(NONE, role, WHOLE);
    bench.conn.close();
    sends(bench, close(3000, "me too"));
    assertEquals(await shown(bench), [show(close(1000))]);
    await leave(bench);
    const last = bench.events.at(-1);
    assert(last?.type === "close");
    assertEquals([last.code, last.reason, last.wasClean], [
      3000,
      "me too",
      true,
    ]);
  });

  Deno.test(`7.11 a peer that does not answer the close frame is cut off (as a ${role})`, async () => {
    const bench = new MemoryBench(NONE, role, WHOLE);
    bench.conn.close();
    assertEquals(await shown(bench), [show(close(1000))]);
    await bench.clock.advance(4_999);
    assertEquals(bench.peer.ended, false);
    await bench.clock.advance(2);
    assertEquals(bench.conn.state, "closed");
    assertEquals(bench.peer.ended, true);
    bench.peer.transport.close();
    const last = bench.events.at(-1);
    assert(last?.type === "close");
    assertEquals([last.code, last.wasClean], [1006, false]);
  });

  Deno.test(`7.11 a peer that goes on pinging does not put off the cut (as a ${role})`, async () => {
    const bench = new MemoryBench(NONE, role, WHOLE);
    bench.conn.close();
    for (let i = 0; i < 10; i++) {
      sends(bench, ping());
      await bench.clock.advance(501);
    }
    assertEquals(bench.conn.state, "closed");
    bench.peer.transport.close();
  });

  Deno.test(`7.1 a stream that ends without a close frame is 1006 (as a ${role})`, async () => {
    const bench = new MemoryBench(NONE, role, WHOLE);
    sends(bench, text("Hello"));
    assertEquals(await shown(bench), [show(text("Hello"))]);
    await leave(bench);
    const last = bench.events.at(-1);
    assert(last?.type === "close");
    assertEquals([last.code, last.wasClean], [1006, false]);
    assertEquals(last.error?.side, "remote");
  });
}

Deno.test("a client masks each frame with another key", async () => {
  const bench = new MemoryBench(NONE, "client", WHOLE);
  sends(bench, ...Array.from({ length: 50 }, () => text("Hello")));
  await settle();
  const bytes = bench.peer.take();
  // A head of two bytes, the key, and five bytes of payload.
  assertEquals(bytes.length, 50 * 11);
  const keys = new Set<string>();
  for (let at = 0; at < bytes.length; at += 11) {
    keys.add(bytes.subarray(at + 2, at + 6).toHex());
  }
  assertEquals(keys.size, 50);
  bench.conn.abort();
  await settle();
  bench.peer.transport.close();
});
