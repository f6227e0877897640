/**
 * The fields of a message to send, as text, with what decides its framing taken
 * out of them.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import { checkFieldName, checkFieldValue, trimSpace } from "./field_rules.ts";
import { isAscii } from "./encode.ts";
import {
  cachedWire,
  cacheWire,
  eachField,
  Fields,
  type FieldsInit,
} from "./fields.ts";

/**
 * Fields ready to send. `Content-Length` and `Transfer-Encoding` are not in
 * `text`: who sends the message writes those that are true.
 */
export interface WireFields {
  /** The lines, each with its CRLF. */
  text: string;
  /** Whether `text` has characters that are not ASCII: it is Latin-1. */
  wide: boolean;
  /** What `Content-Length` said, -1 if it was not there. */
  contentLength: number;
  /** Whether `Transfer-Encoding: chunked` was there. */
  chunked: boolean;
  /** Whether `Connection` is there. */
  connection: boolean;
  /** Whether `Connection` lists `close`. */
  close: boolean;
  /** Whether `Connection` lists `upgrade`. */
  connectionUpgrade: boolean;
  /** Whether `Upgrade` is there. */
  upgrade: boolean;
  /** Whether `Keep-Alive` is there. */
  keepAlive: boolean;
  /** Whether `Date` is there. */
  date: boolean;
  /** How many `Host` are there. */
  hosts: number;
  /** Whether this is kept with the fields, for more messages than one. */
  kept: boolean;
  /** The status of `head`. */
  headStatus: number;
  /** A status line and `text`, encoded, if this is kept. */
  head: Uint8Array | undefined;
}

/** What the machine has to know a field for. */
type NameKind =
  | "plain"
  | "content-length"
  | "transfer-encoding"
  | "connection"
  | "upgrade"
  | "keep-alive"
  | "date"
  | "host";

const SPECIAL = new Set<string>([
  "content-length",
  "transfer-encoding",
  "connection",
  "upgrade",
  "keep-alive",
  "date",
  "host",
]);

/** Names that were checked. A program has few; the cap is for the one that has not. */
const knownNames = new Map<string, NameKind>();
const KNOWN_NAMES_MAX = 512;

function nameKind(name: string): NameKind {
  const known = knownNames.get(name);
  if (known !== undefined) return known;
  checkFieldName(name);
  const lower = name.toLowerCase();
  const kind = SPECIAL.has(lower) ? lower as NameKind : "plain";
  if (knownNames.size < KNOWN_NAMES_MAX) knownNames.set(name, kind);
  return kind;
}

/** Makes wire fields that have nothing in them. */
export function emptyWire(): WireFields {
  return {
    text: "",
    wide: false,
    contentLength: -1,
    chunked: false,
    connection: false,
    close: false,
    connectionUpgrade: false,
    upgrade: false,
    keepAlive: false,
    date: false,
    hosts: 0,
    kept: false,
    headStatus: 0,
    head: undefined,
  };
}

const NONE: WireFields = Object.freeze(emptyWire());

/** The members of a comma-separated list, in lower case. */
export function listMembers(value: string): string[] {
  return value.toLowerCase().split(",").map(trimSpace);
}

function badFraming(problem: string): ConnError {
  return new ConnError(`Cannot send the message: ${problem}`, {
    code: "bad_framing",
    side: "local",
  });
}

function takeContentLength(wire: WireFields, value: string): void {
  const length = Number(value);
  if (!/^[0-9]+$/.test(value) || !Number.isSafeInteger(length)) {
    throw badFraming(
      `the "Content-Length" is ${JSON.stringify(value)}, expected a number`,
    );
  }
  if (wire.contentLength !== -1) {
    throw badFraming(`it has more than one "Content-Length"`);
  }
  wire.contentLength = length;
}

function takeTransferEncoding(wire: WireFields, value: string): void {
  if (value.toLowerCase() !== "chunked" || wire.chunked) {
    throw badFraming(
      `the "Transfer-Encoding" is ${
        JSON.stringify(value)
      }, expected "chunked", once`,
    );
  }
  wire.chunked = true;
}

function takeConnection(wire: WireFields, value: string): void {
  const members = listMembers(value);
  wire.connection = true;
  if (members.includes("close")) wire.close = true;
  if (members.includes("upgrade")) wire.connectionUpgrade = true;
}

function addField(wire: WireFields, name: string, given: string): void {
  const kind = nameKind(name);
  const value = checkFieldValue(given);
  if (kind !== "plain") {
    if (kind === "content-length") return takeContentLength(wire, value);
    if (kind === "transfer-encoding") return takeTransferEncoding(wire, value);
    if (kind === "connection") takeConnection(wire, value);
    else if (kind === "upgrade") wire.upgrade = true;
    else if (kind === "keep-alive") wire.keepAlive = true;
    else if (kind === "date") wire.date = true;
    else wire.hosts++;
  }
  if (!wire.wide && !isAscii(value)) wire.wide = true;
  wire.text += name + ": " + value + "\r\n";
}

/**
 * Checks fields and makes them ready to send. The result for a
 * {@linkcode Fields} is kept until that is changed.
 *
 * @throws {ConnError} With code `"bad_field_name"`, `"bad_field_value"`, or
 * `"bad_framing"` if they say two things about the length of the body.
 */
export function wireFields(init: FieldsInit | undefined): WireFields {
  if (init === undefined) return NONE;
  const cached = init instanceof Fields ? cachedWire(init) : undefined;
  if (cached !== undefined) return cached;
  const wire = emptyWire();
  eachField(init, (name, value) => addField(wire, name, value));
  if (wire.chunked && wire.contentLength !== -1) {
    throw badFraming(
      `it has both "Content-Length" and "Transfer-Encoding", expected one`,
    );
  }
  if (init instanceof Fields) {
    wire.kept = true;
    cacheWire(init, wire);
  }
  return wire;
}
