/**
 * Bad and odd responses, each with the rule that it is about and the verdict, as
 * for the requests. They answer a GET, or the method in brackets.
 *
 * @module
 */

import type { Sample } from "./requests.ts";

function ok(fields: string, body = ""): string {
  return `HTTP/1.1 200 OK\r\n${fields}\r\n${body}`;
}

function status(line: string): string {
  return `${line}\r\nContent-Length: 0\r\n\r\n`;
}

function chunked(body: string): string {
  return ok("Transfer-Encoding: chunked\r\n", body);
}

const EMPTY = "response 200 OK 1.1 0";
const CHUNKED = "response 200 OK 1.1 unknown";
const UNTIL_CLOSE = "response 200 OK 1.1 unknown close";
const LENGTH = "! bad_content_length";
const CODING = "! bad_transfer_encoding";
const STATUS = "! bad_status";
const VERSION = "! bad_version";
const LINE = "! bad_line_end";
const SIZE = "! bad_chunk_size";

/** All of them. */
export const responses: readonly Sample[] = [
  ["9112 §4", "a plain response", ok("Content-Length: 0\r\n"), EMPTY, "end"],
  [
    "9112 §4",
    "an empty reason phrase",
    status("HTTP/1.1 200 "),
    "response 200  1.1 0",
    "end",
  ],
  [
    "9112 §4",
    "no space before the empty reason phrase",
    status("HTTP/1.1 200"),
    "response 200  1.1 0",
    "end",
  ],
  [
    "9112 §4",
    "a long reason phrase",
    status("HTTP/1.1 404 Not Found, sorry"),
    "response 404 Not Found, sorry 1.1 0",
    "end",
  ],
  [
    "9112 §4",
    "a reason phrase that is not ASCII",
    status("HTTP/1.1 404 Pr\xe9f\xe9r\xe9"),
    "response 404 Pr\xe9f\xe9r\xe9 1.1 0",
    "end",
  ],
  [
    "9110 §15",
    "a status beyond the classes",
    status("HTTP/1.1 999 No"),
    "response 999 No 1.1 0",
    "end",
  ],
  ["9112 §4", "a status below 100", status("HTTP/1.1 099 No"), STATUS],
  ["9112 §4", "a status of two digits", status("HTTP/1.1 20 OK"), STATUS],
  ["9112 §4", "a status of four digits", status("HTTP/1.1 2000 OK"), STATUS],
  ["9112 §4", "a status with a sign", status("HTTP/1.1 +20 OK"), STATUS],
  ["9112 §4", "a status of letters", status("HTTP/1.1 OK"), STATUS],
  [
    "9112 §4",
    "two spaces before the status",
    status("HTTP/1.1  200 OK"),
    STATUS,
  ],
  ["9112 §4", "a tab after the status", status("HTTP/1.1 200\tOK"), STATUS],
  ["9112 §4", "no status", status("HTTP/1.1"), VERSION],
  [
    "9112 §4",
    "NUL in the reason phrase",
    status("HTTP/1.1 200 O\0K"),
    "! bad_reason",
  ],
  [
    "9112 §4",
    "a bare CR in the reason phrase",
    status("HTTP/1.1 200 O\rK"),
    LINE,
  ],
  ["9112 §2.2", "a status line that ends in LF", "HTTP/1.1 200 OK\n\r\n", LINE],
  [
    "9112 §2.2",
    "an empty line before it",
    "\r\n" + ok("Content-Length: 0\r\n"),
    VERSION,
  ],
  ["9112 §4", "a request", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", VERSION],
  ["9112 §4", "a page without a head", "<!doctype html>\r\n\r\n", VERSION],
  ["9112 §4", "TLS", "\x15\x03\x01\x00\x02\x02\x0a", VERSION],
  ["9112 §4", "another protocol", "SSH-2.0-OpenSSH_9.6\r\n", VERSION],
  ["9112 §4", "ICY", "ICY 200 OK\r\n\r\n", VERSION],
  ["9112 §2.3", "a version in lower case", status("http/1.1 200 OK"), VERSION],
  ["9112 §2.3", "HTTP/2", status("HTTP/2 200 OK"), VERSION],
  ["9112 §2.3", "HTTP/2.0", status("HTTP/2.0 200 OK"), "! unsupported_version"],
  ["9112 §2.3", "HTTP/1.10", status("HTTP/1.10 200 OK"), VERSION],
  [
    "9112 §4",
    "a status line that is too long",
    status(`HTTP/1.1 200 ${"a".repeat(8200)}`),
    "! start_line_too_long",
  ],
  [
    "9112 §2.3",
    "HTTP/1.0",
    status("HTTP/1.0 200 OK"),
    "response 200 OK 1.0 0 close",
    "end",
    "close",
  ],
  [
    "9112 §9.3",
    "HTTP/1.0 with keep-alive",
    "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na",
    "response 200 OK 1.0 1",
    "body a",
    "end",
  ],
  [
    "9112 §9.6",
    "Connection: close",
    ok("Connection: close\r\nContent-Length: 1\r\n", "a"),
    "response 200 OK 1.1 1 close",
    "body a",
    "end",
    "close",
  ],
  [
    "9112 §6.3",
    "a body",
    ok("Content-Length: 3\r\n", "abc"),
    "response 200 OK 1.1 3",
    "body abc",
    "end",
  ],
  [
    "9112 §6.3",
    "a body until the end of the stream",
    ok("", "abc"),
    UNTIL_CLOSE,
    "body abc",
    "eof",
    "end",
  ],
  [
    "9112 §6.3",
    "an empty body until the end of the stream",
    ok(""),
    UNTIL_CLOSE,
    "eof",
    "end",
  ],
  [
    "9112 §6.3",
    "[HEAD] a length without a body",
    ok("Content-Length: 3\r\n"),
    EMPTY,
    "end",
  ],
  [
    "9112 §6.3",
    "[HEAD] chunks without a body",
    ok("Transfer-Encoding: chunked\r\n"),
    EMPTY,
    "end",
  ],
  ["9112 §6.3", "[HEAD] no length", ok(""), EMPTY, "end"],
  [
    "9112 §6.3",
    "204",
    "HTTP/1.1 204 No Content\r\n\r\n",
    "response 204 No Content 1.1 0",
    "end",
  ],
  [
    "9112 §6.3",
    "304 with a length",
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n",
    "response 304 Not Modified 1.1 0",
    "end",
  ],
  [
    "9112 §6.3",
    "204 with a body",
    "HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc",
    "response 204 No Content 1.1 0",
    "end",
    "! unexpected_data",
  ],
  [
    "9112 §6.3",
    "205 with an empty body",
    "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n",
    "response 205 Reset Content 1.1 0",
    "end",
  ],
  [
    "9110 §15.2",
    "100 before it",
    "HTTP/1.1 100 Continue\r\n\r\n" + ok("Content-Length: 0\r\n"),
    "response 100 Continue 1.1 0",
    EMPTY,
    "end",
  ],
  [
    "8297 §2",
    "103 before it, twice",
    "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n".repeat(2) +
    ok("Content-Length: 0\r\n"),
    "response 103 Early Hints 1.1 0",
    "response 103 Early Hints 1.1 0",
    EMPTY,
    "end",
  ],
  [
    "9110 §15.2",
    "100 alone",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "response 100 Continue 1.1 0",
    "eof",
    "! no_response",
  ],
  [
    "9110 §15.2.2",
    "101 that was not asked for",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "! unexpected_upgrade",
  ],
  ["9110 §9.3.6", "[CONNECT] a tunnel", ok("", "\0tunnel"), EMPTY],
  [
    "9112 §6.3",
    "[CONNECT] a tunnel with a length",
    ok("Content-Length: 3\r\n", "\0tunnel"),
    EMPTY,
  ],
  [
    "9110 §9.3.6",
    "[CONNECT] a refusal",
    "HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno",
    "response 407 No 1.1 2",
    "body no",
    "end",
  ],
  [
    "9112 §6.3",
    "two lengths",
    ok("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"),
    "! repeated_content_length",
  ],
  [
    "9112 §6.3",
    "the same length twice",
    ok("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"),
    "! repeated_content_length",
  ],
  [
    "9112 §6.3",
    "a list of lengths",
    ok("Content-Length: 3, 3\r\n", "abc"),
    LENGTH,
  ],
  ["9110 §8.6", "a negative length", ok("Content-Length: -1\r\n"), LENGTH],
  [
    "9110 §8.6",
    "a length with a unit",
    ok("Content-Length: 3 bytes\r\n"),
    LENGTH,
  ],
  [
    "9110 §8.6",
    "a length over 2^64",
    ok("Content-Length: 18446744073709551619\r\n", "abc"),
    LENGTH,
  ],
  [
    "9112 §6.1",
    "Transfer-Encoding and Content-Length",
    ok("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
    "! conflicting_length",
  ],
  [
    "9112 §6.1",
    "Transfer-Encoding in HTTP/1.0",
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "! old_transfer_encoding",
  ],
  ["9112 §6.3", "gzip alone", ok("Transfer-Encoding: gzip\r\n", "abc"), CODING],
  [
    "9112 §6.1",
    "gzip, chunked",
    ok("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
    "! unknown_transfer_encoding",
  ],
  [
    "9112 §6.1",
    "chunked twice",
    ok(
      "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
      "0\r\n\r\n",
    ),
    CODING,
  ],
  [
    "9112 §7.1",
    "chunks",
    chunked("3\r\nabc\r\n2;a=b\r\nde\r\n0\r\n\r\n"),
    CHUNKED,
    "body abcde",
    "end",
  ],
  [
    "9112 §7.1.2",
    "trailers",
    chunked("1\r\na\r\n0\r\nA: b\r\n\r\n"),
    CHUNKED,
    "body a",
    "end A=b",
  ],
  [
    "9112 §7.1",
    "a chunk size with 0x",
    chunked("0x3\r\nabc\r\n0\r\n\r\n"),
    CHUNKED,
    SIZE,
  ],
  [
    "9112 §7.1",
    "a space after the chunk size",
    chunked("3  \r\nabc\r\n0\r\n\r\n"),
    CHUNKED,
    SIZE,
  ],
  [
    "9112 §7.1",
    "a chunk size that is too large",
    chunked("fffffffffffffffff\r\n"),
    CHUNKED,
    SIZE,
  ],
  [
    "9112 §7.1",
    "a chunk that is longer than told",
    chunked("3\r\nabcd\r\n0\r\n\r\n"),
    CHUNKED,
    "body abc",
    "! bad_chunk_end",
  ],
  [
    "9112 §7.1",
    "a chunk that ends in LF",
    chunked("3\r\nabc\n0\r\n\r\n"),
    CHUNKED,
    "body abc",
    "! bad_chunk_end",
  ],
  [
    "9112 §5",
    "a space before the colon",
    ok("A : b\r\nContent-Length: 0\r\n"),
    "! bad_field_name",
  ],
  [
    "9112 §5.2",
    "a folded line",
    ok("A: b\r\n c\r\nContent-Length: 0\r\n"),
    "! folded_field",
  ],
  [
    "9110 §5.5",
    "NUL in a value",
    ok("A: \0\r\nContent-Length: 0\r\n"),
    "! bad_field_value",
  ],
  [
    "9112 §2.2",
    "a bare LF in a value",
    ok("A: b\nSet-Cookie: c\r\nContent-Length: 0\r\n"),
    LINE,
  ],
  [
    "6585 §5",
    "a head that is too large",
    ok(`A: ${"b".repeat(33000)}\r\n`),
    "! header_section_too_large",
  ],
  [
    "6585 §5",
    "too many fields",
    ok("A: b\r\n".repeat(101)),
    "! too_many_fields",
  ],
  ["9112 §8", "nothing at all", "", "eof", "! no_response"],
  ["9112 §8", "a status line that is cut", "HTTP/1.1 20", "eof", "! head_cut"],
  [
    "9112 §8",
    "a head that is cut",
    "HTTP/1.1 200 OK\r\nContent-Le",
    "eof",
    "! head_cut",
  ],
  [
    "9112 §8",
    "a body that is cut",
    ok("Content-Length: 3\r\n", "ab"),
    "response 200 OK 1.1 3",
    "body ab",
    "eof",
    "! body_cut",
  ],
  [
    "9112 §8",
    "a chunk that is cut",
    chunked("3\r\nab"),
    CHUNKED,
    "body ab",
    "eof",
    "! body_cut",
  ],
  [
    "9112 §8",
    "no last chunk",
    chunked("3\r\nabc\r\n"),
    CHUNKED,
    "body abc",
    "eof",
    "! body_cut",
  ],
  [
    "9112 §8",
    "no end of the trailers",
    chunked("0\r\nA: b\r\n"),
    CHUNKED,
    "eof",
    "! body_cut",
  ],
  [
    "9112 §6.3",
    "a body that is longer than told",
    ok("Content-Length: 1\r\n", "ab"),
    "response 200 OK 1.1 1",
    "body a",
    "end",
    "! unexpected_data",
  ],
  [
    "9112 §9.2",
    "a second response to one request",
    ok("Content-Length: 0\r\n").repeat(2),
    EMPTY,
    "end",
    "! unexpected_data",
  ],
];
