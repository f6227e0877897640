import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { bench, bytes, readAll, text } from "./_test_util.ts";
import { compose } from "./compose.ts";
import type { Conn } from "./conn.ts";
import { ConnError } from "./error.ts";
import { attach, drainConn } from "./loop.ts";
import type { Machine, Sink } from "./machine.ts";
import { memoryPair } from "./pair.ts";
import { RawMachine, type TcpCommand, type TcpEvent } from "./raw.ts";

const failure = (reply?: number) =>
  new ConnError("Test", {
    code: "test",
    side: "local",
    ...(reply === undefined ? {} : { reply }),
  });

Deno.test("Conn tells open, bytes, eof and close in this order", async () => {
  const { conn, peer, log } = bench();
  await peer.write(bytes("abc"));
  await peer.closeWrite();
  assertEquals(await readAll(peer), "");
  assertEquals(await conn.closed, undefined);
  assertEquals(log, ["open", "bytes:abc", "eof", "close"]);
});

Deno.test("Conn sends what is queued in one turn in one write", async () => {
  const { conn, peer, here } = bench();
  conn.send("one ");
  conn.send(bytes("two "));
  conn.send("three");
  assertEquals(conn.buffered, 13);
  assertEquals(await readAll(peer, 13), "one two three");
  assertEquals(here.writes, 1);
  assertEquals(conn.stats.bytesOut, 13);
  conn.abort();
});

Deno.test("Conn.send counts the bytes of text beyond ASCII", async () => {
  const { conn, peer } = bench();
  const sent = "é€😀".repeat(3000);
  conn.send(sent);
  assertEquals(conn.buffered, bytes(sent).length);
  conn.closeWrite();
  const chunks: number[] = [];
  const buffer = new Uint8Array(1024);
  let count;
  while ((count = await peer.read(buffer)) !== null) {
    chunks.push(...buffer.subarray(0, count));
  }
  assertEquals(text(new Uint8Array(chunks)), sent);
  conn.abort();
});

Deno.test("Conn.send returns false above the high mark, and drain follows", async () => {
  const { conn, peer, log } = bench({
    highMark: 10,
    lowMark: 4,
    pair: { bufferSize: 8 },
  });
  assertEquals(conn.send("12345"), true);
  assertEquals(conn.send("678901"), false);
  let drained = false;
  const waiting = conn.drain().then(() => drained = true);
  assertEquals(log, ["open"]);
  assert(!drained);
  assertEquals(await readAll(peer, 11), "12345678901");
  await waiting;
  assertEquals(log, ["open", "drain"]);
  assertEquals(conn.send("x"), true);
  await conn.drain();
  conn.abort();
});

Deno.test("Conn.drain resolves when the connection closes", async () => {
  const { conn } = bench({ highMark: 1, pair: { bufferSize: 1 } });
  conn.send("12345");
  const waiting = conn.drain();
  conn.abort();
  await waiting;
});

Deno.test("Sending on over the cap of the queue aborts the connection", async () => {
  const { conn } = bench({ maxBuffered: 100, pair: { bufferSize: 1 } });
  assertEquals(conn.send(new Uint8Array(101)), false);
  assertEquals(conn.send(new Uint8Array(1)), false);
  assertEquals((await conn.closed)?.code, "send_queue_full");
});

Deno.test("A message larger than the cap of the queue is sent", async () => {
  const { conn, peer } = bench({ maxBuffered: 100, pair: { bufferSize: 8 } });
  conn.send("x".repeat(20_000));
  conn.close();
  assertEquals((await readAll(peer)).length, 20_000);
  conn.abort();
});

Deno.test("A handler's promise pauses reading", async () => {
  const gate = Promise.withResolvers<void>();
  const { conn, peer, log, clock } = bench({
    handler: (event) => event.type === "bytes" ? gate.promise : undefined,
  });
  await peer.write(bytes("a"));
  await clock.advance(0);
  await peer.write(bytes("b"));
  await peer.write(bytes("c"));
  await clock.advance(0);
  assertEquals(log, ["open", "bytes:a"]);
  gate.resolve();
  await clock.advance(0);
  assertEquals(log, ["open", "bytes:a", "bytes:bc"]);
  conn.abort();
});

