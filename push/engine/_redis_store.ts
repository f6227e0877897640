import { Buffer } from "node:buffer";
import type { EngineState, Version } from "./engine.ts";
import type { Position } from "./_redis_follower.ts";
import { type Entries, formatSignal, parseVersion } from "./_redis_lines.ts";
import type { RedisLink } from "./_redis_link.ts";
import type { Trims } from "./_redis_trims.ts";
import { MEET, PUBLISH, READ, TRIM } from "./_redis_scripts.ts";

/** So many entries of the log, or topics, are read at a time. */
const PAGE = 500;
/** How long the record of a hub's last batch is kept, in milliseconds. */
const RECORD_TTL = 3_600_000;

/** How a store is kept. */
export interface StoreOptions {
  /** Begins the name of each key. */
  readonly prefix: string;
  /** The number of the database. */
  readonly database: number;
  /** Names the hub. */
  readonly hub: string;
  /** How long keys of values are kept, in milliseconds. */
  readonly keyTtl: number;
  /** The length of the log. */
  readonly logLength: number;
}

/** How far a store goes. */
export interface Head extends Position {
  /** The offset of the last version. */
  readonly offset: number;
}

/** What a hub wants to be done to a topic. */
export interface Item {
  readonly topic: string;
  /** The value; none if the topic is to be removed. */
  readonly data?: string | undefined;
  readonly key?: string | undefined;
}

/** What became of an item: `undefined` if its topic's history is none. */
export type ItemResult = { offset: number; duplicate: boolean } | undefined;

/** What became of a batch. */
export interface BatchResult {
  /** The seq that the log goes to. */
  readonly seq: number;
  /** What became of each item. */
  readonly results: readonly ItemResult[];
}

/** What the hubs keep in Redis, over any connection to it. */
export class RedisStore {
  readonly #options: StoreOptions;
  readonly #meta: string;
  readonly #log: string;
  readonly #newest: string;
  readonly #histories: string;
  /** The channel of the hubs. */
  readonly channel: string;

  constructor(options: StoreOptions) {
    const { prefix, database } = options;
    this.#options = options;
    this.#meta = `${prefix}meta`;
    this.#log = `${prefix}log`;
    this.#newest = `${prefix}newest`;
    this.#histories = `${prefix}history:`;
    this.channel = `${prefix}live@${database}`;
  }

  /** Meets the store; gives it a new epoch if it is not the one that was left. */
  async meet(
    link: RedisLink,
    known: Position,
    newEpoch: string,
  ): Promise<Head> {
    const [epoch, seq, offset, line] = await link.run(
      MEET,
      [this.#meta, this.#log, this.#newest],
      [
        ...[known.epoch, `${known.seq}`, known.line],
        ...[newEpoch, this.channel, this.#histories],
      ],
    );
    return {
      epoch: `${epoch}`,
      seq: Number(seq),
      offset: Number(offset),
      line: line!,
    };
  }

  /**
   * Publishes a batch.
   *
   * @returns `undefined` if the store is not the one that is known.
   */
  async publish(
    link: RedisLink,
    known: Position,
    batch: { number: number; items: readonly Item[] },
  ): Promise<BatchResult | undefined> {
    const { prefix, hub, keyTtl, logLength } = this.#options;
    const args = [
      ...[known.epoch, `${known.seq}`, `${batch.number}`, this.channel],
      ...[this.#histories, `${prefix}key:`, `${keyTtl}`],
      ...[`${RECORD_TTL}`, `${logLength}`],
    ];
    for (const { topic, key, data = "" } of batch.items) {
      // So that an empty key is one.
      args.push(topic, key === undefined ? "" : `=${key}`, data);
    }
    const keys = [this.#meta, this.#log, this.#newest, `${prefix}hub:${hub}`];
    const [status, seq, words] = await link.run(PUBLISH, keys, args);
    if (`${status}` === "changed") return undefined;
    if (`${status}` !== "done") throw new Error(`The batch came too ${status}`);
    return { seq: Number(seq), results: `${words}`.split(" ").map(parseWord) };
  }

  /**
   * Reads on in the log.
   *
   * @returns `undefined` if it does not reach back so far, or is another.
   */
  async read(link: RedisLink, known: Position): Promise<Entries | undefined> {
    const from = known.seq + 1;
    const [status, first, ...lines] = await link.run(
      READ,
      [this.#meta, this.#log],
      [known.epoch, `${from}-0`, `${PAGE}`],
    );
    if (`${status}` !== "read" || Number(first) !== from) return undefined;
    return { seq: from, lines };
  }

  /** Reads all that is kept, as it is at a head that was met before. */
  async state(link: RedisLink, head: Head): Promise<EngineState> {
    const versions = new Map<number, Version>();
    const add = (version: Version) => {
      if (version.offset > head.offset) return;
      versions.set(version.offset, version);
    };
    let cursor = "0";
    do {
      const reply = await link.call(
        ...["HSCAN", this.#newest, cursor, "COUNT", `${PAGE}`],
      );
      const [next, pairs] = reply as [Buffer, Buffer[]];
      cursor = `${next}`;
      const topics = pairs.filter((_, i) => i % 2 === 0).map(String);
      topics.forEach((topic, i) => add(parseVersion(pairs[2 * i + 1]!, topic)));
      // Read after the newest, which may have become a part of them meanwhile.
      await Promise.all(topics.map(async (topic) => {
        for (const line of await this.#history(link, topic)) {
          add(parseVersion(line, topic));
        }
      }));
    } while (cursor !== "0");
    return {
      epoch: head.epoch,
      offset: head.offset,
      versions: [...versions.values()].sort((a, b) => a.offset - b.offset),
    };
  }

  /** How far the store goes now; of no epoch if there is none. */
  async look(link: RedisLink): Promise<Omit<Position, "line">> {
    const reply = await link.call("HMGET", this.#meta, "epoch", "seq");
    const [epoch, seq] = reply as (Buffer | null)[];
    return { epoch: `${epoch ?? ""}`, seq: Number(seq) };
  }

  /** Drops versions of topics up to offsets, and the log before a seq. */
  async trim(link: RedisLink, epoch: string, trims: Trims): Promise<void> {
    const args = [epoch, this.#histories, `${trims.seq}`];
    for (const [topic, offset] of trims.topics) args.push(topic, `${offset}`);
    await link.run(TRIM, [this.#meta, this.#log], args);
  }

  /** Tells the other hubs something. */
  async signal(link: RedisLink, text: string): Promise<void> {
    const message = formatSignal(this.#options.hub, text);
    await link.call("PUBLISH", this.channel, message);
  }

  async #history(link: RedisLink, topic: string): Promise<Buffer[]> {
    const reply = await link.call("XRANGE", this.#histories + topic, "-", "+");
    return (reply as [Buffer, [Buffer, Buffer]][]).map(([, [, line]]) => line);
  }
}

/** How many bytes an item takes. */
export function sizeOf({ topic, key = "", data = "" }: Item): number {
  return topic.length + key.length + Buffer.byteLength(data);
}

function parseWord(word: string): ItemResult {
  if (word === "!") return undefined;
  const duplicate = word.startsWith("d");
  return { offset: Number(duplicate ? word.slice(1) : word), duplicate };
}
