/**
 * What a producer and the thread of the hub tell each other.
 *
 * @module
 */

import { ConnError, type ConnErrorOptions } from "../../conn/error.ts";
import type { Published } from "../published.ts";

/** Marks our messages among a program's own. */
const MARK = "@meerkat/net/push/producer";

/** From a producer. */
export type FromProducer =
  /** It begins, and waits for a hub. */
  | { type: "hello" }
  | PublishMessage;

/** A value to publish. */
export interface PublishMessage {
  type: "publish";
  /** The attachment that is to publish it: another one must not. */
  hub: string;
  id: number;
  topic: string;
  value: unknown;
  key?: string;
}

/** To a producer. */
export type ToProducer =
  /** A hub takes values, by this name. */
  | { type: "attached"; hub: string }
  /** The hub takes no more, and has answered all that it took. */
  | { type: "detached"; hub: string }
  | { type: "published"; id: number; published: Published }
  | { type: "refused"; id: number; refusal: Refusal };

/** What is left of an error on its way between threads. */
export interface Refusal {
  readonly message: string;
  readonly options: ConnErrorOptions;
}

/** What both ends of a channel have in common: a `Worker`, a `MessagePort`, a
 * worker's own global scope. */
export interface ProducerPort {
  /** Sends a message to the other end. */
  postMessage(message: unknown): void;
  /** Listens to messages. */
  addEventListener(
    type: "message",
    listener: (event: MessageEvent) => void,
  ): void;
  /** Stops listening. */
  removeEventListener(
    type: "message",
    listener: (event: MessageEvent) => void,
  ): void;
  /** Begins to receive, where that does not happen by itself. */
  start?(): void;
}

/**
 * Begins to take messages, those of others left alone.
 *
 * @returns Stops it.
 */
export function listen<T extends FromProducer | ToProducer>(
  port: ProducerPort,
  receive: (message: T) => void,
): () => void {
  const listener = ({ data }: MessageEvent) => {
    if (typeof data !== "object" || data === null) return;
    const { mark, message } = data as { mark?: unknown; message?: T };
    if (mark === MARK && typeof message === "object" && message) {
      receive(message);
    }
  };
  port.addEventListener("message", listener);
  port.start?.();
  return () => port.removeEventListener("message", listener);
}

/** Sends a message in its envelope. */
export function post(
  port: ProducerPort,
  message: FromProducer | ToProducer,
): void {
  port.postMessage({ mark: MARK, message });
}

/** Makes of an error what can be sent. */
export function packError(error: unknown): Refusal {
  if (error instanceof ConnError) {
    const { message, code, side, reply } = error;
    return {
      message,
      options: { code, side, ...(reply !== undefined && { reply }) },
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { message, options: { code: "publish_failed", side: "local" } };
}