Deno.test("A paused connection stops taking bytes from its peer", async () => {
  const gate = Promise.withResolvers<void>();
  const { conn, peer, clock } = bench({
    handler: (event) => event.type === "bytes" ? gate.promise : undefined,
    pair: { bufferSize: 1024 },
  });
  await peer.write(bytes("a"));
  await clock.advance(0);
  let written = 0;
  const writing = (async () => {
    while (written < 1 << 20) written += await peer.write(new Uint8Array(1024));
  })();
  await clock.advance(0);
  assert(written < 64 * 1024, `${written} bytes were taken`);
  gate.resolve();
  await writing;
  conn.abort();
});

Deno.test("A peer that leaves aborts the signal of a paused connection", async () => {
  const gate = Promise.withResolvers<void>();
  const { conn, peer, clock, log } = bench({
    handler: (event) => event.type === "bytes" ? gate.promise : undefined,
  });
  await peer.write(bytes("a"));
  await clock.advance(0);
  assert(!conn.signal.aborted);
  await peer.closeWrite();
  await clock.advance(0);
  assert(conn.signal.aborted);
  assertEquals((conn.signal.reason as ConnError).code, "peer_left");
  assertEquals(log, ["open", "bytes:a"]);
  conn.send("still there");
  assertEquals(await readAll(peer, 11), "still there");
  gate.resolve();
  await conn.closed;
  assertEquals(log, ["open", "bytes:a", "eof", "close"]);
});

Deno.test("A half-open connection goes on sending after the peer's end", async () => {
  const { conn, peer, clock, log } = bench({ allowHalfOpen: true });
  await peer.closeWrite();
  await clock.advance(0);
  assertEquals(log, ["open", "eof"]);
  assert(!conn.signal.aborted);
  conn.send("more");
  conn.closeWrite();
  assertEquals(await readAll(peer), "more");
  await conn.closed;
  assertEquals(log, ["open", "eof", "close"]);
});

Deno.test("Conn.closeWrite leaves the other direction open", async () => {
  const { conn, peer, clock, log } = bench();
  conn.send("x");
  conn.closeWrite();
  assertEquals(await readAll(peer), "x");
  await peer.write(bytes("y"));
  await clock.advance(0);
  assertEquals(log, ["open", "bytes:y"]);
  assertEquals(conn.send("z"), true);
  await peer.closeWrite();
  await conn.closed;
  assertEquals(conn.stats.bytesOut, 1);
});

Deno.test("Conn.close sends what is queued and waits for the peer's end", async () => {
  const { conn, peer, clock, log } = bench({ pair: { bufferSize: 4 } });
  conn.send("hello world");
  assertEquals(conn.state, "open");
  conn.close();
  assertEquals(conn.state, "closing");
  assertEquals(conn.send("late"), false);
  assertEquals(await readAll(peer), "hello world");
  await clock.advance(4_900);
  assertEquals(log, ["open"]);
  await peer.closeWrite();
  await conn.closed;
  assertEquals(conn.state, "closed");
  assertEquals(log, ["open", "close"]);
});

Deno.test("Conn.close waits for the peer's end for closeTimeout", async () => {
  const { conn, clock, here } = bench();
  conn.close();
  await clock.advance(4_900);
  assert(!here.closed);
  await clock.advance(300);
  assertEquals(await conn.closed, undefined);
  assert(here.closed);
});

Deno.test("Conn.close does not cut what a slow peer still takes", async () => {
  const { conn, peer, clock } = bench({ pair: { bufferSize: 2 } });
  conn.send("a long story");
  conn.close();
  let all = "";
  const buffer = new Uint8Array(2);
  for (;;) {
    await clock.advance(10_000);
    const count = await peer.read(buffer);
    if (count === null) break;
    all += text(buffer.subarray(0, count));
  }
  assertEquals(all, "a long story");
  await peer.closeWrite();
  assertEquals(await conn.closed, undefined);
});

Deno.test("Conn.close gives up on a peer that takes nothing", async () => {
  const { conn, clock, here } = bench({
    sendTimeout: 1_000,
    pair: { bufferSize: 4 },
  });
  conn.send("nobody reads this");
  conn.close();
  await clock.advance(2_300);
  assertEquals((await conn.closed)?.code, "send_timeout");
  assert(here.closed);
});

Deno.test("Conn.close drops what the peer still sends", async () => {
  const { conn, peer, log } = bench();
  conn.close();
  for (let i = 0; i < 100; i++) await peer.write(new Uint8Array(10_000));
  await peer.closeWrite();
  await conn.closed;
  assertEquals(log, ["open", "close"]);
});

