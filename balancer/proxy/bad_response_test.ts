// What a backend may send wrong: a client gets 502, or an answer that is cut and
// looks it, and no byte that is not for it.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Bench } from "../balancer_test_util.ts";
import {
  field,
  names,
  post,
  readMessage,
  readMessages,
  readResponse,
  request,
  respond,
  settle,
} from "./proxy_test_util.ts";

const OK = "HTTP/1.1 200 OK\r\n";
const SPLIT = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";

/** Heads that are refused as a whole. */
const BAD_HEADS: [name: string, sent: string][] = [
  ["a bare LF in a field", `${OK}X: a\nContent-Length: 0\r\n\r\n`],
  ["a bare CR in a field", `${OK}X: a\rY: b\r\nContent-Length: 0\r\n\r\n`],
  ["bare LFs only", "HTTP/1.1 200 OK\nContent-Length: 0\n\n"],
  ["a NUL in a value", `${OK}X: a\0b\r\nContent-Length: 0\r\n\r\n`],
  ["a folded line", `${OK}X: a\r\n b\r\nContent-Length: 0\r\n\r\n`],
  ["a space before the colon", `${OK}X : a\r\nContent-Length: 0\r\n\r\n`],
  ["a field without a colon", `${OK}X\r\nContent-Length: 0\r\n\r\n`],
  [
    "Content-Length and Transfer-Encoding",
    `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  [
    "Content-Length twice",
    `${OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`,
  ],
  ["Content-Length with a sign", `${OK}Content-Length: +1\r\n\r\na`],
  ["Content-Length with a comma", `${OK}Content-Length: 1, 1\r\n\r\na`],
  ["an empty Content-Length", `${OK}Content-Length:\r\n\r\n`],
  [
    "a coding nobody asked for",
    `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n`,
  ],
  [
    "chunked twice",
    `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`,
  ],
  ["a coding that is no end", `${OK}Transfer-Encoding: identity\r\n\r\n`],
  ["a status of two digits", "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"],
  ["a status of four digits", "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"],
  ["another version", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"],
  ["a control character in the reason", "HTTP/1.1 200 O\x01K\r\n\r\n"],
  ["no HTTP at all", "SSH-2.0-OpenSSH_9.2\r\n\r\n"],
  [
    "101 without being asked",
    "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  ],
  ["a head that is too long", `${OK}X: ${"a".repeat(40_000)}\r\n\r\n`],
];

for (const [name, sent] of BAD_HEADS) {
  Deno.test(`a response with ${name} becomes 502`, async () => {
    await using t = new Bench({ backends: 1 });
    t.a.answer = () => sent + SPLIT;
    const reply = readResponse(await t.ask(post("x")));
    assertMatch(reply.start, / 502 /);
    assertMatch(reply.body, /Request id: [0-9a-f]{32}\n$/);
    assertEquals(t.a.requests.length, 1, "a POST is not sent twice");
    assert(t.a.wire.ended !== "no", "the connection is not used again");
    assertEquals(t.record.outcome, "local");
  });
}

/** Bodies that break behind a head that has passed. */
const BAD_BODIES: [name: string, body: string][] = [
  ["a bad chunk size", "5\r\nhello\r\nxyz\r\n"],
  ["a chunk without its end", "5\r\nhelloworld"],
  ["a chunk size that ends in LF", "5\r\nhello\r\n1\nx\r\n0\r\n\r\n"],
  ["a trailer of framing", "5\r\nhello\r\n0\r\nContent-Length: 1\r\n\r\n"],
  ["a trailer with a bare LF", "5\r\nhello\r\n0\r\nX: a\nY: b\r\n\r\n"],
];

for (const [name, body] of BAD_BODIES) {
  Deno.test(`a response that breaks by ${name} is cut`, async () => {
    await using t = new Bench({ backends: 1 });
    t.a.answer = () => `${OK}Transfer-Encoding: chunked\r\n\r\n${body}`;
    const client = t.client();
    const got = await client.ask(request());
    assertEquals(readMessage(got, "GET"), undefined, "looks complete");
    assert(!got.includes("0\r\n\r\n"), got);
    assert(client.ended !== "no", "the connection ends");
    assertEquals(t.record.outcome, "broken");
    assertEquals(t.record.status, 200);
  });
}

Deno.test("bytes behind a complete response reach nobody", async () => {
  await using t = new Bench({ backends: 1 });
  t.a.answer = (_, wire) => {
    const first = t.a.wires.indexOf(wire) === 0;
    return respond(first ? "one" : "two") + (first ? SPLIT : "");
  };
  const client = t.client();
  assertEquals(readResponse(await client.ask(request("/1"))).body, "one");
  assertEquals(readResponse(await t.ask(request("/2"))).body, "two");
  assertEquals(readResponse(await client.ask(request("/3"))).body, "two");
  assertEquals(t.a.wires.length, 2);
});

Deno.test("bytes that come on an idle connection close it", async () => {
  await using t = new Bench({ backends: 1 });
  readResponse(await t.ask(request()));
  assertEquals(t.figures().idleConnections, 1);
  t.a.wire.send(SPLIT);
  await settle();
  assertEquals(t.figures().openConnections, 0);
  assertEquals(readResponse(await t.ask(request())).body, "a");
  assertEquals(t.a.wires.length, 2);
});

Deno.test("a response that is longer than it says is cut there", async () => {
  await using t = new Bench({ backends: 1 });
  t.a.answer = (_, wire) =>
    t.a.wires.indexOf(wire) === 0
      ? `${OK}Content-Length: 3\r\n\r\nabcdef`
      : respond("next");
  assertEquals(readResponse(await t.ask(request())).body, "abc");
  assertEquals(readResponse(await t.ask(request())).body, "next");
});

for (const [method, status] of [["HEAD", 200], ["GET", 204], ["GET", 304]]) {
  Deno.test(`a body behind ${status} to ${method} reaches nobody`, async () => {
    await using t = new Bench({ backends: 1 });
    t.a.answer = (_, wire) =>
      t.a.wires.indexOf(wire) === 0
        ? `HTTP/1.1 ${status} X\r\nContent-Length: ${SPLIT.length}\r\n\r\n${SPLIT}`
        : respond("next");
    const client = t.client();
    const got = await client.ask(request("/", "", String(method)));
    assertEquals(readMessages(got, [String(method)]).length, 1);
    assert(!got.includes("evil"), got);
    assertEquals(readResponse(await client.ask(request())).body, "next");
    assertEquals(t.a.wires.length, 2);
  });
}

Deno.test("fields between backend and balancer only stay behind", async () => {
  await using t = new Bench({ backends: 1 });
  t.a.answer = () =>
    respond(
      "",
      200,
      "Connection: X-Mine\r\nX-Mine: 1\r\nKeep-Alive: timeout=5\r\n" +
        "Proxy-Connection: x\r\nX-Request-Id: theirs\r\nServer: s\r\n" +
        "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nDate: today\r\n",
    );
  const reply = readResponse(await t.ask(request()));
  assertEquals(names(reply), [
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "server",
    "set-cookie",
    "set-cookie",
    "via",
    "x-request-id",
  ]);
  // The balancer's own.
  assertEquals(field(reply, "connection"), "keep-alive");
  assertEquals(field(reply, "keep-alive"), "timeout=75");
  assertEquals(field(reply, "set-cookie"), "a=1, b=2");
  assertEquals(field(reply, "date"), "today");
  assertEquals(field(reply, "x-request-id"), t.record.requestId);
});

Deno.test("interim responses without end do not end the request", async () => {
  await using t = new Bench({ backends: 1 });
  t.a.answer = () => "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(50) + respond();
  const replies = readMessages(await t.ask(request()), []);
  assertEquals(replies.length, 51);
});

Deno.test("100 that nobody expects stays behind", async () => {
  await using t = new Bench({ backends: 1 });
  t.a.answer = () => "HTTP/1.1 100 Continue\r\n\r\n" + respond("a");
  assertEquals(readResponse(await t.ask(request())).body, "a");
});

Deno.test("a WebSocket that was asked for cannot become something else", async () => {
  await using t = new Bench({ backends: 1 });
  t.a.answer = () =>
    "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
  const got = await t.ask(
    request(
      "/",
      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
    ),
  );
  assertMatch(got, /^HTTP\/1.1 502 /);
});

Deno.test("behind a response that is cut there is nothing more", async () => {
  await using t = new Bench({ backends: 1 });
  t.a.answer = ({ start }, wire) => {
    if (start.includes("/next")) return respond("next");
    wire.send(`${OK}Content-Length: 100000\r\n\r\nhello`);
    wire.end();
    return undefined;
  };
  const client = t.client();
  const got = await client.ask(request() + request("/next"));
  assert(got.endsWith("hello"), got);
  assertEquals(t.a.requests.length, 1);
});
