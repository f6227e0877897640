// What could be read as one request by the balancer and as another one, or as
// two, by a backend: RFC 9112 §11.2. For each row the backend sees nothing, or
// exactly the requests that the row names, in a form that nobody can misread:
// `readMessage` throws on any other.

import { assert, assertEquals } from "@std/assert";
import { Bench } from "../balancer_test_util.ts";
import { readMessages, settle, statusOf } from "./proxy_test_util.ts";

interface Row {
  readonly name: string;
  /** What the client sends. */
  readonly sent: string;
  /** The statuses that it gets, in order. */
  readonly statuses: number[];
  /** Method, target and body of each request that the backend sees. */
  readonly seen?: string[];
  /** Fields that the backend must not see, in lower case. */
  readonly without?: string[];
  /** Fields that it must see. */
  readonly having?: Record<string, string>;
}

const HOST = "Host: example.com\r\n";
const HIDDEN = "GET /hidden HTTP/1.1\r\nHost: example.com\r\n\r\n";
const CHUNKED = "Transfer-Encoding: chunked\r\n";

/** A POST with these fields, and what comes behind its head. */
const post = (fields: string, rest = "") =>
  `POST /p HTTP/1.1\r\n${HOST}${fields}\r\n${rest}`;
/** A GET with these fields. */
const get = (fields: string, host = HOST) =>
  `GET /g HTTP/1.1\r\n${host}${fields}\r\n`;
/** A chunked POST with this body. */
const chunked = (body: string, rest = HIDDEN) => post(CHUNKED, body + rest);

