/**
 * Responses that refuse.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";

/**
 * Makes a response with a text for people.
 *
 * @param status The status.
 * @param text A sentence.
 * @param headers Further fields.
 */
export function refusal(
  status: number,
  text: string,
  headers: [string, string][] = [],
): Response {
  return new Response(`${text}\n`, { status, headers });
}

/** The response to what was wrong with a request; throws what is not its fault. */
export function refusalOf(error: unknown): Response {
  if (!(error instanceof ConnError) || error.reply === undefined) throw error;
  const headers: [string, string][] = error.reply === 503
    ? [["Retry-After", "1"]]
    : [];
  return refusal(error.reply, error.message, headers);
}
