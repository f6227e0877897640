/**
 * What each byte may be part of, one table per rule. A byte that a rule does not
 * allow is 0 there.
 *
 * @module
 */

function table(
  characters: string,
  from = 0,
  to = -1,
  obsText = false,
): Uint8Array {
  const marks = new Uint8Array(256);
  for (let byte = from; byte <= to; byte++) marks[byte] = 1;
  for (let i = 0; i < characters.length; i++) {
    marks[characters.charCodeAt(i)] = 1;
  }
  if (obsText) marks.fill(1, 0x80);
  return marks;
}

const DIGITS = "0123456789";
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** `tchar`: methods and field names, RFC 9110 §5.6.2. */
export const TOKEN: Uint8Array = table(DIGITS + LETTERS + "!#$%&'*+-.^_`|~");

/** Field values and reason phrases, RFC 9110 §5.5: no control but HTAB. */
export const VALUE: Uint8Array = table("\t", 0x20, 0x7e, true);

/**
 * Request targets. Wider than RFC 3986 by what browsers leave unescaped in a
 * query; narrower than visible ASCII by what none of them sends.
 */
export const TARGET: Uint8Array = table("", 0x21, 0x7e);
for (const character of '"#<>') TARGET[character.charCodeAt(0)] = 0;

/** `reg-name`: the host of `Host`, RFC 3986 §3.2.2. */
export const HOST: Uint8Array = table(DIGITS + LETTERS + "-._~!$&'()*+,;=%");

/** The value of a hexadecimal digit plus one. */
export const HEX: Uint8Array = new Uint8Array(256);
for (let value = 0; value < 16; value++) {
  const digit = value.toString(16);
  HEX[digit.charCodeAt(0)] = HEX[digit.toUpperCase().charCodeAt(0)] = value + 1;
}
