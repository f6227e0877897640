/**
 * Reads what a hub sends.
 *
 * @module
 */

import type { ServerMessage } from "../wire/protocol.ts";
import { messageInvalid } from "./_errors.ts";

/**
 * Reads a message. Only that it has a type is checked: the hub is trusted, and may
 * be of a later version.
 *
 * @throws {ConnError} With code `"message_invalid"`.
 */
export function parseMessage(text: string): ServerMessage {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch (cause) {
    throw messageInvalid(cause);
  }
  if (
    typeof message !== "object" || message === null || !("type" in message) ||
    typeof message.type !== "string"
  ) throw messageInvalid();
  return message as ServerMessage;
}
