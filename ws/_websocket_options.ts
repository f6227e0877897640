/**
 * The second argument of the drop-in class.
 *
 * @module
 */

import type { ConnectOptions } from "./connect.ts";

/** What a {@linkcode WebSocket} can be given beyond the standard. */
export interface WebSocketOptions extends ConnectOptions {
  /**
   * How many redirects to follow. Browsers follow none.
   *
   * @default {0}
   */
  redirects?: number;
  /**
   * Further fields of the request, as the `WebSocket` of Deno and others has
   * them. In place of `fields`.
   */
  headers?: HeadersInit;
}

/** Tells the two kinds of second argument apart. */
export function toOptions(
  argument: string | Iterable<string> | WebSocketOptions | undefined,
): WebSocketOptions {
  if (argument === undefined || argument === null) return {};
  if (typeof argument !== "object") return { protocols: `${argument}` };
  if (!(Symbol.iterator in argument)) return argument;
  return { protocols: [...argument] };
}
