/**
 * Cursors: how far a client has come, as text.
 *
 * @module
 */

/** A place in the order of all versions of an engine. */
export interface Cursor {
  /** Names the sequence that the offset belongs to. */
  readonly epoch: string;
  /** The offset of the last version that the client has; 0 is before the first. */
  readonly offset: number;
}

/** The text of a cursor, `EPOCH.OFFSET`. */
export function formatCursor(epoch: string, offset: number): string {
  return `${epoch}.${offset}`;
}

/**
 * Reads the text of a cursor.
 *
 * @returns `undefined` unless it is exactly what {@linkcode formatCursor} makes.
 */
export function parseCursor(text: string): Cursor | undefined {
  const match = /^([a-z0-9]{1,32})\.(0|[1-9][0-9]{0,15})$/.exec(text);
  if (match === null) return undefined;
  const offset = Number(match[2]);
  return Number.isSafeInteger(offset)
    ? { epoch: match[1]!, offset }
    : undefined;
}