Deno.test("Conn.abort loses what is queued", async () => {
  const { conn, peer, log } = bench();
  conn.send("never sent");
  conn.abort(failure());
  assertEquals(await readAll(peer), "");
  assertEquals((await conn.closed)?.code, "test");
  assertEquals(log, ["open", "close:test"]);
});

Deno.test("A reset comes as a transport error", async () => {
  const { conn, peer, log } = bench();
  peer.reset();
  const error = await conn.closed;
  assertEquals([error?.code, error?.side], ["reset", "transport"]);
  assertEquals(log, ["open", "close:reset"]);
});

Deno.test("Conn.closed is asked for before or after the end", async () => {
  const { conn } = bench();
  const before = conn.closed;
  conn.abort(failure());
  assertEquals(await before, await conn.closed);
});

Deno.test("A handler that throws closes the connection and is reported", async () => {
  for (const later of [false, true]) {
    const reported: unknown[] = [];
    const { conn, peer } = bench({
      onError: (error) => reported.push(error),
      handler: (event) => {
        if (event.type !== "bytes") return;
        if (later) return Promise.reject(new RangeError("bug"));
        throw new RangeError("bug");
      },
    });
    await peer.write(bytes("x"));
    await peer.closeWrite();
    const error = await conn.closed;
    assertEquals([error?.code, error?.side], ["handler_failed", "local"]);
    assert(error?.cause instanceof RangeError);
    assertEquals(reported, [error.cause]);
  }
});

Deno.test("A ConnError with a reply that a handler throws is an answer, not a bug", async () => {
  const reported: unknown[] = [];
  const { conn, peer } = bench({
    onError: (error) => reported.push(error),
    handler: (event) => {
      if (event.type === "bytes") throw failure(400);
    },
  });
  await peer.write(bytes("x"));
  await peer.closeWrite();
  assertEquals((await conn.closed)?.code, "test");
  assertEquals(reported, []);
});

Deno.test("An idle connection is closed with an error", async () => {
  const { conn, peer, clock } = bench({ idleTimeout: 1_000 });
  await clock.advance(900);
  await peer.write(bytes("x"));
  await clock.advance(900);
  assert(!conn.signal.aborted);
  await peer.closeWrite();
  await clock.advance(300);
  assertEquals(await conn.closed, undefined);
  const idle = bench({ idleTimeout: 1_000 });
  await idle.clock.advance(1_200);
  await idle.peer.closeWrite();
  assertEquals((await idle.conn.closed)?.code, "idle_timeout");
});

Deno.test("A pause does not count as idle", async () => {
  const gate = Promise.withResolvers<void>();
  const { conn, peer, clock } = bench({
    idleTimeout: 1_000,
    handler: (event) => event.type === "bytes" ? gate.promise : undefined,
  });
  await peer.write(bytes("x"));
  await clock.advance(10_000);
  assert(!conn.signal.aborted);
  gate.resolve();
  await clock.advance(900);
  assert(!conn.signal.aborted);
  conn.abort();
});

Deno.test("A peer that takes nothing is cut off after sendTimeout", async () => {
  const { conn, clock } = bench({
    sendTimeout: 1_000,
    pair: { bufferSize: 4 },
  });
  conn.send("hello world");
  await clock.advance(2_300);
  assertEquals((await conn.closed)?.code, "send_timeout");
});

Deno.test("A peer that takes little by little is not cut off", async () => {
  const { conn, clock, peer } = bench({
    sendTimeout: 1_000,
    pair: { bufferSize: 2 },
  });
  conn.send("hello world");
  for (let i = 0; i < 5; i++) {
    await clock.advance(900);
    await peer.read(new Uint8Array(2));
  }
  assert(!conn.signal.aborted);
  conn.abort();
});

/** Consumes one line at a time; stops at `stop` for another machine to go on. */
class LineMachine
  implements Machine<{ type: string; line?: string }, TcpCommand> {
  readonly protocol = "lines";
  #blocked = false;

  receive(
    input: Uint8Array,
    sink: Sink<{ type: string; line?: string }>,
  ): number {
    let used = 0;
    while (!this.#blocked) {
      const end = input.indexOf(10, used);
      if (end === -1) break;
      const line = text(input.subarray(used, end));
      used = end + 1;
      if (line === "wait") this.#blocked = true;
      if (!sink.emit({ type: "line", line })) break;
    }
    return used;
  }
  receiveEnd(
    rest: Uint8Array,
    sink: Sink<{ type: string; line?: string }>,
  ): void {
    sink.emit({ type: "rest", line: text(rest) });
    sink.close();
  }
  send(command: TcpCommand, sink: Sink<never>): void {
    this.#blocked = false;
    sink.write(command);
  }
  fail(error: ConnError, sink: Sink<never>): void {
    sink.write(`ERR ${error.code}\n`);
  }
  close(sink: Sink<never>): void {
    sink.write("BYE\n");
    sink.close();
  }
  drain(sink: Sink<never>): void {
    sink.write("DRAINED\n");
    sink.close();
  }
}

