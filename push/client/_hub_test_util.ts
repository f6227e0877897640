// A hub, a server of it, and a line to the server that can be cut.

import type { Conn } from "../../conn/conn.ts";
import { dial } from "../../conn/dial.ts";
import { listen } from "../../conn/listen.ts";
import type { TcpCommand, TcpEvent } from "../../conn/raw.ts";
import { splice } from "../../conn/splice.ts";
import { serve } from "../../http/server/serve.ts";
import { type Hub, openHub } from "../hub.ts";
import type { HubOptions } from "../options.ts";
import { connect, type PushClient, type PushClientOptions } from "./connect.ts";

type Line = Conn<TcpEvent, TcpCommand>;

/** A hub, and its clients, which reach it over a line. */
export class HubBench implements AsyncDisposable {
  readonly hub: Hub;
  readonly #resources: AsyncDisposableStack;
  readonly #lines: Set<Line>;
  readonly #url: string;

  private constructor(
    hub: Hub,
    resources: AsyncDisposableStack,
    lines: Set<Line>,
    url: string,
  ) {
    this.hub = hub;
    this.#resources = resources;
    this.#lines = lines;
    this.#url = url;
  }

  /** Opens a hub. */
  static async open(options: HubOptions = {}): Promise<HubBench> {
    const resources = new AsyncDisposableStack();
    const local = { hostname: "127.0.0.1", port: 0 };
    const hub = resources.use(await openHub(options));
    const server = resources.use(serve(local, hub.handler()));
    const { port } = server.addr as Deno.NetAddr;
    const lines = new Set<Line>();
    const relay = resources.use(listen(local, async (event, conn) => {
      if (event.type !== "open") return;
      const far = await dial({ hostname: "127.0.0.1", port }, () => {});
      await splice(conn, far, {
        onOpen: (near) => {
          lines.add(near);
          near.closed.then(() => lines.delete(near));
        },
      });
    }));
    const url = `ws://127.0.0.1:${(relay.addr as Deno.NetAddr).port}/push`;
    return new HubBench(hub, resources, lines, url);
  }

  /** A client over the line. */
  connect(options: PushClientOptions = {}): PushClient {
    const client = connect(this.#url, {
      baseDelay: 1,
      maxDelay: 5,
      ...options,
    });
    return this.#resources.use(client);
  }

  /** Cuts the line; the next attempt to connect gets another one. */
  cut(): void {
    for (const line of this.#lines) line.abort();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync();
  }
}
