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

/** The response to what was wrong; throws what nobody has foreseen. */
export function refusalOf(error: unknown): Response {
  if (!(error instanceof ConnError) || error.reply === undefined) throw error;
  // What fails behind the hub is not for the client to see.
  const text = error.side === "remote"
    ? error.message
    : "The hub cannot do this now";
  const headers: [string, string][] = error.reply === 503
    ? [["Retry-After", "1"]]
    : [];
  return refusal(error.reply, text, headers);
}
