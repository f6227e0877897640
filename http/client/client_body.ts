/**
 * The body of a reply, as the client hands it to the program.
 *
 * @module
 */

/**
 * The body of a {@linkcode ClientResponse}. It can be read once, in one of its
 * forms; until then, little more than 64 KiB of it is taken from the network. A
 * body that is not read to its end holds its connection: read it, or
 * {@linkcode ClientBody.cancel} it.
 *
 * Reading fails with the {@linkcode ConnError} that cut the body short, if one
 * did, and with code `"body_used"` the second time.
 */
export interface ClientBody extends AsyncIterable<Uint8Array> {
  /** Whether it has been read, or is being read. */
  readonly used: boolean;
  /** Reads all of it, up to `maxBufferedSize` of the client. */
  bytes(): Promise<Uint8Array>;
  /** Reads all of it as UTF-8, up to `maxBufferedSize` of the client. */
  text(): Promise<string>;
  /** Reads all of it as JSON, up to `maxBufferedSize` of the client. */
  json<T = unknown>(): Promise<T>;
  /** Reads it as a stream. */
  stream(): ReadableStream<Uint8Array<ArrayBuffer>>;
  /**
   * Gives the rest of it up. If there is more to come, the connection closes.
   *
   * @param reason What reading fails with from now on.
   */
  cancel(reason?: unknown): void;
}
