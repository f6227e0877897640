/**
 * Passing the fields of a message on, as a proxy does: most of them as they came,
 * RFC 9110 §7.6.
 *
 * What a peer sent was checked when it was received, so it is passed on in slices
 * of its head, as long as possible, and not checked again.
 *
 * @module
 */

import { isAscii } from "./encode.ts";
import { sameName } from "./field_rules.ts";
import {
  cacheWire,
  Fields,
  fieldsOfHead,
  type FieldsSource,
  sourceOf,
} from "./fields.ts";
import { emptyWire, listMembers, type WireFields } from "./wire_fields.ts";

/**
 * What the machine that sends the message writes itself, and what is between two
 * neighbours only.
 */
const NEVER_PASSED = [
  "connection",
  "content-length",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
];

/**
 * Fields that `Connection` must not name, and that stay if it does: without them
 * the message would mean something else.
 */
const NOT_FOR_CONNECTION = new Set([
  "authorization",
  "cache-control",
  "content-encoding",
  "content-length",
  "content-type",
  "cookie",
  "date",
  "host",
  "range",
  "set-cookie",
  "transfer-encoding",
]);

/** A set of field names that is cheap to ask about slices of a head. */
export class FieldFilter {
  /** In lower case. */
  readonly names: readonly string[];
  /** Whether `Date` is one of them. */
  readonly date: boolean;
  /** The same, by their length. */
  readonly #byLength: string[][] = [];
  #relaying: FieldFilter | undefined;

  /**
   * Creates a filter.
   *
   * @param names In any case.
   */
  constructor(names: Iterable<string>) {
    this.names = [
      ...new Set([...names].map((name) => name.toLowerCase())),
    ];
    this.date = this.names.includes("date");
    for (const name of this.names) {
      while (this.#byLength.length <= name.length) this.#byLength.push([]);
      this.#byLength[name.length]!.push(name);
    }
  }

  /** The filter that drops what is never passed on as well. */
  get relaying(): FieldFilter {
    return this.#relaying ??= new FieldFilter([
      ...NEVER_PASSED,
      ...this.names,
    ]);
  }

  /** Whether `text[start..end)` is one of the names, in any case. */
  has(text: string, start: number, end: number): boolean {
    const length = end - start;
    if (length >= this.#byLength.length) return false;
    const names = this.#byLength[length]!;
    for (let i = 0; i < names.length; i++) {
      if (sameName(text, start, end, names[i]!)) return true;
    }
    return false;
  }
}

/** What there is in the lines that are added. */
export interface RelayOptions {
  /**
   * Whether they have `Connection: Upgrade` and `Upgrade`.
   *
   * @default {false}
   */
  readonly upgrade?: boolean;
  /**
   * Whether they have characters that are not ASCII.
   *
   * @default {false}
   */
  readonly wide?: boolean;
}

/**
 * Passes fields on. `Connection`, the fields that it names, `Keep-Alive` and
 * `Upgrade` stay behind, RFC 9110 §7.6.1; so do `Content-Length` and
 * `Transfer-Encoding`, but the message is framed as they say.
 *
 * @param fields As they came.
 * @param drop What else stays behind.
 * @param extra Lines to add, `"Name: value\r\n"` each, which are not checked. A
 * `Host` in place of one that stays behind comes first.
 * @param options What there is in `extra`.
 * @returns The fields of a message to send.
 */
export function relayFields(
  fields: Fields,
  drop: FieldFilter,
  extra: string,
  { upgrade = false, wide = false }: RelayOptions = {},
): Fields {
  const source = sourceOf(fields) ?? sourceOf(asReceived(fields))!;
  const wire = emptyWire();
  const usual = drop.relaying;
  if (relay(source, usual, wire)) {
    Object.assign(wire, emptyWire());
    relay(source, withNamed(usual, fields), wire);
  }
  wire.text += extra;
  if (extra.startsWith("Host: ")) wire.hosts++;
  if (drop.date) wire.date = /^date:/im.test(extra);
  wire.connection = wire.connectionUpgrade = wire.upgrade = upgrade;
  wire.wide = source.wide || wide;
  const relayed = new Fields();
  cacheWire(relayed, wire);
  return relayed;
}

/** Makes fields that a program changed look as a peer's do. */
function asReceived(fields: Fields): Fields {
  let head = "";
  for (const [name, value] of fields) head += `${name}: ${value}\r\n`;
  return fieldsOfHead(head + "\r\n", 0, !isAscii(head));
}

/**
 * Puts what is not dropped into `wire`, in slices that are as long as possible.
 *
 * @returns Whether `Connection` says more than most do.
 */
function relay(
  { head, offsets }: FieldsSource,
  filter: FieldFilter,
  wire: WireFields,
): boolean {
  let special = false;
  let text = "";
  let run = -1;
  for (let i = 0; i < offsets.length; i += 4) {
    const start = offsets[i]!;
    const end = offsets[i + 1]!;
    if (filter.has(head, start, end)) {
      if (run >= 0) text += head.slice(run, start);
      run = -1;
      if (noteDropped(head, offsets, i, wire)) special = true;
      continue;
    }
    if (run < 0) run = start;
    if (end - start === 4) noteKept(head, start, end, wire);
  }
  // Behind the last field there is the empty line.
  if (run >= 0) text += head.slice(run, head.length - 2);
  wire.text = text;
  return special;
}

function noteKept(
  head: string,
  start: number,
  end: number,
  wire: WireFields,
): void {
  if (sameName(head, start, end, "host")) wire.hosts++;
  else if (sameName(head, start, end, "date")) wire.date = true;
}

/**
 * Notes how a message is framed.
 *
 * @param at Where the field's offsets are.
 * @returns Whether it is a `Connection` that says more than most do.
 */
function noteDropped(
  head: string,
  offsets: readonly number[],
  at: number,
  wire: WireFields,
): boolean {
  const start = offsets[at]!;
  const end = offsets[at + 1]!;
  switch (end - start) {
    case 10: {
      if (!sameName(head, start, end, "connection")) return false;
      const value = head.slice(offsets[at + 2], offsets[at + 3]);
      return value !== "keep-alive" && value !== "close";
    }
    case 14:
      if (sameName(head, start, end, "content-length")) {
        wire.contentLength = Number(
          head.slice(offsets[at + 2], offsets[at + 3]),
        );
      }
      return false;
    case 17:
      if (sameName(head, start, end, "transfer-encoding")) wire.chunked = true;
      return false;
    default:
      return false;
  }
}

/** The filter that drops what `Connection` names, too, as far as it is there. */
function withNamed(filter: FieldFilter, fields: Fields): FieldFilter {
  const named = new Set(listMembers(fields.get("connection") ?? ""));
  const names = [...fields].map(([name]) => name.toLowerCase()).filter((name) =>
    named.has(name) && !NOT_FOR_CONNECTION.has(name)
  );
  return new FieldFilter([...filter.names, ...names]);
}
