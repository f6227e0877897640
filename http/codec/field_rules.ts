/**
 * What a field may be, RFC 9110 §5.
 *
 * @module
 */

import { isSpace } from "./head_values.ts";
import { ConnError } from "../../conn/error.ts";
import { TOKEN, VALUE } from "./_tables.ts";

/**
 * Checks a field name, RFC 9110 §5.1.
 *
 * @param name The name.
 * @throws {ConnError} With code `"bad_field_name"` if it is not a token.
 */
export function checkFieldName(name: string): void {
  let valid = name.length > 0;
  for (let i = 0; i < name.length && valid; i++) {
    const code = name.charCodeAt(i);
    valid = code < 0x80 && TOKEN[code] !== 0;
  }
  if (valid) return;
  throw new ConnError(
    `Cannot use the field name ${JSON.stringify(name)}: expected a token`,
    { code: "bad_field_name", side: "local" },
  );
}

/**
 * Checks a field value, RFC 9110 §5.5, and takes the white space around it off.
 *
 * @param value The value.
 * @returns The value to use.
 * @throws {ConnError} With code `"bad_field_value"` if it has a line break, NUL
 * or another control character, or one that is not Latin-1.
 */
export function checkFieldValue(value: string): string {
  const length = value.length;
  for (let i = 0; i < length; i++) {
    const code = value.charCodeAt(i);
    if (code <= 0xff && VALUE[code] !== 0) continue;
    throw new ConnError(
      `Cannot use the field value ${
        JSON.stringify(value)
      }: expected no control characters and none beyond Latin-1`,
      { code: "bad_field_value", side: "local" },
    );
  }
  if (length === 0) return value;
  // What is below "!" can only be a space or a tab here.
  const trim = value.charCodeAt(0) <= 0x20 ||
    value.charCodeAt(length - 1) <= 0x20;
  return trim ? trimSpace(value) : value;
}

/** Takes the spaces and tabs around a text off, and nothing else. */
export function trimSpace(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isSpace(text.charCodeAt(from))) from++;
  while (to > from && isSpace(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

/** Whether `text[start..end)` is `name` but for the case of ASCII letters. */
export function sameName(
  text: string,
  start: number,
  end: number,
  name: string,
): boolean {
  if (end - start !== name.length) return false;
  for (let i = 0; i < name.length; i++) {
    const a = text.charCodeAt(start + i);
    const b = name.charCodeAt(i);
    if (a === b) continue;
    const lower = a | 0x20;
    if (lower !== (b | 0x20) || lower < 0x61 || lower > 0x7a) return false;
  }
  return true;
}
