/**
 * Subscriptions of the program that a hub is in.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import {
  type Subscription,
  subscriptionOf,
  type UpdateSource,
} from "../client/subscription.ts";
import { UpdateQueue } from "../client/update_queue.ts";
import type { SubscribeOptions, Update } from "../client/updates.ts";
import type { HubCore } from "../core.ts";
import { HubClient } from "../delivery/client.ts";
import type { Outlet } from "../delivery/encoding.ts";
import { Entry } from "../delivery/entry.ts";
import type { Since } from "../delivery/recovery.ts";
import { formatCursor } from "../model/cursor.ts";
import { checkFilter } from "../model/topic_name.ts";
import type { ClientInfo } from "../options.ts";
import type { LocalItem, Notice } from "./local_encoding.ts";
import { parseSince } from "./query.ts";

/** How a program subscribes at its own hub. */
export type LocalOptions = Pick<SubscribeOptions, "mode" | "since">;

/** So many updates wait for a program before the hub keeps them for it. */
const QUEUE_COUNT = 64;

/** All of a hub. */
export class LocalSubscriptions {
  readonly #core: HubCore;
  readonly #outlets = new Set<LocalOutlet>();

  constructor(core: HubCore) {
    this.#core = core;
  }

  /**
   * Subscribes.
   *
   * @throws {ConnError} With code `"filter_invalid"`, `"cursor_invalid"`,
   * `"too_many_matches"` or `"closed"`.
   */
  subscribe<T>(filter: string, options: LocalOptions): Subscription<T> {
    if (this.#core.isClosed) throw closed(filter);
    checkFilter(filter);
    const { since } = options;
    const start = since === undefined ? "newest" : parseSince(since);
    const left = () => this.#outlets.delete(outlet);
    const outlet = new LocalOutlet(this.#core, filter, options, left);
    outlet.begin(start);
    this.#outlets.add(outlet);
    return subscriptionOf<T>(filter, outlet, () => outlet.leave());
  }

  /** Ends all of them; each gives first what there is. */
  finish(): void {
    for (const outlet of [...this.#outlets]) outlet.finish();
  }
}

/** One subscription: what a connection is for other clients. */
class LocalOutlet implements Outlet, UpdateSource {
  readonly #core: HubCore;
  readonly #filter: string;
  readonly #mode: NonNullable<LocalOptions["mode"]>;
  readonly #left: () => void;
  readonly #client: HubClient;
  readonly #queue: UpdateQueue;
  /** What there is comes now, however much it is. */
  #isFinishing = false;

  constructor(
    core: HubCore,
    filter: string,
    { mode = "latest", since }: LocalOptions,
    left: () => void,
  ) {
    this.#core = core;
    this.#filter = filter;
    this.#mode = mode;
    this.#left = left;
    this.#client = localClient(core, this);
    const limits = {
      queueCount: QUEUE_COUNT,
      queueBytes: core.settings.highMark,
    };
    this.#queue = new UpdateQueue(mode, limits, () => this.#taken());
    if (since !== "oldest") this.#queue.received = since;
  }

  get needsDrain(): boolean {
    return this.#queue.isFull && !this.#isFinishing;
  }

  get cursor(): string | undefined {
    return this.#queue.cursor;
  }

  /** Subscribes. */
  begin(since: Since): void {
    this.#core.subscribe(this.#client, this.#filter, [this.#filter], {
      mode: this.#mode,
      since,
      delta: false,
      presence: false,
      begun: (cursor) => this.#queue.received ??= cursor,
    });
  }

  /** Leaves what waits. */
  leave(): void {
    this.#unsubscribe();
    this.#queue.end();
  }

  /** Takes what there is, and no more. */
  finish(): void {
    this.#isFinishing = true;
    this.#client.drained();
    this.#unsubscribe();
    this.#queue.finish();
  }

  #unsubscribe(): void {
    this.#core.unsubscribe(this.#client, this.#filter);
    this.#left();
  }

  send(payload: unknown): void {
    for (const item of payload as readonly LocalItem[]) this.#put(item);
  }

  /** The program is too far behind for the hub. */
  close(code: number): void {
    this.#unsubscribe();
    this.#queue.end(tooFarBehind(this.#filter, code));
  }

  #put(item: LocalItem): void {
    if (!(item instanceof Entry)) {
      return this.#queue.push(updateOf(item), 0, item.cursor);
    }
    const { topic: { name: topic }, data, offset } = item;
    const cursor = formatCursor(this.#core.store.epoch, offset);
    // As text for now: in mode `latest` many a value is never asked for.
    const update = { type: "value", topic, value: data, cursor } as const;
    this.#queue.push(update, data.length, cursor);
  }

  /** Makes the value when it is given, so that it is the program's own. */
  async next(): Promise<IteratorResult<Update, undefined>> {
    const taken = await this.#queue.next();
    if (taken.value?.type === "value") {
      taken.value.value = JSON.parse(taken.value.value as string);
    }
    return taken;
  }

  #taken(): void {
    const [named] = this.#client.subscriptions;
    if (named === undefined || named.subscription.isLive) return;
    if (this.#queue.isLow) this.#client.drained();
  }
}

/** A client that is none: hooks do not see it, and it is no member of anything. */
function localClient(core: HubCore, outlet: Outlet): HubClient {
  const info: ClientInfo = {
    id: core.nextClientId(),
    grant: {},
    remoteAddr: { transport: "tcp", hostname: "localhost", port: 0 },
    // Polls are no members, either.
    transport: "poll",
  };
  return new HubClient(info, { outlet, encodings: core.encodings.local });
}

/** The update without what a program knows. */
function updateOf({ filter: _, ...notice }: Notice): Update {
  if (notice.type === "gap") return notice;
  const { cursor: __, ...update } = notice;
  return update;
}

function closed(filter: string): ConnError {
  return new ConnError(`Cannot subscribe to "${filter}": the hub is closed`, {
    code: "closed",
    side: "local",
    reply: 503,
  });
}

function tooFarBehind(filter: string, code: number): ConnError {
  return new ConnError(
    `Cannot go on with "${filter}": the program is too far behind, expected no more than the hub keeps for it`,
    { code: "too_far_behind", side: "local", reply: code },
  );
}
