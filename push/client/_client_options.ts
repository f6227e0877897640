/**
 * What a client of a hub can be told.
 *
 * @module
 */

import type { ReconnectOptions } from "../../ws/reconnect.ts";
import { NOT_ALLOWED } from "./_errors.ts";
import type { SessionLimits } from "./_session.ts";

/** Gives the token that a client shows. */
export type TokenSource = string | (() => string | Promise<string>);

/**
 * Options of {@linkcode connect}. All times are in milliseconds, sizes in bytes.
 * `stopCodes` are by default 1000, 1007, 1008 and 4403; `maxRetryAfter` is also
 * the most that counts of what the hub asks for when it says goodbye.
 */
export interface PushClientOptions
  extends Omit<ReconnectOptions, "protocols" | "prepare" | "fragments"> {
  /**
   * What the client shows as `Authorization: Bearer`. A function is asked before
   * each attempt to connect, and when the hub wants a newer one; if it fails, it
   * is asked again later.
   */
  token?: TokenSource;
  /**
   * The most bytes of what was published or asked, and not answered yet; with or
   * without a connection.
   *
   * @default {1048576}
   */
  queue?: number;
  /**
   * So many updates of a subscription may wait for the program; beyond it the
   * connection is not read, so that the hub sees it. In mode `latest` values do
   * not count.
   *
   * @default {1000}
   */
  queueCount?: number;
  /** The same in bytes of their messages. @default {1048576} */
  queueBytes?: number;
}

/** The close codes after which the client does not come back. */
export const STOP_CODES: readonly number[] = [1000, 1007, 1008, NOT_ALLOWED];

/** @throws {RangeError} If a limit is out of its range. */
export function resolveSession(options: PushClientOptions): SessionLimits {
  const { queue = 1048576, queueCount = 1000, queueBytes = 1048576 } = options;
  const limits = { queue, queueCount, queueBytes };
  for (const [name, value] of Object.entries(limits)) {
    // Also refuses what is not a number.
    if (typeof value === "number" && value >= 1) continue;
    throw new RangeError(
      `Cannot set "${name}" to ${value}: expected a number that is at least 1`,
    );
  }
  return limits;
}
