/**
 * What a connection that reconnects is told, and what it tells.
 *
 * @module
 */

import type { ConnError } from "../conn/error.ts";
import type { FieldsInit } from "../http/codec/fields.ts";
import type { ConnectOptions } from "./connect.ts";
import type { WsEvent } from "./machine/message.ts";
import type { ReconnectCause } from "./_reconnect_policy.ts";
import type { ReconnectingWs } from "./_reconnect_socket.ts";
import type { WsConn } from "./ws_conn.ts";

/** What {@linkcode ReconnectOptions.prepare} changes for one attempt. */
export interface ReconnectTarget {
  /** Where to connect to. */
  url?: string | URL;
  /** The fields of the request, in place of those of the options. */
  fields?: FieldsInit;
  /** The subprotocols to offer, in place of those of the options. */
  protocols?: string | readonly string[];
}

/** Options of {@linkcode reconnect}. All times are in milliseconds. */
export interface ReconnectOptions extends ConnectOptions {
  /**
   * The longest wait before the first attempt to connect again. It doubles with
   * each further one; how much of it is waited is drawn by lot.
   *
   * @default {500}
   */
  baseDelay?: number;
  /**
   * The longest wait before any attempt, but for what the server asks for.
   *
   * @default {30000}
   */
  maxDelay?: number;
  /**
   * The most that counts of what the server asks for by `Retry-After`; the wait
   * that is drawn by lot comes on top.
   *
   * @default {600000}
   */
  maxRetryAfter?: number;
  /**
   * Most attempts to connect again, in a row. After the last one it closes.
   *
   * @default {Infinity}
   */
  maxAttempts?: number;
  /**
   * How long a connection must have lived for the attempts to be counted from
   * the beginning again.
   *
   * @default {10000}
   */
  stableAfter?: number;
  /**
   * The server's close codes after which it does not connect again.
   *
   * @default {[1000, 1008]}
   */
  stopCodes?: readonly number[];
  /**
   * What becomes of messages while there is no connection: so many bytes of them
   * wait for the next one, each counted with 16 bytes more than its payload. Or
   * `"reject"`: `send` throws.
   *
   * @default {1048576}
   */
  queue?: number | "reject";
  /**
   * Called before every attempt, so that a program can say where it left off: a
   * cursor in the URL, a fresh token in the fields. If it throws, the attempt
   * has failed.
   *
   * @param attempt 0 for the first attempt of all, then as in `reconnecting`.
   * @param last How the last connection or attempt ended; `undefined` at first.
   */
  prepare?: (
    attempt: number,
    last: ReconnectCause | undefined,
  ) => ReconnectTarget | void | Promise<ReconnectTarget | void>;
  /** Gives up, whatever it is doing. */
  signal?: AbortSignal;
  /**
   * Where the lots come from, from 0 to below 1; for tests.
   *
   * @default {Math.random}
   */
  random?: () => number;
}

/** What a connection that reconnects tells its handler. */
export type ReconnectEvent =
  /** What {@linkcode WsConn} tells, of the connection of the moment. */
  | Exclude<WsEvent, { type: "open" | "close" }>
  /**
   * There is a connection. `attempt` says how many it took in a row to connect
   * again, 0 if none; `resumed`, whether there was a connection before.
   *
   * What the handler sends before its first `await`, or at any time with
   * `conn.send`, goes out before what waited. That goes out when the handler is
   * done, or when somebody calls `drain` after the handler's first `await`.
   */
  | { type: "open"; conn: WsConn; attempt: number; resumed: boolean }
  /**
   * The connection is lost, or an attempt has failed, as `code`, `reason` and
   * `error` say; `attempt`, counted from 1, begins in `delay` milliseconds.
   */
  | {
    type: "reconnecting";
    attempt: number;
    delay: number;
    code: number;
    reason: string;
    error?: ConnError;
  }
  /** Last, exactly once: no attempt follows. */
  | ({ type: "close" } & ReconnectCause);

/**
 * The program's function. If it returns a promise, reading pauses until that
 * settles. What it throws closes for good.
 */
export type ReconnectHandler = (
  event: ReconnectEvent,
  socket: ReconnectingWs,
) => void | Promise<void>;

/** What a {@linkcode ReconnectingWs} is doing. */
export type ReconnectState =
  /** An attempt is under way. */
  | "connecting"
  /** There is a connection. */
  | "open"
  /** It waits before the next attempt. */
  | "waiting"
  /** The last connection is about to close. */
  | "closing"
  /** It is over. */
  | "closed";
