/**
 * Idempotency keys.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";

/** The longest key, in UTF-16 code units. */
const MAX_LENGTH = 256;

/**
 * Refuses what is no key: one has 1 to 256 characters, whole ones.
 *
 * @throws {ConnError} With code `"key_invalid"`, `reply` 400.
 */
export function checkKey(key: string): void {
  const fits = key !== "" && key.length <= MAX_LENGTH && key.isWellFormed();
  if (fits) return;
  throw new ConnError(
    `The key ${
      JSON.stringify(key.slice(0, 64))
    } is invalid: expected 1 to ${MAX_LENGTH} characters of Unicode`,
    { code: "key_invalid", side: "remote", reply: 400 },
  );
}
