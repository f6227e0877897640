// What stands for a connection, and what goes over it.

import type { HubCore } from "../core.ts";
import type { ServerMessage } from "../wire/protocol.ts";
import type { Encoding, Outlet, Sendable, Wire } from "./encoding.ts";
import { Entry } from "./entry.ts";
import type { SubscriptionModel } from "./_subscription_model_test_util.ts";

/** An item, as a client gets it. */
export interface Got {
  readonly kind: "value" | "patch" | "gap" | "reset";
  readonly filter: string;
  readonly epoch: string;
  readonly topic?: string | undefined;
  readonly offset?: number | undefined;
  readonly text?: string;
  /** What a patch applies to. */
  readonly base?: number;
  readonly missed?: number | undefined;
  readonly reason?: string;
  /** The last offset there was when it was sent. */
  readonly now: number;
  /** Where topics began when it was sent, if all has begun anew. */
  anew?: ReadonlyMap<string, number>;
  /** Who gets it. */
  to?: SubscriptionModel;
}

/** Gives what it is asked to encode. */
export class FakeEncoding implements Encoding<readonly Got[]> {
  readonly index: number;
  readonly delta: boolean;
  core: HubCore | undefined;

  constructor(index: number, delta: boolean) {
    this.index = index;
    this.delta = delta;
  }

  batch(
    items: readonly Sendable[],
    { filter }: Wire,
  ): readonly Got[] | undefined {
    const { epoch, offset: now } = this.core!.store;
    return items.map(({ item, base }): Got => {
      const common = { filter, epoch, now };
      if (!(item instanceof Entry)) return { ...common, ...item };
      const { topic: { name: topic }, offset } = item;
      const patch = this.delta ? base && item.patchFrom(base) : undefined;
      return patch === undefined
        ? { ...common, kind: "value", topic, offset, text: item.data }
        : {
          ...common,
          kind: "patch",
          topic,
          offset,
          text: patch,
          base: base!.offset,
        };
    });
  }

  message(_message: ServerMessage): undefined {}
}

/** A connection that takes as many payloads as the test says. */
export class FakeOutlet implements Outlet {
  /** So many more payloads make it busy. */
  room = Infinity;
  needsDrain = false;
  closed: [code: number, retry: number | undefined] | undefined;
  readonly #receive: (got: Got) => void;
  readonly #sent: (got: Got) => Got;
  /** What the client has not got yet. */
  #queue: Got[] = [];

  constructor(
    receive: (got: Got) => void,
    sent: (got: Got) => Got = (got) => got,
  ) {
    this.#receive = receive;
    this.#sent = sent;
  }

  send(payload: unknown): boolean {
    if (this.closed !== undefined) return false;
    this.#queue.push(...(payload as readonly Got[]).map(this.#sent));
    if (--this.room <= 0) this.needsDrain = true;
    else if (!this.needsDrain) this.#deliver();
    return !this.needsDrain;
  }

  close(code: number, _reason: string, retry?: number): void {
    if (this.closed !== undefined) return;
    this.closed = [code, retry];
    this.#deliver();
  }

  /** The connection is lost amid what is on the way. */
  cut(received: number): void {
    this.#queue.length = Math.min(this.#queue.length, received);
    this.#deliver();
  }

  /** The client takes what there is; gives whether it was busy. */
  drain(room = Infinity): boolean {
    const was = this.needsDrain;
    this.needsDrain = false;
    this.room = room;
    this.#deliver();
    return was;
  }

  #deliver(): void {
    for (const got of this.#queue.splice(0)) this.#receive(got);
  }
}
