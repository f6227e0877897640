/**
 * What a WebSocket connection tells its handler, and what it is told.
 *
 * @module
 */

import type { ConnError } from "../../conn/error.ts";
import type { PreparedMessage } from "./prepared.ts";
import type { PreparedBatch } from "./prepared_batch.ts";

/** Whether a message is text, which is UTF-8, or bytes. */
export type MessageKind = "text" | "binary";

/** What a WebSocket connection tells its handler. */
export type WsEvent =
  /** First: the connection speaks WebSocket from here on. */
  | { type: "open" }
  /** A message: text as a string, binary as bytes that belong to the handler. */
  | { type: "message"; data: string | Uint8Array }
  /**
   * A piece of a message, as it came; only for who asked for fragments, and in
   * place of `message`. Text is cut between characters. The last piece, which
   * may be empty, is `final`.
   */
  | {
    type: "fragment";
    kind: MessageKind;
    data: string | Uint8Array;
    final: boolean;
  }
  /** A ping came; it has been answered. */
  | { type: "ping"; payload: Uint8Array }
  /**
   * A pong came. `latency` is the time since the ping that it answers, in
   * milliseconds; it is not there if no ping had this payload.
   */
  | { type: "pong"; payload: Uint8Array; latency?: number }
  /**
   * The peer's close frame came, with its code, or 1005 if it had none. What this
   * event's handler sends, before its first `await`, still goes out before the
   * answer.
   */
  | { type: "closing"; code: number; reason: string }
  /** The send queue fell below its low mark after `send` returned `false`. */
  | { type: "drain" }
  /**
   * Last, exactly once. `code` and `reason` are the peer's; 1005 if its close
   * frame had none, 1006 if the connection ended without one, RFC 6455 §7.1.5.
   * `wasClean`: both close frames were exchanged.
   */
  | {
    type: "close";
    code: number;
    reason: string;
    wasClean: boolean;
    error?: ConnError;
  };

/** Sends a ping. Of several that a slow peer makes wait, the newest is sent. */
export interface PingCommand {
  /** Which command this is. */
  type: "ping";
  /** At most 125 bytes. By default four that no other ping has. */
  payload?: Uint8Array;
}

/** Sends a pong that nobody asked for, RFC 6455 §5.5.3. */
export interface PongCommand {
  /** Which command this is. */
  type: "pong";
  /** At most 125 bytes; empty by default. */
  payload?: Uint8Array;
}

/** Begins the closing handshake; nothing can be sent after it. */
export interface CloseCommand {
  /** Which command this is. */
  type: "close";
  /** The code; left out, the close frame has none, RFC 6455 §7.1.5. */
  code?: number;
  /** At most 123 bytes of UTF-8. Needs a code. */
  reason?: string;
}

/** Sends a piece of a message whose length is not known yet, RFC 6455 §5.4. */
export interface FragmentCommand {
  /** Which command this is. */
  type: "fragment";
  /** What the message is; the same for all its pieces. */
  kind: MessageKind;
  /**
   * The piece. Text is a string, cut between characters; binary is bytes, which
   * are given away.
   */
  data: string | Uint8Array;
  /** Whether the message ends with it. */
  final: boolean;
}

/** Sends what needs no other command to be complete. */
export type WholeCommand =
  | string
  | Uint8Array
  | PreparedMessage
  | PreparedBatch;

/**
 * What a program tells a WebSocket connection: a string is sent as a text
 * message, an array as a binary one.
 */
export type WsCommand =
  | WholeCommand
  | PingCommand
  | PongCommand
  | CloseCommand
  | FragmentCommand;
