import { assert, assertEquals, assertThrows } from "@std/assert";
import { TestClock } from "../conn/clock.ts";
import type { Conn } from "../conn/conn.ts";
import { ConnError } from "../conn/error.ts";
import { attach } from "../conn/loop.ts";
import { memoryPair } from "../conn/pair.ts";
import type { HttpCommand, HttpEvent } from "../http/codec/message.ts";
import { HttpMachine } from "../http/machine/machine.ts";
import {
  clientClose,
  clientText,
  RawClient,
  request,
  requestFor,
  serverClose,
  serverText,
} from "./_accept_test_util.ts";
import { accept, type AcceptOptions } from "./accept.ts";
import { ACCEPT } from "./handshake/_handshake_test_util.ts";
import type { WsConn, WsHandler } from "./ws_conn.ts";

type HttpConn = Conn<HttpEvent, HttpCommand>;

/** A server in memory whose requests are accepted. */
interface Site {
  client: RawClient;
  conn: HttpConn;
  /** What `accept` gave, or threw. */
  results: unknown[];
  /** What was thrown and not meant as an answer. */
  errors: unknown[];
}

interface SiteOptions extends AcceptOptions {
  /** The event to accept in. */
  on?: "request" | "end";
  chunk?: number;
}

function site(options: SiteOptions = {}, handler?: WsHandler): Site {
  const { on = "request", chunk = Infinity, ...rest } = options;
  const [here, there] = memoryPair();
  here.chunk = chunk;
  const results: unknown[] = [];
  const errors: unknown[] = [];
  let head: HttpEvent & { type: "request" } | undefined;
  const conn = attach<HttpEvent, HttpCommand>(
    here,
    new HttpMachine("server"),
    (event, conn) => {
      if (event.type === "request") head = event;
      if (event.type !== on) return;
      try {
        results.push(accept(conn, head!.head, rest, handler));
      } catch (error) {
        results.push(error);
        throw error;
      }
    },
    { clock: new TestClock(), onError: (error) => errors.push(error) },
  );
  return { client: new RawClient(there), conn, results, errors };
}

const echo: WsHandler = (event, conn) => {
  if (event.type === "message") conn.send(event.data);
};

Deno.test("accept makes a WebSocket of the connection", async () => {
  const log: string[] = [];
  const { client, results, conn } = site({ protocols: ["b"] }, (event, ws) => {
    log.push(event.type);
    return echo(event, ws);
  });
  await client.send(request("Sec-WebSocket-Protocol: a, b"));
  const reply = await client.response();
  assertEquals(reply.status, 101);
  assertEquals(reply.field("upgrade"), "websocket");
  assertEquals(reply.field("connection"), "Upgrade");
  assertEquals(reply.field("sec-websocket-accept"), ACCEPT);
  assertEquals(reply.field("sec-websocket-protocol"), "b");
  assertEquals(reply.field("content-length"), undefined);
  const [ws] = results as WsConn[];
  assert(ws !== undefined);
  assertEquals(ws.subprotocol, "b");
  assertEquals(ws.id, conn.id);
  assert("target" in ws.head);
  assertEquals(ws.head.target, "/chat");
  await client.send(clientText("hello"));
  assertEquals(await client.until("hello"), serverText("hello"));
  await client.bye();
  await ws.closed;
  assertEquals(log, ["open", "message", "closing", "close"]);
  assertThrows(() => conn.send({ type: "end" }), ConnError);
});

for (const on of ["request", "end"] as const) {
  for (const chunk of [1, 7, Infinity]) {
    Deno.test(`accept in "${on}" loses nothing that follows the request, in pieces of ${chunk}`, async () => {
      const { client, results } = site({ on, chunk }, echo);
      await client.send(
        request(),
        clientText("one"),
        clientText("two"),
        clientClose(1000),
      );
      assertEquals((await client.response()).status, 101);
      assertEquals(
        await client.rest(),
        serverText("one") + serverText("two") + serverClose(1000),
      );
      client.close();
      await (results[0] as WsConn).closed;
    });
  }
}

Deno.test("accept without a handler gives a connection to iterate", async () => {
  const { client, results } = site();
  await client.send(request(), clientText("one"), clientText("two"));
  await client.response();
  const ws = results[0] as WsConn;
  const messages: unknown[] = [];
  const read = (async () => {
    for await (const message of ws.messages()) messages.push(message);
  })();
  await client.bye();
  await read;
  assertEquals(messages, ["one", "two"]);
});