/** Rows that are refused before anything reaches a backend. */
const REFUSED: [name: string, sent: string, status?: number][] = [
  ["CL.TE", post("Content-Length: 6\r\n" + CHUNKED, "0\r\n\r\nG")],
  ["TE.CL", post(CHUNKED + "Content-Length: 4\r\n", "5c\r\nGPOST")],
  ["CL 0 and TE", post("Content-Length: 0\r\n" + CHUNKED, "0\r\n\r\n")],
  ["TE twice", post(CHUNKED + CHUNKED, "0\r\n\r\n")],
  ["TE: chunked, identity", post("Transfer-Encoding: chunked, identity\r\n")],
  ["TE: identity", post("Transfer-Encoding: identity\r\n")],
  ["TE: xchunked", post("Transfer-Encoding: xchunked\r\n")],
  ["TE: chunked, chunked", post("Transfer-Encoding: chunked, chunked\r\n")],
  ["TE: gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n"), 501],
  ['TE: "chunked" quoted', post('Transfer-Encoding: "chunked"\r\n')],
  ["TE with a vertical tab", post("Transfer-Encoding: \x0bchunked\r\n")],
  ["TE with a NUL", post("Transfer-Encoding: chunked\0\r\n")],
  ["TE with a parameter", post("Transfer-Encoding: chunked;q=1\r\n")],
  ["TE with a comma behind", post("Transfer-Encoding: chunked,\r\n")],
  ["TE empty", post("Transfer-Encoding:\r\n")],
  ["TE folded", post("Transfer-Encoding:\r\n chunked\r\n")],
  ["TE with a space before the colon", post("Transfer-Encoding : chunked\r\n")],
  ["TE with a tab before the colon", post("Transfer-Encoding\t: chunked\r\n")],
  ["TE behind a bare CR", post("X: y\rTransfer-Encoding: chunked\r\n")],
  ["TE behind a bare LF", post("X: y\nTransfer-Encoding: chunked\r\n")],
  ["TE in HTTP/1.0", `POST / HTTP/1.0\r\n${HOST}${CHUNKED}\r\n0\r\n\r\n`],
  ["CL twice, different", post("Content-Length: 1\r\nContent-Length: 2\r\n")],
  ["CL twice, the same", post("Content-Length: 1\r\nContent-Length: 1\r\n")],
  ["CL with a comma", post("Content-Length: 1, 1\r\n", "x")],
  ["CL with a plus", post("Content-Length: +1\r\n", "x")],
  ["CL with a minus", post("Content-Length: -1\r\n", "x")],
  ["CL with a space inside", post("Content-Length: 1 1\r\n", "x")],
  ["CL with 0x", post("Content-Length: 0x1\r\n", "x")],
  ["CL with a point", post("Content-Length: 1.0\r\n", "x")],
  ["CL with an exponent", post("Content-Length: 1e1\r\n", "x")],
  ["CL empty", post("Content-Length:\r\n")],
  ["CL past 2^53", post("Content-Length: 9007199254740993\r\n")],
  ["CL past 2^64", post("Content-Length: 18446744073709551617\r\n", "x")],
  ["CL with a space before the colon", post("Content-Length : 1\r\n", "x")],
  ["CL in Arabic digits", post("Content-Length: \xd9\xa1\r\n", "x")],
  ["a line that is folded", get("X: a\r\n b: c\r\n")],
  ["the first line of fields begins with a space", get(" X: a\r\n", "")],
  ["a field without a colon", get("X\r\n")],
  ["a field without a name", get(": x\r\n")],
  ["a name with a space", get("X Y: z\r\n")],
  ["a name with a bracket", get("X[]: z\r\n")],
  ["a name beyond ASCII", get("X\xe9: z\r\n")],
  ["NUL in a value", get("X: a\0b\r\n")],
  ["a bare CR in a value", get("X: a\rb\r\n")],
  ["a bare LF ends a field", get("X: a\n")],
  ["a bare LF ends the request line", `GET / HTTP/1.1\n${HOST}\r\n`],
  ["bare LFs end the head", "GET / HTTP/1.1\r\nHost: a\n\n"],
  ["two spaces in the request line", `GET  / HTTP/1.1\r\n${HOST}\r\n`],
  ["a tab in the request line", `GET\t/ HTTP/1.1\r\n${HOST}\r\n`],
  ["a space in the target", `GET /a b HTTP/1.1\r\n${HOST}\r\n`],
  ["a NUL in the target", `GET /\0 HTTP/1.1\r\n${HOST}\r\n`],
  ["a target beyond ASCII", `GET /\xe9 HTTP/1.1\r\n${HOST}\r\n`],
  ["a fragment in the target", `GET /a#b HTTP/1.1\r\n${HOST}\r\n`],
  ["no version", `GET /\r\n${HOST}\r\n`],
  ["HTTP/1.2", `GET / HTTP/1.2\r\n${HOST}\r\n`, 505],
  ["HTTP/2.0", `GET / HTTP/2.0\r\n${HOST}\r\n`, 505],
  ["HTTP/01.1", `GET / HTTP/01.1\r\n${HOST}\r\n`],
  ["http/1.1", `GET / http/1.1\r\n${HOST}\r\n`],
  ["a method that is no token", `GE(T / HTTP/1.1\r\n${HOST}\r\n`],
  ["no Host", "GET / HTTP/1.1\r\n\r\n"],
  ["Host twice", get("Host: other.example\r\n")],
  ["Host twice, the same", get(HOST)],
  ["a Host with a space", get("", "Host: a b\r\n")],
  ["a Host with a slash", get("", "Host: a/b\r\n")],
  ["a Host with a comma", get("", "Host: a, b\r\n")],
  ["a Host with user information", get("", "Host: user@a\r\n")],
  ["a Host with a space before the colon", get("", "Host : a\r\n")],
  [
    "absolute-form with user information",
    `GET http://u@example.com/ HTTP/1.1\r\n${HOST}\r\n`,
  ],
  ["a target that is no path", `GET hidden HTTP/1.1\r\n${HOST}\r\n`],
  ["a target of a query", `GET ?a HTTP/1.1\r\n${HOST}\r\n`],
  ["authority-form of a GET", `GET example.com:80 HTTP/1.1\r\n${HOST}\r\n`],
  ["a star of a GET", `GET * HTTP/1.1\r\n${HOST}\r\n`],
  ["an expectation nobody knows", get("Expect: 200-ok\r\n"), 417],
];

/**
 * Rows that are right as messages, and that the balancer answers itself: the
 * connection goes on.
 */
const DECLINED: [name: string, sent: string, status?: number][] = [
  ["absolute-form of another scheme", `GET ftp://a/ HTTP/1.1\r\n${HOST}\r\n`],
  ["dot segments above the root", `GET /a/../../b HTTP/1.1\r\n${HOST}\r\n`],
  ["%00 in the path", `GET /a%00b HTTP/1.1\r\n${HOST}\r\n`],
  ["a backslash in the path", `GET /a\\..\\b HTTP/1.1\r\n${HOST}\r\n`],
  [
    "CONNECT",
    "CONNECT example.com:80 HTTP/1.1\r\nHost: example.com:80\r\n\r\n",
  ],
  ["TRACE", `TRACE / HTTP/1.1\r\n${HOST}\r\n`, 405],
];

