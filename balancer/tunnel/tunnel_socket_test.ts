// Over sockets: HTTP on both sides up to the 101, then the tunnel.

import { assert, assertEquals } from "@std/assert";
import type { Conn } from "../../conn/conn.ts";
import { dial } from "../../conn/dial.ts";
import {
  type HttpCommand,
  type HttpEvent,
  HttpMachine,
  listen,
} from "../../http/mod.ts";
import { connect, serve, type WsConn } from "../../ws/mod.ts";
import { Drainer } from "./drain.ts";
import { INSPECT, PASS } from "./_tunnel_test_util.ts";
import { TestClock } from "../../conn/clock.ts";
import type { WebSocketSettings } from "../config/settings.ts";
import { tunnelWebSocket, type WebSocketTunnel } from "./tunnel.ts";

type HttpConn = Conn<HttpEvent, HttpCommand>;

/** Asks the backend for what the client asked for; its 101 goes back as it is. */
async function relayUpgrade(
  client: HttpConn,
  event: HttpEvent & { type: "request" },
  port: number,
): Promise<HttpConn> {
  const { promise, resolve } = Promise.withResolvers<HttpConn>();
  const raw = await dial({ hostname: "127.0.0.1", port });
  const backend: HttpConn = raw.become(
    new HttpMachine("client"),
    (answer: HttpEvent) => {
      if (answer.type !== "response") return;
      const { status, fields } = answer.head;
      client.send({ type: "response", status, fields, body: "" });
      resolve(backend);
    },
  );
  const { method, target, fields } = event.head;
  backend.send({ type: "request", method, target, fields, body: "" });
  return promise;
}

/** An echo, a balancer in front of it, and the tunnels that it has made. */
function stand(settings: WebSocketSettings) {
  const tunnels: WebSocketTunnel[] = [];
  const echo = serve(
    { hostname: "127.0.0.1", port: 0 },
    (event, conn) => {
      if (event.type === "message") conn.send(event.data);
    },
  );
  const { port: backendPort } = echo.addr as Deno.NetAddr;
  const front = listen(
    { hostname: "127.0.0.1", port: 0 },
    (event, client) => {
      if (event.type !== "request") return;
      relayUpgrade(client, event, backendPort).then((backend) =>
        tunnels.push(tunnelWebSocket(client, backend, { settings }))
      );
    },
  );
  const { port } = front.addr as Deno.NetAddr;
  return {
    tunnels,
    url: `ws://127.0.0.1:${port}/`,
    async [Symbol.asyncDispose]() {
      await front.shutdown();
      await echo.shutdown();
    },
  };
}

async function echoed(conn: WsConn, data: string | Uint8Array): Promise<void> {
  conn.send(data);
  const { value } = await conn.messages().next();
  assertEquals(value, data);
}

for (const settings of [PASS, INSPECT]) {
  const mode = settings.inspect ? "looked into" : "as they are";
  Deno.test(`over sockets, messages of all sizes come back, ${mode}`, async () => {
    await using front = stand(settings);
    for (const deflate of [false, true]) {
      await using conn = await connect(front.url, { deflate });
      for (const size of [0, 1, 125, 126, 65_535, 65_536, 3_000_000]) {
        await echoed(conn, new Uint8Array(size).map((_, i) => i * 7));
        await echoed(conn, "é".repeat(size / 8));
      }
    }
    for (const { closed } of front.tunnels) {
      const { messagesIn, messagesOut, code, error, endedBy } = await closed;
      assertEquals([messagesIn, messagesOut], [14, 14]);
      assertEquals([code, error, endedBy], [1000, undefined, "client"]);
    }
  });
}

Deno.test("over sockets, a drain ends both sides with 1001, while messages flow", async () => {
  await using front = stand(PASS);
  const conns = await Promise.all(
    Array.from({ length: 10 }, () => connect(front.url)),
  );
  const ends = conns.map(async (conn) => {
    let count = 0;
    conn.send(new Uint8Array(100_000));
    for await (const event of conn) {
      if (event.type === "message") {
        count++;
        conn.send(event.data);
      }
      if (event.type === "close") return { ...event, count };
    }
    throw new Error("No close event");
  });
  const clock = new TestClock();
  const drainer = new Drainer({ rate: 100, clock });
  while (front.tunnels.length < 10) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  const drained = drainer.drain(front.tunnels);
  await clock.advance(100);
  await drained;
  for (const end of ends) {
    const { code, wasClean } = await end;
    assertEquals([code, wasClean], [1001, true]);
  }
  for (const { closed } of front.tunnels) {
    const { endedBy, error, code } = await closed;
    assertEquals([endedBy, error, code], ["balancer", undefined, 1001]);
  }
});

Deno.test("over sockets, a client that is cut takes its backend connection with it", async () => {
  await using front = stand(PASS);
  const conn = await connect(front.url);
  await echoed(conn, "hello");
  conn.abort();
  const { error, code, messagesIn } = await front.tunnels[0]!.closed;
  assert(error !== undefined || code === undefined);
  assertEquals(messagesIn, 1);
});
