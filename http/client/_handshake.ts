// Runs a machine over a transport until one event has come: the way through a
// proxy, before the connection that uses it begins.

import type { Clock } from "../../conn/clock.ts";
import { ConnError } from "../../conn/error.ts";
import type { Machine, Sink } from "../../conn/machine.ts";
import type { Transport } from "../../conn/transport.ts";
import { writeAll } from "../../conn/write_all.ts";

/** How to shake hands. */
export interface HandshakeOptions<E, C> {
  /** What starts it. */
  readonly command: C;
  /** Tells whether this event ends it; throws if it has failed. */
  readonly done: (event: E) => boolean;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** The most that it may take, in milliseconds. */
  readonly timeout: number;
}

const BUFFER_SIZE = 64 * 1024;
const encoder = new TextEncoder();

/**
 * Shakes hands. The transport is closed if that fails.
 *
 * @returns What was read and not consumed.
 */
export async function handshake<E, C>(
  transport: Transport,
  machine: Machine<E, C>,
  options: HandshakeOptions<E, C>,
): Promise<Uint8Array> {
  const { signal, clock, timeout } = options;
  let broken: unknown;
  const cut = (reason: unknown): void => {
    broken ??= reason;
    transport.close();
  };
  const aborted = (): void => cut(signal.reason);
  const timer = timeout === Infinity
    ? undefined
    : clock.setTimeout(() => cut(tookTooLong(timeout)), timeout);
  signal.addEventListener("abort", aborted);
  try {
    signal.throwIfAborted();
    return await new Handshake(transport, options.done).run(
      machine,
      options.command,
    );
  } catch (error) {
    if (broken === undefined) cut(error);
    throw broken;
  } finally {
    signal.removeEventListener("abort", aborted);
    if (timer !== undefined) clock.clearTimeout(timer);
  }
}

class Handshake<E> implements Sink<E> {
  readonly now = 0;
  readonly buffered = 0;
  readonly paused = false;
  readonly #transport: Transport;
  readonly #isDone: (event: E) => boolean;
  #out: (Uint8Array | string)[] = [];
  #done = false;
  #failed: unknown;

  constructor(transport: Transport, done: (event: E) => boolean) {
    this.#transport = transport;
    this.#isDone = done;
  }

  emit(event: E): boolean {
    try {
      if (this.#isDone(event)) this.#done = true;
    } catch (error) {
      this.#failed ??= error;
    }
    return !this.#done && this.#failed === undefined;
  }

  write(data: Uint8Array | string): void {
    this.#out.push(data);
  }

  writeAhead(bytes: Uint8Array): void {
    this.#out.push(bytes);
  }

  settleAhead(): void {}

  writeShared(bytes: Uint8Array): void {
    this.#out.push(bytes);
  }

  close(error?: ConnError): void {
    this.#failed ??= error ?? closedEarly();
  }

  abort(error?: ConnError): void {
    this.close(error);
  }

  readOn(): void {}

  async run<C>(machine: Machine<E, C>, command: C): Promise<Uint8Array> {
    machine.send(command, this);
    const buffer = new Uint8Array(BUFFER_SIZE);
    let filled = 0;
    while (true) {
      await this.#flush();
      const count = await this.#transport.read(buffer.subarray(filled));
      if (count === null) machine.receiveEnd(buffer.subarray(0, filled), this);
      else filled += count;
      const used = machine.receive(buffer.subarray(0, filled), this);
      buffer.copyWithin(0, used, filled);
      filled -= used;
      if (this.#failed !== undefined) throw this.#failed;
      if (this.#done) return buffer.slice(0, filled);
      if (count === null || filled === buffer.length) throw closedEarly();
    }
  }

  async #flush(): Promise<void> {
    for (const data of this.#out.splice(0)) {
      const bytes = typeof data === "string" ? encoder.encode(data) : data;
      await writeAll(this.#transport, bytes);
    }
  }
}

function closedEarly(): ConnError {
  return new ConnError(
    "Cannot go through the proxy: it closed the connection",
    {
      code: "proxy_failed",
      side: "remote",
    },
  );
}

function tookTooLong(timeout: number): ConnError {
  return new ConnError(
    `Cannot go through the proxy: it did not answer within ${timeout} ms`,
    { code: "connect_timeout", side: "remote" },
  );
}
