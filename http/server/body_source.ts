// Response bodies that a server can pull bytes from without the machinery of
// streams. Such a response has an ordinary stream too, for who knows no better.

/** Bytes of a known number, pulled into the caller's buffer. */
export interface BodySource {
  /** How many bytes there are in all, at least one. */
  readonly size: number;
  /**
   * Puts the next bytes into `buffer`, some of it or all of it. One call at a
   * time.
   *
   * @returns How many bytes: at least one, or zero after the last.
   * @throws If the bytes cannot be had any more, for example because the file
   * shrank. What was sent must then not end as if it were whole.
   */
  pull(buffer: Uint8Array): Promise<number>;
  /** Lets go of what is held. Not needed after the last byte or an error. */
  cancel(): void;
}

/** Bytes per piece where a stream hands them out. */
const CHUNK = 64 * 1024;

/** One body: the source and the stream around it, of which one gets used. */
class SourceBody {
  readonly source: BodySource;
  readonly stream: ReadableStream<Uint8Array>;
  #used = false;
  #left: number;

  constructor(source: BodySource) {
    this.source = source;
    this.#left = source.size;
    this.stream = new ReadableStream<Uint8Array>({
      pull: (controller) => this.#pull(controller),
      cancel: () => {
        this.#used = true;
        source.cancel();
      },
    }, { highWaterMark: 0 }); // nothing is opened before someone reads
  }

  take(): BodySource | undefined {
    // A clone of the response, too, leaves this stream locked.
    if (this.#used || this.stream.locked) return undefined;
    this.#used = true;
    return this.source;
  }

  async #pull(
    controller: ReadableStreamDefaultController<Uint8Array>,
  ): Promise<void> {
    if (this.#used && this.#left === this.source.size) {
      throw new TypeError("Cannot read the body: its source was taken");
    }
    this.#used = true;
    const buffer = new Uint8Array(Math.min(CHUNK, this.#left));
    const count = await this.source.pull(buffer);
    this.#left -= count;
    controller.enqueue(buffer.subarray(0, count));
    if (this.#left === 0) controller.close();
  }
}

const bodies = new WeakMap<Response | ReadableStream, SourceBody>();

/** Makes a response whose body is `source`. */
export function sourceResponse(
  source: BodySource,
  init: ResponseInit,
): Response {
  const body = new SourceBody(source);
  const response = new Response(body.stream, init);
  bodies.set(response, body);
  bodies.set(body.stream, body);
  return response;
}

/**
 * Takes the source out of a response, or out of a stream that was a response's
 * body and may have come into another one. The stream then fails to be read.
 *
 * @returns The source, for the caller to pull from or to cancel, or `undefined`
 * if the body has none or someone reads it already.
 */
export function bodySourceOf(
  body: Response | ReadableStream,
): BodySource | undefined {
  return bodies.get(body)?.take();
}
