/**
 * What hubs tell each other about presence: JSON text.
 *
 * @module
 */

import type { Member } from "../wire/protocol.ts";

/** A member of a topic. */
export interface Presenter {
  readonly topic: string;
  readonly member: Member;
}

/** Who has come to a hub, or gone from it. */
export interface ChangesMessage {
  readonly type: "joined" | "left";
  readonly hub: string;
  /** Counts such messages of the hub, from 1. */
  readonly number: number;
  readonly members: readonly Presenter[];
}

/** A part of all who are at a hub. */
export interface StateMessage {
  readonly type: "state";
  readonly hub: string;
  /** The last changes that are in it. */
  readonly number: number;
  /** Tells the parts of one state from those of another. */
  readonly state: number;
  /** Which part it is, from 0, of how many. */
  readonly part: number;
  readonly parts: number;
  readonly members: readonly Presenter[];
}

/** A hub is alive, and its last changes were those. */
export interface BeatMessage {
  readonly type: "beat";
  readonly hub: string;
  readonly number: number;
}

/** A hub asks for a state: of another one, or of all of them. */
export interface AskMessage {
  readonly type: "ask";
  readonly hub: string;
  readonly of?: string;
}

/** A hub ends, and all who were there are gone. */
export interface GoneMessage {
  readonly type: "gone";
  readonly hub: string;
}

/** What a hub tells the others. */
export type HubMessage =
  | ChangesMessage
  | StateMessage
  | BeatMessage
  | AskMessage
  | GoneMessage;

/** So many UTF-16 units of members are in a message at most, or one member. */
const MAX_SIZE = 16 * 1024;
/** What a member costs besides its texts. */
const OVERHEAD = 12;

/** `[topic, client]`, or `[topic, client, user]`. */
type Entry = readonly string[];

/** The text of a message. */
export function formatMessage(message: HubMessage): string {
  return JSON.stringify(
    "members" in message
      ? { ...message, members: message.members.map(toEntry) }
      : message,
  );
}

/** Reads a message; `undefined` if it is none. */
export function parseMessage(text: string): HubMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  return read(value as Record<string, unknown>);
}

/** Cuts members into lists of bounded size, in order. */
export function split<T extends Presenter>(all: Iterable<T>): T[][] {
  const lists: T[][] = [];
  let size = Infinity;
  for (const presenter of all) {
    const { topic, member: { client, user = "" } } = presenter;
    const more = topic.length + client.length + user.length + OVERHEAD;
    if (size + more > MAX_SIZE) {
      lists.push([]);
      size = 0;
    }
    lists.at(-1)!.push(presenter);
    size += more;
  }
  return lists;
}

/** Checks the fields that a message of its type has. */
function read(message: Record<string, unknown>): HubMessage | undefined {
  const { type, hub } = message;
  if (typeof hub !== "string") return undefined;
  switch (type) {
    case "joined":
    case "left":
      return readChanges(type, hub, message);
    case "state":
      return readState(hub, message);
    case "beat":
      return isCount(message.number)
        ? { type, hub, number: message.number }
        : undefined;
    case "ask":
      if (message.of === undefined) return { type, hub };
      return typeof message.of === "string"
        ? { type, hub, of: message.of }
        : undefined;
    case "gone":
      return { type, hub };
    default:
      return undefined;
  }
}

function readChanges(
  type: ChangesMessage["type"],
  hub: string,
  { number, members }: Record<string, unknown>,
): ChangesMessage | undefined {
  const all = toPresenters(members);
  if (!isCount(number) || !all) return undefined;
  return { type, hub, number, members: all };
}

function readState(
  hub: string,
  { number, state, part, parts, members }: Record<string, unknown>,
): StateMessage | undefined {
  const all = toPresenters(members);
  if (!isCount(number) || !isCount(state) || !all) return undefined;
  if (!isCount(part) || !isCount(parts) || part >= parts) return undefined;
  return { type: "state", hub, number, state, part, parts, members: all };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function toEntry({ topic, member: { client, user } }: Presenter): Entry {
  return user === undefined ? [topic, client] : [topic, client, user];
}

function toPresenters(value: unknown): Presenter[] | undefined {
  if (!Array.isArray(value) || !value.every(isEntry)) return undefined;
  return value.map(([topic, client, user]) => ({
    topic: topic!,
    member: user === undefined
      ? { client: client! }
      : { client: client!, user },
  }));
}

function isEntry(value: unknown): value is Entry {
  return Array.isArray(value) && value.length >= 2 && value.length <= 3 &&
    value.every((text) => typeof text === "string");
}
