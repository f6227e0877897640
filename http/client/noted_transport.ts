/**
 * A transport that remembers whether it was given anything to send, which is how
 * a client and a proxy know that a request has not left.
 *
 * @module
 */

import type { Transport } from "../../conn/transport.ts";

/** Notes writes, and passes everything on. */
export class NotedTransport implements Transport {
  readonly #inner: Transport;
  /** Whether anything was given to the kernel since this was set to `false`. */
  touched = false;

  constructor(inner: Transport) {
    this.#inner = inner;
  }

  get localAddr(): Deno.Addr {
    return this.#inner.localAddr;
  }

  get remoteAddr(): Deno.Addr {
    return this.#inner.remoteAddr;
  }

  read(buffer: Uint8Array): Promise<number | null> {
    return this.#inner.read(buffer);
  }

  write(bytes: Uint8Array): Promise<number> {
    this.touched = true;
    return this.#inner.write(bytes);
  }

  closeWrite(): Promise<void> {
    return this.#inner.closeWrite();
  }

  close(): void {
    this.#inner.close();
  }

  ref(): void {
    this.#inner.ref?.();
  }

  unref(): void {
    this.#inner.unref?.();
  }
}
