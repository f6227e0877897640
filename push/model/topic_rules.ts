/**
 * Which options a topic has.
 *
 * @module
 */

import type { HistoryOptions, HubOptions, TopicOptions } from "../options.ts";
import { checkFilter, matches } from "./topic_name.ts";

/** How much of a topic is kept, every limit with its value. */
export type HistorySettings = Readonly<Required<HistoryOptions>>;

/** Every option of a topic with its value. */
export interface TopicSettings {
  /** How much is kept besides the newest version; `undefined`: nothing. */
  readonly history: HistorySettings | undefined;
  /** Whether differences are sent to who asks for them. */
  readonly delta: boolean;
  /** Whether it is known who subscribes to it. */
  readonly presence: boolean;
}

const NONE: TopicSettings = Object.freeze({
  history: undefined,
  delta: false,
  presence: false,
});
const HISTORY: HistorySettings = Object.freeze({
  count: 100,
  bytes: 1024 * 1024,
  age: Infinity,
});
/** The least that each limit of a history may be. */
const LEAST: HistorySettings = { count: 1, bytes: 0, age: 0 };
const LIMITS = Object.keys(LEAST) as (keyof HistoryOptions)[];

/** The options of all topics. */
export class TopicRules {
  readonly #rules: { pattern: string; settings: TopicSettings }[] = [];

  /**
   * Checks the options, and fills the defaults in.
   *
   * @param topics Options by pattern.
   * @throws {RangeError} If a pattern is no filter, or a limit makes no sense.
   */
  constructor(topics: HubOptions["topics"] = {}) {
    for (const [pattern, options] of Object.entries(topics)) {
      checkPattern(pattern);
      this.#rules.push({ pattern, settings: resolve(options) });
    }
  }

  /** The settings of a topic: those of the first pattern that matches it. */
  for(topic: string): TopicSettings {
    const rule = this.#rules.find(({ pattern }) => matches(pattern, topic));
    return rule?.settings ?? NONE;
  }
}

function checkPattern(pattern: string): void {
  try {
    checkFilter(pattern);
  } catch (cause) {
    // The program has set it, not a client.
    throw new RangeError((cause as Error).message, { cause });
  }
}

function resolve(options: TopicOptions): TopicSettings {
  const { history = false, delta = false, presence = false } = options;
  if (history === false) return Object.freeze({ ...NONE, delta, presence });
  return Object.freeze({
    history: history === true ? HISTORY : resolveHistory(history),
    delta,
    presence,
  });
}

function resolveHistory(options: HistoryOptions): HistorySettings {
  const settings: Required<HistoryOptions> = { ...HISTORY };
  for (const name of LIMITS) {
    const value = options[name];
    if (value === undefined) continue;
    const valid = typeof value === "number" && value >= LEAST[name];
    if (!valid) throw outOfRange(name, value);
    settings[name] = value;
  }
  return Object.freeze(settings);
}

function outOfRange(name: keyof HistoryOptions, value: unknown): RangeError {
  return new RangeError(
    `Cannot set "${name}" of a history to ${value}: expected a number that is at least ${
      LEAST[name]
    }`,
  );
}
