// A message that is sent piece by piece.

import { ConnError } from "../conn/error.ts";
import type { MessageKind } from "./machine/message.ts";
import type { Turn, Turns } from "./_turns.ts";

/** What a stream takes. */
type Piece = string | Uint8Array;

/** Makes the stream. */
export function messageStream(
  kind: MessageKind,
  turns: Turns,
): WritableStream<Piece> {
  return new WritableStream(new MessageSink(kind, turns));
}

/** A stream that has failed before it began. */
export function failedStream(error: ConnError): WritableStream<Piece> {
  return new WritableStream({ start: (controller) => controller.error(error) });
}

/**
 * Writes all that a source gives. It is not waited for any more once the stream
 * has failed.
 */
export async function pipeMessage(
  source: AsyncIterable<Piece>,
  stream: WritableStream<Piece>,
): Promise<void> {
  const writer = stream.getWriter();
  let iterator: AsyncIterator<Piece> | undefined;
  let stopWaiting: ((error: unknown) => void) | undefined;
  writer.closed.catch((error) => stopWaiting?.(error));
  try {
    const pieces = iterator = source[Symbol.asyncIterator]();
    while (true) {
      const { done, value } = await new Promise<IteratorResult<Piece>>(
        (resolve, reject) => {
          stopWaiting = reject;
          pieces.next().then(resolve, reject);
        },
      );
      if (done) break;
      await writer.write(value);
    }
    await writer.close();
  } catch (error) {
    // It may hang as its `next` does.
    iterator?.return?.().catch(() => {});
    await writer.abort(error).catch(() => {});
    throw error;
  }
}

class MessageSink implements UnderlyingSink<Piece>, Turn {
  readonly #kind: MessageKind;
  readonly #turns: Turns;
  readonly #turn = Promise.withResolvers<void>();
  #controller: WritableStreamDefaultController | undefined;
  #begun = false;
  #ended = false;
  /** Half of a character, whose other half comes with the next piece. */
  #surrogate = "";

  constructor(kind: MessageKind, turns: Turns) {
    this.#kind = kind;
    this.#turns = turns;
  }

  begin(): void {
    this.#turn.resolve();
  }

  fail(error: ConnError): void {
    this.#ended = true;
    this.#controller?.error(error);
    this.#turn.resolve();
  }

  start(controller: WritableStreamDefaultController): Promise<void> {
    this.#controller = controller;
    // Sooner than `abort`, which waits for a write under way.
    const { signal } = controller;
    signal.addEventListener("abort", () => this.#giveUp(signal.reason));
    this.#turns.request(this);
    return this.#turn.promise;
  }

  write(piece: Piece): void | Promise<void> {
    try {
      const data = typeof piece === "string" ? this.#characters(piece) : piece;
      if (data.length > 0) return this.#send(data, false);
    } catch (error) {
      this.#giveUp(error);
      throw error;
    }
  }

  close(): void {
    try {
      const text = this.#kind === "text";
      this.#send(text ? this.#surrogate : new Uint8Array(0), true);
      this.#ended = true;
      this.#turns.end(this);
    } catch (error) {
      this.#giveUp(error);
      throw error;
    }
  }

  /** A message of which a part is sent cannot be taken back. */
  #giveUp(cause: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    // Once the program, or the peer, has closed, it is cut short in any case.
    if (this.#begun && this.#turns.isOpen) {
      this.#turns.break(
        new ConnError("Cannot send the whole message: its stream failed", {
          code: "message_aborted",
          side: "local",
          reply: 1011,
          cause,
        }),
      );
    } else {
      this.#turn.resolve();
      this.#turns.end(this);
    }
  }

  #send(data: Piece, final: boolean): void | Promise<void> {
    const kind = this.#kind;
    const sent = this.#turns.send({ type: "fragment", kind, data, final });
    this.#begun = true;
    return sent;
  }

  /** All of the text but half a character at its end. */
  #characters(text: string): string {
    const whole = this.#surrogate + text;
    const last = whole.charCodeAt(whole.length - 1);
    const cut = last >= 0xd800 && last <= 0xdbff;
    this.#surrogate = cut ? whole.slice(-1) : "";
    return cut ? whole.slice(0, -1) : whole;
  }
}
