// What clients have seen, and what must be true of it.

import { assert, assertEquals } from "@std/assert";
import { parseCursor } from "./model/cursor.ts";
import type { Mode, ServerMessage } from "./wire/protocol.ts";

/** The n-th value of a topic. */
export interface Sight {
  readonly topic: string;
  readonly n: number;
  readonly cursor: string;
}

const TEXT = "a part that is the same in each value of a topic";

/** The n-th value; long enough for differences to be shorter. */
export function valueOf(n: number): { n: number; text: string } {
  return { n, text: TEXT };
}

/** What a client has seen. */
export class Witness {
  readonly name: string;
  readonly mode: Mode;
  /** Whether it began with the oldest value, and not with the newest. */
  readonly fromOldest: boolean;
  /** Event streams: whether there was a connection. */
  isConnected = false;
  readonly seen: Sight[] = [];
  /** The gaps and resets, and how many values it had seen before each. */
  readonly notices: string[] = [];
  readonly #newest = new Map<string, number>();
  readonly #changed: () => void;

  constructor(
    name: string,
    options: { mode: Mode; fromOldest: boolean },
    changed: () => void,
  ) {
    this.name = name;
    this.mode = options.mode;
    this.fromOldest = options.fromOldest;
    this.#changed = changed;
  }

  /** The number of the value that it has seen last, of a topic. */
  newest(topic: string): number {
    return this.#newest.get(topic) ?? 0;
  }

  /** The numbers of the values of a topic, in the order in which they came. */
  numbers(topic: string): number[] {
    return this.seen.flatMap((sight) => sight.topic === topic ? sight.n : []);
  }

  /** Takes what came. */
  take(message: ServerMessage): void {
    if (message.type === "value") {
      const { topic, value, cursor } = message;
      const { n, text } = value as ReturnType<typeof valueOf>;
      assertEquals(text, TEXT);
      this.seen.push({ topic, n, cursor });
      this.#newest.set(topic, n);
    } else if (message.type === "gap" || message.type === "reset") {
      const { type, topic = "all" } = message;
      const reason = message.type === "reset" ? ` (${message.reason})` : "";
      this.notices.push(
        `${type}${reason} of ${topic} after ${this.seen.length}`,
      );
    }
    this.#changed();
  }
}

/**
 * Checks that a witness has seen each value of each topic once, in order, and in
 * the order of the cursors, without a notice, from where it began; in mode `latest`,
 * that of each topic it has seen none twice and the newest last.
 *
 * @param counts How many values each topic has.
 */
export function assertSeen(
  witness: Witness,
  counts: ReadonlyMap<string, number>,
): void {
  const { name, mode, notices } = witness;
  assertEquals(notices, [], name);
  if (mode === "every") assertOrder(witness);
  for (const [topic, count] of counts) {
    const numbers = witness.numbers(topic);
    if (mode === "every") {
      const first = witness.fromOldest ? 1 : numbers[0] ?? 1;
      const length = count - first + 1;
      const all = Array.from({ length }, (_, i) => i + first);
      assertEquals(numbers, all, `${name}, ${topic}`);
    } else {
      assertEquals(numbers.at(-1), count, `${name}, ${topic}`);
      const sorted = [...new Set(numbers)].sort((a, b) => a - b);
      assertEquals(numbers, sorted, `${name}, ${topic}`);
    }
  }
}

/** The cursors that a witness has seen are of one epoch, and grow. */
function assertOrder({ name, seen }: Witness): void {
  let last: { epoch: string; offset: number } | undefined;
  for (const { cursor } of seen) {
    const place = parseCursor(cursor);
    assert(place !== undefined, `${name}: ${cursor} is no cursor`);
    assertEquals(place.epoch, last?.epoch ?? place.epoch, name);
    assert(place.offset > (last?.offset ?? 0), `${name}: not in order`);
    last = place;
  }
}

/**
 * Checks that a witness of mode `every` has seen all that was acknowledged, as the
 * version that it was acknowledged to be.
 */
export function assertKept(
  { name, seen }: Witness,
  acknowledged: readonly Sight[],
): void {
  const cursors = new Map(seen.map((each) => [idOf(each), each.cursor]));
  assert(acknowledged.length > 0);
  for (const each of acknowledged) {
    assertEquals(
      cursors.get(idOf(each)),
      each.cursor,
      `${name}: ${idOf(each)}`,
    );
  }
}

function idOf({ topic, n }: Sight): string {
  return `${topic} ${n}`;
}
