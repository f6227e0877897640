/**
 * Every way in which a received message can be wrong: one table of codes, with
 * the status that a server answers, and what to tell people.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";

const REFUSALS = {
  // The start line, RFC 9112 §3 and §4.
  bad_line_end: [
    400,
    "Cannot read the head: a line ends in a bare CR or LF, expected CRLF",
  ],
  bad_method: [
    400,
    "Cannot read the request line: the method is empty or no token",
  ],
  bad_target: [400, "Cannot read the request line: the target is invalid"],
  bad_version: [
    400,
    'Cannot read the start line: the version is invalid, expected "HTTP/1.1"',
  ],
  unsupported_version: [
    505,
    'Cannot speak the version of the start line, expected "HTTP/1.1" or "HTTP/1.0"',
  ],
  bad_status: [
    400,
    "Cannot read the status line: the status is invalid, expected three digits from 100 on",
  ],
  bad_reason: [
    400,
    "Cannot read the status line: the reason phrase has a control character",
  ],
  start_line_too_long: [414, "Cannot read the start line: it is too long"],
  // Fields, RFC 9112 §5.
  bad_field_name: [400, "Cannot read a field: its name is empty or no token"],
  bad_field_value: [
    400,
    "Cannot read a field: its value has a control character",
  ],
  folded_field: [400, "Cannot read a field: its line is folded"],
  header_section_too_large: [431, "Cannot read the fields: they are too long"],
  too_many_fields: [431, "Cannot read the fields: there are too many"],
  missing_host: [400, 'Cannot take the request: it has no "Host"'],
  repeated_host: [400, 'Cannot take the request: it has more than one "Host"'],
  bad_host: [400, 'Cannot take the request: its "Host" is invalid'],
  expectation_failed: [
    417,
    'Cannot meet the expectation of the request, expected "100-continue"',
  ],
  // Framing, RFC 9112 §6.
  bad_content_length: [
    400,
    'Cannot tell the length of the body: the "Content-Length" is no number in range',
  ],
  repeated_content_length: [
    400,
    'Cannot tell the length of the body: "Content-Length" is there more than once',
  ],
  conflicting_length: [
    400,
    'Cannot tell the length of the body: it has "Transfer-Encoding" and "Content-Length"',
  ],
  bad_transfer_encoding: [
    400,
    'Cannot tell the length of the body: "Transfer-Encoding" does not end in one "chunked"',
  ],
  old_transfer_encoding: [
    400,
    'Cannot tell the length of the body: "Transfer-Encoding" in HTTP/1.0',
  ],
  unknown_transfer_encoding: [
    501,
    'Cannot decode the transfer coding of the body, expected "chunked" alone',
  ],
  connect_with_body: [400, "Cannot take the CONNECT request: it has a body"],
  body_too_large: [413, "Cannot take the body: it is too large"],
  // Chunks, RFC 9112 §7.1.
  bad_chunk_size: [
    400,
    "Cannot read a chunk: its size is no hexadecimal number in range",
  ],
  bad_chunk_extension: [
    400,
    "Cannot read a chunk: its extension has a control character",
  ],
  bad_chunk_end: [400, "Cannot read a chunk: CRLF does not follow its data"],
  chunk_extension_too_long: [
    413,
    "Cannot read a chunk: its extension is too long",
  ],
  forbidden_trailer: [
    400,
    "Cannot take the trailers: one of them belongs into the header section",
  ],
  // Ends and waits.
  head_cut: [400, "The peer left in the middle of a head"],
  body_cut: [400, "The peer left in the middle of a body"],
  head_timeout: [408, "The head took too long"],
  body_timeout: [408, "The body came too slowly"],
  // Client role.
  unexpected_data: [400, "The server sent something without a request"],
  unexpected_upgrade: [
    400,
    "The server switched protocols without being asked to",
  ],
  no_response: [400, "The server left without a response"],
} as const satisfies Record<string, readonly [number, string]>;

/** The codes of what a peer can do wrong. */
export type RefusalCode = keyof typeof REFUSALS;

/**
 * Makes the error for what a peer did wrong.
 *
 * @param code Which rule it broke.
 * @param answered Whether there is somebody to answer, as a server has.
 */
export function refusal(code: RefusalCode, answered = true): ConnError {
  const [reply, message] = REFUSALS[code];
  return new ConnError(
    message,
    answered ? { code, side: "remote", reply } : { code, side: "remote" },
  );
}

/** A rule that was broken, on its way to the machine, which knows its role. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  /** Which rule. */
  readonly code: RefusalCode;

  constructor(code: RefusalCode) {
    super(code);
    this.code = code;
  }
}
