// The PROXY protocol over sockets, on both sides of the balancer, with TLS and
// without.

import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { TestClock } from "../conn/clock.ts";
import { connect } from "../conn/connect.ts";
import { ConnError } from "../conn/error.ts";
import { attach } from "../conn/loop.ts";
import { RawMachine } from "../conn/raw.ts";
import { Client } from "../http/client/client.ts";
import { serve } from "../http/server/serve.ts";
import { balance } from "./balance.ts";
import type { BalancerConfig, UpstreamConfig } from "./config/config.ts";

const LOCAL = { hostname: "127.0.0.1", port: 0 };
const testdata = new URL("../conn/testdata/", import.meta.url);
const pem = (name: string) => Deno.readTextFileSync(new URL(name, testdata));

const portOf = ({ addr }: { addr: Deno.Addr }) => (addr as Deno.NetAddr).port;
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

const to = (
  backend: string,
  upstream: Omit<UpstreamConfig, "backends"> = {},
): BalancerConfig => ({
  routes: [{ upstream: { ...upstream, backends: [backend] } }],
});

const whoAsks = () =>
  serve(
    LOCAL,
    (request) => new Response(request.headers.get("x-forwarded-for")),
  );

/** Reads so many bytes, if they come. */
async function take(conn: Deno.Conn, count: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(count);
  let at = 0;
  while (at < count) {
    const read = await conn.read(bytes.subarray(at));
    if (read === null) break;
    at += read;
  }
  return bytes.subarray(0, at);
}

/** Reads a PROXY header, and nothing of what comes behind it. */
async function takeHeader(
  conn: Deno.Conn,
  version: "v1" | "v2",
): Promise<Uint8Array> {
  if (version === "v1") {
    let line = "";
    while (!line.endsWith("\r\n") && line.length < 107) {
      line += decode(await take(conn, 1));
    }
    return new TextEncoder().encode(line);
  }
  const start = await take(conn, 16);
  const rest = await take(conn, start[14]! * 256 + start[15]!);
  return Uint8Array.of(...start, ...rest);
}

/** Reads one that comes in front of TLS, and passes the rest on to a server. */
async function unwrap(
  listener: Deno.Listener,
  version: "v1" | "v2",
  port: number,
): Promise<Uint8Array> {
  using conn = await listener.accept();
  const header = await takeHeader(conn, version);
  using inner = await Deno.connect({ hostname: "127.0.0.1", port });
  const ignore = () => {};
  const there = conn.readable.pipeTo(inner.writable).catch(ignore);
  await inner.readable.pipeTo(conn.writable).catch(ignore);
  await there;
  return header;
}

for (const version of ["v1", "v2"] as const) {
  Deno.test(`the PROXY protocol ${version} comes before TLS on the way out`, async () => {
    await using backend = serve({
      ...LOCAL,
      cert: pem("server.pem"),
      key: pem("server.key.pem"),
    }, () => new Response("over TLS"));
    using listener = Deno.listen(LOCAL);
    const seen = unwrap(listener, version, portOf(backend));
    await using client = new Client();
    {
      await using server = balance(
        to(`https://localhost:${portOf(listener)}`, {
          proxyProtocol: version,
          tls: { caCerts: [pem("ca.pem")] },
        }),
        LOCAL,
      );
      const url = `http://127.0.0.1:${portOf(server)}/`;
      const reply = await client.request(url);
      assertEquals([reply.status, await reply.body.text()], [200, "over TLS"]);
    }
    const header = await seen;
    if (version === "v1") {
      assertMatch(decode(header), /^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ /);
      return;
    }
    assertEquals(
      header.subarray(0, 14),
      Uint8Array.of(
        ...[0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a],
        ...[0x51, 0x55, 0x49, 0x54, 0x0a, 0x21, 0x11],
      ),
    );
    assertEquals(
      header.subarray(16, 24),
      Uint8Array.of(127, 0, 0, 1, 127, 0, 0, 1),
    );
  });
}

Deno.test("a certificate for another name is refused behind the PROXY protocol, too", async () => {
  await using backend = serve({
    ...LOCAL,
    cert: pem("server.pem"),
    key: pem("server.key.pem"),
  }, () => new Response("over TLS"));
  using listener = Deno.listen(LOCAL);
  const seen = unwrap(listener, "v1", portOf(backend));
  await using client = new Client();
  {
    await using server = balance({
      routes: [{
        retries: { attempts: 0 },
        upstream: {
          backends: [`https://localhost:${portOf(listener)}`],
          proxyProtocol: "v1",
          tls: { caCerts: [pem("ca.pem")], serverName: "other.test" },
        },
      }],
    }, LOCAL);
    const reply = await client.request(`http://127.0.0.1:${portOf(server)}/`);
    assertEquals(reply.status, 502);
    await reply.body.text();
  }
  await seen;
});

Deno.test("the PROXY protocol says who the client is", async () => {
  await using backend = whoAsks();
  await using server = balance(to(`127.0.0.1:${portOf(backend)}`), {
    ...LOCAL,
    proxyProtocol: true,
  });
  const ask = async (text: string) => {
    const { transport } = await connect({ port: portOf(server) });
    await using conn = attach(transport, new RawMachine());
    conn.send(text);
    let got = "";
    for await (const event of conn) {
      if (event.type === "bytes") got += decode(event.bytes);
    }
    return got;
  };
  const get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  const reply = await ask(`PROXY TCP4 192.0.2.7 192.0.2.1 1 80\r\n${get}`);
  assertMatch(reply, /\r\n\r\n192\.0\.2\.7$/);
  assertEquals(await ask(get), "");
});

Deno.test("one balancer tells the next one who the client is", async () => {
  await using backend = whoAsks();
  await using inner = balance({
    ...to(`127.0.0.1:${portOf(backend)}`),
    trustedProxies: ["127.0.0.1"],
  }, { ...LOCAL, proxyProtocol: true });
  for (const proxyProtocol of ["v1", "v2"] as const) {
    await using outer = balance(
      to(`127.0.0.1:${portOf(inner)}`, { proxyProtocol }),
      LOCAL,
    );
    await using client = new Client();
    const url = `http://127.0.0.1:${portOf(outer)}/`;
    for (let i = 0; i < 3; i++) {
      const reply = await client.request(url);
      assertEquals(await reply.body.text(), "127.0.0.1, 127.0.0.1");
    }
  }
});

Deno.test("the PROXY protocol and TLS together are refused on the way in", () => {
  const options = {
    ...LOCAL,
    cert: pem("server.pem"),
    key: pem("server.key.pem"),
    proxyProtocol: true,
  };
  assertThrows(() => balance(to("127.0.0.1:9"), options), ConnError);
});

Deno.test("a balancer that cannot listen leaves nothing behind", async () => {
  using other = Deno.listen(LOCAL);
  const clock = new TestClock();
  let checks = 0;
  assertThrows(() =>
    balance(to("127.0.0.1:9", { health: { interval: 100 } }), {
      ...LOCAL,
      port: portOf(other),
      clock,
      connect: () => {
        checks++;
        return Promise.reject(new Error("none"));
      },
    })
  );
  await clock.advance(1000);
  assert(checks <= 1, `${checks} checks`);
  assertEquals(clock.pending, 0);
});
