/**
 * The addresses behind a host name, as they change.
 *
 * @module
 */

import { lookup } from "node:dns/promises";
import { isAddress } from "../../conn/addr.ts";
import type { Clock } from "../../conn/clock.ts";

/** As long as nothing is known, a failed look-up is repeated after so long. */
const RETRY_AFTER = 1000;

/** Options of {@linkcode Resolver}. */
export interface ResolverOptions {
  /** A name, or an address, which is never looked up; IPv6 without brackets. */
  readonly hostname: string;
  /** The time from one look-up to the next, in milliseconds. */
  readonly interval: number;
  /** The clock of the interval. */
  readonly clock: Clock;
  /** Is told when there are other addresses than before, in any order. */
  readonly onChange?: (addresses: readonly string[]) => void;
  /**
   * Finds the addresses of a name.
   *
   * @default {as the system does, the file of hosts included}
   */
  readonly lookup?: (hostname: string) => Promise<string[]>;
}

/**
 * Looks a name up: at once, and then again and again until it is closed. While
 * that fails, the last answer stays. There is one look-up at a time, and its timer
 * does not keep the process alive.
 */
export class Resolver {
  readonly #options: ResolverOptions;
  readonly #lookup: (hostname: string) => Promise<string[]>;
  #addresses: readonly string[] = [];
  #next = 0;
  #interval: number;
  #timer: unknown;
  #closed = false;

  /**
   * Starts to look up.
   *
   * @param options What, how often, and who is told.
   */
  constructor(options: ResolverOptions) {
    this.#options = options;
    this.#interval = options.interval;
    this.#lookup = options.lookup ?? systemLookup;
    if (isAddress(options.hostname)) this.#addresses = [options.hostname];
    else this.#resolve();
  }

  /**
   * All addresses, in the order of the answer that first had them; none before
   * there was one. The same array until they change.
   */
  get addresses(): readonly string[] {
    return this.#addresses;
  }

  /**
   * Gives the addresses in turn. If one cannot be connected to, the next call
   * gives another one, for {@linkcode Resolver.addresses} as many calls as there
   * are: a name may have addresses that the server does not listen on, such as
   * those of `localhost`.
   *
   * @returns An address, or `undefined` if none is known yet: then the name is all
   * that there is to connect to.
   */
  next(): string | undefined {
    const index = this.#next < this.#addresses.length ? this.#next : 0;
    this.#next = index + 1;
    return this.#addresses[index];
  }

  /** Whether the name has that address now. */
  has(address: string): boolean {
    return this.#addresses.includes(address);
  }

  /** Changes the time from one look-up to the next, after the next one. */
  setInterval(interval: number): void {
    this.#interval = interval;
  }

  /** Ends it. The answer to a look-up that is under way is dropped. */
  close(): void {
    this.#closed = true;
    this.#options.clock.clearTimeout(this.#timer);
  }

  async #resolve(): Promise<void> {
    const { hostname, clock } = this.#options;
    let found: string[] = [];
    try {
      found = await this.#lookup(hostname);
    } catch {
      // What is known stays; who connects to the name is told what is wrong.
    }
    if (this.#closed) return;
    const unknown = found.length === 0 && this.#addresses.length === 0;
    const interval = this.#interval;
    const delay = unknown ? Math.min(interval, RETRY_AFTER) : interval;
    this.#timer = clock.setTimeout(() => this.#resolve(), delay);
    clock.unrefTimer?.(this.#timer);
    this.#take(found);
  }

  #take(found: string[]): void {
    // An address comes once for each kind of socket on some systems.
    const addresses = [...new Set(found)];
    const same = addresses.length === this.#addresses.length &&
      addresses.every((address) => this.has(address));
    if (same || addresses.length === 0) return;
    this.#addresses = addresses;
    this.#next = 0;
    this.#options.onChange?.(addresses);
  }
}

async function systemLookup(hostname: string): Promise<string[]> {
  const found = await lookup(hostname, { all: true });
  return found.map(({ address }) => address);
}
