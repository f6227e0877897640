import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  caCerts,
  echo,
  portOf,
  roundTrip,
  serverTls,
  socketFolder,
} from "./_socket_test_util.ts";
import { TestClock } from "./clock.ts";
import { dial } from "./dial.ts";
import { ConnError } from "./error.ts";
import { formatRecord } from "./inspect.ts";
import { type Accepted, listen, type Listener } from "./listen.ts";
import { attach } from "./loop.ts";
import { memoryPair } from "./pair.ts";
import { RawMachine } from "./raw.ts";
import type { Transport } from "./transport.ts";

const hostname = "127.0.0.1";

Deno.test("listen tells its address by addr and onListen", async () => {
  let told: Deno.Addr | undefined;
  await using server = listen({
    hostname,
    port: 0,
    onListen: (addr) => told = addr,
  }, echo);
  assertEquals(told, server.addr);
  assert(portOf(server) > 0);
});

Deno.test("listen gives each connection its own machine", async () => {
  let machines = 0;
  await using server = listen({
    hostname,
    port: 0,
    machine: ({ secure }) => {
      assertEquals(secure, false);
      machines++;
      return new RawMachine();
    },
  }, echo);
  const port = portOf(server);
  for (let i = 0; i < 2; i++) {
    await using conn = await dial({ hostname, port });
    assertEquals(await roundTrip(conn, "hello"), "hello");
  }
  assertEquals(machines, 2);
});

Deno.test("listen fails with addr_in_use on a port that is taken", async () => {
  await using server = listen({ hostname, port: 0 }, echo);
  const port = portOf(server);
  const error = assertThrows(() => listen({ hostname, port }, echo), ConnError);
  assertEquals([error.code, error.side], ["addr_in_use", "local"]);
  assert(error.cause instanceof Deno.errors.AddrInUse);
});

Deno.test("listen fails with listen_failed without a usable certificate", () => {
  for (const tls of [{ cert: "x", key: "y" }, { cert: serverTls.cert }]) {
    const error = assertThrows(
      () => listen({ hostname, port: 0, ...tls }, echo),
      ConnError,
    );
    assertEquals(error.code, "listen_failed");
  }
});

Deno.test("listen leaves no Unix socket behind", async () => {
  using folder = socketFolder();
  const server = listen({ path: folder.path }, echo);
  assert((await Deno.lstat(folder.path)).isSocket);
  await server.shutdown();
  await assertRejects(() => Deno.lstat(folder.path), Deno.errors.NotFound);
});

Deno.test("listen replaces a Unix socket that nobody listens on", async () => {
  using folder = socketFolder();
  const { path } = folder;
  // Renamed, the socket's file outlives its listener, as after a crash.
  const dead = Deno.listen({ transport: "unix", path: `${path}.old` });
  await Deno.rename(`${path}.old`, path);
  dead.close();
  const listening = Promise.withResolvers<Deno.Addr>();
  await using server = listen({ path, onListen: listening.resolve }, echo);
  assertEquals(server.addr, { transport: "unix", path });
  assertEquals(await listening.promise, { transport: "unix", path });
  await using conn = await dial({ path });
  assertEquals(await roundTrip(conn, "hello"), "hello");
});

Deno.test("listen leaves a Unix socket to who listens on it", async () => {
  using folder = socketFolder();
  const { path } = folder;
  await using first = listen({ path }, echo);
  const second = listen({ path }, echo);
  const error = await assertRejects(() => second.finished, ConnError);
  assertEquals(error.code, "addr_in_use");
  await using conn = await dial({ path });
  assertEquals(await roundTrip(conn, "hello"), "hello");
  assertEquals(first.connections, 1);
});

Deno.test("listen leaves a file alone that is no socket", async () => {
  using folder = socketFolder();
  await Deno.writeTextFile(folder.path, "precious");
  const server = listen({ path: folder.path }, echo);
  await assertRejects(() => server.finished, ConnError);
  assertEquals(await Deno.readTextFile(folder.path), "precious");
});

Deno.test("listen accepts others while a TLS handshake stalls", async () => {
  const clock = new TestClock();
  const errors: unknown[] = [];
  await using server = listen({
    hostname,
    port: 0,
    ...serverTls,
    clock,
    tlsHandshakeTimeout: 5000,
    onError: (error) => errors.push(error),
  }, echo);
  const port = portOf(server);
  const silent = await Deno.connect({ hostname, port });
  await using conn = await dial({ hostname, port, tls: { caCerts } });
  assertEquals(await roundTrip(conn, "hello"), "hello");
  assertEquals(server.connections, 2);
  await clock.advance(5000);
  silent.close();
  assertEquals(errors.map((error) => (error as ConnError).code), [
    "tls_timeout",
  ]);
  assertEquals(server.connections, 1);
});

