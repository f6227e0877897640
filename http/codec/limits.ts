/**
 * How much an HTTP connection takes, and how long it waits.
 *
 * @module
 */

import { dateLines } from "./_date.ts";

/**
 * Limits of a connection. Sizes are in bytes, times in milliseconds. `Infinity`
 * takes a limit away.
 */
export interface HttpLimits {
  /**
   * The longest request line or status line, without its CRLF. Beyond it: 414.
   *
   * @default {8192}
   */
  maxStartLine?: number;
  /**
   * The longest header section, and the longest trailer section. Beyond it: 431.
   *
   * @default {32768}
   */
  maxHeaderSection?: number;
  /**
   * The most fields in a header or trailer section. Beyond it: 431.
   *
   * @default {100}
   */
  maxFields?: number;
  /**
   * The longest body. Beyond it: 413. A streamed body needs no limit; what
   * collects one has its own.
   *
   * @default {Infinity}
   */
  maxBody?: number;
  /**
   * The longest chunk extension, RFC 9112 §7.1.1. Beyond it: 413.
   *
   * @default {256}
   */
  maxChunkExtension?: number;
  /**
   * The most that all chunk extensions of one body may come to. Beyond it: 413.
   *
   * @default {16384}
   */
  maxChunkExtensions?: number;
  /**
   * How much of a request's body is read and dropped once its response is
   * complete. With more to come the connection closes.
   *
   * @default {262144}
   */
  maxDropped?: number;
  /**
   * Requests that may be received and not answered yet. With more, nothing is
   * read.
   *
   * @default {32}
   */
  maxPipelined?: number;
  /**
   * Requests on one connection; the last one's answer closes it.
   *
   * @default {Infinity}
   */
  maxRequests?: number;
  /**
   * How long a head may take from its first byte on. Beyond it: 408.
   *
   * @default {10000} `Infinity` in the client role, where the program times.
   */
  headTimeout?: number;
  /**
   * How long a connection is kept without a request; announced in full seconds
   * as `Keep-Alive: timeout=`.
   *
   * @default {75000} `Infinity` in the client role, where the pool decides.
   */
  keepAliveTimeout?: number;
  /**
   * The slowest that a body may come, in bytes per second. Beyond it: 408. Time
   * in which the handler has paused does not count.
   *
   * @default {240} 0, which is no minimum, in the client role.
   */
  minBodyRate?: number;
  /**
   * How long a body may be slower than that, and the most credit that it earns
   * by being faster.
   *
   * @default {5000}
   */
  bodyGrace?: number;
}

/** Options of {@linkcode HttpMachine}. */
export interface HttpMachineOptions extends HttpLimits {
  /**
   * Server role: send `100 Continue` by itself to a request that waits for it,
   * once its handler has returned without an answer, RFC 9110 §10.1.1.
   *
   * @default {true}
   */
  autoContinue?: boolean;
  /**
   * `body` events lend their bytes: they are only valid until the handler returns,
   * and no copy is made for it.
   *
   * @default {false}
   */
  lendBodies?: boolean;
  /**
   * Server role: gives the value of the `Date` field, for tests.
   *
   * @default {new Date().toUTCString()} Made once a second.
   */
  date?: () => string;
}

/** Every option with its value. */
export type HttpSettings = Readonly<Values> & {
  /** Gives the line of the `Date` field at a time on the connection's clock. */
  readonly dateLine: (now: number) => string;
};

type Values = Required<Omit<HttpMachineOptions, "date">>;

const SERVER: Values = {
  maxStartLine: 8 * 1024,
  maxHeaderSection: 32 * 1024,
  maxFields: 100,
  maxBody: Infinity,
  maxChunkExtension: 256,
  maxChunkExtensions: 16 * 1024,
  maxDropped: 256 * 1024,
  maxPipelined: 32,
  maxRequests: Infinity,
  headTimeout: 10_000,
  keepAliveTimeout: 75_000,
  minBodyRate: 240,
  bodyGrace: 5_000,
  autoContinue: true,
  lendBodies: false,
};

const CLIENT: Values = {
  ...SERVER,
  headTimeout: Infinity,
  keepAliveTimeout: Infinity,
  minBodyRate: 0,
};

/** The least that each limit may be. */
const LEAST: Readonly<Record<keyof HttpLimits, number>> = {
  maxStartLine: 1,
  maxHeaderSection: 0,
  maxFields: 0,
  maxBody: 0,
  maxChunkExtension: 0,
  maxChunkExtensions: 0,
  maxDropped: 0,
  maxPipelined: 1,
  maxRequests: 1,
  headTimeout: 0,
  keepAliveTimeout: 0,
  minBodyRate: 0,
  bodyGrace: 0,
};
const LIMITS = Object.keys(LEAST) as (keyof HttpLimits)[];

function checkLimit(name: keyof HttpLimits, value: number): void {
  const least = LEAST[name];
  if (typeof value === "number" && value >= least) {
    // No body comes so fast: where there is to be no minimum, it is 0.
    if (name !== "minBodyRate" || value < Infinity) return;
  }
  throw new RangeError(
    `Cannot set "${name}" to ${value}: expected a number that is at least ${least}${
      name === "minBodyRate" ? ", and finite" : ""
    }`,
  );
}

/** What {@linkcode resolveOptions} has made. */
const resolved = new WeakSet<object>();

/**
 * Fills the defaults of a role in. Settings that were resolved before are given
 * back as they are: the connections of a server share them.
 *
 * @throws {RangeError} If a limit is not a number, or too small to make sense.
 */
export function resolveOptions(
  role: "server" | "client",
  options: HttpMachineOptions = {},
): HttpSettings {
  if (resolved.has(options)) return options as HttpSettings;
  const settings = {
    ...(role === "server" ? SERVER : CLIENT),
    dateLine: dateLines(options.date),
  };
  for (const name of LIMITS) {
    const value = options[name];
    if (value === undefined) continue;
    checkLimit(name, value);
    settings[name] = value;
  }
  if (options.autoContinue !== undefined) {
    settings.autoContinue = options.autoContinue;
  }
  if (options.lendBodies !== undefined) {
    settings.lendBodies = options.lendBodies;
  }
  resolved.add(settings);
  return settings;
}
