// Pulling bytes from whatever a body comes as. A plain pull interface, because
// an async generator cannot be cancelled while one of its reads is under way.

/** Bytes that are pulled one piece at a time. */
export interface ByteSource {
  /** Resolves with the next piece, or `undefined` at the end. */
  read(): Promise<Uint8Array | undefined>;
  /** Says that nothing more will be read. Never rejects. */
  cancel(reason?: unknown): Promise<void>;
}

/** What a body may come as. */
export type BodySource =
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>;

/** Makes a source of a stream or an async iterable; `null` is an empty one. */
export function byteSource(body: BodySource | null): ByteSource {
  if (body === null) return EMPTY;
  if (body instanceof ReadableStream) return streamSource(body);
  return iteratorSource(body[Symbol.asyncIterator]());
}

const EMPTY: ByteSource = {
  read: () => Promise.resolve(undefined),
  cancel: () => Promise.resolve(),
};

function streamSource(stream: ReadableStream<Uint8Array>): ByteSource {
  const reader = stream.getReader();
  return {
    read: async () => (await reader.read()).value,
    cancel: (reason) => reader.cancel(reason).catch(() => {}),
  };
}

function iteratorSource(iterator: AsyncIterator<Uint8Array>): ByteSource {
  return {
    read: async () => {
      const result = await iterator.next();
      return result.done ? undefined : result.value;
    },
    // Not awaited: a generator settles `return` only after the read under way.
    cancel: () => {
      iterator.return?.().catch(() => {});
      return Promise.resolve();
    },
  };
}

/** Makes a stream that pulls from `source` only when it is read. */
export function sourceStream(
  source: ByteSource,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller): Promise<void> {
      const bytes = await source.read();
      if (bytes === undefined) controller.close();
      else controller.enqueue(bytes as Uint8Array<ArrayBuffer>);
    },
    cancel: (reason) => source.cancel(reason),
  }, { highWaterMark: 0 });
}

/**
 * Reads a source to its end into one array.
 *
 * @param source Cancelled if it is over the limit.
 * @param maxBytes Most bytes to take.
 * @param tooLarge Makes the error for more than that.
 */
export async function readAll(
  source: ByteSource,
  maxBytes: number,
  tooLarge: () => Error,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (
    let piece = await source.read();
    piece !== undefined;
    piece = await source.read()
  ) {
    length += piece.length;
    if (length > maxBytes) {
      const error = tooLarge();
      await source.cancel(error);
      throw error;
    }
    pieces.push(piece);
  }
  return concat(pieces, length);
}

/** Joins arrays; a single one is handed over as it is. */
export function concat(
  pieces: readonly Uint8Array[],
  length: number = pieces.reduce((sum, piece) => sum + piece.length, 0),
): Uint8Array {
  const first = pieces[0];
  if (pieces.length === 1 && first !== undefined) return first;
  const joined = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}
