import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { TestClock } from "../../conn/clock.ts";
import type { Conn, LifeEvent } from "../../conn/conn.ts";
import { ConnError } from "../../conn/error.ts";
import { attach, drainConn } from "../../conn/loop.ts";
import { memoryPair, type MemoryTransport } from "../../conn/pair.ts";
import type { HttpCommand, HttpEvent } from "../../http/codec/message.ts";
import { EventSourceStream } from "../../http/events/event_source.ts";
import { HttpMachine } from "../../http/machine/machine.ts";
import { serve } from "../../http/server/serve.ts";
import { EventStreamMachine, PreparedEvents } from "./event_stream.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

type StreamConn = Conn<LifeEvent, PreparedEvents>;

function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

interface Stream {
  conn: StreamConn;
  peer: MemoryTransport;
  clock: TestClock;
  log: string[];
}

/** A stream under way, in memory. */
function stream(
  options: {
    chunked?: boolean;
    highMark?: number;
    handler?: (event: LifeEvent) => void;
    bufferSize?: number;
  } = {},
): Stream {
  const { chunked = true, highMark, handler, bufferSize = 65536 } = options;
  const [here, peer] = memoryPair({ bufferSize });
  const clock = new TestClock();
  const log: string[] = [];
  const conn = attach<LifeEvent, PreparedEvents>(
    here,
    new EventStreamMachine(
      highMark === undefined ? { chunked } : { chunked, highMark },
    ),
    (event) => {
      log.push(event.type === "close" && event.error ? "failed" : event.type);
      handler?.(event);
    },
    { clock, onError: () => {} },
  );
  return { conn, peer, clock, log };
}

/** All that comes up to the end of the stream. */
async function readAll(peer: MemoryTransport): Promise<string> {
  const buffer = new Uint8Array(65536);
  let all = "";
  for (;;) {
    const count = await peer.read(buffer).catch(() => null);
    if (count === null) return all;
    all += decoder.decode(buffer.subarray(0, count), { stream: true });
  }
}

Deno.test("PreparedEvents know their size in bytes", () => {
  assertEquals(new PreparedEvents("data: é\n\n").size, 10);
  assertEquals(new PreparedEvents(new Uint8Array(7)).size, 7);
});

Deno.test("A stream is in chunks, or bare to a client of HTTP/1.0", async () => {
  const long = `data: ${"x".repeat(20)}\n\n`;
  for (const chunked of [true, false]) {
    const { conn, peer } = stream({ chunked });
    for (const text of [":\n\n", long]) conn.send(new PreparedEvents(text));
    conn.close();
    assertEquals(
      await readAll(peer),
      chunked ? `3\r\n:\n\n\r\n1c\r\n${long}\r\n0\r\n\r\n` : `:\n\n${long}`,
    );
    await peer.closeWrite();
    assertEquals(await conn.closed, undefined);
  }
});

Deno.test("Events without any bytes do not end the stream", async () => {
  for (const empty of ["", new Uint8Array(0)]) {
    const { conn, peer } = stream();
    const events = new PreparedEvents(empty);
    assertEquals(conn.send(events), true);
    conn.send(events);
    conn.send(new PreparedEvents(":\n\n"));
    conn.close();
    assertEquals(await readAll(peer), "3\r\n:\n\n\r\n0\r\n\r\n");
    conn.abort();
  }
});

Deno.test("The same bytes are queued on every connection, in either framing", () => {
  const events = new PreparedEvents("data: 1\n\n");
  const seen: Uint8Array[] = [];
  const sink = {
    writeShared: (bytes: Uint8Array) => void seen.push(bytes),
  } as unknown as Parameters<EventStreamMachine["send"]>[1];
  for (const chunked of [false, true, true, false, false]) {
    new EventStreamMachine({ chunked }).send(events, sink);
  }
  assertEquals(
    seen.map((bytes) => decoder.decode(bytes)),
    [false, true, true, false, false].map((chunked) =>
      chunked ? "9\r\ndata: 1\n\n\r\n" : "data: 1\n\n"
    ),
  );
  assert(seen[1] === seen[2]);
  assert(seen[3] === seen[4]);
  assert(seen[1]!.buffer === seen[3]!.buffer);
});

