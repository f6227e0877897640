/**
 * Compressing a message for many connections.
 *
 * @module
 */

import { Deflater, type DeflateSettings } from "./deflater.ts";

export type { DeflateSettings } from "./deflater.ts";

/**
 * Compresses a message by itself, so that every peer with these settings can read
 * it. Who sends it to a connection with context takeover tells that by
 * {@linkcode DeflateContexts.forget}.
 *
 * @param payload The message.
 * @param settings How it is compressed.
 * @returns The payload to send.
 */
export function compressOnce(
  payload: Uint8Array,
  settings: DeflateSettings,
): Uint8Array {
  // Without context takeover there is nothing to close.
  return new Deflater(settings, false).compress(payload);
}
