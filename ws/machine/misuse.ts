/**
 * What a program gets that sends what it cannot send.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import type { MessageKind } from "./message.ts";

/** Makes the error of an invalid command. */
export function misuse(code: string, message: string): ConnError {
  return new ConnError(message, { code, side: "local" });
}

/** A message cannot go between the fragments of another one (RFC 6455 §5.4). */
export function messageOpen(kind: MessageKind): ConnError {
  return misuse(
    "message_open",
    `Cannot send another message: a ${kind} message is sent in fragments, expected its final one`,
  );
}
