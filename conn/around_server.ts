/**
 * A server with something around it.
 *
 * @module
 */

import type { Server, ShutdownOptions } from "./listen.ts";

/** Passes everything on to another server; extended by what does more. */
export class AroundServer implements Server {
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
  }

  get addr(): Deno.Addr {
    return this.#server.addr;
  }

  get finished(): Promise<void> {
    return this.#server.finished;
  }

  get connections(): number {
    return this.#server.connections;
  }

  shutdown(options?: ShutdownOptions): Promise<void> {
    return this.#server.shutdown(options);
  }

  close(): void {
    this.#server.close();
  }

  ref(): void {
    this.#server.ref();
  }

  unref(): void {
    this.#server.unref();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }
}
