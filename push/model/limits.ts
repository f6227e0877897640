/**
 * The limits of a hub, with their defaults.
 *
 * @module
 */

import type { HubLimits } from "../options.ts";

/** Every limit of a hub with its value. */
export type HubSettings = Readonly<Required<HubLimits>>;

const DEFAULTS: HubSettings = {
  clients: Infinity,
  topics: 100_000,
  subscriptions: 100,
  commandRate: 100,
  matches: 5_000_000,
  publishRate: 20,
  message: 64 * 1024,
  queueCount: 1_000,
  queueBytes: 1024 * 1024,
  highMark: 16 * 1024,
  heartbeat: 15_000,
  wait: 60_000,
};

/** The least that each limit may be. */
const LEAST: HubSettings = {
  clients: 1,
  topics: 1,
  subscriptions: 1,
  commandRate: 1,
  matches: 1,
  publishRate: 1,
  message: 1,
  queueCount: 1,
  queueBytes: 1,
  highMark: 0,
  heartbeat: 1,
  wait: 0,
};
/** Clients take a stream for dead that is silent for more than twice as long. */
const MAX_HEARTBEAT = 20_000;
const LIMITS = Object.keys(LEAST) as (keyof HubLimits)[];

/**
 * Fills the defaults in.
 *
 * @throws {RangeError} If a limit is not a number, or too small to make sense.
 */
export function resolveHubLimits(limits: HubLimits = {}): HubSettings {
  const settings: Required<HubLimits> = { ...DEFAULTS };
  for (const name of LIMITS) {
    const value = limits[name];
    if (value === undefined) continue;
    const valid = typeof value === "number" && value >= LEAST[name];
    if (!valid) throw outOfRange(name, value);
    if (name === "heartbeat" && value > MAX_HEARTBEAT) {
      throw new RangeError(
        `Cannot set "heartbeat" to ${value}: expected at most ${MAX_HEARTBEAT}`,
      );
    }
    settings[name] = value;
  }
  return settings;
}

function outOfRange(name: keyof HubLimits, value: unknown): RangeError {
  return new RangeError(
    `Cannot set "${name}" to ${value}: expected a number that is at least ${
      LEAST[name]
    }`,
  );
}
