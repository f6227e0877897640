import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  caCerts,
  deafPort,
  echo,
  portOf,
  roundTrip,
  serverTls,
  socketFolder,
} from "./_socket_test_util.ts";
import { TestClock } from "./clock.ts";
import { connect, dial, type DialOptions, startTls } from "./dial.ts";
import { ConnError } from "./error.ts";
import type { InspectRecord } from "./inspect.ts";
import { listen } from "./listen.ts";
import { RawMachine } from "./raw.ts";

const hostname = "127.0.0.1";

/** Dials and gives the error's code and side. */
async function failure(options: DialOptions): Promise<[string, string]> {
  const error = await assertRejects(() => dial(options), ConnError);
  return [error.code, error.side];
}

Deno.test("dial connects over TCP", async () => {
  await using server = listen({ hostname, port: 0 }, echo);
  await using conn = await dial({ hostname, port: portOf(server) });
  assertEquals(conn.secure, false);
  assertEquals(conn.protocol, "tcp");
  assertEquals((conn.remoteAddr as Deno.NetAddr).port, portOf(server));
  assertEquals(await roundTrip(conn, "hello"), "hello");
});

Deno.test("dial connects over a Unix socket", async () => {
  using folder = socketFolder();
  await using server = listen({ path: folder.path }, echo);
  assertEquals(server.addr, { transport: "unix", path: folder.path });
  await using conn = await dial({ path: folder.path });
  assertEquals(await roundTrip(conn, "hello"), "hello");
});

Deno.test("dial takes a machine, made once the transport is open", async () => {
  await using server = listen({ hostname, port: 0 }, echo);
  let secure: boolean | undefined;
  await using conn = await dial({
    hostname,
    port: portOf(server),
    machine: (connected) => {
      secure = connected.secure;
      return new RawMachine({ allowHalfOpen: true });
    },
  });
  assertEquals(secure, false);
  assertEquals(await roundTrip(conn, "hello"), "hello");
});

Deno.test("dial speaks TLS with a server whose authority it is given", async () => {
  await using server = listen({ hostname, port: 0, ...serverTls }, echo);
  const phases: string[] = [];
  await using conn = await dial({
    hostname,
    port: portOf(server),
    tls: { caCerts },
    onPhase: (phase, duration) => {
      assert(duration >= 0);
      phases.push(phase);
    },
  });
  assertEquals(conn.secure, true);
  assertEquals(phases, ["connect", "tls"]);
  const long = "x".repeat(200_000);
  assertEquals(await roundTrip(conn, long), long);
});

Deno.test("dial refuses a certificate of an unknown authority", async () => {
  await using server = listen({ hostname, port: 0, ...serverTls }, echo);
  assertEquals(await failure({ hostname, port: portOf(server), tls: true }), [
    "tls_failed",
    "transport",
  ]);
});

Deno.test("dial refuses a certificate for another name", async () => {
  await using server = listen({ hostname, port: 0, ...serverTls }, echo);
  const port = portOf(server);
  const tls = { caCerts, serverName: "other.test" };
  assertEquals((await failure({ hostname, port, tls }))[0], "tls_failed");
  await using conn = await dial({
    hostname,
    port,
    tls: { ...tls, unsafelyDisableHostnameVerification: true },
  });
  assertEquals(await roundTrip(conn, "hello"), "hello");
});

Deno.test("dial checks the certificate against serverName", async () => {
  await using server = listen({ hostname, port: 0, ...serverTls }, echo);
  await using conn = await dial({
    hostname,
    port: portOf(server),
    tls: { caCerts, serverName: "meerkat.test" },
  });
  assertEquals(await roundTrip(conn, "hello"), "hello");
});

Deno.test("connect tells the protocol that ALPN chose", async () => {
  const seen: (string | undefined)[] = [];
  await using server = listen({
    hostname,
    port: 0,
    ...serverTls,
    alpnProtocols: ["http/1.1"],
    machine: ({ alpnProtocol }) => {
      seen.push(alpnProtocol);
      return new RawMachine();
    },
  }, () => {});
  const connected = await connect({
    hostname,
    port: portOf(server),
    tls: { caCerts, alpnProtocols: ["h2", "http/1.1"] },
  });
  assertEquals(connected.alpnProtocol, "http/1.1");
  // The server's side learns it a moment later; its end of stream follows that.
  await connected.transport.closeWrite();
  assertEquals(await connected.transport.read(new Uint8Array(1)), null);
  assertEquals(seen, ["http/1.1"]);
  connected.transport.close();
});

Deno.test("dial fails with tls_failed if ALPN finds no protocol", async () => {
  await using server = listen({
    hostname,
    port: 0,
    ...serverTls,
    alpnProtocols: ["http/1.1"],
  }, () => {});
  const tls = { caCerts, alpnProtocols: ["spdy/1"] };
  const [code] = await failure({ hostname, port: portOf(server), tls });
  assertEquals(code, "tls_failed");
});

