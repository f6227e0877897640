/**
 * A transport with a hook.
 *
 * @module
 */

import type { InspectHook } from "./inspect.ts";
import type { Transport } from "./transport.ts";

/** Reports all that is read from and written to another transport. */
export class InspectedTransport implements Transport {
  readonly inner: Transport;
  readonly hook: InspectHook;

  constructor(inner: Transport, hook: InspectHook) {
    this.inner = inner;
    this.hook = hook;
  }

  get localAddr(): Deno.Addr {
    return this.inner.localAddr;
  }

  get remoteAddr(): Deno.Addr {
    return this.inner.remoteAddr;
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    const count = await this.inner.read(buffer);
    if (count !== null) this.#report("in", buffer, count);
    return count;
  }

  async write(bytes: Uint8Array): Promise<number> {
    const count = await this.inner.write(bytes);
    this.#report("out", bytes, count);
    return count;
  }

  closeWrite(): Promise<void> {
    return this.inner.closeWrite();
  }

  close(): void {
    this.inner.close();
  }

  ref(): void {
    this.inner.ref?.();
  }

  unref(): void {
    this.inner.unref?.();
  }

  #report(direction: "in" | "out", bytes: Uint8Array, count: number): void {
    const { localAddr, remoteAddr } = this.inner;
    this.hook({
      direction,
      bytes: bytes.subarray(0, count),
      at: Date.now(),
      localAddr,
      remoteAddr,
    });
  }
}

/**
 * Gives what `inspected` was put around, and its hook.
 *
 * @param transport Any transport.
 * @returns The transport itself if it is not inspected.
 */
export function uninspected(
  transport: Transport,
): { transport: Transport; hook?: InspectHook } {
  return transport instanceof InspectedTransport
    ? { transport: transport.inner, hook: transport.hook }
    : { transport };
}
