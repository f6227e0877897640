/**
 * Names of topics, and filters that match them: as in MQTT, MQTT 5.0 §4.7.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";

/** The longest topic and the longest filter, in bytes of UTF-8. */
const MAX_BYTES = 256;
/** How much of a wrong name its error shows, in UTF-16 units. */
const MAX_SHOWN = 64;

const encoder = new TextEncoder();

/**
 * Refuses what is no topic. One is 1 to 256 bytes of UTF-8: levels separated by
 * `/`, none of them empty, without control characters, `+` and `#`, and without `$`
 * at the beginning.
 *
 * @throws {ConnError} With code `"topic_invalid"`, `reply` 400.
 */
export function checkTopic(topic: string): void {
  const expected = nameFault(topic) ??
    (isPattern(topic) ? 'no "+" and no "#"' : undefined);
  if (expected !== undefined) throw invalid("topic", topic, expected);
}

/**
 * Refuses what is no filter: a topic in which `+` may stand for a whole level, and
 * `#` as the last level for the level above and all below it.
 *
 * @throws {ConnError} With code `"filter_invalid"`, `reply` 400.
 */
export function checkFilter(filter: string): void {
  const expected = nameFault(filter) ?? patternFault(filter);
  if (expected !== undefined) throw invalid("filter", filter, expected);
}

/** Whether a filter may match more than the topic of its name. */
export function isPattern(filter: string): boolean {
  return filter.includes("+") || filter.includes("#");
}

/** Whether a filter matches a topic; both are valid. */
export function matches(filter: string, topic: string): boolean {
  const wanted = filter.split("/");
  const levels = topic.split("/");
  for (const [i, level] of wanted.entries()) {
    if (level === "#") return true;
    if (i === levels.length) return false;
    if (level !== "+" && level !== levels[i]) return false;
  }
  return wanted.length === levels.length;
}

/**
 * Whether a filter matches every topic that another one matches: who may subscribe
 * to the one may subscribe to the other.
 *
 * @param filter What is granted.
 * @param requested What is asked for.
 */
export function covers(filter: string, requested: string): boolean {
  // No topic has less than one level, so these two are the same.
  if (requested === "#") return filter === "#" || filter === "+/#";
  const granted = filter.split("/");
  const levels = requested.split("/");
  for (const [i, level] of granted.entries()) {
    if (level === "#") return true;
    // "#" reaches deeper than any other level, and one level higher.
    if (i === levels.length || levels[i] === "#") return false;
    if (level !== "+" && level !== levels[i]) return false;
  }
  return granted.length === levels.length;
}

/** What a topic and a filter must be, if this is not. */
function nameFault(name: string): string | undefined {
  if (name === "") return "at least one character";
  // Each UTF-16 unit is a byte at least.
  if (name.length > MAX_BYTES || encoder.encode(name).length > MAX_BYTES) {
    return `at most ${MAX_BYTES} bytes`;
  }
  // Half a surrogate pair has no UTF-8: stores would make two names one.
  if (/[\p{Cc}\p{Cs}]/u.test(name)) return "no control characters";
  if (/^\/|\/\/|\/$/.test(name)) return "no empty level";
  return name.startsWith("$") ? 'no "$" at the beginning' : undefined;
}

/** What the pattern of a filter must be, if this is not. */
function patternFault(filter: string): string | undefined {
  if (/[^/]\+|\+[^/]/.test(filter)) return '"+" as a whole level';
  return /[^/]#|#./.test(filter) ? '"#" as the last level' : undefined;
}

function invalid(
  what: "topic" | "filter",
  name: string,
  expected: string,
): ConnError {
  const shown = JSON.stringify(name.slice(0, MAX_SHOWN));
  return new ConnError(
    `Cannot use ${shown} as a ${what}: expected ${expected}`,
    { code: `${what}_invalid`, side: "remote", reply: 400 },
  );
}
