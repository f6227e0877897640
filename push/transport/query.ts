/**
 * What a request's query asks for.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import type { Since } from "../delivery/recovery.ts";
import { parseCursor } from "../model/cursor.ts";
import { checkFilter } from "../model/topic_name.ts";
import type { Mode } from "../wire/protocol.ts";
import type { Format } from "./encoding_set.ts";

/** A subscription, as a query asks for it. */
export interface SubscriptionQuery {
  readonly filters: readonly string[];
  readonly mode: Mode;
  /** Left out if the query has no cursor. */
  readonly since: Since | undefined;
  readonly format: Format;
  readonly delta: boolean;
  readonly presence: boolean;
  /** How long to wait for something new, in milliseconds; for polls. */
  readonly wait: number;
}

/**
 * Reads the query of a request: `topic`, which may be repeated, `mode`, `since`,
 * `format`, `delta`, `presence`, `wait`.
 *
 * @param query The query.
 * @param defaultTopic What is asked for if it names no topic.
 * @param maxFilters How many topics it may name.
 * @throws {ConnError} With code `"query_invalid"`, `"cursor_invalid"` or
 * `"filter_invalid"`.
 */
export function parseQuery(
  query: URLSearchParams,
  defaultTopic: string,
  maxFilters: number,
): SubscriptionQuery {
  const named = [...new Set(query.getAll("topic"))].sort();
  const filters = named.length === 0 ? [defaultTopic] : named;
  if (filters.length > maxFilters) {
    throw invalid(
      "query_invalid",
      "topic",
      `${filters.length} topics`,
      `at most ${maxFilters}`,
    );
  }
  filters.forEach(checkFilter);
  const format = oneOf(query, "format", ["value", "envelope"]);
  const enveloped = format === "envelope";
  const since = query.get("since");
  return {
    filters,
    mode: oneOf(query, "mode", ["latest", "every"]),
    since: since === null ? undefined : parseSince(since),
    format,
    delta: enveloped && isSet(query, "delta"),
    presence: enveloped && isSet(query, "presence"),
    wait: parseWait(query.get("wait")),
  };
}

/**
 * Reads where a subscription begins.
 *
 * @throws {ConnError} With code `"cursor_invalid"`.
 */
export function parseSince(text: string): Since {
  if (text === "oldest") return text;
  const cursor = parseCursor(text);
  if (cursor === undefined) {
    throw invalid("cursor_invalid", "since", text, 'a cursor, or "oldest"');
  }
  return cursor;
}

/** The value of a parameter, by default the first of those that there are. */
function oneOf<T extends string>(
  query: URLSearchParams,
  name: string,
  values: readonly [T, ...T[]],
): T {
  const text = query.get(name);
  if (text === null) return values[0];
  const value = values.find((value) => value === text);
  if (value !== undefined) return value;
  throw invalid("query_invalid", name, text, `"${values.join('" or "')}"`);
}

/** Whether a switch is on: `delta`, `delta=1`, `delta=true`. */
function isSet(query: URLSearchParams, name: string): boolean {
  const text = query.get(name) ?? "false";
  if (text === "" || text === "1" || text === "true") return true;
  if (text === "0" || text === "false") return false;
  throw invalid("query_invalid", name, text, '"true" or "false"');
}

function parseWait(text: string | null): number {
  if (text === null) return 0;
  if (/^[0-9]{1,9}(\.[0-9]{1,3})?$/.test(text)) return Number(text) * 1000;
  throw invalid("query_invalid", "wait", text, "a number of seconds");
}

function invalid(
  code: string,
  name: string,
  text: string,
  expected: string,
): ConnError {
  return new ConnError(
    `The query's "${name}" is ${JSON.stringify(text)}: expected ${expected}`,
    { code, side: "remote", reply: 400 },
  );
}