const PASSED: Row[] = [
  {
    name: "TE in another case",
    sent: post("TRANSFER-encoding: CHUNKED\r\n", "1\r\nx\r\n0\r\n\r\n"),
    statuses: [200],
    seen: ["POST /p x"],
  },
  {
    name: "CL with zeros in front",
    sent: post("Content-Length: 0001\r\n", "x"),
    statuses: [200],
    seen: ["POST /p x"],
  },
  {
    name: "a GET with a body, and a request behind it",
    sent: get(`Content-Length: ${HIDDEN.length}\r\n`) + HIDDEN + HIDDEN,
    statuses: [200, 200],
    seen: [`GET /g ${HIDDEN}`, "GET /hidden "],
  },
  {
    name: "a body that looks like a request",
    sent: post(`Content-Length: ${HIDDEN.length}\r\n`, HIDDEN),
    statuses: [200],
    seen: [`POST /p ${HIDDEN}`],
  },
  {
    name: "a chunk extension, which goes no further",
    sent: chunked('1;a="b;c"\r\nx\r\n0;last\r\n\r\n', ""),
    statuses: [200],
    seen: ["POST /p x"],
  },
  {
    name: "an empty line before the request",
    sent: "\r\n" + get(""),
    statuses: [200],
    seen: ["GET /g "],
  },
  {
    name: "absolute-form, which outweighs Host",
    sent: `GET http://example.com/g HTTP/1.1\r\nHost: other.example\r\n\r\n`,
    statuses: [200],
    seen: ["GET /g "],
    having: { host: "example.com" },
  },
  {
    name: "Connection names Content-Length",
    sent: post("Connection: Content-Length\r\nContent-Length: 1\r\n", "x"),
    statuses: [200],
    seen: ["POST /p x"],
  },
  {
    name: "Connection names Transfer-Encoding",
    sent: post("Connection: transfer-encoding\r\n" + CHUNKED, "0\r\n\r\n"),
    statuses: [200],
    seen: ["POST /p "],
  },
  {
    name: "Connection names Host, Cookie and Authorization",
    sent: get("Connection: host, cookie, authorization\r\nCookie: a=b\r\n"),
    statuses: [200],
    seen: ["GET /g "],
    having: { host: "example.com", cookie: "a=b" },
  },
  {
    name: "Connection names what the balancer adds",
    sent: get("Connection: close, X-Forwarded-For, X-Request-Id, Via\r\n"),
    statuses: [200],
    seen: ["GET /g "],
    having: { "x-forwarded-for": "10.0.0.1", "via": "1.1 meerkat" },
  },
  {
    name: "hop-by-hop fields",
    sent: get(
      "Connection: X-Mine\r\nX-Mine: 1\r\nKeep-Alive: timeout=9\r\nProxy-Connection: x\r\n" +
        "Proxy-Authorization: x\r\nTE: gzip\r\nProxy: http://evil\r\n",
    ),
    statuses: [200],
    seen: ["GET /g "],
    without: [
      "x-mine",
      "keep-alive",
      "proxy-connection",
      "proxy-authorization",
      "te",
      "proxy",
      "connection",
    ],
  },
  {
    name: "an upgrade to h2c",
    sent: get(
      "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
    ),
    statuses: [200],
    seen: ["GET /g "],
    without: ["upgrade", "connection", "http2-settings"],
  },
  {
    name: "names with an underscore that mean the balancer's",
    sent: get("X_Forwarded_For: 1.2.3.4\r\n"),
    statuses: [200],
    seen: ["GET /g "],
    without: ["x_forwarded_for"],
  },
  {
    name: "an HTTP/1.0 request without Host",
    sent: "GET /g HTTP/1.0\r\n\r\n",
    statuses: [200],
    seen: ["GET /g "],
  },
];

