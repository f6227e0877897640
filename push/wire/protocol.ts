/**
 * The messages of the protocol: JSON objects, told apart by `type`.
 *
 * Over a WebSocket with the subprotocol {@linkcode SUBPROTOCOL} both sides send
 * them as text messages. With `format=envelope` in the query, event streams carry
 * those of the server as data, and polls answer an array of them.
 *
 * @module
 */

/** The WebSocket subprotocol. */
export const SUBPROTOCOL = "meerkat.push.v1";

/** Close code: what the client may do has ended; it may come with a new token. */
export const EXPIRED = 4401;
/** Close code: the client may no longer do what it does. */
export const FORBIDDEN = 4403;
/** Close code: the client is too far behind; it may come back with its cursor. */
export const TOO_FAR_BEHIND = 4408;
/** Close code: the hub restarts, as registered for RFC 6455. */
export const SERVICE_RESTART = 1012;

/**
 * How a subscription is served: `latest` gives the newest value and leaves out
 * what was overtaken while the client was busy; `every` gives all, in order.
 */
export type Mode = "latest" | "every";

/** Asks for the values of the topics that a filter matches. */
export interface SubscribeCommand {
  /** Which message this is. */
  type: "subscribe";
  /** A topic, or a pattern with `+` and `#`. One subscription for each filter. */
  filter: string;
  /** By default `"latest"`. */
  mode?: Mode;
  /**
   * The cursor that the client has, `EPOCH.OFFSET`: it gets what is newer.
   * `"oldest"`: all that is retained. Left out: the newest value of each topic.
   */
  since?: string;
  /** Send `patch` messages where they are shorter, after a first value. */
  delta?: boolean;
  /** Tell who joins and leaves; for a topic that has presence. */
  presence?: boolean;
}

/** Ends a subscription. */
export interface UnsubscribeCommand {
  /** Which message this is. */
  type: "unsubscribe";
  /** The filter of the subscription. */
  filter: string;
}

/** Publishes a value. */
export interface PublishCommand {
  /** Which message this is. */
  type: "publish";
  /** Comes back in the answer. */
  ref: number;
  /** The topic. */
  topic: string;
  /** Anything that JSON can say. */
  value: unknown;
  /** Publishing again with the same key does nothing. */
  key?: string;
}

/** Asks who is there. */
export interface PresenceCommand {
  /** Which message this is. */
  type: "presence";
  /** That of the command. */
  ref: number;
  /** The topic. */
  topic: string;
}

/** Shows a new token, before the old one expires. */
export interface AuthorizeCommand {
  /** Which message this is. */
  type: "authorize";
  /** That of the command. */
  ref: number;
  /** The token. */
  token: string;
}

/** What a client sends. */
export type ClientMessage =
  | SubscribeCommand
  | UnsubscribeCommand
  | PublishCommand
  | PresenceCommand
  | AuthorizeCommand;

/** First: who the client is. */
export interface HelloMessage {
  /** Which message this is. */
  type: "hello";
  /** The client's id, unique. */
  client: string;
  /** The epoch of cursors. */
  epoch: string;
  /** When to show the next token at the latest, in milliseconds from now. */
  expiresIn?: number;
}

/** Answers `subscribe`; values follow. */
export interface SubscribedMessage {
  /** What to come back with, if no value follows now that would say so. */
  cursor?: string;
  /** Which message this is. */
  type: "subscribed";
  /** The filter of the subscription. */
  filter: string;
}

/** Answers `unsubscribe`: no value follows. */
export interface UnsubscribedMessage {
  /** Which message this is. */
  type: "unsubscribed";
  /** The filter of the subscription. */
  filter: string;
}

/** A value. */
export interface ValueMessage {
  /** Which message this is. */
  type: "value";
  /** The topic. */
  topic: string;
  /** The filter that it came by; left out if that is the topic. */
  filter?: string;
  /** What to come back with. */
  cursor: string;
  /** Anything that JSON can say. */
  value: unknown;
}

/** A value, as the difference from the one of this topic that came before it. */
export interface PatchMessage {
  /** Which message this is. */
  type: "patch";
  /** The topic. */
  topic: string;
  /** The filter of the subscription. */
  filter?: string;
  /** What to come back with. */
  cursor: string;
  /** A JSON Merge Patch, RFC 7396. */
  patch: unknown;
}

/**
 * Mode `every`: versions are missing from here on, because the client was too slow
 * or the hub did not get them. The newest of each topic that is concerned follows
 * all the same.
 */
export interface GapMessage {
  /** Which message this is. */
  type: "gap";
  /** The filter of the subscription. */
  filter: string;
  /** Left out if it may be any of the filter's. */
  topic?: string;
  /** What to come back with. */
  cursor: string;
  /** How many, if that is known. */
  missed?: number;
}

/**
 * The cursor that the client came with is of no use: the hub has another epoch, or
 * keeps no version that old. The current value follows; what the client built
 * on values before is void.
 */
export interface ResetMessage {
  /** Which message this is. */
  type: "reset";
  /** The filter of the subscription. */
  filter: string;
  /** The topic whose history does not reach back; left out for the whole filter. */
  topic?: string;
  /** Why. */
  reason: "epoch" | "history";
  /** What to come back with; left out if that is what the client has. */
  cursor?: string;
}

/** Who is there. */
export interface Member {
  /** The client's id. */
  client: string;
  /** Its user, if who connected said so. */
  user?: string;
}

/** Answers `presence`, with `ref`. */
export interface PresenceMessage {
  /** Which message this is. */
  type: "presence";
  /** That of the command. */
  ref: number;
  /** The topic. */
  topic: string;
  /** All that are there. */
  members: Member[];
}

/**
 * Who has come and gone, for who subscribed with `presence`. Members are a set:
 * who is told of twice is there once.
 */
export interface MembersMessage {
  /** Which message this is. */
  type: "members";
  /** The topic. */
  topic: string;
  /** Who has come. */
  joined: Member[];
  /** Who has gone. */
  left: Member[];
  /** The first of a subscription: these are all, and nobody else is there. */
  whole?: true;
}

/** Answers `publish`. */
export interface PublishedMessage {
  /** Which message this is. */
  type: "published";
  /** That of the command. */
  ref: number;
  /** What to come back with. */
  cursor: string;
  /** Whether it had been published before, with this key. */
  duplicate: boolean;
}

/** Answers `authorize`. */
export interface AuthorizedMessage {
  /** Which message this is. */
  type: "authorized";
  /** That of the command. */
  ref: number;
  /** When to show the next token at the latest, in milliseconds from now. */
  expiresIn?: number;
}

/** A command was refused: the one with this `ref`, or about this `filter`. */
export interface ErrorMessage {
  /** Which message this is. */
  type: "error";
  /** That of the command. */
  ref?: number;
  /** The filter of the subscription. */
  filter?: string;
  /** Stable: `"forbidden"`, `"rate_limited"`. */
  code: string;
  /** For people. */
  message: string;
}

/** The hub closes the connection, and when to come back. */
export interface ByeMessage {
  /** Which message this is. */
  type: "bye";
  /** How long to wait, in milliseconds. */
  retry: number;
}

/** What the hub sends. */
export type ServerMessage =
  | HelloMessage
  | SubscribedMessage
  | UnsubscribedMessage
  | ValueMessage
  | PatchMessage
  | GapMessage
  | ResetMessage
  | PresenceMessage
  | MembersMessage
  | PublishedMessage
  | AuthorizedMessage
  | ErrorMessage
  | ByeMessage;
