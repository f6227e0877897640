/** A command line that makes no sense. */
export class UsageError extends Error {}

/** Reads the value of an option that is a whole number. */
export function count(
  value: string,
  option: string,
  what: string,
  from: number,
  to: number,
): number {
  const number = /^\d{1,5}$/.test(value) ? Number(value) : NaN;
  if (number >= from && number <= to) return number;
  throw new UsageError(
    `Option ${option} is "${value}", expected ${what} from ${from} to ${to}`,
  );
}
