/**
 * Parts of a request target.
 *
 * @module
 */

/** Whether a text is a path as it is in a target: absolute, without query. */
export function isPath(text: string): boolean {
  return /^\/[^?#\s]*$/.test(text);
}

/** The path of a target, in origin-form or absolute-form, RFC 9112 §3.2. */
export function pathOf(target: string): string {
  if (!target.startsWith("/")) return URL.parse(target)?.pathname ?? target;
  const query = target.indexOf("?");
  return query === -1 ? target : target.slice(0, query);
}
