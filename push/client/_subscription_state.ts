/**
 * One subscription of a client: how far it has come. Pure.
 *
 * @module
 */

import { type Cursor, parseCursor } from "../model/cursor.ts";
import { applyMergePatch } from "../model/merge_patch.ts";
import type {
  GapMessage,
  MembersMessage,
  PatchMessage,
  ResetMessage,
  SubscribeCommand,
  ValueMessage,
} from "../wire/protocol.ts";
import { type QueueLimits, UpdateQueue } from "./update_queue.ts";
import type { SubscribeOptions } from "./updates.ts";

/** A message for a subscription. */
export type FeedMessage =
  | ValueMessage
  | PatchMessage
  | GapMessage
  | ResetMessage
  | MembersMessage;

/** A subscription, over as many connections as it takes. */
export class SubscriptionState {
  readonly filter: string;
  readonly queue: UpdateQueue;
  readonly #options: SubscribeOptions;
  /** The place of the version that came last. */
  #place: Cursor | undefined;
  /** The values of topics as the hub knows them here: what patches apply to. */
  #values: Map<string, unknown> | undefined;
  /** What comes is for it: the hub serves it from where it is. */
  isAccepting = false;
  /** It has so much to give already that it is not to be served. */
  isParked = false;

  /**
   * @param filter The topics.
   * @param options How they are subscribed to.
   * @param limits Of the queue.
   * @param onTake Called when something was taken out of the queue.
   */
  constructor(
    filter: string,
    options: SubscribeOptions,
    limits: QueueLimits,
    onTake: () => void,
  ) {
    this.filter = filter;
    this.#options = options;
    const { mode = "latest", since, delta = false } = options;
    this.queue = new UpdateQueue(mode, limits, onTake);
    if (since !== undefined && since !== "oldest") {
      this.#place = parseCursor(since);
      this.queue.received = since;
    } else if (delta) this.#values = new Map();
  }

  /** What asks the hub for it, from where it is. */
  command(): SubscribeCommand {
    const { mode, since, presence } = this.#options;
    const from = this.queue.received ??
      (since === "oldest" ? since : undefined);
    return {
      type: "subscribe",
      filter: this.filter,
      ...(mode !== undefined && { mode }),
      ...(from !== undefined && { since: from }),
      ...(this.#values !== undefined && { delta: true }),
      ...(presence !== undefined && { presence }),
    };
  }

  /**
   * The hub serves it.
   *
   * @param cursor Where it begins, if no value follows of what was before.
   */
  begun(cursor: string | undefined): void {
    if (cursor === undefined || this.queue.received !== undefined) return;
    this.#place = parseCursor(cursor);
    this.queue.received = cursor;
  }

  /**
   * Takes a message. One that came before is dropped.
   *
   * @param size Its length.
   */
  accept(message: FeedMessage, size: number): void {
    switch (message.type) {
      case "value":
        return this.#value(message, message.value, size);
      case "patch":
        return this.#patch(message, size);
      case "reset":
        return this.#reset(message, size);
      case "gap": {
        const { topic, cursor, missed } = message;
        this.#place = parseCursor(cursor);
        return this.queue.push(
          {
            type: "gap",
            ...(topic !== undefined && { topic }),
            cursor,
            ...(missed !== undefined && { missed }),
          },
          size,
          cursor,
        );
      }
      case "members": {
        const { topic, joined, left, whole } = message;
        this.queue.push(
          { type: "members", topic, joined, left, ...(whole && { whole }) },
          size,
        );
      }
    }
  }

  #value(
    { topic, cursor }: ValueMessage | PatchMessage,
    value: unknown,
    size: number,
  ): void {
    const place = parseCursor(cursor);
    if (!isAfter(place, this.#place)) return;
    this.#place = place;
    this.#values?.set(topic, value);
    this.queue.push({ type: "value", topic, value, cursor }, size, cursor);
  }

  #patch(message: PatchMessage, size: number): void {
    const values = this.#values;
    if (values === undefined || !values.has(message.topic)) {
      // Asked for again from here, without patches: nothing is lost.
      this.#values = undefined;
      this.isAccepting = false;
      return;
    }
    const value = applyMergePatch(values.get(message.topic), message.patch);
    this.#value(message, value, size);
  }

  #reset({ topic, reason, cursor }: ResetMessage, size: number): void {
    if (topic !== undefined) this.#values?.delete(topic);
    else {
      this.#values?.clear();
      this.#place = cursor === undefined ? undefined : parseCursor(cursor);
    }
    this.queue.push(
      { type: "reset", ...(topic !== undefined && { topic }), reason },
      size,
      cursor,
    );
  }
}

/** Whether a version comes after the one that came last. */
function isAfter(place: Cursor | undefined, last: Cursor | undefined): boolean {
  if (place === undefined || place.epoch !== last?.epoch) return true;
  return place.offset > last.offset;
}
