/**
 * The hub's end of a producer.
 *
 * @module
 */

import {
  type FromProducer,
  listen,
  packError,
  post,
  type ProducerPort,
  type PublishMessage,
} from "./_producer_messages.ts";
import type { Published, PublishOptions } from "../published.ts";

/** Publishes what a producer posts. */
export type PublishFunction = (
  topic: string,
  value: unknown,
  options: PublishOptions,
) => Promise<Published>;

/**
 * Publishes what a producer at the other end of a channel posts, in order, and
 * answers. Other messages on the channel are left alone.
 *
 * @param port The channel: a `Worker`, or a `MessagePort`.
 * @param publish Publishes a value.
 * @returns Stops taking values when it is disposed of; those that were taken are
 * published and answered.
 */
export function attachProducer(
  port: ProducerPort,
  publish: PublishFunction,
): Disposable {
  const hub = crypto.randomUUID();
  let open = 0;
  let stopped = false;
  const leave = () => {
    if (stopped && open === 0) post(port, { type: "detached", hub });
  };
  const take = async (message: FromProducer) => {
    if (message.type === "hello") return post(port, { type: "attached", hub });
    if (message.type !== "publish" || message.hub !== hub) return;
    open++;
    post(port, await answer(message, publish));
    open--;
    leave();
  };
  const stop = listen<FromProducer>(port, (message) => void take(message));
  // The producer may have been there before.
  post(port, { type: "attached", hub });
  return {
    [Symbol.dispose]: () => {
      if (stopped) return;
      stopped = true;
      stop();
      leave();
    },
  };
}

async function answer(
  { id, topic, value, key }: PublishMessage,
  publish: PublishFunction,
) {
  try {
    const options = key === undefined ? {} : { key };
    const { cursor, duplicate } = await publish(topic, value, options);
    return { type: "published", id, published: { cursor, duplicate } } as const;
  } catch (error) {
    return { type: "refused", id, refusal: packError(error) } as const;
  }
}
