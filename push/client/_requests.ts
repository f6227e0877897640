/**
 * What was asked of a hub, and what it has not answered yet. Pure.
 *
 * @module
 */

import type { ConnError } from "../../conn/error.ts";
import { utf8Length } from "../../ws/codec/utf8.ts";
import type {
  AuthorizeCommand,
  AuthorizedMessage,
  PresenceCommand,
  PresenceMessage,
  PublishCommand,
  PublishedMessage,
} from "../wire/protocol.ts";
import { messageTooLarge, queueFull, valueInvalid } from "./_errors.ts";

/** What can be asked, without its reference. */
export type Asked =
  | Omit<PublishCommand, "ref">
  | Omit<PresenceCommand, "ref">
  | Omit<AuthorizeCommand, "ref">;

/** What is answered. */
export type Answer = PublishedMessage | PresenceMessage | AuthorizedMessage;

interface Request {
  readonly text: string;
  readonly size: number;
  readonly answered: (answer: Answer) => void;
  readonly failed: (error: ConnError) => void;
  /** It was sent, over the connection of the moment. */
  isSent: boolean;
}

// Short ones are not for free.
const OVERHEAD = 64;

/**
 * Requests in their order. All of them can be sent twice: what is published has a
 * key.
 */
export class Requests {
  readonly #max: number;
  readonly #waiting = new Map<number, Request>();
  #lastRef = 0;
  #size = 0;

  /** @param max The most bytes of requests that wait for answers. */
  constructor(max: number) {
    this.#max = max;
  }

  /** How many wait for answers. */
  get count(): number {
    return this.#waiting.size;
  }

  /**
   * Adds a request.
   *
   * @param asked What is asked; it is put into words now.
   * @param send Sends it.
   * @returns The answer. Who does not wait for it need not care.
   */
  add(
    asked: Asked,
    send: (text: string) => boolean,
  ): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    promise.catch(() => {});
    const ref = ++this.#lastRef;
    const text = toJson({ ...asked, ref });
    if (typeof text !== "string") {
      reject(text);
      return promise;
    }
    const size = utf8Length(text);
    if (this.#size + size + OVERHEAD > this.#max) {
      reject(queueFull(this.#size + size + OVERHEAD, this.#max));
      return promise;
    }
    this.#size += size + OVERHEAD;
    this.#waiting.set(ref, {
      text,
      size,
      answered: resolve,
      failed: reject,
      isSent: send(text),
    });
    return promise;
  }

  /** Sends all again: there is another connection. */
  sendAll(send: (text: string) => boolean): void {
    for (const request of this.#waiting.values()) {
      request.isSent = send(request.text);
    }
  }

  /** The hub has answered. */
  answer(answer: Answer): void {
    this.#remove(answer.ref)?.answered(answer);
  }

  /** The hub has refused. */
  refuse(ref: number, error: ConnError): void {
    this.#remove(ref)?.failed(error);
  }

  /**
   * The hub closed the connection over a message that is too long: of those that
   * it has not answered, the longest is one.
   */
  refuseLongest(): void {
    let longest: [ref: number, size: number] | undefined;
    for (const [ref, { size, isSent }] of this.#waiting) {
      if (isSent && size > (longest?.[1] ?? 0)) longest = [ref, size];
    }
    if (longest !== undefined) {
      this.refuse(longest[0], messageTooLarge(longest[1]));
    }
  }

  /** No answer comes any more. */
  failAll(error: ConnError): void {
    for (const ref of [...this.#waiting.keys()]) this.refuse(ref, error);
  }

  #remove(ref: number): Request | undefined {
    const request = this.#waiting.get(ref);
    if (request === undefined) return undefined;
    this.#waiting.delete(ref);
    this.#size -= request.size + OVERHEAD;
    return request;
  }
}

/** The JSON of a request, or why there is none. */
function toJson(request: Asked & { ref: number }): string | ConnError {
  if (request.type !== "publish") return JSON.stringify(request);
  const { value, ...rest } = request;
  try {
    const json: string | undefined = JSON.stringify(value);
    if (json === undefined) return valueInvalid();
    return `${JSON.stringify(rest).slice(0, -1)},"value":${json}}`;
  } catch (cause) {
    return valueInvalid(cause);
  }
}
