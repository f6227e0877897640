/**
 * The line that an access log has for each request. A line is printable ASCII,
 * whatever a client sends: it can neither be broken nor get a field too many, and
 * it has as many bytes as characters.
 *
 * @module
 */

import { credentials } from "../../http/forms/credentials.ts";
import type { ExchangeRecord } from "./record.ts";

/**
 * How an access log is written: see {@linkcode AccessLogOptions.format}.
 */
export type AccessLogFormat = "seed" | "combined" | "json";

/** Makes the lines of a log, each with its line feed. */
export interface LineFormat {
  /** The line of a request. */
  line(record: ExchangeRecord): string;
  /**
   * The line that says that lines are missing.
   *
   * @param dropped How many.
   * @param time When the last of them was to be written, in milliseconds since
   * the epoch.
   */
  note(dropped: number, time: number): string;
}

/** Makes the lines of a format. */
export function lineFormat(format: AccessLogFormat): LineFormat {
  switch (format) {
    case "seed":
      return { line: seedLine, note: plainNote };
    case "combined":
      return { line: combinedLine, note: plainNote };
    case "json":
      return { line: jsonLine, note: jsonNote };
  }
}

/** The lowest character that may stand in a text, and in a word. */
const TEXT = 0x20, WORD = 0x21;

function seedLine({ time, head, backend }: ExchangeRecord): string {
  const target = escapeText(head.target, WORD);
  const to = backend === undefined ? "-" : escapeText(backend, WORD);
  return `${Math.floor(time / 1000)} ${head.method} ${target} backend=${to}\n`;
}

/** As nginx's `combined`: the client's address, its user name, and so on. */
function combinedLine(record: ExchangeRecord): string {
  const { head } = record;
  const { fields } = head;
  const address = escapeText(record.clientAddress, WORD) || "-";
  const request = `${head.method} ${escapeText(head.target, TEXT)}`;
  const referer = escapeText(fields.get("referer") ?? "-", TEXT);
  const agent = escapeText(fields.get("user-agent") ?? "-", TEXT);
  return `${address} - ${userName(record)} [${commonTime(record.time)}] ` +
    `"${request} HTTP/${head.version}" ${record.status} ${record.bytesOut} ` +
    `"${referer}" "${agent}"\n`;
}

function plainNote(dropped: number): string {
  return `# lines dropped: ${dropped}\n`;
}

function jsonLine(record: ExchangeRecord): string {
  const { head } = record;
  const { fields } = head;
  const trace = fields.get("traceparent");
  return `{"time":"${isoTime(record.time)}"` +
    `,"request_id":${quote(record.requestId)}` +
    `,"client":${quote(record.clientAddress)}` +
    `,"method":${quote(head.method)}` +
    `,"target":${quote(head.target)}` +
    `,"host":${quote(fields.get("host"))}` +
    `,"version":"${head.version}"` +
    `,"status":${record.status}` +
    `,"outcome":"${record.outcome}"` +
    `,"error":${quote(record.error)}` +
    `,"route":${quote(record.route)}` +
    `,"upstream":${quote(record.upstream)}` +
    `,"backend":${quote(record.backend)}` +
    `,"retries":${record.retries}` +
    `,"hedged":${record.hedged}` +
    `,"bytes_in":${record.bytesIn}` +
    `,"bytes_out":${record.bytesOut}` +
    `,"queue_ms":${micros(record.queueTime)}` +
    `,"connect_ms":${micros(record.connectTime)}` +
    `,"first_byte_ms":${micros(record.firstByteTime)}` +
    `,"total_ms":${micros(record.totalTime)}` +
    `,"referer":${quote(fields.get("referer"))}` +
    `,"user_agent":${quote(fields.get("user-agent"))}` +
    `,"secure":${record.secure}` +
    (trace === undefined ? "}\n" : `,"traceparent":${quote(trace)}}\n`);
}

function jsonNote(dropped: number, time: number): string {
  return `{"time":"${isoTime(time)}","dropped":${dropped}}\n`;
}

/** The name in a request's Basic credentials, `-` if it has none. */
function userName({ head }: ExchangeRecord): string {
  if (!head.fields.has("authorization")) return "-";
  const found = credentials(head.fields);
  if (found?.scheme !== "basic" || found.username === "") return "-";
  // As it was sent, a character for each byte, like all that is escaped here.
  const bytes = new TextEncoder().encode(found.username);
  return escapeText(String.fromCharCode(...bytes), WORD);
}

/** Whether a text is printable ASCII without quotes and backslashes. */
function isPlain(text: string, lowest: number): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < lowest || code > 0x7e || code === 0x22 || code === 0x5c) {
      return false;
    }
  }
  return true;
}

/** Writes what is not plain as `\x22`, the way of nginx. */
function escapeText(text: string, lowest: number): string {
  if (isPlain(text, lowest)) return text;
  let result = "";
  for (const char of text) {
    if (isPlain(char, lowest)) {
      result += char;
      continue;
    }
    const hex = char.codePointAt(0)!.toString(16).toUpperCase();
    // Only names of the configuration can have more than a byte.
    result += hex.length <= 2 ? `\\x${hex.padStart(2, "0")}` : `\\u{${hex}}`;
  }
  return result;
}

/** Writes a JSON string, or `null`. */
function quote(text: string | undefined): string {
  if (text === undefined) return "null";
  if (isPlain(text, TEXT)) return `"${text}"`;
  return JSON.stringify(text).replace(
    /[\x7f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Milliseconds with three digits behind the point. */
function micros(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/** Keeps the text of a second, because so many requests come in the same. */
function perSecond(write: (date: Date) => string): (time: number) => string {
  let kept = NaN;
  let text = "";
  return (time) => {
    const second = Math.floor(time / 1000);
    if (second === kept) return text;
    text = write(new Date(second * 1000));
    kept = second;
    return text;
  };
}

/** `13/Jun/2016:10:20:30 +0000` */
const commonTime = perSecond((date) => {
  // Thu, 13 Jun 2016 10:20:30 GMT
  const text = date.toUTCString();
  return `${text.slice(5, 7)}/${text.slice(8, 11)}/${text.slice(12, 16)}:` +
    `${text.slice(17, 25)} +0000`;
});

/** `2016-06-13T10:20:30.` */
const isoSecond = perSecond((date) => date.toISOString().slice(0, 20));

function isoTime(time: number): string {
  const ms = Math.floor(time) % 1000;
  return `${isoSecond(time)}${String(ms).padStart(3, "0")}Z`;
}
