// The server that is soaked. It does what messages tell it, and echoes the others.
//
// sample -> what it holds, as JSON

import { broadcast, serve, type WsConn, type WsEvent } from "@meerkat/net/ws";
import { obey } from "../_program.mjs";
import { hold } from "./_soak_sample.ts";

const all = new Set<WsConn>();

async function* pieces(): AsyncGenerator<string> {
  for (let i = 0; i < 100; i++) {
    if (i % 10 === 0) await Promise.resolve();
    yield "piece ";
  }
}

const orders: Readonly<
  Record<string, (conn: WsConn) => void | Promise<void>>
> = {
  abort: (conn) => conn.abort(),
  all: () => {
    broadcast(all, "to all of you");
  },
  close: (conn) => conn.close(1000, "As you wish"),
  ping: (conn) => {
    conn.ping().catch(() => {});
  },
  slow: () => new Promise((resolve) => setTimeout(resolve, 20)),
  stream: (conn) => {
    // The client may leave in the middle of it.
    conn.stream("text", pieces()).catch(() => {});
  },
  throw: () => {
    throw new Error("A handler failed, as it was told");
  },
};

function handle(event: WsEvent, conn: WsConn): void | Promise<void> {
  if (event.type === "open") all.add(conn);
  else if (event.type === "close") all.delete(conn);
  else if (event.type !== "message") return;
  else if (typeof event.data === "string" && event.data in orders) {
    return orders[event.data]!(conn);
  } else conn.send(event.data);
}

const server = serve({
  hostname: "127.0.0.1",
  port: 0,
  deflate: true,
  // Short, so that whoever does not answer is gone when the next sample is taken.
  pingInterval: 1000,
  pongTimeout: 500,
  closeTimeout: 500,
  maxMessage: 4 * 1024 * 1024,
  onError: () => {},
}, handle);

await obey(`listening ${(server.addr as Deno.NetAddr).port}`, {
  sample: () => {
    // A connection that has closed but is still known would be a leak, too.
    const known = Math.max(server.connections, all.size);
    return JSON.stringify(hold(known));
  },
});
