// What a connection asks of its machine, beyond input and commands.

import { assert, assertEquals } from "@std/assert";
import {
  failure,
  probe,
  type ProbeEvent,
  ProbeMachine,
} from "./_probe_test_util.ts";
import { readAll } from "./_test_util.ts";
import { RawMachine } from "./raw.ts";

Deno.test("Machine.highMark takes the place of the connection's", async () => {
  const { conn, peer, types } = probe({
    highMark: 1_000_000,
    machine: new ProbeMachine({ highMark: 100 }),
    pair: { bufferSize: 10 },
  });
  assertEquals(conn.send((sink) => sink.write("x".repeat(100))), true);
  assertEquals(conn.needsDrain, false);
  assertEquals(conn.send((sink) => sink.write("x")), false);
  assertEquals(conn.needsDrain, true);
  await readAll(peer, 50);
  assertEquals(types(), ["open"]);
  await readAll(peer, 51);
  await conn.drain();
  assertEquals(types(), ["open", "drain"]);
  conn.abort();
});

Deno.test("Machine.highMark counts from become on, and no longer than its machine", () => {
  const { conn } = probe({ highMark: 1_000 });
  const marked = conn.become(new ProbeMachine({ highMark: 5 }), () => {});
  assertEquals(marked.send((sink) => sink.write("123456")), false);
  assertEquals(marked.needsDrain, true);
  marked.abort();
  const other = probe({
    highMark: 1_000,
    machine: new ProbeMachine({ highMark: 5 }),
  });
  const raw = other.conn.become(new RawMachine(), () => {});
  assertEquals(raw.send("123456"), true);
  raw.abort();
});

Deno.test("Machine.closeTimeout takes the place of the connection's", async () => {
  const { conn, clock, here } = probe({
    closeTimeout: 60_000,
    machine: new ProbeMachine({ closeTimeout: 1_000 }),
  });
  conn.close();
  await clock.advance(900);
  assert(!here.closed);
  await clock.advance(300);
  assert(here.closed);
  await conn.closed;
});

Deno.test("Machine.closeEvent makes the close event, once", async () => {
  for (const error of [undefined, failure]) {
    const { conn, log } = probe();
    conn.abort(error);
    conn.abort();
    await conn.closed;
    assertEquals(log, [
      { type: "open" },
      { type: "close", text: "made here", ...(error && { error }) },
    ]);
  }
});

Deno.test("Conn.closed settles with the error of the event that the machine made", async () => {
  class Forgiving extends ProbeMachine {
    override closeEvent(): ProbeEvent {
      return { type: "close" };
    }
  }
  const { conn, log } = probe({ machine: new Forgiving() });
  conn.abort(failure);
  assertEquals(await conn.closed, undefined);
  assertEquals(await conn.closed, undefined);
  assertEquals(log.at(-1), { type: "close" });
});

Deno.test("Machine.release is called once, after the close event", async () => {
  const releasedAt: number[] = [];
  const machine = new ProbeMachine();
  const { conn } = probe({
    machine,
    handler: (event) => {
      if (event.type === "close") releasedAt.push(machine.released);
    },
  });
  conn.abort();
  conn.abort();
  assertEquals(machine.released, 0);
  await conn.closed;
  assertEquals([releasedAt, machine.released], [[0], 1]);
});

Deno.test("Machine.release is called when another machine takes over", async () => {
  const { conn, machine } = probe();
  const second = new ProbeMachine();
  const next = conn.become(second, () => {});
  assertEquals([machine.released, second.released], [1, 0]);
  next.abort();
  await next.closed;
  assertEquals([machine.released, second.released], [1, 1]);
});

Deno.test("Machine.release is called although the close handler throws", async () => {
  const machine = new ProbeMachine();
  const reported: unknown[] = [];
  const { conn } = probe({
    machine,
    onError: (error) => void reported.push(error),
    handler: (event) => {
      if (event.type === "close") throw new Error("bug");
    },
  });
  conn.abort();
  await conn.closed;
  assertEquals([machine.released, reported.length], [1, 1]);
});

Deno.test("Conn.needsDrain is true from the high mark down to the low one", async () => {
  const { conn, peer, clock } = probe({
    highMark: 100,
    lowMark: 20,
    pair: { bufferSize: 10 },
  });
  assertEquals(conn.needsDrain, false);
  conn.send((sink) => sink.write("x".repeat(110)));
  assertEquals(conn.needsDrain, true);
  await readAll(peer, 60);
  await clock.advance(0);
  assert(conn.buffered < 100 && conn.buffered > 20);
  assertEquals(conn.needsDrain, true);
  await readAll(peer, 40);
  await clock.advance(0);
  assertEquals(conn.needsDrain, false);
  conn.abort();
});