Deno.test("accept sends what the handler sends on open right behind the 101", async () => {
  const { client, results } = site({}, (event, ws) => {
    if (event.type === "open") ws.send("welcome");
  });
  await client.send(request());
  assertEquals((await client.response()).status, 101);
  assertEquals(await client.until("welcome"), serverText("welcome"));
  await client.bye();
  await (results[0] as WsConn).closed;
});

Deno.test("accept refuses a request, and HTTP goes on", async () => {
  const { client, results, conn } = site({}, echo);
  await client.send(request("Sec-WebSocket-Version: 8"));
  const refusal = await client.response();
  assertEquals(refusal.status, 426);
  assertEquals(refusal.field("upgrade"), "websocket");
  assertEquals(refusal.field("sec-websocket-version"), "13");
  assertEquals(refusal.field("content-type"), "text/plain; charset=utf-8");
  assertEquals(
    refusal.body,
    "Version 8 of the protocol is not spoken here, only 13\n",
  );
  await client.send(request());
  assertEquals((await client.response()).status, 101);
  assertEquals(results[0], undefined);
  await client.bye();
  await conn.closed;
});

Deno.test("accept does not answer HEAD with a body", async () => {
  const { client, conn } = site();
  await client.send(
    requestFor("HEAD /chat HTTP/1.1", "+Connection: close"),
  );
  const text = await client.rest();
  assert(text.startsWith("HTTP/1.1 405 "), text);
  assert(text.endsWith("\r\n\r\n"), text);
  client.close();
  await conn.closed;
});

Deno.test("accept agrees on compression if it is asked to", async () => {
  const offer = "Sec-WebSocket-Extensions: permessage-deflate";
  const offered: [AcceptOptions, string[], string | undefined][] = [
    [{}, [offer], undefined],
    [{ deflate: false }, [offer], undefined],
    [{ deflate: true }, [], undefined],
    [{ deflate: true }, ["Sec-WebSocket-Extensions: x"], undefined],
    [{ deflate: true }, [offer], "permessage-deflate"],
    [
      { deflate: { serverNoContextTakeover: true } },
      [offer],
      "permessage-deflate; server_no_context_takeover",
    ],
  ];
  for (const [options, changes, expected] of offered) {
    const { client, results } = site(options, echo);
    await client.send(request(...changes));
    const reply = await client.response();
    assertEquals(reply.field("sec-websocket-extensions"), expected);
    const ws = results[0] as WsConn;
    assertEquals(ws.deflate !== undefined, expected !== undefined);
    await client.bye();
    await ws.closed;
  }
});

Deno.test("accept throws for wrong options before it answers", async () => {
  for (
    const options of [
      { maxFragments: 0 },
      { deflate: { level: 10 } },
      { protocols: ["a b"] },
      { origins: ["*"] },
      { fields: { Upgrade: "x" } },
    ]
  ) {
    const { client, results, conn, errors } = site(options, echo);
    await client.send(request());
    assertEquals((await client.response()).status, 500);
    client.close();
    await conn.closed;
    assert(results[0] instanceof Error);
    assertEquals(errors, results);
  }
});

Deno.test("accept gives nothing once the client has left", async () => {
  const [here, there] = memoryPair();
  const taken = Promise.withResolvers<WsConn | undefined>();
  let opened = 0;
  const conn = attach<HttpEvent, HttpCommand>(
    here,
    new HttpMachine("server"),
    async (event, conn) => {
      if (event.type !== "request") return;
      await conn.closed;
      taken.resolve(accept(conn, event.head, {}, () => void opened++));
    },
  );
  const client = new RawClient(there);
  await client.send(request());
  there.reset();
  await conn.closed;
  assertEquals(await taken.promise, undefined);
  assertEquals(opened, 0);
});

Deno.test("accept throws if another request is to be answered first", async () => {
  const [here, there] = memoryPair();
  const thrown: unknown[] = [];
  const conn = attach<HttpEvent, HttpCommand>(
    here,
    new HttpMachine("server"),
    (event, conn) => {
      if (event.type !== "request" || event.head.target === "/first") return;
      try {
        accept(conn, event.head);
      } catch (error) {
        thrown.push((error as ConnError).code);
        conn.close();
      }
    },
  );
  const client = new RawClient(there);
  await client.send("GET /first HTTP/1.1\r\nHost: a\r\n\r\n", request());
  await client.rest();
  client.close();
  await conn.closed;
  assertEquals(thrown, ["unexpected_upgrade"]);
});