Deno.test("dial fails with tls_failed if the server speaks no TLS", async () => {
  await using server = listen({ hostname, port: 0 }, (event, conn) => {
    if (event.type === "bytes") conn.send("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  const [code] = await failure({ hostname, port: portOf(server), tls: true });
  assertEquals(code, "tls_failed");
});

Deno.test("dial gives up a TLS handshake that gets no answer", async () => {
  await using server = listen({ hostname, port: 0 }, (event) => {
    if (event.type === "bytes") clock.advance(3000);
  });
  const clock = new TestClock();
  const error = await assertRejects(
    () =>
      dial({
        hostname,
        port: portOf(server),
        tls: true,
        tlsTimeout: 3000,
        clock,
      }),
    ConnError,
  );
  assertEquals(error.code, "tls_timeout");
  assertEquals(
    error.message,
    'Cannot start TLS with "127.0.0.1": no answer within 3000 ms',
  );
  assertEquals(clock.pending, 0);
});

Deno.test("dial fails with connect_refused where nobody listens", async () => {
  const server = listen({ hostname, port: 0 }, () => {});
  const port = portOf(server);
  await server.shutdown();
  const error = await assertRejects(() => dial({ hostname, port }), ConnError);
  assertEquals([error.code, error.side], ["connect_refused", "transport"]);
  assert(error.cause instanceof Deno.errors.ConnectionRefused);
  assert(error.message.startsWith(`Cannot connect to "127.0.0.1:${port}": `));
});

Deno.test("dial fails with connect_failed without a Unix socket", async () => {
  using folder = socketFolder();
  assertEquals(await failure({ path: folder.path }), [
    "connect_failed",
    "transport",
  ]);
});

Deno.test("dial fails with dns_failed for a name that nobody has", async () => {
  const [code] = await failure({ hostname: "no host", port: 1 });
  assertEquals(code, "dns_failed");
});

Deno.test("dial wants to know where to", async () => {
  assertEquals(await failure({ hostname }), ["connect_failed", "local"]);
});

Deno.test("dial refuses TLS over a Unix socket", async () => {
  using folder = socketFolder();
  const options = { path: folder.path, tls: true };
  assertEquals(await failure(options), ["tls_failed", "local"]);
});

Deno.test({
  name: "dial gives up a connection that gets no answer",
  // Elsewhere a full queue refuses.
  ignore: Deno.build.os !== "linux",
  async fn() {
    using deaf = await deafPort();
    const clock = new TestClock();
    const dialled = failure({
      hostname,
      port: deaf.port,
      connectTimeout: 4000,
      clock,
    });
    await clock.advance(3999);
    assertEquals(clock.pending, 1);
    await clock.advance(1);
    assertEquals(await dialled, ["connect_timeout", "transport"]);
  },
});

Deno.test({
  name: "dial stops connecting when its signal aborts",
  ignore: Deno.build.os !== "linux",
  async fn() {
    using deaf = await deafPort();
    const controller = new AbortController();
    const reason = new Error("Enough");
    const dialled = assertRejects(
      () => dial({ hostname, port: deaf.port, signal: controller.signal }),
      ConnError,
    );
    controller.abort(reason);
    const error = await dialled;
    assertEquals([error.code, error.cause], ["aborted", reason]);
  },
});

Deno.test("dial does not begin with a signal that has aborted", async () => {
  const signal = AbortSignal.abort();
  assertEquals(await failure({ hostname, port: 1, signal }), [
    "aborted",
    "local",
  ]);
});

Deno.test("dial's signal aborts the open connection", async () => {
  await using server = listen({ hostname, port: 0 }, echo);
  const controller = new AbortController();
  const { signal } = controller;
  const conn = await dial({ hostname, port: portOf(server), signal }, () => {});
  controller.abort();
  assertEquals((await conn.closed)?.code, "aborted");
});

Deno.test("dial shows the inspect hook what travels inside TLS", async () => {
  await using server = listen({ hostname, port: 0, ...serverTls }, echo);
  const seen: string[] = [];
  const inspect = ({ direction, bytes }: InspectRecord) => {
    seen.push(`${direction} ${new TextDecoder().decode(bytes)}`);
  };
  await using conn = await dial({
    hostname,
    port: portOf(server),
    tls: { caCerts },
    inspect,
  });
  await roundTrip(conn, "hello");
  assertEquals(seen, ["out hello", "in hello"]);
});

Deno.test("startTls secures an open transport and keeps its hook", async () => {
  await using server = listen({ hostname, port: 0, ...serverTls }, echo);
  const seen: string[] = [];
  const plain = await connect({
    hostname,
    port: portOf(server),
    inspect: ({ direction }) => seen.push(direction),
  });
  const { transport, secure, timings } = await startTls(plain.transport, {
    hostname: "meerkat.test",
    tls: { caCerts },
  });
  assertEquals([secure, timings.connect], [true, 0]);
  assertEquals(await transport.write(new Uint8Array([7])), 1);
  const buffer = new Uint8Array(8);
  assertEquals(await transport.read(buffer), 1);
  assertEquals(buffer[0], 7);
  assertEquals(seen, ["out", "in"]);
  transport.close();
});

Deno.test("startTls closes the transport if it fails", async () => {
  await using server = listen({ hostname, port: 0, ...serverTls }, echo);
  const { transport } = await connect({ hostname, port: portOf(server) });
  await assertRejects(
    () => startTls(transport, { hostname: "meerkat.test" }),
    ConnError,
  );
  await assertRejects(() => transport.read(new Uint8Array(1)));
});

Deno.test("startTls refuses a client certificate", async () => {
  await using server = listen({ hostname, port: 0 }, echo);
  const { transport } = await connect({ hostname, port: portOf(server) });
  const error = await assertRejects(
    () => startTls(transport, { hostname, tls: serverTls }),
    ConnError,
  );
  assertEquals([error.code, error.side], ["tls_failed", "local"]);
});

Deno.test("dial wants the key to a client certificate", async () => {
  const tls = { cert: serverTls.cert };
  const options = { hostname, port: 1, tls };
  assertEquals(await failure(options), ["tls_failed", "local"]);
});
