// Reconnecting over real sockets.

import { assertEquals } from "@std/assert";
import { reconnect, type ReconnectEvent } from "./reconnect.ts";
import { serve } from "./serve.ts";

const HOST = "127.0.0.1";

/** Resolves with the event of a type that comes first from now on. */
class Watched {
  #waiting: [type: string, resolve: (event: ReconnectEvent) => void][] = [];
  readonly seen: string[] = [];

  readonly handler = (event: ReconnectEvent) => {
    this.seen.push(event.type === "message" ? `${event.data}` : event.type);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const [type, resolve] of waiting) {
      if (type === event.type) resolve(event);
      else this.#waiting.push([type, resolve]);
    }
  };

  next(type: ReconnectEvent["type"]): Promise<ReconnectEvent> {
    return new Promise((resolve) => this.#waiting.push([type, resolve]));
  }
}

function echoServer(port: number) {
  return serve({ hostname: HOST, port }, (event, conn) => {
    if (event.type === "message") conn.send(event.data);
  });
}

Deno.test("reconnect survives a server that restarts", async () => {
  const first = echoServer(0);
  const { port } = first.addr as Deno.NetAddr;
  const watched = new Watched();
  const socket = reconnect(
    `ws://${HOST}:${port}/`,
    { baseDelay: 5, maxDelay: 20 },
    watched.handler,
  );
  socket.send("queued at first");
  await watched.next("message");
  const lost = watched.next("reconnecting");
  await first.shutdown();
  assertEquals((await lost as { code: number }).code, 1001);
  socket.send("queued in between");
  // Nobody listens for some attempts.
  await watched.next("reconnecting");
  await watched.next("reconnecting");
  const echoed = watched.next("message");
  const second = echoServer(port);
  await echoed;
  assertEquals(socket.state, "open");
  socket.close();
  assertEquals(await socket.closed, undefined);
  await second.shutdown();
  assertEquals(
    watched.seen.filter((type) => type !== "reconnecting"),
    [
      ...["open", "drain", "queued at first", "closing"],
      ...["open", "drain", "queued in between", "closing", "close"],
    ],
  );
});

Deno.test("reconnect survives connections that are cut, with Deno's server", async () => {
  let count = 0;
  await using server = Deno.serve(
    { hostname: HOST, port: 0, onListen() {} },
    (request) => {
      const { socket, response } = Deno.upgradeWebSocket(request);
      socket.onmessage = ({ data }) => {
        socket.send(`${data} ${++count}`);
        socket.close(count < 3 ? 3000 : 1000);
      };
      return response;
    },
  );
  const socket = reconnect(`ws://${HOST}:${server.addr.port}/`, {
    baseDelay: 2,
    prepare: () => {
      socket.send("hello");
    },
  });
  const seen = await Array.fromAsync(socket.messages());
  assertEquals(seen, ["hello 1", "hello 2", "hello 3"]);
});

Deno.test("reconnect leaves nothing behind when it is closed while it waits", async () => {
  const watched = new Watched();
  const socket = reconnect(
    `ws://${HOST}:1/`,
    { baseDelay: 1_000_000, maxDelay: 1_000_000 },
    watched.handler,
  );
  await watched.next("reconnecting");
  assertEquals(socket.state, "waiting");
  await socket[Symbol.asyncDispose]();
  assertEquals(watched.seen, ["reconnecting", "close"]);
});
