import { assertEquals } from "@std/assert";
import { ConnServer, type ServerSettings } from "./_server.ts";
import { TestClock } from "./clock.ts";
import type { Conn } from "./conn.ts";
import { attach } from "./loop.ts";
import type { Machine, Sink } from "./machine.ts";
import type { SocketListener, TlsSocket } from "./_net.ts";
import { memoryPair, type MemoryTransport } from "./pair.ts";
import { RawMachine, type TcpEvent } from "./raw.ts";
import type { Transport } from "./transport.ts";

/** A listener that accepts what the test gives it. */
class FakeListener implements SocketListener {
  readonly addr: Deno.Addr = { transport: "unix", path: "/fake" };
  readonly #given: (Transport | Error)[] = [];
  #waiting: PromiseWithResolvers<Transport> | undefined;
  accepts = 0;
  closed = false;

  give(what: Transport | Error): void {
    this.#given.push(what);
    this.#serve();
  }

  accept(): Promise<Transport | TlsSocket> {
    this.accepts++;
    this.#waiting = Promise.withResolvers();
    const { promise } = this.#waiting;
    this.#serve();
    return promise;
  }

  close(): void {
    this.closed = true;
    this.#waiting?.reject(new Deno.errors.BadResource("Closed"));
  }

  ref(): void {}
  unref(): void {}

  #serve(): void {
    const waiting = this.#waiting;
    const given = this.#given[0];
    if (waiting === undefined || given === undefined) return;
    this.#given.shift();
    this.#waiting = undefined;
    if (given instanceof Error) waiting.reject(given);
    else waiting.resolve(given);
  }
}

/** A raw machine whose drain takes until the test ends it. */
class SlowMachine extends RawMachine {
  sink: Sink<TcpEvent> | undefined;

  override drain(sink: Sink<TcpEvent>): void {
    this.sink = sink;
  }
}

function setUp(settings: Partial<ServerSettings> = {}, machine?: RawMachine) {
  const clock = new TestClock();
  const listener = new FakeListener();
  const errors: unknown[] = [];
  const server = new ConnServer(listener, {
    addr: listener.addr,
    maxConnections: Infinity,
    tlsHandshakeTimeout: 1000,
    clock,
    onListen: undefined,
    onError: (error) => errors.push(error),
    onTlsError: (error) => errors.push(error),
    attach: ({ transport }) =>
      attach(transport, machine ?? new RawMachine(), () => {}, {
        clock,
      }) as unknown as Conn<never, never>,
    ...settings,
  });
  const connect = async (): Promise<MemoryTransport> => {
    const [here, there] = memoryPair();
    listener.give(there);
    await clock.advance(0);
    return here;
  };
  return { clock, listener, errors, server, connect };
}

Deno.test("ConnServer goes on after errors of accepting, more slowly each time", async () => {
  const { clock, listener, errors, server, connect } = setUp();
  for (let i = 0; i < 4; i++) listener.give(new Error("Too many open files"));
  await clock.advance(0);
  assertEquals([listener.accepts, errors.length], [1, 1]);
  await clock.advance(5);
  assertEquals(listener.accepts, 2);
  await clock.advance(9);
  assertEquals(listener.accepts, 2);
  await clock.advance(1);
  assertEquals(listener.accepts, 3);
  await clock.advance(1000);
  assertEquals(errors.length, 4);
  await connect();
  assertEquals(server.connections, 1);
  server.close();
  await server.finished;
});

Deno.test("ConnServer never waits over a second after an error", async () => {
  const { clock, listener, errors, server } = setUp();
  for (let i = 0; i < 30; i++) listener.give(new Error("Too many open files"));
  await clock.advance(8000);
  const before = errors.length;
  await clock.advance(3000);
  assertEquals(errors.length, before + 3);
  server.close();
  await server.finished;
  assertEquals(clock.pending, 0);
});

