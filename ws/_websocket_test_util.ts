// What the tests of the drop-in class share: the class and Deno's own, and
// servers for both.

import { acceptKey } from "./handshake/accept_key.ts";
import { serve } from "./serve.ts";
import { WebSocket as MeerkatSocket } from "./websocket.ts";

/** Deno's class, and what ours is to be used as. */
export type Socket = globalThis.WebSocket;
export type SocketClass = typeof globalThis.WebSocket;

/** A type that says that code for the standard's class can have ours. */
export const Meerkat: SocketClass = MeerkatSocket;

/** Who is tested. */
export const CLASSES: Record<string, SocketClass> = {
  Meerkat,
  Deno: globalThis.WebSocket,
};

/** How a connection ended, as the server saw it: `"1000 Bye"`. */
type Ended = (ending: string) => void;

/** A server whose clients can ask for what they need. */
export interface TestServer extends AsyncDisposable {
  /** Without a path. */
  readonly url: string;
  /** How the next connection to end has ended. */
  nextEnd(): Promise<string>;
}

/** What a server's side of a connection can do. */
interface Peer {
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
}

/**
 * Answers a message: with itself, or as it asks. `burst 3` gives `0`, `1`, `2`;
 * `close 3001 Bye` closes; `mute` gives nothing.
 */
function answer(peer: Peer, data: string | Uint8Array<ArrayBuffer>): void {
  const [command, first, second] = typeof data === "string"
    ? data.split(" ")
    : [];
  if (command === "burst") {
    for (let i = 0; i < Number(first); i++) peer.send(`${i}`);
  } else if (command === "close") {
    if (first === undefined) peer.close();
    else peer.close(Number(first), second);
  } else if (command !== "mute") peer.send(data);
}

function ends(): { ended: Ended; nextEnd: () => Promise<string> } {
  const past: string[] = [];
  const waiting: Ended[] = [];
  return {
    ended: (ending) => {
      const next = waiting.shift();
      if (next === undefined) past.push(ending);
      else next(ending);
    },
    nextEnd: () =>
      new Promise((resolve) => {
        const ending = past.shift();
        if (ending === undefined) waiting.push(resolve);
        else resolve(ending);
      }),
  };
}

/** Servers, by what they are made with. `/?protocol=x` takes subprotocol x. */
export const SERVERS: Record<string, () => TestServer> = {
  Deno: () => {
    const { ended, nextEnd } = ends();
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      (request) => {
        const protocol = new URL(request.url).searchParams.get("protocol");
        const { socket, response } = Deno.upgradeWebSocket(
          request,
          protocol === null ? {} : { protocol },
        );
        socket.onmessage = ({ data }) =>
          answer(
            socket,
            typeof data === "string" ? data : new Uint8Array(data),
          );
        socket.onclose = ({ code, reason }) => ended(`${code} ${reason}`);
        return response;
      },
    );
    return {
      url: `ws://127.0.0.1:${server.addr.port}`,
      nextEnd,
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  },
  Meerkat: () => {
    const { ended, nextEnd } = ends();
    const server = serve({
      hostname: "127.0.0.1",
      port: 0,
      deflate: { threshold: 0 },
      protocols: (_, head) => /protocol=(.*)/.exec(head.target)?.[1],
    }, (event, conn) => {
      if (event.type === "close") ended(`${event.code} ${event.reason}`);
      if (event.type !== "message") return;
      answer({
        send: (data) => void conn.send(data),
        close: (code, reason) =>
          code === undefined
            ? void conn.send({ type: "close" })
            : conn.close(code, reason),
      }, event.data as string | Uint8Array<ArrayBuffer>);
    });
    return {
      url: `ws://127.0.0.1:${(server.addr as Deno.NetAddr).port}`,
      nextEnd,
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  },
};

/** A server that does with a connection, and the request on it, what it likes. */
export function rawServer(
  handler: (conn: Deno.TcpConn, head: string) => Promise<void>,
): { url: string } & AsyncDisposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const running = (async () => {
    for await (const conn of listener) {
      const buffer = new Uint8Array(4096);
      let head = "";
      while (!head.includes("\r\n\r\n")) {
        const count = await conn.read(buffer);
        if (count === null) break;
        head += new TextDecoder().decode(buffer.subarray(0, count));
      }
      await handler(conn, head);
      conn.close();
    }
  })();
  return {
    url: `ws://127.0.0.1:${listener.addr.port}`,
    [Symbol.asyncDispose]: async () => {
      listener.close();
      await running;
    },
  };
}

/** The answer that accepts, with what follows it at once. */
export function accepting(
  head: string,
  fields = "",
  following: number[] = [],
): Uint8Array {
  const key = /sec-websocket-key: (\S+)/i.exec(head)![1]!;
  const text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" +
    `Connection: Upgrade\r\nSec-WebSocket-Accept: ${acceptKey(key)}\r\n` +
    `${fields}\r\n`;
  return new Uint8Array([...new TextEncoder().encode(text), ...following]);
}

/** The next event of a type. */
export function next<E extends Event>(
  target: EventTarget,
  type: string,
): Promise<E> {
  return new Promise((resolve) =>
    target.addEventListener(type, (event) => resolve(event as E), {
      once: true,
    })
  );
}

/** The data of the next message. */
export async function nextData(socket: Socket): Promise<unknown> {
  return (await next<MessageEvent>(socket, "message")).data;
}

/** Notes the types of all events, with the close event's content. */
export function logEvents(socket: Socket): string[] {
  const log: string[] = [];
  for (const type of ["open", "message", "error"]) {
    socket.addEventListener(type, () => log.push(type));
  }
  socket.addEventListener("close", ({ code, reason, wasClean }) => {
    log.push(
      `close ${code}${reason && ` ${reason}`}${wasClean ? "" : " dirty"}`,
    );
  });
  return log;
}

/** Closes, and waits for the end. */
export async function leave(socket: Socket): Promise<void> {
  if (socket.readyState === socket.CLOSED) return;
  const closed = next(socket, "close");
  socket.close();
  await closed;
}
