/**
 * How much a WebSocket connection takes, and how long it waits.
 *
 * @module
 */

/**
 * Limits of a WebSocket connection. Sizes are in bytes, times in milliseconds.
 * `Infinity` takes a limit away.
 */
export interface WsLimits {
  /**
   * The longest message, all its fragments together, and after decompression.
   * Beyond it: 1009. So much can each peer make this side hold that sends a message
   * and not its end; compressed, for a thousandth of it in traffic.
   *
   * @default {16777216} `Infinity` with `fragments`, where nothing is collected.
   */
  maxMessage?: number;
  /**
   * The longest payload of one frame. Beyond it: 1009.
   *
   * @default {Infinity} What `maxMessage` lets through.
   */
  maxFrame?: number;
  /**
   * The most frames that one message may come in. Beyond it: 1008.
   *
   * @default {262144} `Infinity` with `fragments`.
   */
  maxFragments?: number;
  /**
   * How long the peer may send no more of a message that it has begun. Beyond it:
   * 1008. Time in which the handler has paused does not count.
   *
   * @default {30000}
   */
  messageTimeout?: number;
  /**
   * The most messages that the peer may send per second, as a token bucket that
   * holds one second's worth. Beyond it: 1008.
   *
   * @default {Infinity}
   */
  maxMessageRate?: number;
  /**
   * Above this many queued bytes, `send` returns `false`.
   *
   * @default {65536}
   */
  highMark?: number;
  /**
   * How often a ping is sent, to find dead peers, keep the path open and measure
   * the latency.
   *
   * @default {30000}
   */
  pingInterval?: number;
  /**
   * How long the peer may send nothing at all after a ping. Beyond it the
   * connection is cut, which the handler sees as 1006. Time in which the handler
   * has paused does not count.
   *
   * @default {20000}
   */
  pongTimeout?: number;
  /**
   * How long the connection may carry no message in either direction. Beyond it:
   * 1001. Time in which the handler has paused does not count.
   *
   * @default {Infinity}
   */
  idleTimeout?: number;
  /**
   * How long the peer may take to answer a close frame, and again to end the
   * connection. Beyond it the connection is cut.
   *
   * @default {5000}
   */
  closeTimeout?: number;
}

/** What a program may set for a WebSocket connection, in either role. */
export interface WsOptions extends WsLimits {
  /**
   * Give the pieces of messages as they come, as `fragment` events, in place of
   * whole messages.
   *
   * @default {false}
   */
  fragments?: boolean;
}

/** Every limit with its value. */
export type WsSettings = Readonly<Required<Omit<WsOptions, "highMark">>> & {
  /** Left out: the connection's own. */
  readonly highMark: number | undefined;
};

const DEFAULTS: Omit<
  WsSettings,
  "highMark" | "fragments" | "maxMessage" | "maxFragments"
> = {
  maxFrame: Infinity,
  messageTimeout: 30_000,
  maxMessageRate: Infinity,
  pingInterval: 30_000,
  pongTimeout: 20_000,
  idleTimeout: Infinity,
  closeTimeout: 5_000,
};
const MAX_MESSAGE = 16 * 1024 * 1024;
const MAX_FRAGMENTS = 256 * 1024;

/** The least that each limit may be. */
const LEAST: Readonly<Record<keyof WsLimits, number>> = {
  maxMessage: 0,
  maxFrame: 125,
  maxFragments: 1,
  maxMessageRate: 1,
  messageTimeout: 1,
  highMark: 0,
  pingInterval: 1,
  pongTimeout: 1,
  idleTimeout: 1,
  closeTimeout: 0,
};
const LIMITS = Object.keys(LEAST) as (keyof WsLimits)[];

/** What {@linkcode resolveLimits} has made. */
const resolved = new WeakSet<object>();

/**
 * Fills the defaults in. Settings that were resolved before are given back as
 * they are: the connections of a server share them.
 *
 * @throws {RangeError} If a limit is not a number, or too small to make sense.
 */
export function resolveLimits(options: WsOptions = {}): WsSettings {
  if (resolved.has(options)) return options as WsSettings;
  const fragments = options.fragments ?? false;
  const settings: { -readonly [K in keyof WsSettings]: WsSettings[K] } = {
    ...DEFAULTS,
    maxMessage: fragments ? Infinity : MAX_MESSAGE,
    maxFragments: fragments ? Infinity : MAX_FRAGMENTS,
    highMark: undefined,
    fragments,
  };
  for (const name of LIMITS) {
    const value = options[name];
    if (value === undefined) continue;
    const valid = typeof value === "number" && value >= LEAST[name];
    if (!valid) throw outOfRange(name, value);
    settings[name] = value;
  }
  resolved.add(settings);
  return settings;
}

function outOfRange(name: keyof WsLimits, value: unknown): RangeError {
  return new RangeError(
    `Cannot set "${name}" to ${value}: expected a number that is at least ${
      LEAST[name]
    }`,
  );
}
