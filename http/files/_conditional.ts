// Validators and conditional requests, RFC 9110 §8.8 and §13.

import { parseHttpDate } from "../codec/http_date.ts";

/** What tells one state of a file from another. */
export interface Validators {
  /** The entity tag, with its quotes and, if it is weak, `W/`. */
  readonly etag: string;
  /** The modification time in milliseconds since the epoch, never ahead of now. */
  readonly modified: number;
}

/**
 * A file that changed less than this many milliseconds ago may change again
 * without its time of modification showing it: the coarsest file systems in use
 * count in steps of two seconds.
 */
const SETTLED = 2000;

/**
 * Makes validators from what the file system knows.
 *
 * The tag is weak while the file is so fresh that the next change could keep
 * both size and time. There are none at all if the time is unknown or a
 * placeholder near the epoch, as in images that are built to be reproducible:
 * every version of a file has that time there.
 *
 * @param info Size in bytes and time of modification.
 * @param now Milliseconds since the epoch.
 * @param suffix Tells the file from another representation of the same resource.
 */
export function validatorsOf(
  info: { readonly size: number; readonly mtime: Date | null },
  now: number,
  suffix: string,
): Validators | undefined {
  const mtime = info.mtime?.getTime();
  if (mtime === undefined || !(mtime >= SETTLED)) return undefined;
  const weak = now - mtime < SETTLED ? "W/" : "";
  const tag = `${info.size.toString(36)}-${mtime.toString(36)}${suffix}`;
  return { etag: `${weak}"${tag}"`, modified: Math.min(mtime, now) };
}

/** What a conditional request comes to. */
export type Verdict = "proceed" | "not modified" | "failed";

/**
 * Evaluates the four conditions of a GET or HEAD in the order of RFC 9110
 * §13.2.2. `If-Range`, the fifth, is {@linkcode rangeApplies}.
 *
 * @param headers The request's.
 * @param validators The representation's, if it has any.
 * @param now Milliseconds since the epoch, which two-digit years need.
 */
export function evaluate(
  headers: Headers,
  validators: Validators | undefined,
  now: number,
): Verdict {
  const ifMatch = headers.get("if-match");
  if (ifMatch !== null) {
    if (!matches(ifMatch, validators, true)) return "failed";
  } else {
    const since = dateField(headers, "if-unmodified-since", now);
    if (since !== undefined && validators && seconds(validators) > since) {
      return "failed";
    }
  }
  const ifNoneMatch = headers.get("if-none-match");
  if (ifNoneMatch !== null) {
    return matches(ifNoneMatch, validators, false) ? "not modified" : "proceed";
  }
  const since = dateField(headers, "if-modified-since", now);
  return since !== undefined && validators && seconds(validators) <= since
    ? "not modified"
    : "proceed";
}

/**
 * Whether `If-Range`, if there is one, lets the `Range` field count, RFC 9110
 * §13.1.5: by strong comparison, or by the very date, and only if that date is
 * old enough to be a strong validator (§8.8.2.2).
 */
export function rangeApplies(
  headers: Headers,
  validators: Validators | undefined,
  now: number,
): boolean {
  const condition = headers.get("if-range");
  if (condition === null) return true;
  if (!validators || validators.etag.startsWith("W/")) return false;
  if (condition === validators.etag) return true;
  return parseHttpDate(condition, now) === seconds(validators);
}

/** The modification time as `Last-Modified` has it, in whole seconds. */
function seconds(validators: Validators): number {
  return Math.floor(validators.modified / 1000);
}

function dateField(
  headers: Headers,
  name: string,
  now: number,
): number | undefined {
  const text = headers.get(name);
  return text === null ? undefined : parseHttpDate(text, now);
}

const LIST_ITEM = /[ \t,]*((?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")[ \t]*(?:,|$)/y;

/** Whether a list of entity tags, or `*`, names the representation. */
function matches(
  list: string,
  validators: Validators | undefined,
  strong: boolean,
): boolean {
  if (list === "*") return true;
  if (!validators) return false;
  const { etag } = validators;
  if (strong && etag.startsWith("W/")) return false;
  LIST_ITEM.lastIndex = 0;
  for (let item = LIST_ITEM.exec(list); item; item = LIST_ITEM.exec(list)) {
    const candidate = item[1] as string;
    if (strong ? candidate === etag : opaque(candidate) === opaque(etag)) {
      return true;
    }
  }
  return false;
}

function opaque(etag: string): string {
  return etag.startsWith("W/") ? etag.slice(2) : etag;
}
