/**
 * When clients' grants end.
 *
 * @module
 */

import { type TimerWheel, WheelEntry } from "../../conn/wheel.ts";
import type { HubClient } from "./client.ts";

/** Ends the stay of clients when their grants end. Most clients have no entry. */
export class Expiries {
  readonly #wheel: TimerWheel;
  readonly #entries = new Map<HubClient, Expiry>();

  constructor(wheel: TimerWheel) {
    this.#wheel = wheel;
  }

  /**
   * Sets when a client's grant ends, in place of what was set before.
   *
   * @param client The client.
   * @param expiresIn In so many milliseconds; left out for never.
   */
  set(client: HubClient, expiresIn: number | undefined): void {
    this.delete(client);
    if (expiresIn === undefined) return;
    const entry = new Expiry(client);
    this.#entries.set(client, entry);
    this.#wheel.schedule(entry, this.#wheel.now() + expiresIn);
  }

  /** Forgets a client. */
  delete(client: HubClient): void {
    const entry = this.#entries.get(client);
    if (entry === undefined) return;
    this.#wheel.cancel(entry);
    this.#entries.delete(client);
  }
}

/** The end of a client's grant. */
class Expiry extends WheelEntry {
  readonly #client: HubClient;

  constructor(client: HubClient) {
    super();
    this.#client = client;
  }

  override due(): void {
    this.#client.expire();
  }
}
