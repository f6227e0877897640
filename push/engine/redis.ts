/**
 * The engine of any number of hubs, which share what is in a Redis.
 *
 * @module
 */

import { type Clock, systemClock } from "../../conn/clock.ts";
import type { Engine } from "./engine.ts";
import { checkNotNegative, KEY_TTL } from "./_key_options.ts";
import { RedisEngine } from "./_redis_engine.ts";

/** Options of {@linkcode redisEngine}. Times are in milliseconds. */
export interface RedisEngineOptions {
  /**
   * Begins the names of all keys and of the channel. Hubs with the same one serve
   * the same topics.
   *
   * @default {"meerkat:"}
   */
  prefix?: string;
  /**
   * How long publishing, opening, and any answer of Redis may take.
   *
   * @default {5000}
   */
  timeout?: number;
  /**
   * About how many of the last versions of all topics are kept for hubs that were
   * cut off. One that was away for longer reads everything anew.
   *
   * @default {100000}
   */
  logLength?: number;
  /**
   * About how many bytes of values these may have.
   *
   * @default {67108864}
   */
  logBytes?: number;
  /**
   * How long the key of a published value is remembered.
   *
   * @default {600000}
   */
  keyTtl?: number;
  /** The clock that time-outs go by; for tests. By default the system's. */
  clock?: Clock;
}

const TIMEOUT = 5_000;
const LOG_LENGTH = 100_000;
const LOG_BYTES = 64 << 20;
const MAX_TTL = 2 ** 52;

/**
 * Creates an engine that keeps versions in Redis 6.2 or later, or what speaks its
 * protocol. Any number of hubs may share them, each with an engine of its own; a
 * client may move from one to another with its cursor.
 *
 * While Redis is out of reach, the hub serves what it has. Values wait for up to
 * `timeout`, and none is published twice. Afterwards the hub is told all that it
 * has missed, in order; or everything anew, if that was more than the log keeps,
 * or if Redis has lost what it had.
 *
 * How well values are kept is up to Redis: `appendfsync always` loses none, and
 * `maxmemory-policy` must be `noeviction`.
 *
 * @param url Where Redis is: `redis://[[user][:password]@]host[:port][/database]`,
 * or `rediss:` over TLS.
 * @param options Names, bounds and time-outs.
 * @returns The engine, for one hub.
 * @throws {TypeError} If the URL is none, or not of these.
 * @throws {RangeError} If an option is out of its range.
 *
 * @example Hubs that serve the same topics
 * ```ts
 * import { openHub, redisEngine } from "@meerkat/net/push";
 * import { assertEquals } from "@std/assert";
 *
 * const engine = () => redisEngine("redis://127.0.0.1:6379", { prefix: "a:" });
 * assertEquals(engine().name, "redis");
 *
 * // Each hub has an engine of its own, in this process or in another.
 * const start = () => openHub({ engine: engine() });
 * ```
 */
export function redisEngine(
  url: string,
  options: RedisEngineOptions = {},
): Engine {
  const {
    prefix = "meerkat:",
    timeout = TIMEOUT,
    logLength = LOG_LENGTH,
    logBytes = LOG_BYTES,
    keyTtl = KEY_TTL,
    clock = systemClock,
  } = options;
  const numbers = { timeout, logLength, logBytes, keyTtl };
  for (const [name, value] of Object.entries(numbers)) {
    checkNotNegative(name, value);
  }
  return new RedisEngine(checkUrl(url), {
    ...{ prefix, timeout, clock, logBytes },
    logLength: Math.min(Math.ceil(logLength), Number.MAX_SAFE_INTEGER),
    // Redis takes no key that expires at once, or after the end of its time.
    keyTtl: Math.min(Math.max(1, Math.ceil(keyTtl)), MAX_TTL),
  });
}

function checkUrl(text: string): URL {
  const url = URL.parse(text);
  const isDatabase = url !== null && /^(\/\d*)?$/.test(url.pathname);
  if (isDatabase && /^rediss?:$/.test(url.protocol)) return url;
  // The text itself may have a password in it.
  const what = url === null
    ? "what is no URL"
    : `a URL with "${url.protocol}" and "${url.pathname}"`;
  throw new TypeError(
    `Cannot use ${what} for the engine: expected "redis://host:port/database"`,
  );
}