/** A head that is right, and a body that is not: the request is never complete. */
const BROKEN_BODIES: [name: string, body: string, status?: number][] = [
  ["a chunk size with 0x", "0x1\r\nx\r\n0\r\n\r\n"],
  ["a chunk size with a plus", "+1\r\nx\r\n0\r\n\r\n"],
  ["a chunk size with a minus", "-1\r\nx\r\n0\r\n\r\n"],
  ["a chunk size with a space in front", " 1\r\nx\r\n0\r\n\r\n"],
  ["a chunk size past 2^64", "10000000000000001\r\nx\r\n0\r\n\r\n"],
  ["an empty chunk size", "\r\nx\r\n0\r\n\r\n"],
  ["a chunk size that ends in a bare LF", "1\nx\r\n0\r\n\r\n"],
  ["a chunk size that ends in a bare CR", "1\rx\r\n0\r\n\r\n"],
  ["an extension with a bare LF", "1;a\nx\r\n0\r\n\r\n"],
  ["an extension with a bare CR", "1;a\rb\r\nx\r\n0\r\n\r\n"],
  ["an extension with a NUL", "1;a\0\r\nx\r\n0\r\n\r\n"],
  ["a chunk that is longer than its size", "1\r\nxy\r\n0\r\n\r\n"],
  ["a chunk that ends in bare LF", "1\r\nx\n0\r\n\r\n"],
  ["a last chunk that ends in bare LF", "0\n\n"],
  ["a trailer of framing", "0\r\nContent-Length: 9\r\n\r\n"],
  ["a trailer of framing, TE", "0\r\nTransfer-Encoding: chunked\r\n\r\n"],
  ["a trailer of Host", "0\r\nHost: evil\r\n\r\n"],
  ["a trailer with a bare LF", "0\r\nX: a\nY: b\r\n\r\n"],
  ["a trailer that is folded", "0\r\nX: a\r\n b\r\n\r\n"],
];

/** One backend, so that what is left behind on a connection would be seen. */
const one = () => new Bench({ backends: 1 });

for (const [name, sent, status = 400] of REFUSED) {
  Deno.test(`smuggling: nothing reaches a backend of ${name}`, async () => {
    await using t = one();
    t.a.raw();
    const client = t.client();
    const got = await client.ask(sent + HIDDEN);
    assertEquals(statusOf(got), status);
    assertEquals(t.a.wires.map(({ received }) => received).join(""), "");
    assertEquals(readMessages(got, []).length, 1, "one answer");
    assertEquals(client.ended, "eof");
  });
}

for (const [name, sent, status = 400] of DECLINED) {
  Deno.test(`smuggling: a backend sees only what is behind ${name}`, async () => {
    await using t = one();
    const got = readMessages(await t.ask(sent + HIDDEN), []);
    assertEquals(got.map(({ start }) => statusOf(start)), [status, 200]);
    assertEquals(t.a.requests.map(({ start }) => start), [
      "GET /hidden HTTP/1.1",
    ]);
  });
}

for (const { name, sent, statuses, seen = [], without, having } of PASSED) {
  Deno.test(`smuggling: a backend sees only what is meant of ${name}`, async () => {
    await using t = one();
    const got = readMessages(await t.ask(sent), []);
    assertEquals(got.map(({ start }) => statusOf(start)), statuses);
    const requests = t.a.wires.flatMap(({ received }) =>
      readMessages(received)
    );
    assertEquals(
      requests.map(({ start, body }) =>
        `${start.replace(" HTTP/1.1", "")} ${body}`
      ),
      seen,
    );
    const fields = requests[0]!.fields;
    for (const name of without ?? []) {
      assert(!fields.some(([each]) => each === name), name);
    }
    for (const [name, value] of Object.entries(having ?? {})) {
      assertEquals(fields.filter(([each]) => each === name), [[name, value]]);
    }
  });
}

for (const [name, body] of BROKEN_BODIES) {
  Deno.test(`smuggling: a backend never sees the end of ${name}`, async () => {
    await using t = one();
    t.a.raw();
    const client = t.client();
    const got = await client.ask(chunked(body));
    assertEquals(statusOf(got), 400);
    assertEquals(client.ended, "eof");
    // What the backend saw of it is cut: no message, and nothing behind it.
    for (const wire of t.a.wires) {
      assert(!wire.received.includes("hidden"), wire.received);
      assert(!wire.received.includes("0\r\n\r\n"), wire.received);
      const unused = wire.received === "";
      assert(unused || wire.ended !== "no", "its connection is closed");
    }
  });
}

Deno.test("smuggling: no row reads otherwise byte by byte", async () => {
  for (const [name, sent, status = 400] of REFUSED) {
    await using t = one();
    t.a.raw();
    const client = t.client();
    let got = "";
    for (const byte of sent + HIDDEN) {
      if (got === "") got = await client.ask(byte);
    }
    await settle();
    assertEquals(statusOf(got), status, name);
    assertEquals(t.a.wires.length, 0, name);
  }
});
