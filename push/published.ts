/**
 * Publishing, as programs ask for it.
 *
 * @module
 */

/** What became of a published value. */
export interface Published {
  /** The cursor of the version that it is. */
  cursor: string;
  /** Whether it had been published before, with its key. */
  duplicate: boolean;
}

/** Options of publishing a value. */
export interface PublishOptions {
  /** Publishing again to the same topic with the same key does nothing. */
  key?: string;
}
