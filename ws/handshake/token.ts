/**
 * Tokens, RFC 9110 §5.6.2: the names of subprotocols, extensions and their
 * parameters.
 *
 * @module
 */

/** A character of a token, as a class for regular expressions. */
export const TCHAR = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]";

const TOKEN = new RegExp(`^${TCHAR}+$`);

/** Whether a text is a token. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}
