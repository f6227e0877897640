/**
 * What the tests over real sockets share.
 *
 * @module
 */

import type { Conn } from "./conn.ts";
import type { TcpCommand, TcpEvent } from "./raw.ts";

function read(name: string): string {
  return Deno.readTextFileSync(new URL(`testdata/${name}`, import.meta.url));
}

/** The test authority's certificate. */
export const caCerts: string[] = [read("ca.pem")];
/** The server's certificate, for localhost, meerkat.test and 127.0.0.1. */
export const serverTls = {
  cert: read("server.pem"),
  key: read("server.key.pem"),
};
/** The client's certificate. */
export const clientTls = {
  cert: read("client.pem"),
  key: read("client.key.pem"),
};

/** The port that a server found. */
export function portOf(server: { readonly addr: Deno.Addr }): number {
  return (server.addr as Deno.NetAddr).port;
}

/** Sends back what it gets. */
export function echo(
  event: TcpEvent,
  conn: Conn<TcpEvent, TcpCommand>,
): void {
  if (event.type === "bytes") conn.send(event.bytes);
}

/** Sends a text and gives the bytes that came back, once all did. */
export async function roundTrip(
  conn: Conn<TcpEvent, TcpCommand>,
  text: string,
): Promise<string> {
  conn.send(text);
  let reply = "";
  for await (const event of conn) {
    if (event.type !== "bytes") continue;
    reply += new TextDecoder().decode(event.bytes);
    if (reply.length >= text.length) break;
  }
  return reply;
}

/** A path for a Unix socket, in a folder that goes away. */
export function socketFolder(): { path: string } & Disposable {
  const folder = Deno.makeTempDirSync();
  return {
    path: `${folder}/socket`,
    [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }),
  };
}

/**
 * Listens on a port whose queue is full: connecting to it gets no answer.
 */
export async function deafPort(): Promise<{ port: number } & Disposable> {
  const listener = Deno.listen({
    hostname: "127.0.0.1",
    port: 0,
    tcpBacklog: 1,
  });
  const { port } = listener.addr;
  const conns: Deno.Conn[] = [];
  // A backlog of one has room for two.
  for (let i = 0; i < 2; i++) {
    conns.push(await Deno.connect({ hostname: "127.0.0.1", port }));
  }
  return {
    port,
    [Symbol.dispose]: () => {
      for (const conn of [...conns, listener]) conn.close();
    },
  };
}
