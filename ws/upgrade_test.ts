import { assert, assertEquals } from "@std/assert";
import { serve, type ServeHandler } from "../http/server/serve.ts";
import {
  clientText,
  RawClient,
  request,
  serverText,
} from "./_accept_test_util.ts";
import { connect } from "./connect.ts";
import { upgrade } from "./upgrade.ts";
import type { WsConn } from "./ws_conn.ts";

/** Runs a test with a client of a server. */
async function withClient(
  handler: ServeHandler,
  test: (client: RawClient) => Promise<void>,
): Promise<void> {
  await using server = serve({ hostname: "127.0.0.1", port: 0 }, handler);
  const { port } = server.addr as Deno.NetAddr;
  const socket = await Deno.connect({ hostname: "127.0.0.1", port });
  await test(new RawClient(socket));
}

Deno.test("upgrade makes a WebSocket of the connection, and loses nothing", async () => {
  let completed: Promise<void> | undefined;
  await withClient((request, info) => {
    completed = info.completed;
    return upgrade(request, info, { protocols: ["a"] }, (event, conn) => {
      if (event.type !== "message") return;
      conn.send(`${event.data} by ${conn.subprotocol}`);
    });
  }, async (client) => {
    await client.send(
      request("Sec-WebSocket-Protocol: a"),
      clientText("early"),
    );
    const reply = await client.response();
    assertEquals(reply.status, 101);
    assertEquals(reply.field("sec-websocket-protocol"), "a");
    assertEquals(await client.until("by a"), serverText("early by a"));
    await completed;
    await client.send(clientText("late"));
    assertEquals(await client.until("by a"), serverText("late by a"));
    await client.bye();
  });
});

Deno.test("upgrade without a handler gives a connection to iterate", async () => {
  let echoing: Promise<void> | undefined;
  const echo = async (conn: WsConn) => {
    for await (const message of conn.messages()) conn.send(message);
  };
  await withClient((request, info) => {
    const { response, conn } = upgrade(request, info);
    if (conn !== undefined) echoing = echo(conn);
    return response;
  }, async (client) => {
    await client.send(request(), clientText("early"));
    assertEquals((await client.response()).status, 101);
    assertEquals(await client.until("early"), serverText("early"));
    await client.bye();
    await echoing;
  });
});

Deno.test("upgrade gives the refusal as the response, and HTTP goes on", async () => {
  await withClient(
    (request, info) => upgrade(request, info, {}, () => {}),
    async (client) => {
      await client.send(request("-Upgrade"));
      const refusal = await client.response();
      assertEquals(refusal.status, 426);
      assertEquals(refusal.field("upgrade"), "websocket");
      assertEquals(refusal.field("connection"), "Upgrade");
      assertEquals(refusal.field("content-type"), "text/plain; charset=utf-8");
      assert(refusal.body.startsWith("This is a WebSocket"), refusal.body);
      await client.send(request());
      assertEquals((await client.response()).status, 101);
      await client.bye();
    },
  );
});

Deno.test("upgrade works after a wait, with all that came meanwhile", async () => {
  const gate = Promise.withResolvers<void>();
  await withClient(async (request, info) => {
    await gate.promise;
    return upgrade(request, info, {}, (event, conn) => {
      if (event.type === "message") conn.send(event.data);
    });
  }, async (client) => {
    await client.send(request(), clientText("one"));
    await client.send(clientText("two"));
    gate.resolve();
    assertEquals((await client.response()).status, 101);
    assertEquals(
      await client.until("two"),
      serverText("one") + serverText("two"),
    );
    await client.bye();
  });
});

Deno.test("upgrade opens nothing on a connection that is closed", async () => {
  const opened: unknown[] = [];
  await withClient((request, info) => {
    info.conn.abort();
    const { conn, response } = upgrade(request, info);
    opened.push(conn);
    return response;
  }, async (client) => {
    await client.send(request());
    assertEquals(await client.rest().catch(() => ""), "");
    client.close();
  });
  assertEquals(opened, [undefined]);
});

Deno.test("a WebSocket keeps the fields of its request unless it is told not to", async () => {
  for (const keepFields of [true, false]) {
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    await using server = serve(
      { hostname: "127.0.0.1", port: 0 },
      (request, info) =>
        upgrade(request, info, { keepFields }, (event, conn) => {
          if (event.type !== "open") return;
          resolve(conn.head.fields.get("x-mark"));
          conn.close();
        }),
    );
    const { port } = server.addr as Deno.NetAddr;
    const client = await connect(`ws://127.0.0.1:${port}/`, {
      fields: { "X-Mark": "here" },
    });
    assertEquals(await promise, keepFields ? "here" : undefined);
    await client.closed;
  }
});
