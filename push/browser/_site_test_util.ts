/**
 * A hub, and what lies between it and a page.
 *
 * @module
 */

import type { Server } from "../../conn/listen.ts";
import { serve, type ServeHandler } from "../../http/server/serve.ts";
import { asksForWebSocket } from "../../ws/handshake/server.ts";
import { type Hub, openHub } from "../hub.ts";

/** What a path between page and hub does not let through. */
export type Blocked = "websocket" | "event-stream";

function newHub(): Promise<Hub> {
  return openHub({
    topics: { "log/#": { history: true }, "state": { delta: true } },
    onConnect: () => ({ publish: ["from/#"] }),
  });
}

function handlerOf(hub: Hub, page: string): ServeHandler {
  const headers = { "content-type": "text/html" };
  return hub.handler({ fallback: () => new Response(page, { headers }) });
}

/** A hub, and a path to it, which the page comes from. */
export class Site implements AsyncDisposable {
  readonly blocked = new Set<Blocked>();
  readonly #server: Server;
  readonly #page: string;
  #hub: Hub;
  #handler: ServeHandler;

  constructor(hub: Hub, page: string) {
    this.#page = page;
    this.#hub = hub;
    this.#handler = handlerOf(hub, page);
    this.#server = serve(
      { hostname: "127.0.0.1", port: 0 },
      (request, info) =>
        this.#refuse(request, info) ?? this.#handler(request, info),
    );
  }

  static async open(page: string): Promise<Site> {
    return new Site(await newHub(), page);
  }

  get hub(): Hub {
    return this.#hub;
  }

  /** Puts another hub in the place of the one that there is. */
  async restart(): Promise<void> {
    const before = this.#hub;
    this.#hub = await newHub();
    this.#handler = handlerOf(this.#hub, this.#page);
    await before.shutdown({ spread: 0 });
  }

  #refuse(...[request, info]: Parameters<ServeHandler>): Response | undefined {
    if (asksForWebSocket(info.head) && this.blocked.has("websocket")) {
      return new Response("Not here", { status: 403 });
    }
    const accept = request.headers.get("accept");
    if (accept === "text/event-stream" && this.blocked.has("event-stream")) {
      info.conn.close();
      return new Response();
    }
    return undefined;
  }

  /** Resolves when what is under way has had the time of a request. */
  async pass(): Promise<void> {
    const response = await fetch(`http://127.0.0.1:${this.port}/`);
    await response.text();
  }

  get port(): number {
    return (this.#server.addr as Deno.NetAddr).port;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.hub.shutdown({ spread: 0 });
    await this.#server.close();
  }
}

/** A path of bytes that can be cut. */
export class Path implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #conns = new Set<Deno.Conn>();
  readonly #done: Promise<void>;

  /** @param port Where it leads. */
  constructor(port: number) {
    this.#done = this.#accept(port);
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Cuts all connections. */
  cut(): void {
    for (const conn of this.#conns) conn.close();
    this.#conns.clear();
  }

  async #accept(port: number): Promise<void> {
    const pipes: Promise<void>[] = [];
    for await (const near of this.#listener) {
      const far = await Deno.connect({ hostname: "127.0.0.1", port });
      this.#conns.add(near).add(far);
      pipes.push(this.#pipe(near, far), this.#pipe(far, near));
    }
    await Promise.all(pipes);
  }

  async #pipe(from: Deno.Conn, to: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(4096);
    try {
      for (;;) {
        const size = await from.read(buffer);
        if (size === null) break;
        for (let sent = 0; sent < size;) {
          sent += await to.write(buffer.subarray(sent, size));
        }
      }
    } catch {
      // It was cut.
    }
    for (const conn of [from, to]) {
      if (this.#conns.delete(conn)) conn.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    await this.#done;
  }
}
