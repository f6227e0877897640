import { assert, assertEquals, assertThrows } from "@std/assert";
import { bench, bytes, readAll, text } from "./_test_util.ts";
import { compose } from "./compose.ts";
import type { Conn } from "./conn.ts";
import { ConnError } from "./error.ts";
import { attach, detachTransport, drainConn } from "./loop.ts";
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

Deno.test("A send queue over its cap aborts the connection", async () => {
  const { conn } = bench({ maxBuffered: 100, pair: { bufferSize: 1 } });
  conn.send(new Uint8Array(101));
  assertEquals((await conn.closed)?.code, "send_queue_full");
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

Deno.test("Conn.close gives up after closeTimeout", async () => {
  const { conn, clock, here } = bench({ pair: { bufferSize: 4 } });
  conn.send("nobody reads this");
  conn.close();
  await clock.advance(5_200);
  await conn.closed;
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

Deno.test("detachTransport gives the transport away inside a handler", async () => {
  const [here, peer] = memoryPair();
  const given = Promise.withResolvers<
    { transport: unknown; unread: Uint8Array }
  >();
  const conn = attach(here, new LineMachine(), (event, conn) => {
    if (event.type === "line") detachTransport(conn).then(given.resolve);
  });
  await peer.write(bytes("line\nrest"));
  const { transport, unread } = await given.promise;
  assertEquals(transport, here);
  assertEquals(text(unread), "rest");
  assertEquals(conn.send("x"), false);
  await here.write(bytes("mine"));
  assertEquals(await readAll(peer, 4), "mine");
});

Deno.test("detachTransport refuses while a read is under way", () => {
  const { conn } = bench();
  const error = assertThrows(() => detachTransport(conn), ConnError);
  assertEquals(error.code, "busy");
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