Deno.test("listen survives a peer that speaks no TLS", async () => {
  const failed = Promise.withResolvers<unknown>();
  await using server = listen({
    hostname,
    port: 0,
    ...serverTls,
    onError: failed.resolve,
  }, echo);
  const port = portOf(server);
  const rude = await Deno.connect({ hostname, port });
  await rude.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
  assert(await failed.promise instanceof Error);
  rude.close();
  await using conn = await dial({ hostname, port, tls: { caCerts } });
  assertEquals(await roundTrip(conn, "hello"), "hello");
});

Deno.test("listen pauses accepting at maxConnections and drops nobody", async () => {
  await using server = listen({ hostname, port: 0, maxConnections: 1 }, echo);
  const port = portOf(server);
  const first = await dial({ hostname, port });
  assertEquals(await roundTrip(first, "first"), "first");
  const second = await dial({ hostname, port });
  const reply = roundTrip(second, "second");
  const third = await dial({ hostname, port });
  // A turn of the loop would be enough to accept.
  await new Promise((resolve) => setImmediate(resolve));
  assertEquals(server.connections, 1);
  assertEquals(second.stats.bytesIn, 0);
  first.close();
  assertEquals(await reply, "second");
  assertEquals(server.connections, 1);
  second.close();
  assertEquals(await roundTrip(third, "third"), "third");
  third.close();
  await third.closed;
});

Deno.test("listen shows the inspect hook all traffic", async () => {
  const lines: string[] = [];
  await using server = listen({
    hostname,
    port: 0,
    inspect: (record) => lines.push(formatRecord({ ...record, at: 0 })),
  }, echo);
  await using conn = await dial({ hostname, port: portOf(server) });
  await roundTrip(conn, "hi");
  const local = `127.0.0.1:${portOf(server)}`;
  const remote = `127.0.0.1:${(conn.localAddr as Deno.NetAddr).port}`;
  const dump = "0000   68 69" + " ".repeat(45) + "hi\n";
  assertEquals(lines, [
    `-- 1970-01-01T00:00:00.000Z ${local} <- ${remote} 2\n${dump}`,
    `-- 1970-01-01T00:00:00.000Z ${local} -> ${remote} 2\n${dump}`,
  ]);
});

Deno.test("listen's shutdown closes connections in order", async () => {
  const server = listen({ hostname, port: 0 }, echo);
  const echoed = Promise.withResolvers<void>();
  const conn = await dial({ hostname, port: portOf(server) }, (event, conn) => {
    if (event.type === "open") conn.send("hello");
    if (event.type === "bytes") echoed.resolve();
  });
  await echoed.promise;
  await server.shutdown();
  await server.finished;
  assertEquals(server.connections, 0);
  assertEquals(await conn.closed, undefined);
  await server.shutdown();
});

Deno.test("listen's signal closes the server and its connections", async () => {
  const controller = new AbortController();
  const opened = Promise.withResolvers<void>();
  let error: ConnError | undefined;
  const { signal } = controller;
  const server = listen({ hostname, port: 0, signal }, (event) => {
    if (event.type === "open") opened.resolve();
    if (event.type === "close") error = event.error;
  });
  await using _conn = await dial({ hostname, port: portOf(server) }, () => {});
  await opened.promise;
  controller.abort();
  await server.finished;
  assertEquals(error?.code, "aborted");
});

Deno.test("listen closes at once with a signal that has aborted", async () => {
  const signal = AbortSignal.abort();
  await listen({ hostname, port: 0, signal }, echo).finished;
});

Deno.test("listen can be unref'd, so that a program ends", async () => {
  const program = `
    import { listen } from ${
    JSON.stringify(import.meta.resolve("./listen.ts"))
  };
    const server = listen({ hostname: "127.0.0.1", port: 0 }, () => {});
    server.unref();
  `;
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-net=127.0.0.1",
      "--no-check",
      `data:text/typescript,${encodeURIComponent(program)}`,
    ],
    stdout: "null",
    signal: AbortSignal.timeout(20_000),
  }).output();
  assertEquals([success, new TextDecoder().decode(stderr)], [true, ""]);
});

Deno.test({
  name: "listen shares a port by reusePort",
  ignore: !("listenDatagram" in Deno) || Deno.build.os !== "linux",
  async fn() {
    const counts = [0, 0];
    const count = (index: number) => (event: { type: string }) => {
      if (event.type === "open") counts[index]!++;
    };
    const options = { hostname, reusePort: true };
    await using first = listen({ ...options, port: 0 }, count(0));
    const port = portOf(first);
    await using _second = listen({ ...options, port }, count(1));
    const conns = await Promise.all(
      Array.from({ length: 32 }, () => dial({ hostname, port }, () => {})),
    );
    // Closing in order waits for the server's end, so each has been accepted.
    for (const conn of conns) conn.close();
    await Promise.all(conns.map((conn) => conn.closed));
    assertEquals(counts[0]! + counts[1]!, 32);
    assert(counts[0]! > 0 && counts[1]! > 0, `spread was ${counts}`);
  },
});

