/**
 * Clients that behave, by our own client: each fails if it is not served.
 *
 * @module
 */

import { connect, type ConnectOptions, type WsConn } from "@meerkat/net/ws";

/** What a client does from its first byte to its last. */
export type Behaviour = (port: number) => Promise<void>;

/** A connection that is asked, and answers. */
interface Client extends AsyncDisposable {
  conn: WsConn;
  /** The next message. */
  next(): Promise<string | Uint8Array>;
}

async function open(
  port: number,
  options: ConnectOptions = {},
): Promise<Client> {
  const came: (string | Uint8Array)[] = [];
  let wake = Promise.withResolvers<void>();
  const url = `ws://127.0.0.1:${port}/`;
  const conn = await connect(url, options, (event) => {
    if (event.type === "message") came.push(event.data);
    if (event.type === "message" || event.type === "close") wake.resolve();
  });
  const next = async () => {
    while (came.length === 0) {
      if (conn.state === "closed") throw new Error("Closed without an answer");
      await wake.promise;
      wake = Promise.withResolvers();
    }
    return came.shift()!;
  };
  return { conn, next, [Symbol.asyncDispose]: () => finish(conn) };
}

async function finish(conn: WsConn): Promise<void> {
  conn.close();
  await conn.closed;
}

/** Sends a message and waits until it is back; broadcasts may come first. */
async function echo(client: Client, data: string | Uint8Array): Promise<void> {
  const { length } = data;
  client.conn.send(data);
  for (;;) {
    const answer = await client.next();
    if (answer === "to all of you") continue;
    if (typeof answer !== typeof data || answer.length !== length) {
      throw new Error(`${answer.length} instead of ${length} came back`);
    }
    return;
  }
}

const text = '{"name":"meerkat","text":"grüße"},'.repeat(60);

/** Asks and leaves. */
async function talk(port: number, options?: ConnectOptions): Promise<void> {
  await using client = await open(port, options);
  for (let i = 1; i <= 20; i++) await echo(client, text.slice(0, i * 100));
}

/** Behaviours by name. */
export const polite: Readonly<Record<string, Behaviour>> = {
  talk: (port) => talk(port),
  "talk without compression": (port) => talk(port, { deflate: false }),
  "talk without contexts": (port) =>
    talk(port, {
      deflate: { serverNoContextTakeover: true, clientNoContextTakeover: true },
    }),
  "large message": async (port) => {
    await using client = await open(port, { deflate: false });
    await echo(client, new Uint8Array(1024 * 1024));
  },
  "fragments": async (port) => {
    await using client = await open(port);
    const { conn } = client;
    for (let i = 0; i < 500; i++) {
      const final = i === 499;
      conn.send({ type: "fragment", kind: "text", data: "0123456789", final });
    }
    const answer = await client.next();
    if (answer !== "to all of you" && answer.length !== 5000) {
      throw new Error(`${answer.length} instead of 5000 came back`);
    }
  },
  "stream": async (port) => {
    await using client = await open(port);
    client.conn.send("stream");
    while (!String(await client.next()).startsWith("piece"));
  },
  "pings": async (port) => {
    await using client = await open(port);
    client.conn.send("ping");
    for (let i = 0; i < 10; i++) await client.conn.ping();
  },
  "paused handler": async (port) => {
    await using client = await open(port);
    for (let i = 0; i < 3; i++) client.conn.send("slow");
    await echo(client, "awake");
  },
  "broadcast": async (port) => {
    await using client = await open(port);
    for (let i = 0; i < 5; i++) client.conn.send("all");
    await client.next();
  },
  "server closes": async (port) => {
    const { conn } = await open(port);
    conn.send("close");
    await conn.closed;
    if (conn.closeCode !== 1000) throw new Error(`Code ${conn.closeCode}`);
  },
  "server aborts": async (port) => {
    const { conn } = await open(port);
    conn.send("abort");
    await conn.closed;
  },
  "handler throws": async (port) => {
    const { conn } = await open(port);
    conn.send("throw");
    await conn.closed;
    if (conn.closeCode !== 1011) throw new Error(`Code ${conn.closeCode}`);
  },
  "client aborts": async (port) => {
    const client = await open(port);
    await echo(client, text);
    for (let i = 0; i < 10; i++) client.conn.send(text);
    client.conn.abort();
    await client.conn.closed;
  },
};