type LineConn = Conn<{ type: string; line?: string }, TcpCommand>;

function lines(
  handler: (line: string, conn: LineConn) => void | Promise<void>,
  chunk = Infinity,
) {
  const [here, peer] = memoryPair({ chunk });
  const seen: string[] = [];
  const conn: LineConn = attach(here, new LineMachine(), (event, conn) => {
    seen.push(event.line ?? event.type);
    if (event.type === "line") return handler(event.line!, conn);
  });
  return { conn, peer, seen };
}

Deno.test("Bytes that a machine leaves are offered again, at any chunking", async () => {
  for (const chunk of [1, 2, 3, Infinity]) {
    const { conn, peer, seen } = lines(() => {}, chunk);
    await peer.write(bytes("one\ntwo\nthr"));
    await peer.write(bytes("ee\nrest"));
    await peer.closeWrite();
    await conn.closed;
    assertEquals(seen, ["open", "one", "two", "three", "rest", "close"]);
  }
});

Deno.test("A line longer than any buffer so far arrives whole", async () => {
  const { conn, peer, seen } = lines(() => {});
  const long = "x".repeat(60_000);
  await peer.write(bytes(`${long}\n`));
  await peer.closeWrite();
  await conn.closed;
  assertEquals(seen[1], long);
});

Deno.test("A handler's promise stops a machine in the middle of its input", async () => {
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let next = 0;
  const { conn, peer, seen } = lines(() => gates[next++]?.promise);
  await peer.write(bytes("one\ntwo\nthree\n"));
  await peer.closeWrite();
  while (seen.length < 2) await Promise.resolve();
  assertEquals(seen, ["open", "one"]);
  gates[0]!.resolve();
  while (seen.length < 3) await Promise.resolve();
  assertEquals(seen, ["open", "one", "two"]);
  gates[1]!.resolve();
  await conn.closed;
  assertEquals(seen, ["open", "one", "two", "three", "", "close"]);
});

Deno.test("A command lets a blocked machine go on", async () => {
  const { conn, peer, seen } = lines(() => {});
  await peer.write(bytes("wait\nnext\n"));
  while (seen.length < 2) await Promise.resolve();
  conn.send("go\n");
  while (seen.length < 3) await Promise.resolve();
  assertEquals(seen, ["open", "wait", "next"]);
  conn.abort();
});

Deno.test("Conn.close and drainConn let the machine say goodbye", async () => {
  for (
    const [end, expected] of [
      [(conn: LineConn) => conn.close(), "BYE\n"],
      [drainConn, "DRAINED\n"],
      [(conn: LineConn) => conn.close(failure()), "ERR test\n"],
    ] as const
  ) {
    const { conn, peer } = lines(() => {});
    end(conn);
    assertEquals(await readAll(peer), expected);
    await peer.closeWrite();
    await conn.closed;
  }
});

Deno.test("become hands the unconsumed bytes to the new machine", async () => {
  const raw: string[] = [];
  let later: LineConn | undefined;
  const { conn, peer, seen } = lines((line, conn) => {
    if (line !== "raw") return;
    const before = conn;
    conn.become(new RawMachine(), (event) => {
      raw.push(event.type === "bytes" ? text(event.bytes) : event.type);
    });
    assertThrows(() => before.send("x"), ConnError, "another protocol");
    later = before;
  });
  await peer.write(bytes("one\nraw\ntwo\nthree"));
  await peer.closeWrite();
  await conn.closed;
  assertEquals(seen, ["open", "one", "raw"]);
  assertEquals(raw, ["open", "two\nthree", "eof", "close"]);
  assertThrows(() => later!.protocol, ConnError);
});

Deno.test("become works from an async handler, and ends its pause", async () => {
  const raw: string[] = [];
  const never = new Promise<void>(() => {});
  const { conn, peer } = lines(async (line, conn) => {
    if (line !== "raw") return;
    await Promise.resolve();
    conn.become(new RawMachine(), (event) => {
      raw.push(event.type === "bytes" ? text(event.bytes) : event.type);
    }, bytes("unread "));
    await never;
  });
  await peer.write(bytes("raw\ntwo"));
  await peer.closeWrite();
  await conn.closed;
  assertEquals(raw, ["open", "unread two", "eof", "close"]);
});

