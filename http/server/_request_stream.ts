/**
 * A request's body, as a stream that the connection fills.
 *
 * @module
 */

/** Bytes that may wait in the stream before the connection pauses. */
const HIGH_MARK = 64 * 1024;

/** Turns pushed pieces into a stream, and the reader's pace into promises. */
export class RequestStream {
  /** The body. */
  readonly stream: ReadableStream<Uint8Array>;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #done = false;
  /** Lets the connection read on. */
  #resume: (() => void) | undefined;

  constructor() {
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#resume?.(),
        cancel: () => this.discard(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: HIGH_MARK }),
    );
  }

  /**
   * Adds a piece.
   *
   * @returns A promise for when more is wanted, if it is not at once.
   */
  push(bytes: Uint8Array): void | Promise<void> {
    if (this.#done) return;
    this.#controller.enqueue(bytes);
    if ((this.#controller.desiredSize ?? 1) > 0) return;
    return new Promise((resolve) => this.#resume = resolve);
  }

  /** The body is complete. */
  end(): void {
    if (this.#done) return;
    this.#done = true;
    this.#controller.close();
  }

  /** The body will not be complete. */
  fail(error: unknown): void {
    if (!this.#done) this.#controller.error(error);
    this.discard();
  }

  /** Nobody reads on: what still comes is dropped. */
  discard(): void {
    this.#done = true;
    this.#resume?.();
  }
}