Deno.test("ConnServer does not mind a peer that left before it was accepted", async () => {
  const { clock, listener, errors, server, connect } = setUp();
  const { ConnectionAborted, ConnectionReset, NotConnected } = Deno.errors;
  for (const Gone of [ConnectionAborted, ConnectionReset, NotConnected]) {
    listener.give(new Gone("Gone"));
  }
  await connect();
  assertEquals([server.connections, errors.length], [1, 0]);
  server.close();
  await server.finished;
  assertEquals(clock.pending, 0);
});

Deno.test("ConnServer accepts no more than maxConnections", async () => {
  const { clock, listener, server, connect } = setUp({ maxConnections: 2 });
  const first = await connect();
  await connect();
  await connect();
  assertEquals([server.connections, listener.accepts], [2, 2]);
  first.close();
  await clock.advance(0);
  assertEquals([server.connections, listener.accepts], [2, 3]);
  server.close();
  await server.finished;
});

Deno.test("ConnServer closes what cannot be attached and goes on", async () => {
  const { errors, server, connect } = setUp({
    attach: () => {
      throw new RangeError("Bad machine");
    },
  });
  const here = await connect();
  assertEquals(await here.read(new Uint8Array(1)), null);
  assertEquals((errors[0] as Error).message, "Bad machine");
  assertEquals(server.connections, 0);
  await server.shutdown();
});

Deno.test("ConnServer lets connections finish when it shuts down", async () => {
  const machine = new SlowMachine();
  const { clock, listener, server, connect } = setUp({}, machine);
  const here = await connect();
  let done = false;
  const shutdown = server.shutdown({ timeout: 10_000 }).then(() => done = true);
  assertEquals(listener.closed, true);
  await clock.advance(9_000);
  assertEquals([server.connections, done], [1, false]);
  machine.sink!.close();
  await here.closeWrite();
  await clock.advance(0);
  assertEquals([server.connections, done], [0, true]);
  await shutdown;
  assertEquals(clock.pending, 0);
});

Deno.test("ConnServer cuts what has not finished in time", async () => {
  const { clock, server, connect } = setUp({}, new SlowMachine());
  const here = await connect();
  const shutdown = server.shutdown({ timeout: 10_000 });
  await clock.advance(9_999);
  assertEquals(server.connections, 1);
  await clock.advance(1);
  await shutdown;
  assertEquals(await here.read(new Uint8Array(1)), null);
});

Deno.test("ConnServer drains a connection whose protocol was replaced", async () => {
  const second = new SlowMachine();
  const { clock, server, connect } = setUp({
    attach: ({ transport }) => {
      const conn = attach(transport, new RawMachine(), (event, conn) => {
        if (event.type === "bytes") {
          conn.become(second as Machine<TcpEvent, string>, () => {});
        }
      }, { clock });
      return conn as unknown as Conn<never, never>;
    },
  });
  const here = await connect();
  await here.write(new Uint8Array(1));
  await clock.advance(0);
  const shutdown = server.shutdown();
  second.sink!.close();
  await here.closeWrite();
  await shutdown;
});

Deno.test("ConnServer gives up TLS handshakes when it stops", async () => {
  const { clock, errors, listener, server } = setUp();
  const [, there] = memoryPair();
  const socket: TlsSocket = Object.assign(there, {
    handshake: async () => {
      await there.read(new Uint8Array(1));
      return { alpnProtocol: null };
    },
  });
  listener.give(socket);
  await clock.advance(0);
  assertEquals(server.connections, 1);
  await server.shutdown();
  assertEquals([there.closed, errors.length], [true, 0]);
  assertEquals(clock.pending, 0);
});

Deno.test("ConnServer closes a listener that came after it was closed", async () => {
  const late = Promise.withResolvers<SocketListener>();
  const listener = new FakeListener();
  const server = new ConnServer(late.promise, {
    addr: listener.addr,
    maxConnections: 1,
    tlsHandshakeTimeout: 1000,
    clock: new TestClock(),
    onListen: () => {
      throw new Error("It never listened");
    },
    onError: console.error,
    onTlsError: console.error,
    attach: () => {
      throw new Error("It never accepted");
    },
  });
  server.close();
  late.resolve(listener);
  await server.finished;
  assertEquals(listener.closed, true);
});