Deno.test("become takes back bytes while a read is under way", async () => {
  const { conn, peer, clock } = bench();
  await peer.write(bytes("x"));
  await clock.advance(0);
  const next = conn.become(new RawMachine(), undefined, bytes("put back "));
  await peer.write(bytes("and more"));
  await peer.closeWrite();
  let all = "";
  for await (const event of next) {
    if (event.type === "bytes") all += text(event.bytes);
  }
  assertEquals(all, "put back and more");
});

Deno.test("become on a closed connection is refused", async () => {
  const { conn } = bench();
  conn.abort();
  await conn.closed;
  assertThrows(
    () => conn.become(new RawMachine(), () => {}),
    ConnError,
    "closed",
  );
});

Deno.test("for await gives the events, close last", async () => {
  const [here, peer] = memoryPair();
  const conn = attach(here, new RawMachine());
  await peer.write(bytes("a"));
  await peer.closeWrite();
  const types: string[] = [];
  for await (const event of conn) types.push(event.type);
  assertEquals(types, ["open", "bytes", "eof", "close"]);
});

Deno.test("for await can be left and taken up again", async () => {
  const [here, peer] = memoryPair();
  const conn = attach(here, new RawMachine());
  const seen: string[] = [];
  for (const piece of ["a", "b"]) {
    await peer.write(bytes(piece));
    for await (const event of conn) {
      if (event.type !== "bytes") continue;
      seen.push(text(event.bytes));
      break;
    }
  }
  assertEquals(seen, ["a", "b"]);
  await peer.closeWrite();
  await conn[Symbol.asyncDispose]();
});

Deno.test("for await is refused where a handler gets the events", () => {
  const { conn } = bench();
  assertThrows(() => conn[Symbol.asyncIterator](), ConnError, "handler");
  conn.abort();
});

Deno.test("A connection that nobody iterates takes no more than one buffer", async () => {
  const [here, peer] = memoryPair({ bufferSize: 1024 });
  const conn = attach(here, new RawMachine());
  let written = 0;
  const writing = (async () => {
    while (written < 1 << 20) written += await peer.write(new Uint8Array(1024));
  })().catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert(written < 64 * 1024, `${written} bytes were taken`);
  conn.abort();
  peer.close();
  await writing;
});

Deno.test("for await on a connection that became another one ends with detached", async () => {
  const [here, peer] = memoryPair();
  const conn = attach(here, new RawMachine());
  const events = conn[Symbol.asyncIterator]();
  assertEquals((await events.next()).value, { type: "open" });
  const waiting = assertRejects(() => events.next(), ConnError, "another");
  const next = conn.become(new RawMachine(), () => {});
  await waiting;
  await assertRejects(() => events.next(), ConnError, "another");
  await peer.closeWrite();
  await next[Symbol.asyncDispose]();
});

Deno.test("Several consumers of an iterator get an event each", async () => {
  const [here, peer] = memoryPair();
  const conn = attach(here, new RawMachine());
  const events = conn[Symbol.asyncIterator]();
  const all = Promise.all([events.next(), events.next(), events.next()]);
  await peer.write(bytes("x"));
  await peer.closeWrite();
  assertEquals((await all).map((result) => result.value?.type), [
    "open",
    "bytes",
    "eof",
  ]);
  conn.abort();
});

Deno.test("become takes back bytes of several events, in front of the rest", async () => {
  const [here, peer] = memoryPair();
  const seen: string[] = [];
  let first: string | undefined;
  const conn: LineConn = attach(here, new LineMachine(), (event, conn) => {
    if (event.type !== "line") return;
    if (first === undefined) first = event.line;
    else {
      conn.become(new RawMachine(), (event) => {
        if (event.type === "bytes") seen.push(text(event.bytes));
      }, bytes(`${first}\n${event.line}\n`));
    }
  });
  await peer.write(bytes("AB\nCD\nEF"));
  await peer.closeWrite();
  await conn.closed;
  assertEquals(seen, ["AB\nCD\nEF"]);
});

Deno.test("A transport that throws fails alone", async () => {
  const [broken] = memoryPair();
  broken.write = () => {
    throw new Error("As asked");
  };
  const one = attach(broken, new RawMachine(), () => {});
  const { conn, peer } = bench();
  one.send("x");
  conn.send("y");
  assertEquals(await readAll(peer, 1), "y");
  assertEquals((await one.closed)?.code, "broken");
  conn.abort();
});

