/**
 * Publishes from another thread than the hub's.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import {
  listen,
  post,
  type ProducerPort,
  type PublishMessage,
  type ToProducer,
} from "./_producer_messages.ts";
import type { Published, PublishOptions } from "../published.ts";

export type { ProducerPort } from "./_producer_messages.ts";

type Unaddressed = Omit<PublishMessage, "hub">;

interface Waiting extends PromiseWithResolvers<Published> {
  /** Who was asked; nobody yet. */
  hub: string | undefined;
}

/** Publishes to a hub in another thread. {@linkcode producer} makes one. */
export class Producer implements Disposable {
  readonly #port: ProducerPort;
  readonly #stop: () => void;
  readonly #waiting = new Map<number, Waiting>();
  /** What is held until there is a hub. */
  #held: Unaddressed[] = [];
  #lastId = 0;
  /** The hub that is there. */
  #hub: string | undefined;
  #state: "waiting" | "attached" | "detached" | "closed" = "waiting";

  /** Use {@linkcode producer}. */
  constructor(port: ProducerPort) {
    this.#port = port;
    this.#stop = listen<ToProducer>(port, (message) => this.#receive(message));
    // The hub may have been there before.
    post(port, { type: "hello" });
  }

  /**
   * Publishes a value. As long as no hub was ever there, it waits for one.
   *
   * @param topic Where to.
   * @param value Anything that JSON can say and that can be cloned.
   * @param options A key, with which it is published once.
   * @returns What became of it. Who does not wait for it need not care.
   * @throws {ConnError} What the hub has against it, with the same code, side and
   * reply; with code `"detached"` if there is no hub any more, and the value was
   * not published; or with code `"closed"`.
   * @throws {DataCloneError} If the value cannot be cloned.
   */
  publish(
    topic: string,
    value: unknown,
    options: PublishOptions = {},
  ): Promise<Published> {
    const waiting = { ...Promise.withResolvers<Published>(), hub: this.#hub };
    waiting.promise.catch(() => {});
    const { key } = options;
    const id = ++this.#lastId;
    try {
      this.#send({
        type: "publish",
        id,
        topic,
        value,
        ...(key !== undefined && { key }),
      });
      this.#waiting.set(id, waiting);
    } catch (error) {
      waiting.reject(error);
    }
    return waiting.promise;
  }

  #send(message: Unaddressed): void {
    switch (this.#state) {
      case "waiting":
        // As it is now.
        this.#held.push(structuredClone(message));
        return;
      case "attached":
        return post(this.#port, { ...message, hub: this.#hub! });
      case "detached":
        throw detached();
      case "closed":
        throw closed();
    }
  }

  #receive(message: ToProducer): void {
    switch (message.type) {
      case "attached":
        return this.#attached(message.hub);
      case "detached":
        if (this.#hub === message.hub) this.#state = "detached";
        // What it has not answered by now came too late.
        return this.#fail(detached(), message.hub);
      case "published":
        return this.#take(message.id)?.resolve(message.published);
      case "refused": {
        const { message: text, options } = message.refusal;
        this.#take(message.id)?.reject(new ConnError(text, options));
      }
    }
  }

  #attached(hub: string): void {
    this.#state = "attached";
    this.#hub = hub;
    for (const held of this.#held.splice(0)) {
      this.#waiting.get(held.id)!.hub = hub;
      post(this.#port, { ...held, hub });
    }
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  /** Fails what a hub was asked; without one, all. */
  #fail(error: ConnError, hub?: string): void {
    for (const [id, waiting] of [...this.#waiting]) {
      if (hub === undefined || waiting.hub === hub) {
        this.#take(id)!.reject(error);
      }
    }
  }

  /**
   * Ends it: what is not answered fails with code `"closed"`, though it may have
   * been published. The port stays open.
   */
  close(): void {
    this.#state = "closed";
    this.#held = [];
    this.#stop();
    this.#fail(closed());
  }

  /** The same as {@linkcode Producer.close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}

function detached(): ConnError {
  return new ConnError(
    "Cannot publish: the hub does not take values of this producer any more",
    { code: "detached", side: "local" },
  );
}

function closed(): ConnError {
  return new ConnError("Cannot publish: the producer is closed", {
    code: "closed",
    side: "local",
  });
}

/**
 * Makes of a worker a source of values, so that making them does not hold up who
 * serves them. The hub is given the other end: `hub.produce(worker)`.
 *
 * A worker runs as long as its producer is not closed.
 *
 * @param port The way to the hub's thread. By default that of the worker that this
 * is called in.
 * @returns What publishes.
 *
 * @example A channel to the hub
 * ```ts
 * import { openHub, producer } from "@meerkat/net/push";
 * import { assertEquals } from "@std/assert";
 *
 * await using hub = await openHub();
 * const { port1, port2 } = new MessageChannel();
 * using _ = hub.produce(port1);
 *
 * // In a worker: `producer()`, without a port.
 * using source = producer(port2);
 * await source.publish("lucky", 42);
 * assertEquals(hub.newest("lucky")?.value, 42);
 * port1.close();
 * port2.close();
 * ```
 */
export function producer(
  port: ProducerPort = globalThis as unknown as ProducerPort,
): Producer {
  return new Producer(port);
}