Deno.test("What the client sends is dropped, byte by byte or at once", async () => {
  const { conn, peer, log } = stream();
  conn.send(new PreparedEvents(":\n\n"));
  for (const byte of "GET / HTTP/1.1\r\n\r\n") {
    await peer.write(encoder.encode(byte));
  }
  for (let i = 0; i < 100; i++) await peer.write(new Uint8Array(10_000));
  await settle();
  assertEquals(conn.state, "open");
  conn.close();
  assertEquals(await readAll(peer), "3\r\n:\n\n\r\n0\r\n\r\n");
  await peer.closeWrite();
  await conn.closed;
  assertEquals(log, ["open", "close"]);
});

Deno.test("A stream is over when the client leaves, even if it half-closes", async () => {
  const { conn, peer, log } = stream();
  conn.send(new PreparedEvents(":\n\n"));
  await peer.closeWrite();
  assertEquals(await readAll(peer), "3\r\n:\n\n\r\n");
  assertEquals(await conn.closed, undefined);
  assert(conn.signal.aborted);
  assertEquals(conn.send(new PreparedEvents(":\n\n")), false);
  assertEquals(log, ["open", "close"]);

  const reset = stream();
  reset.conn.send(new PreparedEvents(":\n\n"));
  reset.peer.reset();
  assertEquals((await reset.conn.closed)?.code, "reset");
});

Deno.test("drain and close end a stream once, in either order", async () => {
  type End = (conn: StreamConn) => void;
  const drain: End = (conn) => drainConn(conn);
  const close: End = (conn) => conn.close();
  for (const ends of [[drain, close], [close, drain], [drain, drain]]) {
    const { conn, peer } = stream();
    conn.send(new PreparedEvents(":\n\n"));
    for (const end of ends) end(conn);
    assertEquals(conn.send(new PreparedEvents("late")), false);
    assertEquals(await readAll(peer), "3\r\n:\n\n\r\n0\r\n\r\n");
    await peer.closeWrite();
    assertEquals(await conn.closed, undefined);
  }
});

Deno.test("A stream that fails is cut short", async () => {
  const failed = new ConnError("Cannot go on", { code: "x", side: "local" });
  const { conn, peer, log } = stream();
  conn.send(new PreparedEvents(":\n\n"));
  conn.close(failed);
  assertEquals(await readAll(peer), "3\r\n:\n\n\r\n");
  await peer.closeWrite();
  assertEquals(await conn.closed, failed);
  assertEquals(log, ["open", "failed"]);
});

Deno.test("A handler that throws cuts its stream short", async () => {
  const { conn, peer } = stream({
    highMark: 10,
    handler: (event) => {
      if (event.type === "drain") throw new Error("bug");
    },
  });
  conn.send(new PreparedEvents("data: more than ten\n\n"));
  assertEquals(await readAll(peer), "15\r\ndata: more than ten\n\n\r\n");
  await peer.closeWrite();
  assertEquals((await conn.closed)?.code, "handler_failed");
});

Deno.test("A stream has its own high mark, and tells when it has drained", async () => {
  const { conn, peer, log } = stream({ highMark: 100, bufferSize: 10 });
  peer.stall();
  const events = new PreparedEvents("x".repeat(60));
  assertEquals(conn.send(events), true);
  assertEquals(conn.send(events), false);
  assert(conn.needsDrain);
  peer.resume();
  const all = readAll(peer);
  await conn.drain();
  assertEquals(log, ["open", "drain"]);
  conn.close();
  await all;
  await peer.closeWrite();
  await conn.closed;
});

/** A client that knows HTTP, and a response that the machine carries. */
function exchange(chunk: number) {
  const [here, there] = memoryPair({ chunk });
  const clock = new TestClock();
  let taken: StreamConn | undefined;
  attach<HttpEvent, HttpCommand>(
    there,
    new HttpMachine("server"),
    (event, conn) => {
      if (event.type !== "request") return;
      conn.send({ type: "response", status: 200 });
      taken = conn.become<LifeEvent, PreparedEvents>(
        new EventStreamMachine({ chunked: event.head.version === "1.1" }),
        () => {},
      );
    },
    { clock },
  );
  return { here, conn: () => taken! };
}

