// Client certificates, against a server that asks for them; `listen` cannot.

import { assertEquals, assertRejects } from "@std/assert";
import { createServer, type TLSSocket } from "node:tls";
import type { AddressInfo } from "node:net";
import { caCerts, clientTls, serverTls } from "./_socket_test_util.ts";
import { connect, type TlsClientOptions } from "./dial.ts";
import { ConnError } from "./error.ts";

const hostname = "127.0.0.1";

/** A server that tells the client its name, and talks to nobody without one. */
async function strictServer(): Promise<{ port: number } & AsyncDisposable> {
  const server = createServer({
    ...serverTls,
    ca: caCerts,
    requestCert: true,
    rejectUnauthorized: true,
  }, (socket: TLSSocket) => {
    socket.end(String(socket.getPeerCertificate().subject.CN));
  });
  await new Promise<void>((resolve) => server.listen(0, hostname, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

/** What the server says. */
async function greeting(port: number, tls: TlsClientOptions): Promise<string> {
  const { transport } = await connect({
    hostname,
    port,
    tls: { caCerts, ...tls },
  });
  try {
    const buffer = new Uint8Array(100);
    const count = await transport.read(buffer);
    return new TextDecoder().decode(buffer.subarray(0, count ?? 0));
  } finally {
    transport.close();
  }
}

Deno.test("connect shows its client certificate", async () => {
  await using server = await strictServer();
  assertEquals(await greeting(server.port, clientTls), "Meerkat test client");
});

Deno.test("connect shows its client certificate to a named server", async () => {
  await using server = await strictServer();
  const { port } = server;
  const tls = { ...clientTls, serverName: "meerkat.test" };
  assertEquals(await greeting(port, tls), "Meerkat test client");
  const error = await assertRejects(
    () => greeting(port, { ...clientTls, serverName: "other.test" }),
    ConnError,
  );
  assertEquals(error.code, "tls_failed");
});

Deno.test("A server that wants a certificate cuts who has none", async () => {
  await using server = await strictServer();
  await assertRejects(
    () => greeting(server.port, {}),
    Error,
    "CertificateRequired",
  );
});
