/**
 * The lines that the Redis engine keeps versions as, and what its hubs tell each
 * other. Neither a topic nor compact JSON has a control character in it.
 *
 * - `OFFSET PREVIOUS AT TOPIC TAB DATA`: a version. Where the key names the topic,
 *   the line does not.
 * - `-TOPIC`: the topic was removed.
 *
 * @module
 */

import type { Version } from "./engine.ts";

/** Entries of the log that follow each other. */
export interface Entries {
  /** The seq of the first. */
  readonly seq: number;
  /** A line each. */
  readonly lines: readonly string[];
}

/** What comes over the channel. */
export type Message =
  /** New entries of the log. */
  | Entries & { readonly type: "entries"; readonly epoch: string }
  /** What a hub tells the others. */
  | { readonly type: "signal"; readonly hub: string; readonly text: string }
  /** There is a new epoch. */
  | { readonly type: "epoch"; readonly epoch: string };

/** The topic whose removal a line tells of, or `undefined` if it is a version. */
export function removedTopic(line: string): string | undefined {
  return line.startsWith("-") ? line.slice(1) : undefined;
}

/**
 * Reads a version.
 *
 * @param line Its line.
 * @param topic Its topic, if the line does not have it.
 */
export function parseVersion(line: string, topic?: string): Version {
  const first = line.indexOf(" ");
  const second = line.indexOf(" ", first + 1);
  const third = line.indexOf(" ", second + 1);
  const tab = line.indexOf("\t", third + 1);
  return {
    topic: topic ?? line.slice(third + 1, tab),
    offset: Number(line.slice(0, first)),
    previous: Number(line.slice(first + 1, second)),
    at: Number(line.slice(second + 1, third)),
    data: line.slice(tab + 1),
  };
}

/** Makes the text of a signal. */
export function formatSignal(hub: string, text: string): string {
  return `s ${hub} ${text}`;
}

/**
 * Reads what came over the channel.
 *
 * @returns `undefined` if it is nothing that a hub says.
 */
export function parseMessage(message: string): Message | undefined {
  if (message.startsWith("v ")) {
    const [front, ...lines] = message.split("\n");
    const [, epoch, seq] = front!.split(" ");
    if (epoch === undefined || lines.length === 0) return undefined;
    return { type: "entries", epoch, seq: Number(seq), lines };
  }
  if (message.startsWith("s ")) {
    const space = message.indexOf(" ", 2);
    if (space === -1) return undefined;
    const text = message.slice(space + 1);
    return { type: "signal", hub: message.slice(2, space), text };
  }
  if (message.startsWith("e ")) {
    return { type: "epoch", epoch: message.slice(2) };
  }
  return undefined;
}
