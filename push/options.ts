/**
 * What a hub can be told.
 *
 * @module
 */

import type { Clock } from "../conn/clock.ts";
import type { ServeInfo } from "../http/server/serve.ts";
import type { Engine } from "./engine/engine.ts";

/** How many versions of a topic are kept besides the newest, which always is. */
export interface HistoryOptions {
  /**
   * The most versions, the newest among them.
   *
   * @default {100}
   */
  count?: number;
  /**
   * The most characters of values, as JSON.
   *
   * @default {1048576}
   */
  bytes?: number;
  /**
   * The greatest age, in milliseconds.
   *
   * @default {Infinity}
   */
  age?: number;
}

/** Options of the topics that a pattern matches. */
export interface TopicOptions {
  /**
   * Keep older versions, for clients that come back. `true` is for the defaults.
   *
   * @default {false}
   */
  history?: boolean | HistoryOptions;
  /**
   * Send the difference to clients that ask for it: JSON Merge Patch, RFC 7396.
   *
   * @default {false}
   */
  delta?: boolean;
  /**
   * Know which clients subscribe to the topic by its name, and tell who asks. Who
   * watches gets all members and each change, so it is for up to some hundreds.
   *
   * @default {false}
   */
  presence?: boolean;
}

/** What a client may do, and who it is: what `onConnect` finds out. */
export interface Grant {
  /** The user, as others may see it in `presence`. */
  user?: string;
  /** Anything that the program wants to know of the client later. */
  data?: unknown;
  /** Filters that it may subscribe to, and what they cover. Left out: any. */
  subscribe?: readonly string[];
  /** Filters of the topics that it may publish to. Left out: none. */
  publish?: readonly string[];
  /**
   * When all this ends, in milliseconds since the epoch. The connection is closed
   * then, with 4401, unless the client has shown a new token.
   */
  expires?: number;
}

/** A client of a hub, as hooks see it. */
export interface ClientInfo {
  /** Unique among the hubs that share an engine. */
  readonly id: string;
  /** What it may do. */
  readonly grant: Grant;
  /** Where it comes from. */
  readonly remoteAddr: Deno.Addr;
  /** How it is connected. */
  readonly transport: "websocket" | "event-stream" | "poll";
}

/** Limits of a hub. Times are in milliseconds. */
export interface HubLimits {
  /** The most clients at a time; one more gets 503. @default {Infinity} */
  clients?: number;
  /** The most topics; publishing to one more fails. @default {100000} */
  topics?: number;
  /** The most subscriptions of a client, and filters of one. @default {100} */
  subscriptions?: number;
  /**
   * Commands that a client may send per second, as a token bucket of as many;
   * subscribing to a new pattern counts for one more with each 2000 topics. Beyond
   * it the client is not read from for a while, of up to a second.
   *
   * @default {100}
   */
  commandRate?: number;
  /**
   * The most matches of filters that are subscribed to and topics. Each takes some
   * 80 bytes; clients with the same filters share them.
   *
   * @default {5000000}
   */
  matches?: number;
  /** Values that a client may publish per second; a token bucket of as many. @default {20} */
  publishRate?: number;
  /** The longest published value, in characters of its JSON. @default {65536} */
  message?: number;
  /**
   * How far a client in mode `every` may be behind, in versions, before
   * `whenBehind` is done.
   *
   * @default {1000}
   */
  queueCount?: number;
  /** The same in characters of the values' JSON. @default {1048576} */
  queueBytes?: number;
  /** So many bytes are queued on a connection before it counts as busy. @default {16384} */
  highMark?: number;
  /**
   * How often an event stream carries a comment, so that the path stays open; at
   * most 20 s, as browsers' module gives up a stream that is silent for longer.
   *
   * @default {15000}
   */
  heartbeat?: number;
  /** The longest that a poll may wait. @default {60000} */
  wait?: number;
}

/**
 * What becomes of a client in mode `every` that is too far behind: the oldest
 * versions are left out, with a `gap` (`"drop"`); the connection is closed with
 * 4408, and the client may come back with its cursor (`"close"`); or all that waits
 * is left out, with a `gap` (`"latest"`). The newest version of each topic comes
 * all the same.
 */
export type WhenBehind = "drop" | "close" | "latest";

/** Options of a hub. */
export interface HubOptions {
  /** Keeps the versions. By default they are in memory. */
  engine?: Engine;
  /**
   * Options of topics, by pattern; the first that matches counts. (JavaScript puts
   * keys that are whole numbers first.)
   *
   * @default {{}} Newest values only
   */
  topics?: Readonly<Record<string, TopicOptions>>;
  /** The topic of clients that name none. @default {"default"} */
  defaultTopic?: string;
  /** See {@linkcode WhenBehind}. @default {"drop"} */
  whenBehind?: WhenBehind;
  /** Limits. */
  limits?: HubLimits;
  /**
   * Decides who may connect: what a client may do, or a response that refuses it,
   * with any status; it must give one of them. A client that leaves is not waited
   * for, but what the hook waits for needs a time-out of its own. By default anybody
   * may connect, and subscribe to all, and publish nothing.
   */
  onConnect?: (
    request: Request,
    info: ServeInfo,
  ) => Grant | Response | Promise<Grant | Response>;
  /** Checks the token that a client shows later, to stay; nothing refuses it. */
  onAuthorize?: (
    token: string,
    client: ClientInfo,
  ) => Grant | undefined | Promise<Grant | undefined>;
  /** Decides on a subscription that the grant permits; only `true` allows it. */
  onSubscribe?: (
    filter: string,
    client: ClientInfo,
  ) => boolean | Promise<boolean>;
  /**
   * Decides on a value that a client wants to publish, and that its grant permits:
   * not on those of the program, nor on those that come by POST with the token.
   */
  onPublish?: (
    topic: string,
    value: unknown,
    client: ClientInfo,
  ) => boolean | Promise<boolean>;
  /**
   * A value that a client which speaks no subprotocol gets first, over a
   * WebSocket. By default it gets none; the others get `hello`.
   */
  greeting?: (client: ClientInfo) => unknown;
  /** A client has joined; it has no subscription yet. */
  onJoin?: (client: ClientInfo) => void;
  /** A client has left. */
  onLeave?: (client: ClientInfo) => void;
  /** Is told of what goes wrong behind: an engine out of reach. @default {console.error} */
  onError?: (error: unknown) => void;
  /** The clock of time-outs; for tests. */
  clock?: Clock;
}
