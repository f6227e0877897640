/**
 * WebSockets that send, wait for the echo, and look at how they end.
 *
 * @module
 */

import type { Instance } from "./_chaos_backends.ts";
import type { LoadSetup } from "./_chaos_load.ts";

/** The longest pause between an echo and the next message, in milliseconds. */
const PAUSE = 100;
/** How long to wait until another one is opened in place of one that ended. */
const NEXT = 200;
const GOING_AWAY = 1001;

/** WebSockets that are always there. */
export class Sockets {
  readonly #setup: LoadSetup;
  readonly #instances: ReadonlyMap<string, Instance>;
  readonly #open = new Map<WebSocket, Instance | undefined>();
  /** The balancer is to take leave of all. */
  isLeaving = false;

  constructor(
    setup: LoadSetup,
    instances: ReadonlyMap<string, Instance>,
  ) {
    this.#setup = setup;
    this.#instances = instances;
  }

  /** How many are open with an instance. */
  countOf(instance: Instance): number {
    return [...this.#open.values()].filter((each) => each === instance).length;
  }

  /** Keeps one open, and opens another when it has ended. */
  async again(): Promise<void> {
    const { signal, random } = this.#setup;
    while (!signal.aborted && !this.isLeaving) {
      await this.#one();
      await random.pause(0, NEXT);
    }
  }

  async #one(): Promise<void> {
    const { port, ledger, random } = this.#setup;
    const socket = new WebSocket(`ws://127.0.0.1:${port}/socket`);
    const ended = Promise.withResolvers<CloseEvent>();
    let opened = false;
    let instance: Instance | undefined;
    let expected = "";
    let count = 0;
    socket.onopen = () => opened = true;
    socket.onerror = () => {};
    socket.onclose = (event) => ended.resolve(event);
    socket.onmessage = async ({ data }) => {
      if (instance === undefined) {
        instance = this.#instances.get(String(data).replace("hello from ", ""));
        this.#open.set(socket, instance);
      } else if (data !== expected) {
        ledger.violated("badEcho", `"${data}" in place of "${expected}"`);
      } else ledger.count("WebSockets: echoes");
      await random.pause(0, PAUSE);
      if (socket.readyState !== WebSocket.OPEN) return;
      socket.send(expected = `message ${++count}, 20 bytes`);
    };
    const event = await ended.promise;
    this.#open.delete(socket);
    this.#judge(opened, instance, event);
  }

  #judge(
    opened: boolean,
    instance: Instance | undefined,
    { code, wasClean, reason }: CloseEvent,
  ): void {
    const { ledger } = this.#setup;
    const details = `${instance?.name}: ${code} "${reason}"`;
    if (!opened) {
      if (this.isLeaving) return;
      return ledger.violated("handshake", details);
    }
    // It ended before its backend had said who it is.
    if (instance === undefined) {
      return ledger.count("WebSockets: ended at once");
    }
    if (instance.ended) {
      const how = wasClean ? `with ${code}` : "cut";
      return ledger.count(`WebSockets: ended with their backend, ${how}`);
    }
    if (!this.isLeaving && !instance.drained) {
      return ledger.violated("lostSocket", details);
    }
    if (!wasClean || code !== GOING_AWAY) {
      return ledger.violated("undrained", details);
    }
    ledger.count("WebSockets: taken leave of, with 1001");
  }
}
