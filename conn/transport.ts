/**
 * What moves bytes.
 *
 * @module
 */

/**
 * The byte stream under a connection. `Deno.TcpConn`, `Deno.TlsConn` and
 * `Deno.UnixConn` are transports as they are; {@linkcode memoryPair} makes two
 * that need no socket.
 */
export interface Transport {
  /** The address of this end. */
  readonly localAddr: Deno.Addr;
  /** The address of the peer. */
  readonly remoteAddr: Deno.Addr;
  /**
   * Reads some bytes into `buffer`. At most one read is under way at a time.
   *
   * @returns How many bytes were read, or `null` at the peer's end of stream.
   */
  read(buffer: Uint8Array): Promise<number | null>;
  /**
   * Writes some of `bytes`. At most one write is under way at a time, and
   * `bytes` is not touched by anyone else meanwhile.
   *
   * @returns How many bytes were taken, at least one.
   */
  write(bytes: Uint8Array): Promise<number>;
  /** Ends this side of the stream; the peer may still send. */
  closeWrite(): Promise<void>;
  /** Ends both sides at once. A read or write under way rejects. */
  close(): void;
  /** Lets the transport keep the process alive again. */
  ref?(): void;
  /** Stops the transport from keeping the process alive. */
  unref?(): void;
}
