/**
 * Reading the `Cookie` field.
 *
 * @module
 */

const SP = 0x20, EQUALS = 0x3d;

/**
 * Finds a cookie, RFC 6265 §4.2.1.
 *
 * @param field The field's value.
 * @param name The cookie's name, in its case.
 * @returns The value of the first of that name, or `undefined`.
 */
export function findCookie(field: string, name: string): string | undefined {
  let at = 0;
  while (at < field.length) {
    while (field.charCodeAt(at) === SP) at++;
    let end = field.indexOf(";", at);
    if (end === -1) end = field.length;
    const from = at + name.length;
    if (
      from < end && field.charCodeAt(from) === EQUALS &&
      field.startsWith(name, at)
    ) return field.slice(from + 1, end).trimEnd();
    at = end + 1;
  }
  return undefined;
}
