/**
 * What a subscription gives.
 *
 * @module
 */

import type { Member, Mode } from "../wire/protocol.ts";

/** A value of a topic. */
export interface ValueUpdate<T = unknown> {
  /** What it is. */
  type: "value";
  /** The topic. */
  topic: string;
  /** With `delta`, values of a topic share their parts: do not change them. */
  value: T;
  /** The version's own cursor, by which it can be told from others. */
  cursor: string;
}

/**
 * Mode `every`: versions are missing here, because this client was too slow or the
 * hub did not get them.
 */
export interface GapUpdate {
  /** What it is. */
  type: "gap";
  /** Left out if it may be any of the filter's. */
  topic?: string;
  /** What is missing is not after it. */
  cursor: string;
  /** How many, if that is known. */
  missed?: number;
}

/** What came before is void; the current value follows. */
export interface ResetUpdate {
  /** What it is. */
  type: "reset";
  /** Left out for all topics of the filter. */
  topic?: string;
  /**
   * Why: the hub counts anew (`"epoch"`), or keeps no version as old as the
   * client's (`"history"`).
   */
  reason: "epoch" | "history";
}

/** Who has come and gone. */
export interface MembersUpdate {
  /** What it is. */
  type: "members";
  /** The topic. */
  topic: string;
  /** Who has come. */
  joined: Member[];
  /** Who has gone. */
  left: Member[];
  /** These are all that are there: whom you knew before is gone. */
  whole?: true;
}

/** What a subscription gives, told apart by `type`. */
export type Update<T = unknown> =
  | ValueUpdate<T>
  | GapUpdate
  | ResetUpdate
  | MembersUpdate;

/** Options of a subscription. */
export interface SubscribeOptions {
  /** See {@linkcode Mode}. @default {"latest"} */
  mode?: Mode;
  /**
   * The cursor to begin after, of an earlier subscription; or `"oldest"` for all
   * that is retained.
   *
   * @default {undefined} With the newest value of each topic.
   */
  since?: string;
  /**
   * Let the hub send differences where they are shorter; what comes out is the
   * same. Does nothing together with a cursor in `since`: this client does not
   * hold the values of that time.
   *
   * @default {false}
   */
  delta?: boolean;
  /**
   * Tell who joins and leaves; for one topic, which has presence.
   *
   * @default {false}
   */
  presence?: boolean;
}