Deno.test("A low mark that is not given is below the high mark", async () => {
  const { conn, peer, log } = bench({ highMark: 8, pair: { bufferSize: 4 } });
  assertEquals(conn.send("123456789012"), false);
  await readAll(peer, 4);
  assertEquals(log, ["open"]);
  await readAll(peer, 8);
  await conn.drain();
  assertEquals(log, ["open", "drain"]);
  conn.abort();
});

Deno.test("A machine that is blocked is told of the end after a command", async () => {
  const [here, peer] = memoryPair();
  class Patient extends LineMachine {
    blocked = true;
    override receiveEnd(rest: Uint8Array, sink: Sink<never>): boolean | void {
      if (this.blocked) return false;
      return super.receiveEnd(rest, sink);
    }
  }
  const machine = new Patient();
  const seen: string[] = [];
  const conn: LineConn = attach(here, machine, (event) => {
    seen.push(event.line ?? event.type);
  });
  await peer.write(bytes("wait\nrest"));
  await peer.closeWrite();
  while (seen.length < 2) await Promise.resolve();
  machine.blocked = false;
  conn.send("go\n");
  await conn.closed;
  assertEquals(seen, ["open", "wait", "rest", "close"]);
});

Deno.test("An onError that throws does not keep a connection from closing", async () => {
  const { conn, peer } = bench({
    onError: () => {
      throw new Error("As asked");
    },
    handler: (event) => {
      if (event.type === "bytes") throw new Error("bug");
    },
  });
  const { error: print } = console;
  const printed: unknown[] = [];
  console.error = (error) => printed.push(error);
  try {
    await peer.write(bytes("x"));
    await peer.closeWrite();
    assertEquals((await conn.closed)?.code, "handler_failed");
  } finally {
    console.error = print;
  }
  assertEquals((printed[0] as Error).message, "As asked");
});

Deno.test("Conn.close is over at once if both directions have ended", async () => {
  const { conn, peer, clock } = bench({ allowHalfOpen: true });
  conn.closeWrite();
  await peer.closeWrite();
  await readAll(peer);
  await clock.advance(0);
  conn.close();
  assertEquals(conn.state, "closed");
  await conn.closed;
});

Deno.test("Counters tell what went through and since when", async () => {
  const before = Date.now();
  const { conn, peer } = bench();
  await peer.write(bytes("abc"));
  conn.send("de");
  await readAll(peer, 2);
  const { bytesIn, bytesOut, openedAt } = conn.stats;
  assertEquals([bytesIn, bytesOut], [3, 2]);
  assert(openedAt >= before && openedAt <= Date.now());
  conn.abort();
});

Deno.test("Middleware wraps from the outside in", async () => {
  const order: string[] = [];
  const layer = (name: string) =>
  (
    next: (event: TcpEvent, conn: Conn<TcpEvent, TcpCommand>) =>
      | void
      | Promise<void>,
  ) =>
  (event: TcpEvent, conn: Conn<TcpEvent, TcpCommand>) => {
    order.push(`${name} ${event.type}`);
    return next(event, conn);
  };
  const { conn } = bench({
    handler: compose([layer("outer"), layer("inner")], (event) => {
      order.push(`handler ${event.type}`);
    }),
  });
  conn.abort();
  await conn.closed;
  assertEquals(order, [
    "outer open",
    "inner open",
    "handler open",
    "outer close",
    "inner close",
    "handler close",
  ]);
});

Deno.test("The machine that takes over is told of an end that came before", async () => {
  const { conn, peer, clock } = bench({ allowHalfOpen: true });
  await peer.closeWrite();
  await clock.advance(0);
  const seen: string[] = [];
  const next = conn.become(
    new RawMachine({ allowHalfOpen: true }),
    (event) => void seen.push(event.type),
  );
  await clock.advance(0);
  assertEquals(seen, ["open", "eof"]);
  next.abort();
});

Deno.test("The machine that takes over at the peer's end is told of it too", async () => {
  const seen: string[] = [];
  const { conn, peer } = bench({
    allowHalfOpen: true,
    handler: (event, conn) => {
      if (event.type !== "eof") return;
      conn.become(new RawMachine(), (event) => void seen.push(event.type));
    },
  });
  await peer.closeWrite();
  assertEquals(await readAll(peer), "");
  await conn.closed;
  assertEquals(seen, ["open", "eof", "close"]);
});