Deno.test("A client of HTTP gets exactly what is sent, and can tell how it ended", async () => {
  const piece = fc.string({ unit: "grapheme", maxLength: 40 });
  const action = fc.oneof(
    { weight: 6, arbitrary: piece },
    { weight: 1, arbitrary: fc.constant({ input: true } as const) },
    { weight: 2, arbitrary: fc.constant({ turn: true } as const) },
  );
  const end = fc.constantFrom(
    "close" as const,
    "drain" as const,
    "fail" as const,
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { maxLength: 30 }),
      end,
      fc.constantFrom(1, 3, Infinity),
      async (actions, end, chunk) => {
        const { here, conn } = exchange(chunk);
        let body = "";
        let complete = false;
        const decoder = new TextDecoder();
        const client = attach<HttpEvent, HttpCommand>(
          here,
          new HttpMachine("client"),
          (event) => {
            if (event.type === "body") {
              body += decoder.decode(event.bytes, { stream: true });
            } else if (event.type === "end") complete = true;
          },
          { clock: new TestClock() },
        );
        client.send({
          type: "request",
          method: "GET",
          target: "/",
          fields: { host: "a" },
          body: "",
        });
        while (conn() === undefined) await settle();
        let sent = "";
        for (const one of actions) {
          if (typeof one === "string") {
            sent += one;
            conn().send(new PreparedEvents(one));
          } else if ("input" in one) {
            await here.write(encoder.encode("noise"));
          } else await settle();
        }
        if (end === "close") conn().close();
        else if (end === "drain") drainConn(conn());
        else {
          conn().close(
            new ConnError("Cut", { code: "cut", side: "local" }),
          );
        }
        await client.closed;
        assertEquals(body, sent);
        assertEquals(complete, end !== "fail");
        conn().abort();
      },
    ),
    { numRuns: 60 },
  );
});

/** Serves event streams over sockets; gives each as it is taken over. */
function serveStreams(taken: (conn: StreamConn) => void) {
  return serve({ hostname: "127.0.0.1", port: 0 }, (_request, info) => {
    const { conn, response } = info.takeOver<LifeEvent, PreparedEvents>(
      { status: 200, fields: { "Content-Type": "text/event-stream" } },
      new EventStreamMachine({ chunked: info.head.version === "1.1" }),
      () => {},
    );
    taken(conn);
    return response;
  });
}

function urlOf(server: { addr: Deno.Addr }): string {
  return `http://127.0.0.1:${(server.addr as Deno.NetAddr).port}/`;
}

Deno.test("fetch gets a stream piece by piece, and its end", async () => {
  let conn: StreamConn;
  await using server = serveStreams((taken) => conn = taken);
  const response = await fetch(urlOf(server));
  assertEquals(response.headers.get("content-type"), "text/event-stream");
  const reader = response.body!.getReader();
  for (let i = 0; i < 5; i++) {
    // The next is sent only when the one before has come.
    conn!.send(new PreparedEvents(`data: ${i}\n\n`));
    assertEquals(decoder.decode((await reader.read()).value), `data: ${i}\n\n`);
  }
  conn!.close();
  assertEquals((await reader.read()).done, true);
});

Deno.test("EventSourceStream gets a stream event by event, and comes again", async () => {
  const conns: StreamConn[] = [];
  await using server = serveStreams((conn) => {
    conns.push(conn);
    conn.send(new PreparedEvents("retry: 1\n\n"));
    conn.send(new PreparedEvents(`id: ${conns.length}.0\ndata: 0\n\n`));
  });
  const clock = new TestClock();
  const source = new EventSourceStream(urlOf(server), { clock });
  const seen: string[] = [];
  for await (const { data, id } of source) {
    seen.push(`${id}=${data}`);
    if (seen.length === 6) break;
    const conn = conns.at(-1)!;
    if (seen.length === 3) {
      conn.close();
      // It waits for as long as the stream has said.
      const wait = (async () => {
        while (conns.length === 1) await clock.advance(1);
      })();
      wait.catch(() => {});
      continue;
    }
    const next = seen.length % 3;
    conn.send(
      new PreparedEvents(`id: ${conns.length}.${next}\ndata: ${next}\n\n`),
    );
  }
  assertEquals(seen, ["1.0=0", "1.1=1", "1.2=2", "2.0=0", "2.1=1", "2.2=2"]);
});

Deno.test("A client of HTTP/1.0 gets a stream that ends with the connection", async () => {
  let conn: StreamConn;
  const taken = Promise.withResolvers<void>();
  await using server = serveStreams((made) => {
    conn = made;
    taken.resolve();
  });
  const { hostname, port } = server.addr as Deno.NetAddr;
  using client = await Deno.connect({ hostname, port });
  await client.write(encoder.encode("GET / HTTP/1.0\r\n\r\n"));
  await taken.promise;
  conn!.send(new PreparedEvents("data: 1\n\n"));
  conn!.close();
  let all = "";
  for await (const piece of client.readable) all += decoder.decode(piece);
  const [head, body] = all.split("\r\n\r\n");
  assert(!/transfer-encoding/i.test(head!), head);
  assertEquals(body, "data: 1\n\n");
});
