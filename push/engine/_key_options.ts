/** How long keys of what was published are remembered, in milliseconds. */
export const KEY_TTL = 600_000;

/**
 * Checks an option that is a number.
 *
 * @throws {RangeError} If it is not, or less than zero.
 */
export function checkNotNegative(name: string, value: unknown): void {
  if (typeof value === "number" && value >= 0) return;
  throw new RangeError(
    `Cannot set "${name}" to ${value}: expected a number that is at least 0`,
  );
}
