// Dates as HTTP writes them, RFC 9110 §5.6.7. `Date.parse` takes far more than
// the three forms that are allowed ("1", "2020", local times), and a condition
// with a date that is not one of them must be ignored.

const MONTHS = [
  "Jan",
  "Feb",
  "Mar",
  "Apr",
  "May",
  "Jun",
  "Jul",
  "Aug",
  "Sep",
  "Oct",
  "Nov",
  "Dec",
];

const IMF =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT$/;
const RFC850 =
  /^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (\d\d)-([A-Z][a-z]{2})-(\d\d) (\d\d):(\d\d):(\d\d) GMT$/;
const ASCTIME =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d) (\d{4})$/;

/** Reads one of the three forms. Whole seconds since the epoch, or `undefined`. */
export function parseHttpDate(text: string, now: number): number | undefined {
  let match = IMF.exec(text);
  if (match) {
    const [, day, month, year, hour, minute, second] = match;
    return seconds([year, month, day, hour, minute, second]);
  }
  match = ASCTIME.exec(text);
  if (match) {
    const [, month, day, hour, minute, second, year] = match;
    return seconds([year, month, day, hour, minute, second]);
  }
  match = RFC850.exec(text);
  if (!match) return undefined;
  const [, day, month, year, hour, minute, second] = match;
  return seconds([
    fullYear(Number(year), now),
    month,
    day,
    hour,
    minute,
    second,
  ]);
}

/** Writes the preferred form, from milliseconds since the epoch. */
export function formatHttpDate(time: number): string {
  return new Date(time).toUTCString();
}

/** A two-digit year is the latest that is at most 50 years ahead. */
function fullYear(year: number, now: number): string {
  const current = new Date(now).getUTCFullYear();
  let full = current - current % 100 + year;
  if (full > current + 50) full -= 100;
  return String(full);
}

function seconds(parts: readonly (string | undefined)[]): number | undefined {
  const month = MONTHS.indexOf(parts[1] ?? "");
  const [year, , day, hour, minute, second] = parts.map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (month < 0 || hour > 23 || minute > 59 || second > 60) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month, day);
  // The 31st of a shorter month would roll over into the next one.
  if (date.getUTCMonth() !== month || date.getUTCDate() !== day) {
    return undefined;
  }
  return date.getTime() / 1000 + hour * 3600 + minute * 60 + second;
}