Deno.test("listen says which flag reusePort needs", async () => {
  const program = `
    import { listen } from ${
    JSON.stringify(import.meta.resolve("./listen.ts"))
  };
    try {
      listen({ hostname: "127.0.0.1", port: 0, reusePort: true }, () => {});
    } catch (error) {
      console.log(error.code, error.message.includes("--unstable-net"));
    }
  `;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-config",
      "--allow-net=127.0.0.1",
      "--no-check",
      `data:text/typescript,${encodeURIComponent(program)}`,
    ],
    signal: AbortSignal.timeout(20_000),
  }).output();
  assertEquals(new TextDecoder().decode(stdout), "listen_failed true\n");
});

/** A listener over memory that accepts one connection. */
function memoryListener(transport: Transport, secure?: boolean): {
  listener: Listener;
  log: string[];
} {
  const closed = Promise.withResolvers<never>();
  closed.promise.catch(() => {});
  const waiting = [Promise.resolve(transport)];
  const log: string[] = [];
  const listener: Listener = {
    addr: { transport: "unix", path: "/memory" },
    ...(secure !== undefined && { secure }),
    accept: () => waiting.shift() ?? closed.promise,
    close: () => {
      log.push("close");
      closed.reject(new Deno.errors.BadResource("Closed"));
    },
  };
  return { listener, log };
}

for (const secure of [undefined, false, true]) {
  Deno.test(`listen takes connections from a listener whose secure is ${secure}`, async () => {
    const [here, there] = memoryPair();
    const { listener, log } = memoryListener(there, secure);
    const accepted: Accepted[] = [];
    const told: Deno.Addr[] = [];
    const secured: boolean[] = [];
    const server = listen({
      listener,
      onListen: (addr) => told.push(addr),
      machine: (what) => {
        accepted.push(what);
        return new RawMachine();
      },
    }, (event, conn) => {
      if (event.type === "open") secured.push(conn.secure);
      echo(event, conn);
    });
    server.unref();
    server.ref();
    assertEquals([server.addr, ...told], [listener.addr, listener.addr]);
    const conn = attach(here, new RawMachine());
    assertEquals(await roundTrip(conn, "hello"), "hello");
    assertEquals(accepted, [{ transport: there, secure: secure ?? false }]);
    assertEquals(secured, [secure ?? false]);
    conn.close();
    await server.shutdown();
    assertEquals(log, ["close"]);
  });
}

Deno.test("listen shakes hands over what a given listener accepts", async () => {
  const listener = Deno.listenTls({
    hostname,
    port: 0,
    alpnProtocols: ["echo"],
    ...serverTls,
  });
  let accepted: Accepted | undefined;
  await using _server = listen({
    listener,
    machine: (what) => {
      accepted = what;
      return new RawMachine();
    },
  }, echo);
  const tls = { caCerts, alpnProtocols: ["echo"] };
  const { port } = listener.addr;
  await using conn = await dial({ hostname, port, tls });
  assertEquals(await roundTrip(conn, "hello"), "hello");
  assertEquals([accepted?.secure, accepted?.alpnProtocol], [true, "echo"]);
});

Deno.test("listen refuses options of a socket beside a listener", () => {
  using listener = Deno.listen({ hostname, port: 0 });
  for (
    const options of [
      ...[{ hostname }, { port: 0 }, { path: "/a" }, { backlog: 1 }],
      ...[{ cert: "a" }, { key: "a" }, { reusePort: false }],
      { alpnProtocols: [] },
    ]
  ) {
    const [name] = Object.keys(options);
    const error = assertThrows(
      () => listen({ listener, ...options }, echo),
      ConnError,
      `"listener" and "${name}" exclude each other`,
    );
    assertEquals([error.code, error.side], ["listen_failed", "local"]);
  }
});

Deno.test("listen stops though the given listener is closed already", async () => {
  const errors: unknown[] = [];
  const listener = Deno.listen({ hostname, port: 0 });
  const server = listen({ listener, onError: (e) => errors.push(e) }, echo);
  await using conn = await dial({ hostname, port: listener.addr.port });
  assertEquals(await roundTrip(conn, "hello"), "hello");
  listener.close();
  conn.close();
  await server.shutdown();
  // The accepting that was under way has failed.
  assert(errors.every((error) => error instanceof Deno.errors.BadResource));
});

Deno.test("listen reports a given listener that fails to close", async () => {
  const [here, there] = memoryPair();
  const { listener } = memoryListener(there);
  const errors: unknown[] = [];
  const failure = new Error("No");
  const server = listen({
    listener: {
      ...listener,
      close: () => {
        listener.close();
        throw failure;
      },
    },
    onError: (error) => errors.push(error),
  }, echo);
  const conn = attach(here, new RawMachine(), () => {});
  await server.shutdown();
  await conn.closed;
  assertEquals(errors, [failure]);
});
