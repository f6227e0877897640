// What the tests of the data push server share.

import { assert } from "@std/assert";
import { Running } from "./_test_util.ts";

/** A data push server that runs. */
export interface PushServer {
  readonly server: Running;
  readonly port: number;
  /** Where its page is. */
  readonly url: string;
}

/** Starts one, on a free port if none is given. */
export async function startPushServer(
  args: readonly string[] = [],
  more: readonly string[] = [],
  at = 0,
): Promise<PushServer> {
  const server = await Running.start(
    "server_data_push",
    ["-p", `127.0.0.1:${at}`, ...args],
    more,
  );
  const [, port] = await server.until(/^Listening on (\d+)\n/);
  return { server, port: Number(port), url: `http://127.0.0.1:${port}/` };
}

/** A WebSocket that only listens. */
export class Listener implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #closed: Promise<CloseEvent>;
  readonly #messages: string[] = [];
  #arrived = Promise.withResolvers<void>();

  /** @param url Where to connect to. */
  constructor(url: string | URL, protocol?: string) {
    this.#socket = new WebSocket(url, protocol);
    this.#socket.onmessage = ({ data }) => {
      this.#messages.push(data);
      this.#arrived.resolve();
    };
    this.#closed = new Promise((resolve) => {
      this.#socket.onclose = (event) => {
        resolve(event);
        this.#arrived.resolve();
      };
    });
  }

  /** The next message. */
  async next(): Promise<string> {
    while (this.#messages.length === 0) {
      assert(this.#socket.readyState < WebSocket.CLOSING, "It has closed");
      this.#arrived = Promise.withResolvers();
      await this.#arrived.promise;
    }
    return this.#messages.shift()!;
  }

  /** How it was closed, once it is. */
  get closed(): Promise<CloseEvent> {
    return this.#closed;
  }

  /** Leaves. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.#closed;
  }
}
