/**
 * The lines that the Redis engine keeps versions as, and what its hubs tell each
 * other. Neither a topic nor compact JSON has a control character in it.
 *
 * - `OFFSET PREVIOUS AT TOPIC TAB DATA`: a version. Where the key names the topic,
 *   the line does not.
 * - `-TOPIC`: the topic was removed.
 *
 * They are read from bytes: a part of a string would keep all of it in memory, a
 * batch of hundreds of versions for the sake of one.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import type { Version } from "./engine.ts";

const TAB = 0x09;
const LF = 0x0a;
const SPACE = 0x20;
const MINUS = 0x2d;

/** Entries of the log that follow each other. */
export interface Entries {
  /** The seq of the first. */
  readonly seq: number;
  /** A line each. */
  readonly lines: readonly Buffer[];
}

/** New entries of the log, as they come over the channel. */
export interface NewEntries extends Entries {
  readonly type: "entries";
  readonly epoch: string;
}

/** What comes over the channel. */
export type Message =
  | NewEntries
  /** What a hub tells the others. */
  | { readonly type: "signal"; readonly hub: string; readonly text: string }
  /** There is a new epoch. */
  | { readonly type: "epoch"; readonly epoch: string };

/** The topic whose removal a line tells of, or `undefined` if it is a version. */
export function removedTopic(line: Buffer): string | undefined {
  return line[0] === MINUS ? line.toString("utf8", 1) : undefined;
}

/**
 * Reads a version.
 *
 * @param line Its line.
 * @param topic Its topic, if the line does not have it.
 */
export function parseVersion(line: Buffer, topic?: string): Version {
  const tab = line.indexOf(TAB);
  const first = line.indexOf(SPACE);
  const second = line.indexOf(SPACE, first + 1);
  const third = line.indexOf(SPACE, second + 1);
  return {
    topic: topic ?? line.toString("utf8", third + 1, tab),
    offset: Number(line.toString("latin1", 0, first)),
    previous: Number(line.toString("latin1", first + 1, second)),
    at: Number(line.toString("latin1", second + 1, third)),
    data: line.toString("utf8", tab + 1),
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
export function parseMessage(bytes: Buffer): Message | undefined {
  const type = bytes.toString("latin1", 0, 2);
  if (type === "v ") return parseEntries(bytes);
  if (type === "e ") return { type: "epoch", epoch: bytes.toString("utf8", 2) };
  const space = bytes.indexOf(SPACE, 2);
  if (type !== "s " || space === -1) return undefined;
  const hub = bytes.toString("utf8", 2, space);
  return { type: "signal", hub, text: bytes.toString("utf8", space + 1) };
}

function parseEntries(bytes: Buffer): NewEntries | undefined {
  const end = bytes.indexOf(LF);
  if (end === -1) return undefined;
  const [, epoch, seq] = bytes.toString("utf8", 0, end).split(" ");
  const lines: Buffer[] = [];
  for (let start = end + 1; start <= bytes.length;) {
    const next = bytes.indexOf(LF, start);
    const stop = next === -1 ? bytes.length : next;
    lines.push(bytes.subarray(start, stop));
    start = stop + 1;
  }
  return { type: "entries", epoch: epoch!, seq: Number(seq), lines };
}
